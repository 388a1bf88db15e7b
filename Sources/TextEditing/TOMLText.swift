package import Credentials

/// A TOML text (1.1) with the ranges of its keys and values, so that one can be removed or inserted
/// while every other byte is kept.
///
/// A text that cannot be parsed is refused, so it is never changed. Numbers and dates are not
/// parsed. A value that is nested deeper than `depthLimit`, and a key with more parts, are refused.
package struct TOMLText {
    package let content: Secret
    /// The part before the first header, and the tables in their order.
    package let tables: [Table]

    package struct Table {
        /// The keys of its header; empty for the part before the first header.
        package let keys: [Text]
        /// True if it is an element of an array of tables.
        package let isElement: Bool
        /// The offset after the line of its header, in bytes.
        package let bodyStart: Int
        package let entries: [Entry]
    }

    package struct Entry {
        package let keys: [Text]
        /// The range from its key to the end of its value.
        package let range: Range<Int>
        package let value: Value
    }

    package struct Value {
        package let range: Range<Int>
        package let kind: Kind

        package enum Kind {
            case string(Secret)
            case array([Value])
            case table([Entry])
            case other
        }

        /// A string; nil for any other value.
        package var secret: Secret? {
            guard case .string(let string) = kind else { return nil }
            return string
        }

        /// A string that is not secret; nil for any other value.
        package var text: Text? {
            secret.flatMap { Text(copying: $0) }
        }

        /// The elements of an array; empty for any other value.
        package var elements: [Value] {
            guard case .array(let elements) = kind else { return [] }
            return elements
        }

        /// The elements of an array of strings; nil for any other value.
        package var strings: [String]? {
            guard case .array(let elements) = kind else { return nil }
            let strings = elements.compactMap(\.text?.string)
            return strings.count == elements.count ? strings : nil
        }

        /// The value of a key in an inline table; nil if there is none.
        package subscript(key: Text) -> Value? {
            guard case .table(let entries) = kind else { return nil }
            return entries.first { $0.keys == [key] }?.value
        }
    }

    /// The deepest nesting of arrays and inline tables, and the most parts of a dotted key. Each of
    /// them takes stack and time to read.
    static let depthLimit = 64

    package init(_ content: Secret) throws(LineFault) {
        self.content = content
        tables = try content.expose { bytes throws(LineFault) in
            var scanner = TOMLScanner()
            guard (try? UTF8Span(validating: bytes)) != nil else { throw LineFault(line: 1) }
            return try scanner.tables(bytes)
        }
    }

    /// An entry, and its place in an inline table if it is in one.
    package struct Place {
        package let entry: Entry
        /// The ranges of all entries of its inline table, its own index, and the range between the
        /// braces; nil for an entry on lines of its own.
        package let inline: (siblings: [Range<Int>], index: Int, inner: Range<Int>)?
    }

    /// Every entry whose value is no inline table, with its keys from the root, from headers,
    /// dotted keys and inline tables. Elements of arrays of tables are left out.
    package var places: [(keys: [Text], place: Place)] {
        var found: [(keys: [Text], place: Place)] = []
        func add(_ entry: Entry, _ keys: [Text], _ place: Place) {
            guard case .table(let entries) = entry.value.kind else {
                return found.append((keys, place))
            }
            let ranges = entries.map(\.range)
            let inner = entry.value.range.lowerBound + 1..<entry.value.range.upperBound - 1
            for (index, member) in entries.enumerated() {
                add(
                    member, keys + member.keys, Place(entry: member, inline: (ranges, index, inner))
                )
            }
        }
        for table in tables where !table.isElement {
            for entry in table.entries {
                add(entry, table.keys + entry.keys, Place(entry: entry, inline: nil))
            }
        }
        return found
    }

    /// Returns the entry with these keys from the root; nil if there is none.
    package func place(_ keys: [Text]) -> Entry? { places.first { $0.keys == keys }?.place.entry }

    /// Removes entries, and their lines if nothing else is on them.
    package func cut(_ places: [Place], in edits: inout Edits) {
        var inline: [Int: (siblings: [Range<Int>], indices: Set<Int>, inner: Range<Int>)] = [:]
        for place in places {
            guard let table = place.inline else {
                edits.replace(lines(of: place.entry.range))
                continue
            }
            inline[table.inner.lowerBound, default: (table.siblings, [], table.inner)].indices
                .insert(table.index)
        }
        for table in inline.values {
            edits.cut(table.indices, of: table.siblings, within: table.inner)
        }
    }

    /// Returns the splice that adds lines after those of the range.
    package func newLine(_ lines: String, after range: Range<Int>) -> Splice {
        newLine(lines, at: self.lines(of: range).upperBound)
    }

    /// Returns the splice that adds lines at the beginning of a line or at the end of the text.
    package func newLine(_ lines: String, at position: Int) -> Splice {
        let isAtLine = position == 0 || content[0..<position].ends(with: 0x0A)
        guard isAtLine else {
            return Splice(
                position..<position,
                "\n" + lines.drop { $0 == "\n" }.dropLast())
        }
        return Splice(position..<position, lines)
    }

    /// Returns the text with a TOML value under keys from the root that have no value yet; nil if
    /// their tables are in a form to which no entry can be added.
    package func adding(_ keys: [Text], _ value: Secret) -> Secret? {
        let table = Array(keys.dropLast())
        var edits = Edits()
        func add(_ range: Range<Int>, _ before: String, _ after: String) -> Secret {
            edits.replace(range, with: Secret(joining: [before.secret, value, after.secret]))
            return edits.applied(to: content)
        }
        func line(_ keys: some Collection<Text>) -> String {
            keys.map(TOMLText.spelled).joined(separator: ".") + " = "
        }
        if let (depth, inline) = inlineTable(around: keys) {
            let entry = line(keys[depth...])
            guard case .table(let entries) = inline.kind, let last = entries.last else {
                let inner = inline.range.lowerBound + 1..<inline.range.upperBound - 1
                return add(inner, " " + entry, " ")
            }
            let end = last.range.upperBound
            return add(end..<end, ", " + entry, "")
        }
        let header = tables.first { $0.keys == table && !$0.isElement }
        guard header != nil || !places.contains(where: { $0.keys.starts(with: table) }) else {
            return nil
        }
        let position = header?.bodyStart ?? content.count
        let isAtLine = position == 0 || content[0..<position].ends(with: 0x0A)
        let title = header == nil ? "[\(table.map(TOMLText.spelled).joined(separator: "."))]\n" : ""
        let gap = header == nil && position > 0 ? "\n" : ""
        return add(
            position..<position, (isAtLine ? "" : "\n") + gap + title + line(keys.suffix(1)), "\n")
    }

    /// Returns the innermost inline table on the way of the keys, and the number of keys that lead
    /// to it; nil if there is none.
    private func inlineTable(around keys: [Text]) -> (depth: Int, table: Value)? {
        func search(_ entries: [Entry], _ prefix: [Text]) -> (depth: Int, table: Value)? {
            for entry in entries {
                guard case .table(let members) = entry.value.kind else { continue }
                let path = prefix + entry.keys
                guard path.count < keys.count, keys.starts(with: path) else { continue }
                return search(members, path) ?? (path.count, entry.value)
            }
            return nil
        }
        return tables.lazy.filter { !$0.isElement }
            .compactMap { search($0.entries, $0.keys) }.first
    }

    /// Returns the keys of an entry as the text writes them.
    package func keys(of entry: Entry) -> String {
        let keys = content[entry.range.lowerBound..<entry.value.range.lowerBound]
        let last = keys.last { $0 != 0x20 && $0 != 0x09 && $0 != UInt8(ascii: "=") }
        return keys[0..<(last.map { $0 + 1 } ?? 0)].publicString
    }

    package static func spelled(_ key: Text) -> String {
        guard key.isEmpty || !key.bytes.allSatisfy(\.isBareKey) else { return key.string }
        let escaped = key.string.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }
        return "\"" + escaped.joined() + "\""
    }

    /// Returns the range of all lines that the range touches.
    private func lines(of range: Range<Int>) -> Range<Int> {
        let start = content[0..<range.lowerBound].last { $0 == 0x0A }.map { $0 + 1 } ?? 0
        let end = content.first(from: range.upperBound) { $0 == 0x0A }.map { $0 + 1 }
        return start..<(end ?? content.count)
    }
}
