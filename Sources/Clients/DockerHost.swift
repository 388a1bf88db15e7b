internal import Credentials

/// The hosts that docker and podman read in the keys of their files.
extension Text {
    /// The key for which docker asks a helper.
    var askedByDocker: Text { asked(hub: ServerKey.hub.spelling) }

    /// The key for which podman asks a helper.
    var askedByPodman: Text { asked(hub: "docker.io") }

    /// The host of a registry, but for Docker Hub the name that the client has for it.
    func asked(hub: Text) -> Text { ServerKey(self).isHub ? hub : dockerHost }

    /// The host for which docker uses the login under this key (docker CLI,
    /// credentials.ConvertToHostname): that of a URL, as Go's net/url reads it, if the key has
    /// `://`, else what is before the first slash.
    var dockerHost: Text {
        Text(validating: urlHost ?? Array(bytes.prefix { $0 != UInt8(ascii: "/") })) ?? self
    }

    /// The host for which podman uses the login under this key, if it has a scheme
    /// (containers/image, normalizeAuthFileKey).
    var podmanKeyHost: Text {
        Text(validating: withoutScheme.prefix { $0 != UInt8(ascii: "/") }) ?? self
    }

    /// True if podman knows the key's scheme.
    var hasScheme: Bool { withoutScheme.startIndex > 0 }

    /// The key without `http://`, and then without `https://`.
    private var withoutScheme: ArraySlice<UInt8> {
        ["http://", "https://"].reduce(bytes[...]) { rest, scheme in
            rest.starts(with: scheme.utf8) ? rest.dropFirst(scheme.utf8.count) : rest
        }
    }

    /// The `host[:port]` of a URL; nil if Go reads none, or one for which no image can be named.
    private var urlHost: [UInt8]? {
        guard bytes.firstRange(of: "://".utf8) != nil, !hasControlCharacter else { return nil }
        let url = bytes.prefix { $0 != UInt8(ascii: "#") }
        var rest = url.prefix { $0 != UInt8(ascii: "?") }
        let scheme = rest.prefix { $0.isAlphanumeric || "+-.".utf8.contains($0) }
        if scheme.first.map({ $0.isAlphanumeric && !$0.isDigit }) == true,
            rest[scheme.endIndex...].first == UInt8(ascii: ":")
        {
            rest = rest[(scheme.endIndex + 1)...]
        }
        guard rest.starts(with: "//".utf8) else { return nil }
        rest = rest.dropFirst(2)
        let authority = rest.prefix { $0 != UInt8(ascii: "/") }
        let start = authority.lastIndex(of: UInt8(ascii: "@")).map { $0 + 1 }
        let user = authority[..<(start ?? authority.startIndex)]
        guard Text.isEscaped(user), Text.isEscaped(rest[authority.endIndex...]),
            Text.isEscaped(bytes[url.endIndex...]),
            user.allSatisfy({ $0.isUnreserved || ":!$&'()*+,;=%@".utf8.contains($0) })
        else { return nil }
        return Text.host(authority[(start ?? authority.startIndex)...])
    }

    /// Returns an address without an empty port; nil if it is no host.
    private static func host(_ address: ArraySlice<UInt8>) -> [UInt8]? {
        let bracket = address.lastIndex(of: UInt8(ascii: "]")) ?? address.startIndex
        let colon = address[bracket...].firstIndex(of: UInt8(ascii: ":")) ?? address.endIndex
        let (host, port) = (address[..<colon], address[colon...].dropFirst())
        guard !host.isEmpty, port.allSatisfy(\.isDigit),
            host.allSatisfy({ $0.isAlphanumeric || ".-_[:]".utf8.contains($0) })
        else { return nil }
        return Array(port.isEmpty ? host : address)
    }

    /// Returns true if two hexadecimal digits follow each `%`.
    private static func isEscaped(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.indices.allSatisfy { index in
            let digits = bytes[index...].dropFirst().prefix(2)
            return bytes[index] != UInt8(ascii: "%")
                || digits.count == 2 && digits.allSatisfy { $0.hexDigit != nil }
        }
    }
}
