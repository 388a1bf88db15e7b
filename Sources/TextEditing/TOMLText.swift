package import Credentials

/// A TOML text (1.1) with the ranges of its keys and values, so that one can be removed or inserted
/// while every other byte is kept.
///
/// A text that cannot be parsed is refused, so it is never changed. Numbers and dates are not
/// parsed. A value that is nested deeper than `depthLimit`, and a key with more parts, are refused.
package struct TOMLText {
    /// The whole text.
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

    /// The error of a text that cannot be parsed. It quotes nothing, because the text may be
    /// secret.
    package struct Fault: Error, Hashable {
        /// The line of the error, counted from 1.
        package let line: Int
    }

    /// The deepest nesting of arrays and inline tables, and the most parts of a dotted key. Each of
    /// them takes stack and time to read.
    static let depthLimit = 64

    package init(_ content: Secret) throws(Fault) {
        self.content = content
        tables = try content.expose { bytes throws(Fault) in
            var scanner = Scanner()
            guard (try? UTF8Span(validating: bytes)) != nil else { throw Fault(line: 1) }
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

    /// Returns a key as TOML writes it.
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

/// The scanner reads a text from its start to its end.
private struct Scanner {
    private var position = 0
    private var line = 1
    /// The number of arrays and inline tables around the position.
    private var depth = 0

    private var fault: TOMLText.Fault { TOMLText.Fault(line: line) }

    mutating func tables(_ bytes: Span<UInt8>) throws(TOMLText.Fault) -> [TOMLText.Table] {
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { position = 3 }
        var tables: [TOMLText.Table] = []
        var (keys, isElement, bodyStart) = ([Text](), false, position)
        var entries: [TOMLText.Entry] = []
        func table() -> TOMLText.Table {
            TOMLText.Table(
                keys: keys, isElement: isElement, bodyStart: bodyStart, entries: entries)
        }
        while true {
            skipBlankLines(bytes)
            guard position < bytes.count else { break }
            if bytes[position] == UInt8(ascii: "[") {
                tables.append(table())
                position += 1
                isElement = peek(bytes) == UInt8(ascii: "[")
                if isElement { position += 1 }
                keys = try self.keys(bytes)
                for _ in 0..<(isElement ? 2 : 1) { try expect(UInt8(ascii: "]"), bytes) }
                try endLine(bytes)
                bodyStart = position
                entries = []
            } else {
                entries.append(try entry(bytes))
                try endLine(bytes)
            }
        }
        return tables + [table()]
    }

    // MARK: Entries

    private mutating func entry(_ bytes: Span<UInt8>) throws(TOMLText.Fault) -> TOMLText.Entry {
        let start = position
        let keys = try self.keys(bytes)
        try expect(UInt8(ascii: "="), bytes)
        skipSpace(bytes)
        let value = try value(bytes)
        return TOMLText.Entry(keys: keys, range: start..<value.range.upperBound, value: value)
    }

    private mutating func keys(_ bytes: Span<UInt8>) throws(TOMLText.Fault) -> [Text] {
        var keys: [Text] = []
        repeat {
            guard keys.count < TOMLText.depthLimit else { throw fault }
            if !keys.isEmpty { position += 1 }
            skipSpace(bytes)
            keys.append(try key(bytes))
            skipSpace(bytes)
        } while peek(bytes) == UInt8(ascii: ".")
        return keys
    }

    private mutating func key(_ bytes: Span<UInt8>) throws(TOMLText.Fault) -> Text {
        if let quote = peek(bytes), quote == 0x22 || quote == 0x27 {
            let secret = try string(bytes, quote, isMultiline: false)
            guard let key = Text(copying: secret) else {
                throw fault
            }
            return key
        }
        let start = position
        while let byte = peek(bytes), byte.isBareKey { position += 1 }
        guard position > start, let key = Text(validating: (start..<position).map { bytes[$0] })
        else { throw fault }
        return key
    }

    // MARK: Values

    private mutating func value(_ bytes: Span<UInt8>) throws(TOMLText.Fault) -> TOMLText.Value {
        guard depth <= TOMLText.depthLimit else { throw fault }
        depth += 1
        defer { depth -= 1 }
        let start = position
        let kind: TOMLText.Value.Kind
        switch peek(bytes) {
        case 0x22, 0x27:
            let quote = bytes[position]
            let isMultiline =
                position + 2 < bytes.count && bytes[position + 1] == quote
                && bytes[position + 2] == quote
            kind = .string(try string(bytes, quote, isMultiline: isMultiline))
        case UInt8(ascii: "["):
            kind = .array(try array(bytes))
        case UInt8(ascii: "{"):
            kind = .table(try inlineTable(bytes))
        default:
            while let byte = peek(bytes), byte.isInScalar { position += 1 }
            // A space may separate a date and a time.
            if position > start, peek(bytes) == 0x20, position + 1 < bytes.count,
                bytes[position + 1].isDigit
            {
                position += 1
                while let byte = peek(bytes), byte.isInScalar { position += 1 }
            }
            guard position > start else { throw fault }
            kind = .other
        }
        return TOMLText.Value(range: start..<position, kind: kind)
    }

    private mutating func array(_ bytes: Span<UInt8>) throws(TOMLText.Fault) -> [TOMLText.Value] {
        var elements: [TOMLText.Value] = []
        position += 1
        skipBlankLines(bytes)
        while peek(bytes) != UInt8(ascii: "]") {
            elements.append(try value(bytes))
            skipBlankLines(bytes)
            guard peek(bytes) == UInt8(ascii: ",") else { break }
            position += 1
            skipBlankLines(bytes)
        }
        try expect(UInt8(ascii: "]"), bytes)
        return elements
    }

    private mutating func inlineTable(
        _ bytes: Span<UInt8>
    ) throws(TOMLText.Fault) -> [TOMLText.Entry] {
        var entries: [TOMLText.Entry] = []
        position += 1
        skipBlankLines(bytes)
        while peek(bytes) != UInt8(ascii: "}") {
            entries.append(try entry(bytes))
            skipBlankLines(bytes)
            guard peek(bytes) == UInt8(ascii: ",") else { break }
            position += 1
            skipBlankLines(bytes)
        }
        try expect(UInt8(ascii: "}"), bytes)
        return entries
    }

    /// Reads a string. Returns it decoded.
    private mutating func string(
        _ bytes: Span<UInt8>, _ quote: UInt8, isMultiline: Bool
    ) throws(TOMLText.Fault) -> Secret {
        position += isMultiline ? 3 : 1
        if isMultiline {
            // A line end directly after the quotes is not part of the string.
            if peek(bytes) == 0x0D, position + 1 < bytes.count, bytes[position + 1] == 0x0A {
                position += 1
            }
            if peek(bytes) == 0x0A { newLine() }
        }
        let most = length(bytes, quote, isMultiline: isMultiline)
        return try Secret(capacity: most) { output throws(TOMLText.Fault) in
            while true {
                guard let byte = peek(bytes) else { throw fault }
                if byte == quote {
                    guard isMultiline else {
                        position += 1
                        return
                    }
                    let quotes = run(of: quote, bytes, from: position)
                    // Up to two quotes may precede the three that end the string.
                    let kept = quotes >= 3 ? min(quotes - 3, 2) : quotes
                    output.append(repeating: quote, count: kept)
                    position += quotes >= 3 ? kept + 3 : quotes
                    if quotes >= 3 { return }
                } else if byte == UInt8(ascii: "\\"), quote == 0x22 {
                    position += 1
                    try escape(bytes, into: &output, isMultiline: isMultiline)
                } else if byte == 0x0A {
                    guard isMultiline else { throw fault }
                    output.append(byte)
                    newLine()
                } else {
                    output.append(byte)
                    position += 1
                }
            }
        }
    }

    /// Returns the length of the string from here to its end as it is written, in bytes. The
    /// decoded string is not longer, because an escape is never shorter than the character that it
    /// stands for.
    private func length(_ bytes: Span<UInt8>, _ quote: UInt8, isMultiline: Bool) -> Int {
        var end = position
        while end < bytes.count {
            if bytes[end] == UInt8(ascii: "\\"), quote == 0x22 {
                end += 2
            } else if bytes[end] == quote {
                let quotes = isMultiline ? run(of: quote, bytes, from: end) : 1
                end += quotes
                if quotes >= 3 || !isMultiline { break }
            } else if bytes[end] == 0x0A, !isMultiline {
                break
            } else {
                end += 1
            }
        }
        return min(end, bytes.count) - position
    }

    /// Reads the rest of an escape after its backslash.
    private mutating func escape(
        _ bytes: Span<UInt8>, into output: inout OutputSpan<UInt8>,
        isMultiline: Bool
    ) throws(TOMLText.Fault) {
        guard let byte = peek(bytes) else { throw fault }
        let plain: UInt8?
        switch byte {
        case UInt8(ascii: "b"): plain = 0x08
        case UInt8(ascii: "t"): plain = 0x09
        case UInt8(ascii: "n"): plain = 0x0A
        case UInt8(ascii: "f"): plain = 0x0C
        case UInt8(ascii: "r"): plain = 0x0D
        case UInt8(ascii: "e"): plain = 0x1B
        case 0x22, 0x5C: plain = byte
        default: plain = nil
        }
        if let plain {
            output.append(plain)
            position += 1
        } else if let digits = byte.escapedDigits {
            position += 1
            let scalar = try scalar(bytes, digits: digits)
            for byte in UTF8.encode(scalar)! { output.append(byte) }
        } else if isMultiline, byte.isSpaceOrLine {
            // The string continues at the next character that is not white space.
            while let byte = peek(bytes), byte.isSpaceOrLine {
                if byte == 0x0A { newLine() } else { position += 1 }
            }
        } else {
            throw fault
        }
    }

    private mutating func scalar(
        _ bytes: Span<UInt8>, digits: Int
    ) throws(TOMLText.Fault) -> Unicode.Scalar {
        var number: UInt32 = 0
        for _ in 0..<digits {
            guard let digit = peek(bytes)?.hexDigit else { throw fault }
            number = number << 4 | UInt32(digit)
            position += 1
        }
        guard let scalar = Unicode.Scalar(number) else { throw fault }
        return scalar
    }

    // MARK: Bytes

    private func peek(_ bytes: Span<UInt8>) -> UInt8? {
        position < bytes.count ? bytes[position] : nil
    }

    private func run(of byte: UInt8, _ bytes: Span<UInt8>, from start: Int) -> Int {
        var end = start
        while end < bytes.count, bytes[end] == byte { end += 1 }
        return end - start
    }

    private mutating func expect(_ byte: UInt8, _ bytes: Span<UInt8>) throws(TOMLText.Fault) {
        skipSpace(bytes)
        guard peek(bytes) == byte else { throw fault }
        position += 1
    }

    private mutating func newLine() {
        position += 1
        line += 1
    }

    private mutating func skipSpace(_ bytes: Span<UInt8>) {
        while let byte = peek(bytes), byte == 0x20 || byte == 0x09 { position += 1 }
    }

    private mutating func skipComment(_ bytes: Span<UInt8>) {
        guard peek(bytes) == UInt8(ascii: "#") else { return }
        while let byte = peek(bytes), byte != 0x0A { position += 1 }
    }

    private mutating func skipBlankLines(_ bytes: Span<UInt8>) {
        while let byte = peek(bytes) {
            if byte == 0x0A {
                newLine()
            } else if byte.isSpaceOrLine {
                position += 1
            } else if byte == UInt8(ascii: "#") {
                skipComment(bytes)
            } else {
                return
            }
        }
    }

    /// Reads the end of a line after a header or an entry. Throws if anything but a comment is
    /// left.
    private mutating func endLine(_ bytes: Span<UInt8>) throws(TOMLText.Fault) {
        skipSpace(bytes)
        skipComment(bytes)
        if peek(bytes) == 0x0D { position += 1 }
        guard let byte = peek(bytes) else { return }
        guard byte == 0x0A else { throw fault }
        newLine()
    }
}

extension UInt8 {
    fileprivate var isBareKey: Bool { isAlphanumeric || "-_".utf8.contains(self) }

    /// The number of digits after this letter in the escape of a character; nil if it has none.
    fileprivate var escapedDigits: Int? {
        switch self {
        case UInt8(ascii: "x"): 2
        case UInt8(ascii: "u"): 4
        case UInt8(ascii: "U"): 8
        default: nil
        }
    }

    /// True for a byte of a number, a date or a word.
    fileprivate var isInScalar: Bool { isBareKey || "+.:".utf8.contains(self) }

    fileprivate var isSpaceOrLine: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
}
