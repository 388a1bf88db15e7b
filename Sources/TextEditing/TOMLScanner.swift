internal import Credentials

/// The scanner of TOML reads a text from its start to its end.
struct TOMLScanner {
    private var position = 0
    private var line = 1
    /// The number of arrays and inline tables around the position.
    private var depth = 0

    private var fault: LineFault { LineFault(line: line) }

    mutating func tables(_ bytes: Span<UInt8>) throws(LineFault) -> [TOMLText.Table] {
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

    private mutating func entry(_ bytes: Span<UInt8>) throws(LineFault) -> TOMLText.Entry {
        let start = position
        let keys = try self.keys(bytes)
        try expect(UInt8(ascii: "="), bytes)
        skipSpace(bytes)
        let value = try value(bytes)
        return TOMLText.Entry(keys: keys, range: start..<value.range.upperBound, value: value)
    }

    private mutating func keys(_ bytes: Span<UInt8>) throws(LineFault) -> [Text] {
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

    private mutating func key(_ bytes: Span<UInt8>) throws(LineFault) -> Text {
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

    private mutating func value(_ bytes: Span<UInt8>) throws(LineFault) -> TOMLText.Value {
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

    private mutating func array(_ bytes: Span<UInt8>) throws(LineFault) -> [TOMLText.Value] {
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
    ) throws(LineFault) -> [TOMLText.Entry] {
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
    ) throws(LineFault) -> Secret {
        position += isMultiline ? 3 : 1
        if isMultiline {
            // A line end directly after the quotes is not part of the string.
            if peek(bytes) == 0x0D, position + 1 < bytes.count, bytes[position + 1] == 0x0A {
                position += 1
            }
            if peek(bytes) == 0x0A { newLine() }
        }
        let most = length(bytes, quote, isMultiline: isMultiline)
        return try Secret(capacity: most) { output throws(LineFault) in
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
    ) throws(LineFault) {
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
    ) throws(LineFault) -> Unicode.Scalar {
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

    private mutating func expect(_ byte: UInt8, _ bytes: Span<UInt8>) throws(LineFault) {
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
    private mutating func endLine(_ bytes: Span<UInt8>) throws(LineFault) {
        skipSpace(bytes)
        skipComment(bytes)
        if peek(bytes) == 0x0D { position += 1 }
        guard let byte = peek(bytes) else { return }
        guard byte == 0x0A else { throw fault }
        newLine()
    }
}

extension UInt8 {
    var isBareKey: Bool { isAlphanumeric || "-_".utf8.contains(self) }

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
