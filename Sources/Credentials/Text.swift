/// A text is a name as clients and keyrings write it: UTF-8 without NUL, compared byte for byte.
///
/// Swift's `String` compares by canonical equivalence, so that two spellings of `é` are equal and
/// CRLF is one character. A server or a user name must never match another one that way, so only
/// the bytes are compared here.
package struct Text: Hashable, Sendable {
    package let bytes: [UInt8]

    /// Nil if the bytes are not UTF-8 or contain a NUL.
    package init?(validating bytes: [UInt8]) {
        guard !bytes.span.contains(0), (try? UTF8Span(validating: bytes.span)) != nil else {
            return nil
        }
        self.bytes = bytes
    }

    /// Copies the bytes; nil if they are not UTF-8 or contain a NUL.
    package init?(validating bytes: Span<UInt8>) {
        guard !bytes.contains(0), (try? UTF8Span(validating: bytes)) != nil else { return nil }
        self.bytes = [UInt8](capacity: bytes.count) { $0.append(bytes) }
    }

    package init?(validating bytes: some Collection<UInt8>) {
        self.init(validating: Array(bytes))
    }

    /// Copies a secret that is known not to be confidential, such as a name or a number; nil if it
    /// is not text.
    package init?(copying secret: Secret) {
        self.init(validating: secret.publicBytes)
    }

    package init?(_ string: String) {
        guard !string.utf8.contains(0) else { return nil }
        self.bytes = Array(string.utf8)
    }

    package var string: String { String(decoding: bytes, as: UTF8.self) }

    package var isEmpty: Bool { bytes.isEmpty }

    /// True if it contains a C0 control, DEL or a C1 control, which no server and no user name may.
    package var hasControlCharacter: Bool {
        string.unicodeScalars.contains(where: { $0.isControl })
    }

    /// The same text without the white space (space, tab, line feed, vertical tab, form feed,
    /// carriage return) at its ends.
    package var trimmed: Text {
        let isSpace = { (byte: UInt8) in byte == 0x20 || (0x09...0x0D).contains(byte) }
        guard let first = bytes.firstIndex(where: { !isSpace($0) }),
            let last = bytes.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return Text(unchecked: bytes[first...last])
    }

    init(unchecked bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
    }
}

extension Text: ExpressibleByStringLiteral, CustomStringConvertible {
    package init(stringLiteral value: StaticString) {
        let bytes = unsafe Array(
            UnsafeBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount))
        precondition(!bytes.contains(0), "a text holds no NUL")
        self.bytes = bytes
    }

    package var description: String { string }
}

extension Text: Comparable {
    package static func < (left: Text, right: Text) -> Bool {
        left.bytes.span.order(to: right.bytes.span) < 0
    }
}

extension String {
    /// Copies the bytes; nil if they are not UTF-8 or contain a NUL.
    package init?(validating bytes: Span<UInt8>) {
        guard !bytes.contains(0), let text = try? UTF8Span(validating: bytes) else { return nil }
        self.init(copying: text)
    }

    /// The text as it may be shown: on one line, and in the order in which it is stored. A
    /// character that a terminal would obey is written as `\u` and four hexadecimal digits, as in
    /// JSON.
    package var printable: String {
        var line = UnicodeScalarView()
        for scalar in unicodeScalars {
            guard scalar.isUnprintable else {
                line.append(scalar)
                continue
            }
            let digits = String(scalar.value, radix: 16)
            line.append(
                contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.utf8.count)
                    + digits).unicodeScalars)
        }
        return String(line)
    }

    /// The text as one word of a command line, for bash, zsh, fish and POSIX shells. It is quoted
    /// unless it consists of letters, digits and `. _ : / @ + , -` alone. A character that must not
    /// be sent to a terminal is written as an escape in `$'…'`, which fish does not know.
    package var shellWord: String {
        let isPlain = utf8.allSatisfy { $0.isAlphanumeric || "._:/@+,-".utf8.contains($0) }
        if isPlain, !isEmpty { return self }
        let hasEscapes = unicodeScalars.contains { $0.isUnprintable }
        var word = hasEscapes ? "$'" : "'"
        for scalar in unicodeScalars {
            switch scalar {
            // Between quotes, fish takes a backslash for an escape.
            case "'", "\\": word += hasEscapes ? "\\\(scalar)" : "'\\\(scalar)'"
            default: word += String(scalar).printable
            }
        }
        return word + "'"
    }
}

extension Unicode.Scalar {
    /// True if it is a C0 control, DEL or a C1 control.
    package var isControl: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }

    /// True if a terminal obeys it rather than shows it: a control, a line or paragraph separator,
    /// or a mark that changes the direction of the text after it (Unicode's Bidi_Control). All are
    /// below U+10000.
    package var isUnprintable: Bool {
        switch value {
        case 0x061C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: isControl
        }
    }
}
