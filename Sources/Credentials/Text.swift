/// Text is a name as clients and keyrings write it: UTF-8 without NUL, compared byte for byte.
///
/// Swift's `String` compares by canonical equivalence, so that two spellings of `é` are equal and
/// CRLF is one character. A server or a user name must never match another that way: what is
/// compared here is the bytes, and nothing else.
package struct Text: Hashable, Sendable {
    package let bytes: [UInt8]

    /// Nil if the bytes are not UTF-8 or hold a NUL.
    package init?(validating bytes: [UInt8]) {
        guard !bytes.contains(0), (try? UTF8Span(validating: bytes.span)) != nil else {
            return nil
        }
        self.bytes = bytes
    }

    package init?(validating bytes: some Collection<UInt8>) {
        self.init(validating: Array(bytes))
    }

    /// What a secret holds that is none, a name or a number, in the open; nil if it is no text.
    package init?(copying secret: Secret) {
        let text = secret.expose { bytes in Text(validating: bytes.indices.map { bytes[$0] }) }
        guard let text else { return nil }
        self = text
    }

    package init?(_ string: String) {
        guard !string.utf8.contains(0) else { return nil }
        self.bytes = Array(string.utf8)
    }

    package var string: String { String(decoding: bytes, as: UTF8.self) }

    package var isEmpty: Bool { bytes.isEmpty }

    /// Whether it holds a C0 control, DEL or a C1 control, which no server and no user name may.
    package var hasControlCharacter: Bool {
        string.unicodeScalars.contains(where: \.isControl)
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
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

extension String {
    /// On one line: each control character is a question mark.
    package var printable: String {
        var line = UnicodeScalarView()
        for scalar in unicodeScalars { line.append(scalar.isControl ? "?" : scalar) }
        return String(line)
    }
}

extension Unicode.Scalar {
    /// Whether it is a C0 control, DEL or a C1 control.
    package var isControl: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }
}

extension UInt8 {
    /// An ASCII capital as the small letter; any other byte as it is.
    package var lowerCased: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }
}
