package import Credentials

/// A JSON value. An object keeps all of its members, in their order; of two with the same name the
/// last counts.
///
/// A decoded value holds every string as a `Secret`, because any of them may be one.
package enum JSON: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// Any other number, in its own spelling.
    case number(Text)
    /// A string that may be a secret: UTF-8, NUL allowed.
    case string(Secret)
    /// A string that is known not to be a secret.
    case text(Text)
    case array([JSON])
    case object([Member])

    package struct Member: Sendable {
        package let name: Text
        package let value: JSON
        /// The start of the name, and the range of the value, in the text that was read.
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

    /// Decodes the one value that the bytes contain. Throws if they contain anything else, or if
    /// the value is nested deeper than `depthLimit`.
    package init(decoding bytes: Secret) throws(Fault) {
        self = try JSON.reading(bytes).value
    }

    /// Decodes the value at the start of the bytes. The bytes after it are ignored, as Go's
    /// `json.Decoder` does.
    package init(decodingStartOf bytes: Secret) throws(Fault) {
        self = try JSON.reading(bytes, allowsRest: true).value
    }

    /// Returns the value that the text contains, and its range; see `init(decoding:)`.
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

    /// The number of levels to which arrays and objects may be nested.
    package static let depthLimit = 64

    /// Returns the value on one line, without the line's end. `<`, `>` and `&` are not escaped.
    /// Throws `Fault.Kind.encoding` if a string is not UTF-8.
    package func encoded() throws(Fault) -> Secret {
        try Writer.line(of: self)
    }

    /// The members of an object; nil for any other value.
    package var members: [Member]? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    /// The value of the last member of that name; nil if there is none, and for any other value.
    package subscript(name: Text) -> JSON? { members?.last { $0.name == name }?.value }

    /// Returns an object with the members of the one, then of the other.
    package static func + (left: JSON, right: JSON) -> JSON {
        .object((left.members ?? []) + (right.members ?? []))
    }

    package var isNull: Bool {
        guard case .null = self else { return false }
        return true
    }

    /// The text of a string that is not secret; nil for any other value and for a string with a
    /// NUL.
    package var text: Text? {
        switch self {
        case .text(let text): text
        case .string(let string): Text(copying: string)
        case .null, .bool, .integer, .number, .array, .object: nil
        }
    }

    /// The bytes of a string; nil for any other value.
    package var secret: Secret? {
        switch self {
        case .text(let text): text.secret
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
