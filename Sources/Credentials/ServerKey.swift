/// A server key is a registry's address as a docker client spells it, and its normal form.
///
/// Two keys are the same server exactly if their normal forms are equal. The grammar is
/// `[http|https://]host[:port][/path]`, with the scheme in any case; the host consists of letters,
/// digits, `.`, `-` and `_`, or is a bracketed IPv6 address; the port is 1 to 65535 without a
/// leading zero; a path contains no query, fragment, `%`, backslash or space. A key of any other
/// form is equal only to itself.
///
/// In normal form there is always a scheme, https if none was named; scheme and host are in lower
/// case; there is no default port (443, 80), no doubled and no trailing slash, and no path if it is
/// `/v1` or `/v2`, a registry's API root. The three host names of Docker Hub become one, over https
/// and at the default port.
package struct ServerKey: Hashable, Sendable {
    /// The key as the client wrote it.
    package let spelling: Text
    package let normalForm: Text
    private let address: Address?

    package init(_ spelling: Text) {
        self.spelling = spelling
        self.address = Address(spelling.bytes)
        self.normalForm = address.map { Text(unchecked: $0.normalForm) } ?? spelling
    }

    /// Docker Hub, as docker's own clients spell it.
    package static let hub = ServerKey("https://index.docker.io/v1/")

    /// True if this is Docker Hub itself, not a path of it.
    package var isHub: Bool { normalForm == ServerKey.hub.normalForm }

    /// The servers that a logout of this one must remove: the server itself and, for Docker Hub,
    /// the two tokens that docker's device login keeps beside it (docker CLI,
    /// internal/oauth/manager).
    package var logout: [ServerKey] {
        guard isHub else { return [self] }
        return [
            self,
            ServerKey("https://index.docker.io/v1/access-token"),
            ServerKey("https://index.docker.io/v1/refresh-token"),
        ]
    }

    /// The spelling that `list` prints: Docker Hub as builds look it up, `host:443` as `host`, and
    /// any other as it is.
    package var listed: Text {
        guard let address else { return spelling }
        if isHub { return ServerKey.hub.spelling }
        guard address.port == 443, address.scheme == .https, !address.namesScheme,
            address.path.isEmpty, spelling.bytes.suffix(4).elementsEqual(":443".utf8)
        else { return spelling }
        return Text(unchecked: spelling.bytes.dropLast(4))
    }

    /// The host as podman writes it, `host[:port]` in lower case, `docker.io` for Docker Hub; nil
    /// for an http server and for one with a path, which podman cannot name.
    package var podmanHost: Text? {
        guard let address, address.scheme == .https, address.path.isEmpty else { return nil }
        if isHub { return "docker.io" }
        return Text(unchecked: address.host + address.portSuffix)
    }

    /// A server over https in its parts.
    package struct WebServer: Hashable, Sendable {
        /// The host in lower case; an IPv6 address with its brackets. Docker Hub has one host,
        /// whichever of its names was used.
        package let host: [UInt8]
        package let port: Int
        /// The path: empty, or it begins with a slash and does not end with one.
        package let path: [UInt8]
    }

    /// The server's parts; nil for a server over http, for a key that is not of the grammar, and
    /// for the keys of the tokens that docker keeps beside the login for Docker Hub.
    package var webServer: WebServer? {
        guard let address, address.scheme == .https, !address.isOnHub || address.path.isEmpty
        else { return nil }
        return WebServer(
            host: address.isOnHub ? Address.hubHosts[0] : address.host,
            port: address.port ?? address.scheme.defaultPort, path: address.path)
    }

    /// The spellings under which another helper may have stored this server: its own, then those
    /// that clients are known to write (docker: the bare host, Docker Hub's root; podman: the bare
    /// host; nerdctl: `host:443`; older docker: `https://host/v1/`). A key that is not of the
    /// grammar has only its own.
    package var spellings: [Text] {
        guard let address else { return [spelling] }
        var found = [spelling]
        for host in address.isOnHub ? Address.hubHosts : [address.host] {
            for written in address.spellings(of: host + address.portSuffix)
            where !found.contains(written) {
                found.append(written)
            }
        }
        return found
    }
}

extension Text {
    /// The spelling that `list` prints for the server (`ServerKey.listed`). A server is parsed for
    /// it only if it ends with a 3, as in `:443`, or contains a k, as Docker Hub's names do.
    package var listed: Text {
        let mayDiffer =
            bytes.last == UInt8(ascii: "3") || bytes.span.contains(UInt8(ascii: "k"))
            || bytes.span.contains(UInt8(ascii: "K"))
        return mayDiffer ? ServerKey(self).listed : self
    }
}

/// The parts of a key that is of the grammar.
private struct Address: Hashable {
    enum Scheme {
        case http, https

        var defaultPort: Int { self == .http ? 80 : 443 }
        var prefix: String { self == .http ? "http://" : "https://" }
    }

    static let hubHosts = ["index.docker.io", "docker.io", "registry-1.docker.io"]
        .map { Array($0.utf8) }

    let scheme: Scheme
    let namesScheme: Bool
    /// The host in lower case; an IPv6 address with its brackets.
    let host: [UInt8]
    let port: Int?
    /// The path without doubled and trailing slashes; empty for `/v1` and `/v2`. Otherwise it
    /// begins with a slash.
    let path: [UInt8]

    init?(_ key: [UInt8]) {
        var rest = key[...]
        if let afterHTTPS = rest.dropping(prefix: Scheme.https.prefix) {
            (scheme, namesScheme, rest) = (.https, true, afterHTTPS)
        } else if let afterHTTP = rest.dropping(prefix: Scheme.http.prefix) {
            (scheme, namesScheme, rest) = (.http, true, afterHTTP)
        } else {
            (scheme, namesScheme) = (.https, false)
        }

        let slash = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        let authority = rest[..<slash]
        guard let path = Address.path(rest[slash...]) else { return nil }
        self.path = path

        guard let named = Authority(authority) else { return nil }
        host = named.host
        port = named.port
    }

    var portSuffix: [UInt8] {
        guard let port, port != scheme.defaultPort else { return [] }
        return Array(":\(port)".utf8)
    }

    /// True if it is Docker Hub or a path of it.
    var isOnHub: Bool {
        scheme == .https && portSuffix.isEmpty && Address.hubHosts.contains(host)
    }

    var normalForm: [UInt8] {
        let host = isOnHub ? Address.hubHosts[0] : host
        return scheme.prefix.utf8 + host + portSuffix + path
    }

    /// Returns the spellings that clients use for the address at this host and port.
    func spellings(of host: [UInt8]) -> [Text] {
        let full = Array(scheme.prefix.utf8) + host + path
        let roots = path.isEmpty ? ["", "/", "/v1/", "/v2/"] : [""]
        var spellings = roots.map { full + $0.utf8 }
        if scheme == .https {
            spellings.append(host + path)
            if portSuffix.isEmpty { spellings.append(host + ":443".utf8 + path) }
        }
        return spellings.map(Text.init(unchecked:))
    }

    private static func path(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        var path: [UInt8] = []
        for byte in bytes {
            guard byte > 0x20, byte != 0x7F, !"?#%\\".utf8.contains(byte) else { return nil }
            if byte == UInt8(ascii: "/"), path.last == byte { continue }
            path.append(byte)
        }
        if path.last == UInt8(ascii: "/") { path.removeLast() }
        return path.elementsEqual("/v1".utf8) || path.elementsEqual("/v2".utf8) ? [] : path
    }
}

extension ArraySlice<UInt8> {
    /// Returns what follows the prefix, which is compared without regard to case; nil if it is not
    /// there.
    fileprivate func dropping(prefix: String) -> ArraySlice<UInt8>? {
        var rest = self
        for byte in prefix.utf8 {
            guard let first = rest.first, first.lowerCased == byte else { return nil }
            rest = rest.dropFirst()
        }
        return rest
    }
}
