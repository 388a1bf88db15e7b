/// An authority is the `host[:port]` of an address: letters, digits, `.`, `-` and `_`, or a
/// bracketed IPv6 address, and a port of 1 to 65535 without a leading zero. It names no user.
package struct Authority: Sendable {
    /// The host in lower case; an IPv6 address with its brackets.
    package let host: [UInt8]
    package let port: Int?

    package init?(_ bytes: ArraySlice<UInt8>) {
        let hostEnd: Int
        if bytes.first == UInt8(ascii: "[") {
            guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]")),
                Authority.isIPv6(bytes[(bytes.startIndex + 1)..<bracket])
            else { return nil }
            hostEnd = bracket + 1
        } else {
            hostEnd = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
            guard hostEnd > bytes.startIndex,
                bytes[..<hostEnd].allSatisfy(Authority.isHostByte)
            else { return nil }
        }
        host = bytes[..<hostEnd].map { $0.lowerCased }

        let afterHost = bytes[hostEnd...]
        if afterHost.isEmpty {
            port = nil
        } else {
            guard afterHost.first == UInt8(ascii: ":"),
                let port = Authority.port(afterHost.dropFirst())
            else { return nil }
            self.port = port
        }
    }

    /// Returns a port of 1 to 65535 without a leading zero; nil for anything else.
    package static func port(_ digits: ArraySlice<UInt8>) -> Int? {
        guard (1...5).contains(digits.count), digits.first != UInt8(ascii: "0"),
            digits.allSatisfy({ $0.isDigit })
        else { return nil }
        let port = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        return (1...65535).contains(port) ? port : nil
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        byte.isAlphanumeric || ".-_".utf8.contains(byte)
    }

    private static func isIPv6(_ bytes: ArraySlice<UInt8>) -> Bool {
        IPAddress.bytes(ofVersion6: String(decoding: bytes, as: UTF8.self)) != nil
    }
}

extension Text {
    /// The parts of `host[:port]` in git's words: the host may be an IPv6 address in brackets, and
    /// zeros before the port are dropped. Nil if the port is not valid.
    package var serverAndPort: (server: Text, port: Text?)? {
        guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")), bytes.last != UInt8(ascii: "]")
        else { return (self, nil) }
        let digits = bytes[(colon + 1)...].drop { $0 == UInt8(ascii: "0") }
        guard let port = Authority.port(digits), colon > 0,
            let server = Text(validating: bytes[..<colon])
        else { return nil }
        return (server, Text("\(port)"))
    }
}
