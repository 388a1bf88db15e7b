package import Credentials

/// A web address is `http[s]://host[:port][/path][?query]`, the target of a request. It has no user
/// and no fragment, and no byte that two parsers could interpret differently.
package struct WebAddress: Sendable {
    package enum Scheme: String, Sendable {
        case http, https

        var defaultPort: Int { self == .http ? 80 : 443 }
    }

    package let scheme: Scheme
    private let authority: Authority
    /// The path and query as they were written; begins with a slash.
    private let target: [UInt8]

    package init?(_ text: Text) {
        guard text.bytes.allSatisfy(WebAddress.isPlain),
            let colon = text.bytes.firstIndex(of: UInt8(ascii: ":")),
            let scheme = Scheme(
                rawValue: String(
                    decoding: text.bytes[..<colon].map { $0.lowerCased }, as: UTF8.self)),
            text.bytes[colon...].starts(with: "://".utf8)
        else { return nil }
        let rest = text.bytes[(colon + 3)...]
        let end = rest.firstIndex { "/?".utf8.contains($0) } ?? rest.endIndex
        guard let authority = Authority(rest[..<end]) else { return nil }
        let target = Array(rest[end...])
        self.init(
            scheme, authority, target.first == UInt8(ascii: "/") ? target : Array("/".utf8) + target
        )
    }

    package init(_ scheme: Scheme, _ authority: Authority, _ target: [UInt8]) {
        self.scheme = scheme
        self.authority = authority
        self.target = target
    }

    /// The same address with http for its scheme.
    package var inTheOpen: WebAddress { WebAddress(.http, authority, target) }

    /// Returns the address with these parameters added to its query.
    package func asking(_ parameters: [(name: String, value: Text)]) -> WebAddress {
        var target = target
        for (name, value) in parameters {
            let isFirst = !target.contains(UInt8(ascii: "?"))
            target += (isFirst ? "?" : "&").utf8
            target += name.utf8
            target.append(UInt8(ascii: "="))
            for byte in value.bytes { target += FormEncoding(byte).bytes }
        }
        return WebAddress(scheme, authority, target)
    }

    /// Returns the same origin with this path and query; nil if they cannot be in an address.
    package func at(_ path: String) -> WebAddress? { Text(origin + path).flatMap(WebAddress.init) }

    /// The host in lower case.
    package var host: [UInt8] { authority.host }

    /// True if the address is on this machine.
    package var isLoopback: Bool { authority.isLoopback }

    /// The scheme, the host, and the port unless it is the default one.
    package var origin: String {
        let port = authority.port.map { $0 == scheme.defaultPort ? "" : ":\($0)" } ?? ""
        return "\(scheme.rawValue)://\(String(decoding: authority.host, as: UTF8.self))\(port)"
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) && !##""#<>\^`{|}"##.utf8.contains(byte)
    }
}

extension WebAddress: CustomStringConvertible {
    package var description: String { origin + String(decoding: target, as: UTF8.self) }
}

extension Authority {
    /// True if the host is this machine, by a name or an address that can be nothing else:
    /// `localhost`, 127.0.0.0/8 or `[::1]`.
    fileprivate var isLoopback: Bool {
        let name = String(decoding: host, as: UTF8.self)
        if name == "localhost" { return true }
        if let four = IPAddress.bytes(ofVersion4: name) { return four[0] == 127 }
        let six = IPAddress.bytes(ofVersion6: String(name.dropFirst().dropLast()))
        return six == [UInt8](repeating: 0, count: 15) + [1]
    }
}
