internal import Credentials

/// The reader makes a value of a JSON text (RFC 8259) in one pass, and keeps the positions of its
/// members.
///
/// A string without an escape is a part of the text's memory; one with escapes has memory of its
/// own. There is no other copy of what is read, and all of it is wiped.
struct Reader {
    private let text: Secret
    private(set) var position = 0

    init(_ text: Secret) { self.text = text }

    /// Reads the value that begins here, nested in so many others.
    mutating func value(_ bytes: Span<UInt8>, depth: Int = 0) throws(JSON.Fault) -> JSON {
        guard depth <= JSON.depthLimit else { throw JSON.Fault(.depth, at: position) }
        skipSpace(bytes)
        switch peek(bytes) {
        case UInt8(ascii: "{"): return .object(try members(bytes, depth: depth))
        case UInt8(ascii: "["): return .array(try elements(bytes, depth: depth))
        case UInt8(ascii: "\""): return .string(try string(bytes))
        case UInt8(ascii: "t"): return try literal("true", .bool(true), bytes)
        case UInt8(ascii: "f"): return try literal("false", .bool(false), bytes)
        case UInt8(ascii: "n"): return try literal("null", .null, bytes)
        case let byte? where byte.isDigit || byte == UInt8(ascii: "-"): return try number(bytes)
        default: throw fault(bytes)
        }
    }

    mutating func skipSpace(_ bytes: Span<UInt8>) {
        while let byte = peek(bytes), " \t\r\n".utf8.contains(byte) { position += 1 }
    }

    private mutating func members(
        _ bytes: Span<UInt8>, depth: Int
    ) throws(JSON.Fault) -> [JSON.Member] {
        var members: [JSON.Member] = []
        position += 1
        skipSpace(bytes)
        if take("}", bytes) { return [] }
        repeat {
            skipSpace(bytes)
            let start = position
            guard peek(bytes) == UInt8(ascii: "\"") else { throw fault(bytes) }
            // A name that contains a NUL is a fault.
            guard let name = Text(copying: try string(bytes)) else { throw fault(bytes) }
            skipSpace(bytes)
            guard take(":", bytes) else { throw fault(bytes) }
            skipSpace(bytes)
            let valueStart = position
            let value = try value(bytes, depth: depth + 1)
            members.append(JSON.Member(name, value, start, valueStart..<position))
            skipSpace(bytes)
        } while take(",", bytes)
        guard take("}", bytes) else { throw fault(bytes) }
        return members
    }

    private mutating func elements(
        _ bytes: Span<UInt8>, depth: Int
    ) throws(JSON.Fault) -> [JSON] {
        var elements: [JSON] = []
        position += 1
        skipSpace(bytes)
        if take("]", bytes) { return [] }
        repeat {
            elements.append(try value(bytes, depth: depth + 1))
            skipSpace(bytes)
        } while take(",", bytes)
        guard take("]", bytes) else { throw fault(bytes) }
        return elements
    }

    private mutating func literal(
        _ word: String, _ value: JSON, _ bytes: Span<UInt8>
    ) throws(JSON.Fault) -> JSON {
        for letter in word.utf8 {
            guard peek(bytes) == letter else { throw fault(bytes) }
            position += 1
        }
        return value
    }

    // MARK: Numbers

    private mutating func number(_ bytes: Span<UInt8>) throws(JSON.Fault) -> JSON {
        let start = position
        let isNegative = take("-", bytes)
        var (value, isInteger): (Int64, Bool) = (0, true)
        let digits = position
        while let byte = peek(bytes), byte.isDigit {
            // No digit follows a leading zero.
            guard position == digits || bytes[digits] != UInt8(ascii: "0") else { break }
            let (tens, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let digit = Int64(byte - UInt8(ascii: "0"))
            let (sum, overflows) = tens.addingReportingOverflow(isNegative ? -digit : digit)
            isInteger = isInteger && !isTooLarge && !overflows
            value = sum
            position += 1
        }
        guard position > digits else { throw fault(bytes) }
        if take(".", bytes) {
            isInteger = false
            try skipDigits(bytes)
        }
        if take("e", bytes) || take("E", bytes) {
            isInteger = false
            if !take("+", bytes) { _ = take("-", bytes) }
            try skipDigits(bytes)
        }
        guard isInteger else { return .number(Text(copying: text[start..<position]) ?? "") }
        return .integer(value)
    }

    private mutating func skipDigits(_ bytes: Span<UInt8>) throws(JSON.Fault) {
        guard peek(bytes)?.isDigit == true else { throw fault(bytes) }
        while peek(bytes)?.isDigit == true { position += 1 }
    }

    // MARK: Strings

    private mutating func string(_ bytes: Span<UInt8>) throws(JSON.Fault) -> Secret {
        position += 1
        let start = position
        var hasEscapes = false
        while let byte = peek(bytes), byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw fault(bytes) }
            let isEscape = byte == UInt8(ascii: "\\")
            hasEscapes = hasEscapes || isEscape
            position = min(position + (isEscape ? 2 : 1), bytes.count)
        }
        let raw = start..<position
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: bytes.extracting(raw))
        } catch {
            throw JSON.Fault(.encoding, at: start + error.byteOffsets.lowerBound)
        }
        guard take("\"", bytes) else { throw fault(bytes) }
        guard hasEscapes else { return text[raw] }
        return try Secret(capacity: raw.count) { output throws(JSON.Fault) in
            var index = raw.lowerBound
            while index < raw.upperBound {
                if bytes[index] == UInt8(ascii: "\\") {
                    try Reader.unescape(bytes.extracting(..<raw.upperBound), &index, &output)
                } else {
                    output.append(bytes[index])
                    index += 1
                }
            }
        }
    }

    /// Appends the character of the escape that begins at the index, and moves the index past the
    /// escape.
    private static func unescape(
        _ bytes: Span<UInt8>, _ index: inout Int, _ output: inout OutputSpan<UInt8>
    ) throws(JSON.Fault) {
        let start = index
        let letter = bytes[index + 1]
        index += 2
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): output.append(letter)
        case UInt8(ascii: "b"): output.append(0x08)
        case UInt8(ascii: "t"): output.append(0x09)
        case UInt8(ascii: "n"): output.append(0x0A)
        case UInt8(ascii: "f"): output.append(0x0C)
        case UInt8(ascii: "r"): output.append(0x0D)
        case UInt8(ascii: "u"):
            guard var value = unit(bytes, &index) else { throw JSON.Fault(.syntax, at: start) }
            if (0xD800..<0xDC00).contains(value), index + 1 < bytes.count,
                bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u")
            {
                index += 2
                guard let low = unit(bytes, &index), (0xDC00..<0xE000).contains(low) else {
                    throw JSON.Fault(.syntax, at: start)
                }
                value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
            }
            // A surrogate without its other half is no character.
            guard let encoded = Unicode.Scalar(value).flatMap(UTF8.encode) else {
                throw JSON.Fault(.syntax, at: start)
            }
            for byte in encoded { output.append(byte) }
        default: throw JSON.Fault(.syntax, at: start)
        }
    }

    /// Reads four hexadecimal digits and returns their value; nil if there are fewer.
    private static func unit(_ bytes: Span<UInt8>, _ index: inout Int) -> UInt32? {
        guard index + 4 <= bytes.count else { return nil }
        var unit: UInt32 = 0
        for offset in 0..<4 {
            guard let digit = bytes[index + offset].hexDigit else { return nil }
            unit = unit << 4 | UInt32(digit)
        }
        index += 4
        return unit
    }

    // MARK: Bytes

    private func peek(_ bytes: Span<UInt8>) -> UInt8? {
        position < bytes.count ? bytes[position] : nil
    }

    /// Returns true, and reads the byte, if the next byte is this one.
    private mutating func take(_ byte: Unicode.Scalar, _ bytes: Span<UInt8>) -> Bool {
        guard peek(bytes) == UInt8(ascii: byte) else { return false }
        position += 1
        return true
    }

    /// Returns the fault that the next byte is not allowed, or is missing.
    private func fault(_ bytes: Span<UInt8>) -> JSON.Fault {
        JSON.Fault(position < bytes.count ? .syntax : .truncated, at: position)
    }
}
