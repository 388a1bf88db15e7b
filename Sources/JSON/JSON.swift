package import Credentials

/// A JSON value. An object keeps the order of its members.
///
/// What is decoded holds every string as a `Secret`, because any of them may be one.
package enum JSON: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case real(Double)
    /// A string that may be a secret: UTF-8, NUL allowed.
    case string(Secret)
    /// A string that is known not to be one.
    case text(Text)
    case array([JSON])
    case object([Member])

    package struct Member: Sendable {
        package let name: Text
        package let value: JSON

        package init(_ name: Text, _ value: JSON) {
            self.name = name
            self.value = value
        }
    }

    /// The one value that the bytes hold. Throws if they hold another thing, or if the value is
    /// nested deeper than `depthLimit`.
    package init(decoding bytes: Secret) throws(Fault) {
        self = try Document(bytes, allowsRest: false).value
    }

    /// The value that the bytes begin with; what follows it is ignored, as Go's `json.Decoder`
    /// ignores it.
    package init(decodingStartOf bytes: Secret) throws(Fault) {
        self = try Document(bytes, allowsRest: true).value
    }

    /// How deep arrays and objects may lie in each other.
    package static let depthLimit = 64

    /// The value on one line, without the line's end. `<`, `>` and `&` stand as they are. Throws
    /// `Fault.Kind.encoding` if a string is not UTF-8.
    package func encoded() throws(Fault) -> Secret {
        try Writer.line(of: self)
    }

    /// The members of an object; nil for any other value.
    package var members: [Member]? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    package var isNull: Bool {
        guard case .null = self else { return false }
        return true
    }

    /// A string in the open, so not for secrets; nil for any other value and for one with a NUL.
    package var text: Text? {
        switch self {
        case .text(let text): text
        case .string(let string): string.expose { Text(validating: Array(copying: $0)) }
        case .null, .bool, .integer, .real, .array, .object: nil
        }
    }

    /// A string; nil for any other value.
    package var secret: Secret? {
        switch self {
        case .text(let text): Secret(copying: text.bytes.span)
        case .string(let string): string
        case .null, .bool, .integer, .real, .array, .object: nil
        }
    }
}

extension JSON: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral members: (Text, JSON)...) {
        self = .object(members.map { Member($0, $1) })
    }
}

extension JSON: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "(JSON)" }
    package var debugDescription: String { "(JSON)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension [UInt8] {
    fileprivate init(copying span: Span<UInt8>) {
        self.init()
        reserveCapacity(span.count)
        for index in span.indices { append(span[index]) }
    }
}
