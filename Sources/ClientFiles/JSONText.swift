internal import Credentials
internal import JSON

/// A JSON text as whoever wrote it has left it: where each of its values stands, so that one can
/// be taken out, put in or exchanged while all else stays byte for byte.
struct JSONText {
    /// The whole text.
    let content: Secret
    /// Its one value; nil if the text is blank.
    let root: Value?

    struct Value {
        let range: Range<Int>
        /// The members of an object; nil for any other value.
        let members: [Member]?
    }

    struct Member {
        let name: Text
        /// Where its name begins.
        let start: Int
        let value: Value

        var range: Range<Int> { start..<value.range.upperBound }
    }

    /// Throws if the text is neither blank nor JSON.
    init(_ content: Secret) throws(JSON.Fault) {
        self.content = content
        do throws(JSON.Fault) {
            _ = try JSON(decoding: content)
        } catch {
            guard error.kind == .empty else { throw error }
            root = nil
            return
        }
        root = content.expose { bytes in
            var scanner = Scanner(position: 0)
            return scanner.value(bytes, content)
        }
    }

    /// The value decoded.
    func decoded(_ value: Value) -> JSON {
        // The whole text has been decoded once.
        (try? JSON(decoding: content[value.range])) ?? .null
    }

    /// The text of a string value; nil for any other.
    func text(_ value: Value?) -> Text? { value.flatMap { decoded($0).text } }

    /// A string value that may be a secret; nil for any other.
    func secret(_ value: Value?) -> Secret? { value.flatMap { decoded($0).secret } }

    /// How the text writes it.
    func spelling(_ range: Range<Int>) -> String {
        content[range].expose { bytes in
            String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
        }
    }
}

extension JSONText.Value {
    /// The last member of that name, in any case: Go's decoder, which most clients use, takes that.
    func member(_ name: Text) -> JSONText.Member? {
        members?.last { $0.name.equalsIgnoringCase(name) }
    }

    subscript(name: Text) -> JSONText.Value? { member(name)?.value }

    /// What lies between its brackets.
    var inner: Range<Int> { range.lowerBound + 1..<range.upperBound - 1 }

    /// Which of its members are meant.
    func indices(where isMeant: (JSONText.Member) -> Bool) -> Set<Int> {
        Set((members ?? []).enumerated().filter { isMeant($1) }.map(\.offset))
    }
}

extension Text {
    /// In ASCII alone.
    func equalsIgnoringCase(_ other: Text) -> Bool {
        bytes.count == other.bytes.count
            && zip(bytes, other.bytes).allSatisfy { $0.lowerCased == $1.lowerCased }
    }
}

// MARK: Changing it

extension JSONText {
    /// Takes the members at these indices out of an object.
    func cut(_ indices: Set<Int>, of object: Value, in edits: inout Edits) {
        edits.cut(indices, of: (object.members ?? []).map(\.range), within: object.inner)
    }

    /// What takes one member out of an object; nil if there is none of that name.
    func removal(_ name: Text, of object: Value) -> Splice? {
        let members = object.members ?? []
        guard let index = members.lastIndex(where: { $0.name == name }) else { return nil }
        return Edits.cuts([index], of: members.map(\.range), within: object.inner).first
            .map { Splice($0, "") }
    }

    /// What adds a member at the end of an object, indented as its other members are, or as `depth`
    /// says if it has none.
    func addition(_ member: String, to object: Value, depth: Int) -> Splice {
        let members = object.members ?? []
        guard let last = members.last else {
            let indent = String(repeating: "\t", count: depth)
            return Splice(
                object.range.lowerBound + 1..<object.range.upperBound - 1,
                "\n\(indent)\(member)\n\(indent.dropLast())")
        }
        let before = members.dropLast().last?.range.upperBound ?? object.range.lowerBound + 1
        let gap = spelling(before..<last.start).filter { $0 != "," }
        return Splice(last.range.upperBound..<last.range.upperBound, ",\(gap)\(member)")
    }

    /// A name as JSON writes it.
    static func quoted(_ name: Text) -> String {
        guard let line = try? JSON.text(name).encoded() else { return "\"\"" }
        return line.expose { bytes in
            String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
        }
    }
}

/// The scanner finds values in a text that is known to be JSON.
private struct Scanner {
    var position: Int

    mutating func value(_ bytes: Span<UInt8>, _ content: Secret) -> JSONText.Value {
        skipSpace(bytes)
        let start = position
        switch bytes[position] {
        case UInt8(ascii: "{"):
            let members = object(bytes, content)
            return JSONText.Value(range: start..<position, members: members)
        case UInt8(ascii: "["):
            position += 1
            skipSpace(bytes)
            while bytes[position] != UInt8(ascii: "]") {
                _ = value(bytes, content)
                skipSpace(bytes)
                if bytes[position] == UInt8(ascii: ",") { position += 1 }
                skipSpace(bytes)
            }
            position += 1
        case UInt8(ascii: "\""):
            skipString(bytes)
        default:
            while position < bytes.count, !" \t\r\n,]}".utf8.contains(bytes[position]) {
                position += 1
            }
        }
        return JSONText.Value(range: start..<position, members: nil)
    }

    private mutating func object(
        _ bytes: Span<UInt8>, _ content: Secret
    ) -> [JSONText.Member] {
        var members: [JSONText.Member] = []
        position += 1
        skipSpace(bytes)
        while bytes[position] != UInt8(ascii: "}") {
            let start = position
            skipString(bytes)
            let name = (try? JSON(decoding: content[start..<position]))?.text ?? ""
            skipSpace(bytes)
            position += 1
            members.append(
                JSONText.Member(name: name, start: start, value: value(bytes, content)))
            skipSpace(bytes)
            if bytes[position] == UInt8(ascii: ",") { position += 1 }
            skipSpace(bytes)
        }
        position += 1
        return members
    }

    private mutating func skipString(_ bytes: Span<UInt8>) {
        position += 1
        while bytes[position] != UInt8(ascii: "\"") {
            position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        position += 1
    }

    private mutating func skipSpace(_ bytes: Span<UInt8>) {
        while position < bytes.count, " \t\r\n".utf8.contains(bytes[position]) { position += 1 }
    }
}
