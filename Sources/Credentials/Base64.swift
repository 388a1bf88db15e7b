extension Secret {
    /// The padded base64 of the bytes.
    package init(base64Of bytes: Secret) {
        var (bits, count): (UInt32, UInt32) = (0, 0)
        var written = 0
        self.init(converting: bytes, growth: 2) { byte, output in
            // The last digit is filled up with zeros.
            let added: UInt32 = byte == nil ? (6 - count % 6) % 6 : 8
            bits = bits << added | UInt32(byte ?? 0)
            count += added
            while count >= 6 {
                count -= 6
                output.append(UInt8(base64Digit: UInt8(truncatingIfNeeded: bits >> count) & 63))
                written += 1
            }
            while byte == nil, written % 4 != 0 {
                output.append(UInt8(ascii: "="))
                written += 1
            }
        }
    }

    /// The bytes of a base64 (RFC 4648, section 4); nil if it is not valid. Line ends are skipped,
    /// as Go's decoder does, and padding may be missing.
    package init?(base64: Secret) {
        var isBase64 = true
        var (bits, count): (UInt32, UInt32) = (0, 0)
        var (digits, padding) = (0, 0)
        self.init(converting: base64, growth: 1) { byte, output in
            guard let byte, byte != 0x0A, byte != 0x0D else { return }
            if byte == UInt8(ascii: "=") { return padding += 1 }
            guard padding == 0, let digit = byte.base64Digit else { return isBase64 = false }
            digits += 1
            bits = bits << 6 | digit
            count += 6
            guard count >= 8 else { return }
            count -= 8
            output.append(UInt8(truncatingIfNeeded: bits >> count))
        }
        guard isBase64, padding <= 2, digits % 4 != 1 else { return nil }
    }
}

extension UInt8 {
    /// The digit of a value below 64.
    fileprivate init(base64Digit value: UInt8) {
        self =
            switch value {
            case 0..<26: UInt8(ascii: "A") + value
            case 26..<52: UInt8(ascii: "a") + value - 26
            case 52..<62: UInt8(ascii: "0") + value - 52
            case 62: UInt8(ascii: "+")
            default: UInt8(ascii: "/")
            }
    }

    fileprivate var base64Digit: UInt32? {
        switch self {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(self - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(self - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(self - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
