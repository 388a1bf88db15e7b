package import Credentials
package import Web

/// A registry's name is the key of its login in docker's file, without the scheme and path that
/// were typed: Docker Hub's URL, or `host[:port]`, here in lower case and without the port of
/// https.
package struct RegistryName: Sendable {
    package let key: Text
    /// The typed path that is not part of the name; nil if there was none, or only the root of an
    /// API.
    package let droppedPath: Text?
    /// The host and port of the registry's API, which for Docker Hub is another host.
    let authority: Authority

    /// Nil if the text cannot name a registry.
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
        let path = rest.dropFirst(rest.prefix { $0 != UInt8(ascii: "/") }.count)
        let roots = ["", "/", "/v1", "/v1/", "/v2", "/v2/"]
        let isRoot = roots.contains { path.elementsEqual($0.utf8) }
        droppedPath = isRoot ? nil : Text(validating: path)
        key = isHub ? ServerKey.hub.spelling : name
        self.authority = answering
    }

    /// The names of the folders in which docker and podman look for its certificates.
    package var folderNames: [String] {
        if ServerKey(key).isHub { return ["docker.io"] }
        let isOfUsualPort = authority.port == nil || authority.port == 443
        return [key.string] + (isOfUsualPort ? ["\(key):443"] : [])
    }
}

extension ArraySlice<UInt8> {
    /// Returns true if the slice begins with the prefix, in any case.
    fileprivate func hasPrefix(_ prefix: String) -> Bool {
        count >= prefix.utf8.count && zip(self, prefix.utf8).allSatisfy { $0.lowerCased == $1 }
    }
}

extension WebAddress {
    /// The root of the registry's API, over https.
    package init(rootOf registry: RegistryName) {
        self.init(.https, registry.authority, Array("/v2/".utf8))
    }
}

extension Trust {
    package init(of registry: RegistryName) { self.init(host: registry.authority.host) }
}
