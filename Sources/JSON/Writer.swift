internal import Credentials

/// The writer writes a value on one line, in memory that has the length of the line and is wiped.
enum Writer {
    static func line(of value: JSON) throws(JSON.Fault) -> Secret {
        let capacity = try size(of: value)
        return Secret(capacity: capacity) { $0.append(value) }
    }

    private static func size(of value: JSON) throws(JSON.Fault) -> Int {
        switch value {
        case .null: return 4
        case .bool(let bool): return bool ? 4 : 5
        case .integer(let number): return "\(number)".utf8.count
        case .number(let number): return number.bytes.count
        case .text(let text): return size(ofString: text.bytes.span)
        case .string(let secret):
            return try secret.expose { bytes throws(JSON.Fault) in
                guard (try? UTF8Span(validating: bytes)) != nil else {
                    throw JSON.Fault(.encoding)
                }
                return size(ofString: bytes)
            }
        case .array(let elements):
            var size = 2 + max(elements.count - 1, 0)
            for element in elements { size += try Writer.size(of: element) }
            return size
        case .object(let members):
            var size = 2 + max(members.count - 1, 0)
            for member in members {
                size += Writer.size(ofString: member.name.bytes.span) + 1
                size += try Writer.size(of: member.value)
            }
            return size
        }
    }

    private static func size(ofString bytes: Span<UInt8>) -> Int {
        var size = 2
        var index = 0
        while index < bytes.count {
            let end = bytes.endOfPlain(from: index)
            size += end - index
            guard end < bytes.count else { break }
            let escape = Escape(bytes, at: end)
            size += escape.size
            index = end + escape.length
        }
        return size
    }
}

/// The form that the character at a byte of a string has in JSON.
///
/// A character that a terminal would obey is escaped too, so that a line can be shown as it is
/// (`Unicode.Scalar.isUnprintable`).
private enum Escape {
    /// The byte is written as it is.
    case none
    /// A backslash and a letter: for `"`, `\`, and the control characters that have a letter.
    case letter(UInt8)
    /// `\uXXXX`; the character has so many bytes in the string.
    case code(UInt32, length: Int)

    /// Returns true for a byte whose form is always `none`; most bytes are such.
    @inline(__always)
    static func isPlain(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "#") && byte < 0x7F && byte != UInt8(ascii: "\\")
    }

    /// Returns true if all bytes of the word are plain. It may return false even then.
    @inline(__always)
    static func arePlain(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let backslash = word ^ ones &* UInt64(UInt8(ascii: "\\"))
        // The highest bit of each byte: of its own, or set if the byte is too small or too large.
        let unusual =
            word | (word &+ ones) | (word &- ones &* UInt64(UInt8(ascii: "#")))
            | (backslash &- ones)
        return unusual & (ones &* 0x80) == 0
    }

    /// Finds the form of the character at the index; `bytes` must be UTF-8.
    init(_ bytes: Span<UInt8>, at index: Int) {
        let byte = bytes[index]
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): self = .letter(byte)
        case 0x08: self = .letter(UInt8(ascii: "b"))
        case 0x09: self = .letter(UInt8(ascii: "t"))
        case 0x0A: self = .letter(UInt8(ascii: "n"))
        case 0x0C: self = .letter(UInt8(ascii: "f"))
        case 0x0D: self = .letter(UInt8(ascii: "r"))
        case 0x00...0x1F, 0x7F: self = .code(UInt32(byte), length: 1)
        case 0xC2, 0xD8:
            self = Escape(UInt32(byte & 0x1F) << 6 | Escape.bits(bytes[index + 1]), length: 2)
        case 0xE2:
            let middle = Escape.bits(bytes[index + 1]) << 6
            self = Escape(
                UInt32(byte & 0xF) << 12 | middle | Escape.bits(bytes[index + 2]), length: 3)
        default: self = .none
        }
    }

    private init(_ value: UInt32, length: Int) {
        let isEscaped = Unicode.Scalar(value).map { $0.isUnprintable } ?? false
        self = isEscaped ? .code(value, length: length) : .none
    }

    /// Returns the bits that a continuation byte adds to its character.
    private static func bits(_ byte: UInt8) -> UInt32 { UInt32(byte & 0x3F) }

    var size: Int {
        switch self {
        case .none: 1
        case .letter: 2
        case .code: 6
        }
    }

    /// The number of bytes of the string that it replaces.
    var length: Int {
        switch self {
        case .none, .letter: 1
        case .code(_, let length): length
        }
    }
}

extension Span<UInt8> {
    /// Returns the index of the first byte, from this one on, that may have to be escaped; the count
    /// if there is none.
    fileprivate func endOfPlain(from start: Int) -> Int {
        var end = start
        // Every index is below the count.
        while end + 8 <= count,
            unsafe Escape.arePlain(
                bytes.unsafeLoadUnaligned(
                    fromUncheckedByteOffset: end, as: UInt64.self))
        { end += 8 }
        while end < count, unsafe Escape.isPlain(self[unchecked: end]) { end += 1 }
        return end
    }
}

extension OutputSpan<UInt8> {
    fileprivate mutating func append(_ value: JSON) {
        switch value {
        case .null: append("null")
        case .bool(let bool): bool ? append("true") : append("false")
        case .integer(let number): append(ascii: "\(number)")
        case .number(let number): append(number.bytes.span)
        case .text(let text): append(string: text.bytes.span)
        case .string(let secret):
            secret.expose { append(string: $0) }
        case .array(let elements):
            append("[")
            for (index, element) in elements.enumerated() {
                if index > 0 { append(",") }
                append(element)
            }
            append("]")
        case .object(let members):
            append("{")
            var isFirst = true
            for member in members {
                if !isFirst { append(UInt8(ascii: ",")) }
                isFirst = false
                append(string: member.name.bytes.span)
                append(UInt8(ascii: ":"))
                append(member.value)
            }
            append("}")
        }
    }

    private mutating func append(string bytes: Span<UInt8>) {
        append(UInt8(ascii: "\""))
        var index = 0
        while index < bytes.count {
            let end = bytes.endOfPlain(from: index)
            append(bytes.extracting(index..<end))
            guard end < bytes.count else { break }
            let escape = Escape(bytes, at: end)
            switch escape {
            case .none:
                append(bytes[end])
            case .letter(let letter):
                append(UInt8(ascii: "\\"))
                append(letter)
            case .code(let value, _):
                append("\\u")
                for shift: UInt32 in [12, 8, 4, 0] {
                    append(UInt8(hexDigit: UInt8(value >> shift & 0xF)))
                }
            }
            index = end + escape.length
        }
        append(UInt8(ascii: "\""))
    }

    private mutating func append(ascii: String) {
        for byte in ascii.utf8 { append(byte) }
    }
}
