extension UInt8 {
    /// An ASCII capital as the small letter; any other byte as it is.
    package var lowerCased: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }

    package var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    /// Whether it is an ASCII letter or digit.
    package var isAlphanumeric: Bool {
        isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lowerCased)
    }

    /// Whether it is one that RFC 3986 calls unreserved.
    package var isUnreserved: Bool { isAlphanumeric || "-._~".utf8.contains(self) }

    /// The value of a hexadecimal digit in either case; nil for any other byte.
    package var hexDigit: UInt8? {
        switch lowerCased {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): lowerCased - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    /// The small hexadecimal digit of a value below 16.
    package init(hexDigit value: UInt8) {
        self = value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
