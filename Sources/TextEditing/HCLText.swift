package import Credentials

/// An HCL text (version 1) as a tree of items, with their ranges. A text that cannot be parsed is
/// refused, so it is never changed.
package struct HCLText {
    package let content: Secret
    package let items: [Item]

    /// An attribute or a block.
    package struct Item {
        /// Its name, then its labels, without quotes. An escape in one is not decoded.
        package let keys: [String]
        /// The range from its name to the end of its value, and of the comma that follows it.
        package let range: Range<Int>
        package let value: Value

        /// Returns true if the first of its keys is, or with an escape may be, the name in any
        /// case, as HCL finds the fields of a structure.
        package func isNamed(_ name: String) -> Bool {
            keys[0].uppercased() == name.uppercased() || keys[0].contains("\\")
        }
    }

    package enum Value {
        /// A string, with the range between its quotes.
        case string(Range<Int>)
        case object([Item])
        case other
    }

    package init(_ content: Secret) throws(LineFault) {
        self.content = content
        items = try content.expose { bytes throws(LineFault) in
            var scanner = Scanner()
            return try scanner.items(bytes, isObject: false)
        }
    }

    /// Returns the string; nil for any other value, and for a string with escapes or templates.
    package func plainString(_ value: Value) -> Secret? {
        guard case .string(let range) = value else { return nil }
        let text = content[range]
        return text.contains(UInt8(ascii: "\\")) || text.contains(UInt8(ascii: "$")) ? nil : text
    }

    /// Returns the range of the item's whole lines if nothing else is on them, else that of the
    /// item.
    package func lines(of item: Item) -> Range<Int> {
        let before = content[0..<item.range.lowerBound]
        let start = before.last { $0 != 0x20 && $0 != 0x09 }.map { $0 + 1 } ?? 0
        let end = content.first(from: item.range.upperBound) { $0 > 0x20 || $0 == 0x0A }
        guard start == 0 || content[0..<start].ends(with: 0x0A),
            end.map({ content[$0..<$0 + 1].ends(with: 0x0A) }) ?? true
        else { return item.range }
        return start..<(end.map { $0 + 1 } ?? content.count)
    }
}

/// The scanner reads a text from its start to its end, as hcl/hcl/scanner and hcl/hcl/parser do.
private struct Scanner {
    private var position = 0
    private var depth = 0
    private static let depthLimit = 64

    private func fault(_ bytes: Span<UInt8>) -> LineFault {
        let line = (0..<min(position, bytes.count)).reduce(1) { $0 + (bytes[$1] == 0x0A ? 1 : 0) }
        return LineFault(line: line)
    }

    /// Reads the items of an object, with its last brace, or those of the text. The end of a line
    /// means nothing, and a comma may follow an item.
    mutating func items(
        _ bytes: Span<UInt8>, isObject: Bool
    ) throws(LineFault) -> [HCLText.Item] {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Scanner.depthLimit else { throw fault(bytes) }
        var items: [HCLText.Item] = []
        while let byte = next(bytes) {
            if isObject, byte == UInt8(ascii: "}") {
                position += 1
                return items
            }
            items.append(try item(bytes))
        }
        guard !isObject else { throw fault(bytes) }
        return items
    }

    private mutating func item(_ bytes: Span<UInt8>) throws(LineFault) -> HCLText.Item {
        let start = position
        var keys: [String] = []
        while let byte = next(bytes), byte != UInt8(ascii: "="), byte != UInt8(ascii: "{") {
            let key = byte == 0x22 ? try string(bytes) : try name(bytes)
            keys.append(String(decoding: key.map { bytes[$0] }, as: UTF8.self))
        }
        let isAttribute = skip(UInt8(ascii: "="), bytes)
        guard !keys.isEmpty, keys.count == 1 || !isAttribute else { throw fault(bytes) }
        let value = try value(bytes)
        let end = position
        let hasComma = skip(UInt8(ascii: ","), bytes)
        return HCLText.Item(keys: keys, range: start..<(hasComma ? position : end), value: value)
    }

    private mutating func value(_ bytes: Span<UInt8>) throws(LineFault) -> HCLText.Value {
        switch next(bytes) {
        case 0x22: return .string(try string(bytes))
        case UInt8(ascii: "{"):
            position += 1
            return .object(try items(bytes, isObject: true))
        case UInt8(ascii: "["):
            position += 1
            depth += 1
            defer { depth -= 1 }
            guard depth <= Scanner.depthLimit else { throw fault(bytes) }
            while let byte = next(bytes), byte != UInt8(ascii: "]") {
                _ = try value(bytes)
                skip(UInt8(ascii: ","), bytes)
            }
            guard skip(UInt8(ascii: "]"), bytes) else { throw fault(bytes) }
        case UInt8(ascii: "<"): try heredoc(bytes)
        default: _ = try name(bytes)
        }
        return .other
    }

    // MARK: Tokens

    /// Reads a name, a number or a word.
    private mutating func name(_ bytes: Span<UInt8>) throws(LineFault) -> Range<Int> {
        let start = position
        while position < bytes.count, bytes[position].isInName { position += 1 }
        guard position > start else { throw fault(bytes) }
        return start..<position
    }

    /// Reads a string. Returns the range between its quotes. A template in it may have strings of
    /// its own.
    private mutating func string(_ bytes: Span<UInt8>) throws(LineFault) -> Range<Int> {
        position += 1
        let start = position
        var braces = 0
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case 0x22 where braces == 0: return start..<position - 1
            case 0x0A where braces == 0: throw fault(bytes)
            case UInt8(ascii: "\\"): position += 1
            case UInt8(ascii: "{") where braces > 0 || bytes[position - 2] == UInt8(ascii: "$"):
                braces += 1
            case UInt8(ascii: "}") where braces > 0: braces -= 1
            default: break
            }
        }
        throw fault(bytes)
    }

    /// Reads `<<WORD` or `<<-WORD`, and all lines to the one that has only the word.
    private mutating func heredoc(_ bytes: Span<UInt8>) throws(LineFault) {
        let first = line(bytes).map { bytes[$0] }
        var anchor = first.drop { $0 == UInt8(ascii: "<") }[...]
        while anchor.last == 0x0D { anchor.removeLast() }
        let word = anchor.first == UInt8(ascii: "-") ? anchor.dropFirst() : anchor
        guard first.count - anchor.count >= 2, !word.isEmpty else { throw fault(bytes) }
        while position < bytes.count {
            let line = line(bytes).map { bytes[$0] }
            var rest = line.drop { $0 <= 0x20 }
            while rest.last == 0x0D { rest.removeLast() }
            // The length is compared as HCL does, with the hyphen.
            if line.count >= anchor.count, rest.elementsEqual(word) { return }
        }
        throw fault(bytes)
    }

    /// Reads the rest of the line. Returns its range, without the line feed.
    private mutating func line(_ bytes: Span<UInt8>) -> Range<Int> {
        let start = position
        while position < bytes.count, bytes[position] != 0x0A { position += 1 }
        defer { position = min(position + 1, bytes.count) }
        return start..<position
    }

    /// Reads white space and comments, then the byte if it is the next one. Returns true if it is.
    @discardableResult
    private mutating func skip(_ byte: UInt8, _ bytes: Span<UInt8>) -> Bool {
        guard next(bytes) == byte else { return false }
        position += 1
        return true
    }

    /// Reads white space and comments. Returns the next byte, which it does not read; nil at the
    /// end.
    private mutating func next(_ bytes: Span<UInt8>) -> UInt8? {
        while position < bytes.count {
            let (byte, after) = (bytes[position], position + 1)
            let follower = after < bytes.count ? bytes[after] : 0
            if byte == UInt8(ascii: "#") || byte == UInt8(ascii: "/") && follower == byte {
                _ = line(bytes)
            } else if byte == UInt8(ascii: "/"), follower == UInt8(ascii: "*") {
                var end = after + 3
                while end <= bytes.count,
                    bytes[end - 1] != UInt8(ascii: "/") || bytes[end - 2] != UInt8(ascii: "*")
                {
                    end += 1
                }
                // One that does not end is no token.
                guard end <= bytes.count else { return byte }
                position = end
            } else if byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
                position += 1
            } else {
                return byte
            }
        }
        return nil
    }
}

extension UInt8 {
    fileprivate var isInName: Bool { isAlphanumeric || self >= 0x80 || "_-.+".utf8.contains(self) }
}
