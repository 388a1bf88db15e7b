package import Credentials

/// A challenge is how a server wants to be shown who asks: a scheme, and what it says about it
/// (RFC 9110, 11.6.1).
package struct Challenge: Hashable, Sendable {
    /// In lower case: `basic`, `bearer`.
    package let scheme: Text
    /// By their names in lower case. Empty for a challenge with a token68, which neither Basic nor
    /// Bearer has.
    package let parameters: [Text: Text]

    package init(scheme: Text, parameters: [Text: Text]) {
        self.scheme = scheme
        self.parameters = parameters
    }

    /// Those of the value of one `WWW-Authenticate`, in their order. The first that is malformed
    /// ends them: a parameter that stands twice, a string without an end, bytes that are no text.
    package static func all(in value: [UInt8]) -> [Challenge] {
        var reader = Reader(rest: value[...])
        var challenges: [Challenge] = []
        while let challenge = reader.next() { challenges.append(challenge) }
        return challenges
    }
}

/// What is left to be read.
private struct Reader {
    var rest: ArraySlice<UInt8>

    /// The next challenge; nil at the end, and where what follows is none.
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
                // It is the scheme of the next challenge, if a comma stands before it.
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

    /// Whether there was any.
    @discardableResult
    private mutating func skip(_ bytes: StaticString) -> Bool {
        let before = rest.count
        let skipped = Text(stringLiteral: bytes).bytes
        rest = rest.drop { skipped.contains($0) }
        return rest.count < before
    }

    /// A token in lower case.
    private mutating func name() -> Text? {
        token().flatMap { Text(validating: $0.bytes.map(\.lowerCased)) }
    }

    private mutating func token() -> Text? {
        let token = rest.prefix(while: Reader.isTokenByte)
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

    /// Whether a token68 stood there, alone, as in `Negotiate abc=`.
    private mutating func readToken68() -> Bool {
        let body = rest.prefix { Reader.isTokenByte($0) || $0 == UInt8(ascii: "/") }
        let padding = rest[body.endIndex...].prefix { $0 == UInt8(ascii: "=") }
        let after = rest[padding.endIndex...].drop { " \t".utf8.contains($0) }
        guard !body.isEmpty, after.isEmpty || after.first == UInt8(ascii: ",") else {
            return false
        }
        rest = after
        return true
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
