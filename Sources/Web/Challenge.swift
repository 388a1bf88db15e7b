package import Credentials

/// A challenge is a scheme of authentication that a server asks for, with its parameters (RFC 9110,
/// 11.6.1).
package struct Challenge: Hashable, Sendable {
    /// The scheme's name in lower case: `basic`, `bearer`.
    package let scheme: Text
    /// The parameters by their names in lower case. Empty for a challenge with a token68, which
    /// neither Basic nor Bearer has.
    package let parameters: [Text: Text]

    package init(scheme: Text, parameters: [Text: Text]) {
        self.scheme = scheme
        self.parameters = parameters
    }

    /// Returns the challenges in the value of one `WWW-Authenticate` header, in their order.
    /// Parsing stops at the first malformed challenge: a repeated parameter, a string without an
    /// end, or bytes that are not UTF-8.
    package static func all(in value: [UInt8]) -> [Challenge] {
        var reader = ChallengeReader(rest: value[...])
        var challenges: [Challenge] = []
        while let challenge = reader.next() { challenges.append(challenge) }
        return challenges
    }
}

/// A reader of the value of a `WWW-Authenticate` header.
private struct ChallengeReader {
    var rest: ArraySlice<UInt8>

    /// Returns the next challenge; nil at the end of the value, or if the rest is malformed.
    mutating func next() -> Challenge? {
        skip(" \t,")
        guard let scheme = name() else { return nil }
        guard skip(" \t") else {
            return rest.isEmpty || rest.first == UInt8(ascii: ",")
                ? Challenge(scheme: scheme, parameters: [:]) : nil
        }
        if readToken68() { return Challenge(scheme: scheme, parameters: [:]) }
        var parameters: [Text: Text] = [:]
        while true {
            let before = rest
            skip(" \t,")
            guard !rest.isEmpty else { break }
            guard let name = name() else { return nil }
            skip(" \t")
            guard rest.first == UInt8(ascii: "=") else {
                // If a comma precedes this name, it is the scheme of the next challenge.
                rest = before
                break
            }
            rest.removeFirst()
            skip(" \t")
            guard let value = rest.first == UInt8(ascii: "\"") ? quoted() : token(),
                parameters.updateValue(value, forKey: name) == nil
            else { return nil }
            skip(" \t")
            guard rest.isEmpty || rest.first == UInt8(ascii: ",") else { return nil }
        }
        return Challenge(scheme: scheme, parameters: parameters)
    }

    /// Skips these bytes. Returns true if there were any.
    @discardableResult
    private mutating func skip(_ bytes: StaticString) -> Bool {
        let before = rest.count
        let skipped = Text(stringLiteral: bytes).bytes
        rest = rest.drop { skipped.contains($0) }
        return rest.count < before
    }

    /// Reads a token. Returns it in lower case; nil if there is none.
    private mutating func name() -> Text? {
        token().flatMap { Text(validating: $0.bytes.map { $0.lowerCased }) }
    }

    private mutating func token() -> Text? {
        let token = rest.prefix(while: ChallengeReader.isTokenByte)
        rest = rest[token.endIndex...]
        return token.isEmpty ? nil : Text(validating: token)
    }

    private mutating func quoted() -> Text? {
        rest.removeFirst()
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return Text(validating: bytes)
            case UInt8(ascii: "\\"):
                guard let escaped = rest.popFirst() else { return nil }
                bytes.append(escaped)
            default: bytes.append(byte)
            }
        }
        return nil
    }

    /// Skips a token68, such as the one of `Negotiate abc=`. Returns false, and skips nothing, if
    /// there is none, or if anything but a comma follows it.
    private mutating func readToken68() -> Bool {
        let body = rest.prefix { ChallengeReader.isTokenByte($0) || $0 == UInt8(ascii: "/") }
        let padding = rest[body.endIndex...].prefix { $0 == UInt8(ascii: "=") }
        let after = rest[padding.endIndex...].drop { " \t".utf8.contains($0) }
        guard !body.isEmpty, after.isEmpty || after.first == UInt8(ascii: ",") else {
            return false
        }
        rest = after
        return true
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        byte.isAlphanumeric || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
}
