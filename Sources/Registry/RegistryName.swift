package import Credentials

/// A registry's name is what `docker login` keeps a login under, whatever scheme and path were
/// typed: Docker Hub's URL, else `host[:port]`, here in lower case and without the port of https.
package struct RegistryName: Sendable {
    package let key: Text
    /// Where the registry answers, which for Docker Hub is another host.
    let authority: Authority

    /// Nil if a registry cannot have been meant.
    package init?(_ typed: Text) {
        var rest = typed.bytes[...]
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) {
            rest = rest.dropFirst(scheme.utf8.count)
            break
        }
        guard let authority = Authority(rest.prefix { $0 != UInt8(ascii: "/") }) else { return nil }
        let port = authority.port.map { $0 == 443 ? "" : ":\($0)" } ?? ""
        let host = authority.host + port.utf8
        guard let name = Text(validating: host) else { return nil }
        let isHub = ServerKey(name).isHub
        let answering = isHub ? Authority(Array("registry-1.docker.io".utf8)[...]) : authority
        guard let answering else { return nil }
        key = isHub ? ServerKey.hub.spelling : name
        self.authority = answering
    }
}

extension ArraySlice<UInt8> {
    /// Whether it begins so, in any case.
    fileprivate func hasPrefix(_ prefix: String) -> Bool {
        count >= prefix.utf8.count && zip(self, prefix.utf8).allSatisfy { $0.lowerCased == $1 }
    }
}
