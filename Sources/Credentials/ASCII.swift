extension UInt8 {
    /// The small letter of an ASCII capital; any other byte unchanged.
    package var lowerCased: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }

    package var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    /// True if it is an ASCII letter or digit.
    package var isAlphanumeric: Bool {
        isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lowerCased)
    }

    /// True if RFC 3986 calls it unreserved.
    package var isUnreserved: Bool { isAlphanumeric || "-._~".utf8.contains(self) }

    /// The value of a hexadecimal digit in either case; nil for any other byte.
    package var hexDigit: UInt8? {
        switch lowerCased {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): lowerCased - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    /// Makes the small hexadecimal digit of a value below 16.
    package init(hexDigit value: UInt8) {
        self = value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}

extension [UInt8] {
    /// The bytes in small hexadecimal digits, two for each.
    package var hexadecimal: String {
        let digits = flatMap { [UInt8(hexDigit: $0 >> 4), UInt8(hexDigit: $0 & 0xF)] }
        return String(decoding: digits, as: UTF8.self)
    }
}
