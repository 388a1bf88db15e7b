package import Credentials

/// A JSON value. An object keeps all of its members, in their order; of two with one name the last
/// counts.
///
/// What is decoded holds every string as a `Secret`, because any of them may be one.
package enum JSON: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// Any other number, as it is spelled.
    case number(Text)
    /// A string that may be a secret: UTF-8, NUL allowed.
    case string(Secret)
    /// A string that is known not to be one.
    case text(Text)
    case array([JSON])
    case object([Member])

    package struct Member: Sendable {
        package let name: Text
        package let value: JSON
        /// Where the name begins in the text that it has been read from, and where its value stands.
        package let start: Int
        package let valueRange: Range<Int>

        package init(_ name: Text, _ value: JSON) { self.init(name, value, 0, 0..<0) }

        init(_ name: Text, _ value: JSON, _ start: Int, _ valueRange: Range<Int>) {
            self.name = name
            self.value = value
            self.start = start
            self.valueRange = valueRange
        }
    }

    /// The one value that the bytes hold. Throws if they hold another thing, or if the value is
    /// nested deeper than `depthLimit`.
    package init(decoding bytes: Secret) throws(Fault) {
        self = try JSON.reading(bytes).value
    }

    /// The value that the bytes begin with; what follows it is ignored, as Go's `json.Decoder`
    /// ignores it.
    package init(decodingStartOf bytes: Secret) throws(Fault) {
        self = try JSON.reading(bytes, allowsRest: true).value
    }

    /// The value that the text holds, and where it stands; see `init(decoding:)`.
    package static func reading(
        _ text: Secret, allowsRest: Bool = false
    ) throws(Fault) -> (value: JSON, range: Range<Int>) {
        var reader = Reader(text)
        return try text.expose { bytes throws(Fault) in
            reader.skipSpace(bytes)
            let start = reader.position
            guard start < bytes.count else { throw Fault(.empty) }
            let value = try reader.value(bytes)
            let end = reader.position
            reader.skipSpace(bytes)
            guard allowsRest || reader.position == bytes.count else {
                throw Fault(.syntax, at: reader.position)
            }
            return (value, start..<end)
        }
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
        case .string(let string): Text(copying: string)
        case .null, .bool, .integer, .number, .array, .object: nil
        }
    }

    /// A string; nil for any other value.
    package var secret: Secret? {
        switch self {
        case .text(let text): Secret(copying: text.bytes.span)
        case .string(let string): string
        case .null, .bool, .integer, .number, .array, .object: nil
        }
    }
}

extension JSON: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral members: (Text, JSON)...) {
        self = .object(members.map { Member($0, $1) })
    }
}

extension JSON: CustomStringConvertible, CustomDebugStringConvertible {
    package var description: String { "(JSON)" }
    package var debugDescription: String { "(JSON)" }
}

#if !hasFeature(Embedded)
extension JSON: CustomReflectable {
    package var customMirror: Mirror { Mirror(self, children: []) }
}
#endif
