internal import Clients
internal import Credentials
internal import Files
internal import Registry
internal import Settings
internal import Web

/// The certificate folders are the folders in which docker and podman look for the certificates of
/// one registry: `certs.d/HOST[:PORT]`, with authorities in `*.crt`, and a client certificate in
/// `*.cert` with its key in `*.key` (docker: "Verify repository client with certificates";
/// containers-certs.d(5)).
extension Trust {
    /// Makes the trust in a registry from these folders and from `authority`, another file of
    /// certificates. A file of another user is ignored, unless that is root.
    init(in registry: RegistryName, authority: String? = nil, _ invocation: Invocation) {
        self.init(of: registry)
        let config = invocation.surroundings.configFolder
        let roots = [config + "/containers", config + "/docker", "/etc/containers", "/etc/docker"]
        for root in roots {
            for name in registry.folderNames {
                let folder = "\(root)/certs.d/\(name)"
                func files(_ ending: String) -> [String] {
                    ClientFile.files(in: folder, named: ending)
                        .filter { (try? $0.requireOwn()) != nil }.map(\.path)
                }
                authorities += files(".crt")
                let keys = files(".key")
                for certificate in files(".cert") where identity == nil {
                    let key = certificate.dropLast("cert".count) + "key"
                    if keys.contains(String(key)) { identity = (certificate, String(key)) }
                }
            }
        }
        if let authority { authorities.append(authority) }
    }
}

extension Curl {
    /// Makes the client for all requests of `keyfob`, with this trust. A request takes at most 15
    /// s.
    init(_ trust: Trust, _ invocation: Invocation) {
        self.init(
            userAgent: "keyfob/\(Version.current)",
            certificates: invocation.environment[.certificateFile], trust: trust, seconds: 15)
    }
}
