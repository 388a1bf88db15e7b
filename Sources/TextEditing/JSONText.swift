package import Credentials
package import JSON

/// A JSON text with the ranges of its values, so that a value can be removed, inserted or replaced
/// while every other byte is kept.
package struct JSONText {
    package let content: Secret
    /// The text's one value; nil if the text is blank.
    package let root: Value?

    package struct Value {
        package let range: Range<Int>
        /// The value decoded.
        package let json: JSON
        /// The members of an object; nil for any other value.
        package let members: [Member]?

        init(_ json: JSON, _ range: Range<Int>) {
            self.json = json
            self.range = range
            members = json.members?.map { member in
                Member(
                    name: member.name, start: member.start,
                    value: Value(member.value, member.valueRange))
            }
        }
    }

    package struct Member {
        package let name: Text
        /// The offset at which its name begins, in bytes.
        package let start: Int
        package let value: Value

        package var range: Range<Int> { start..<value.range.upperBound }
    }

    /// Throws if the text is neither blank nor JSON.
    package init(_ content: Secret) throws(JSON.Fault) {
        self.content = content
        do throws(JSON.Fault) {
            let (value, range) = try JSON.reading(content)
            root = Value(value, range)
        } catch {
            guard error.kind == .empty else { throw error }
            root = nil
        }
    }

    /// Returns a secret as a JSON string, which is also a TOML string. Throws if it is not
    /// UTF-8.
    package static func quoted(_ secret: Secret) throws(StoreError) -> Secret {
        do throws(JSON.Fault) {
            return try JSON.string(secret).encoded()
        } catch {
            throw StoreError(.notUTF8, "it is not UTF-8, and the file can hold only UTF-8")
        }
    }
}

extension JSONText.Value {
    /// Returns the last member of that name in any case, as Go's decoder does, which most clients
    /// use. A null changes nothing of what an earlier member says.
    package func member(_ name: Text) -> JSONText.Member? {
        let named = members?.filter { $0.name.equalsIgnoringCase(name) } ?? []
        return named.last { !$0.value.json.isNull } ?? named.last
    }

    /// The text of a string; nil for any other value.
    package var text: Text? { json.text }

    /// A string that may be a secret; nil for any other value.
    package var secret: Secret? { json.secret }

    package subscript(name: Text) -> JSONText.Value? { member(name)?.value }

    /// Returns the last member of exactly that name, as Go's decoder finds the keys of a map.
    package func entry(_ key: Text) -> JSONText.Member? { members?.last { $0.name == key } }

    /// The range between its brackets.
    package var inner: Range<Int> { range.lowerBound + 1..<range.upperBound - 1 }

    /// Returns the indices of the members for which `isMeant` returns true.
    package func indices(where isMeant: (JSONText.Member) -> Bool) -> Set<Int> {
        Set((members ?? []).enumerated().filter { isMeant($1) }.map(\.offset))
    }
}

extension Text {
    /// Returns true if Go's decoder takes the texts for one name.
    package func equalsIgnoringCase(_ other: Text) -> Bool {
        guard bytes.count == other.bytes.count else {
            // Each of the two signs that Go takes for a letter is longer than the letter.
            return (bytes + other.bytes).contains { $0 >= 0x80 } && folded == other.folded
        }
        return zip(bytes, other.bytes).allSatisfy { $0.lowerCased == $1.lowerCased }
    }

    /// The name as Go's decoder compares it: in lower case, with the long s as an s and the Kelvin
    /// sign as a k (encoding/json, foldName).
    package var folded: [UInt8] {
        string.unicodeScalars.flatMap { scalar in
            switch scalar {
            case "\u{17F}": Array("s".utf8)
            case "\u{212A}": Array("k".utf8)
            default: String(scalar).utf8.map(\.lowerCased)
            }
        }
    }
}

// MARK: Changes

extension JSONText {
    /// Removes the members at these indices from an object.
    package func cut(_ indices: Set<Int>, of object: Value, in edits: inout Edits) {
        edits.cut(indices, of: (object.members ?? []).map(\.range), within: object.inner)
    }

    /// Returns the splice that removes the last member of that name from an object; nil if there is
    /// none.
    package func removal(_ name: Text, of object: Value) -> Splice? {
        let members = object.members ?? []
        guard let index = members.lastIndex(where: { $0.name == name }) else { return nil }
        return Edits.cuts([index], of: members.map(\.range), within: object.inner).first
            .map { Splice($0, "") }
    }

    /// Returns the splice that adds a member at the end of an object, indented as its other members
    /// are, or by `depth` if it has none.
    package func addition(_ member: String, to object: Value, depth: Int) -> Splice {
        let gap = gap(in: object, depth: depth, Layout(indent: "\t"))
        return Splice(gap.range, gap.before + member + gap.after)
    }

    /// Returns the range at the end of an object where a member is added, and the text before and
    /// after it.
    private func gap(
        in object: Value, depth: Int, _ layout: Layout
    ) -> (range: Range<Int>, before: String, after: String) {
        let members = object.members ?? []
        guard let last = members.last else {
            return (object.inner, layout.line(depth), layout.line(depth - 1))
        }
        let before = members.dropLast().last?.range.upperBound ?? object.range.lowerBound + 1
        let space = content[before..<last.start].publicString.filter { $0 != "," }
        let end = last.range.upperBound
        return (end..<end, ",\(space)", "")
    }

    /// Returns the text with a JSON value at the end of a path of objects. It replaces the value
    /// that is there, or is added in a new member, with new objects on the way to it, also in place
    /// of a null. Nil if another value on the way is no object.
    ///
    /// New members are indented, unless the text is all on one line.
    package func setting(_ path: [Step], to value: Secret, indent: String) -> Secret? {
        guard var object = root else { return nil }
        let isOnOneLine = !content.contains(0x0A)
        let layout = Layout(
            indent: isOnOneLine && object.members?.isEmpty == false ? nil : indent)
        var edits = Edits()
        for (depth, step) in path.enumerated() {
            guard object.members != nil else { return nil }
            let member = step.member(of: object)
            let isLast = depth == path.count - 1
            guard let member, isLast || !member.value.json.isNull else {
                let gap =
                    member.map { (range: $0.range, before: "", after: "") }
                    ?? gap(in: object, depth: depth + 1, layout)
                let (start, end) = layout.member(path[depth...])
                edits.replace(
                    gap.range,
                    with: Secret(
                        joining: [(gap.before + start).secret, value, (end + gap.after).secret]))
                return edits.applied(to: content)
            }
            object = member.value
        }
        edits.replace(object.range, with: value)
        return edits.applied(to: content)
    }

    /// A step of a path: the name of a member.
    package enum Step {
        /// The name in any case, as Go's decoder finds the fields of a structure.
        case field(Text)
        /// The exact name, as Go's decoder finds the keys of a map.
        case key(Text)

        fileprivate var name: Text {
            switch self {
            case .field(let name), .key(let name): name
            }
        }

        fileprivate func member(of object: Value) -> Member? {
            switch self {
            case .field(let name): object.member(name)
            case .key(let name): object.entry(name)
            }
        }
    }

    /// The layout of new members.
    private struct Layout {
        /// The indent of a member within its object; nil if all is on one line.
        let indent: String?

        /// Returns the end of a line, and the beginning of the next at a depth.
        func line(_ depth: Int) -> String {
            indent.map { "\n" + String(repeating: $0, count: depth) } ?? ""
        }

        /// Returns the text before and after a value in a member, and in members of members. The
        /// indices of the path are the depths of the objects that contain them.
        func member(_ path: ArraySlice<Step>) -> (before: String, after: String) {
            var (before, after) = ("", "")
            for (depth, step) in zip(path.indices, path) {
                before += "\(JSONText.quoted(step.name)):" + (indent == nil ? "" : " ")
                guard depth < path.endIndex - 1 else { break }
                before += "{" + line(depth + 2)
                after = line(depth + 1) + "}" + after
            }
            return (before, after)
        }
    }

    package static func quoted(_ name: Text) -> String {
        (try? JSON.text(name).encoded())?.publicString ?? "\"\""
    }
}

// MARK: Arrays

extension JSONText {
    /// Returns the ranges of the elements of an array; none for any other value.
    package func elements(of array: Value?) -> [Range<Int>] {
        guard let array, case .array(let values) = array.json else { return [] }
        var ranges: [Range<Int>] = []
        var start = array.inner.lowerBound
        for _ in values {
            guard
                let (_, range) = try? JSON.reading(
                    content[start..<array.inner.upperBound], allowsRest: true)
            else { return [] }
            ranges.append(start + range.lowerBound..<start + range.upperBound)
            start += range.upperBound
            // The next element begins after the comma.
            start = (content.first(from: start) { $0 == UInt8(ascii: ",") } ?? start) + 1
        }
        return ranges
    }

    /// Adds an element at the end of an array, on a line of its own if the last one has one.
    package func add(_ element: String, to array: Value, in edits: inout Edits) {
        guard let last = elements(of: array).last else {
            edits.replace(array.inner, with: "\n    \(element)\n  ")
            return
        }
        let start = content[0..<last.lowerBound].last { $0 > 0x20 }.map { $0 + 1 } ?? 0
        edits.replace(
            last.upperBound..<last.upperBound,
            with: ",\(content[start..<last.lowerBound].publicString)\(element)")
    }
}
