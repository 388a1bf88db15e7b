package import Credentials

extension Secret {
    /// The padded base64 of the bytes.
    package init(base64Of bytes: Secret) {
        self.init(capacity: (bytes.count + 2) / 3 * 4) { output in
            bytes.expose { bytes in
                for start in stride(from: 0, to: bytes.count, by: 3) {
                    let count = min(3, bytes.count - start)
                    var bits: UInt32 = 0
                    for index in 0..<3 {
                        bits = bits << 8 | (index < count ? UInt32(bytes[start + index]) : 0)
                    }
                    for index in 0..<4 {
                        let digit = UInt8(truncatingIfNeeded: bits >> UInt32(18 - 6 * index)) & 63
                        output.append(
                            index <= count ? UInt8(base64Digit: digit) : UInt8(ascii: "="))
                    }
                }
            }
        }
    }

    /// The bytes of a base64 (RFC 4648, section 4); nil if it is not valid. Line ends are skipped,
    /// as Go's decoder does, and padding may be missing.
    package init?(base64: Secret) {
        var isBase64 = true
        self.init(capacity: base64.count) { output in
            base64.expose { bytes in
                var (bits, count): (UInt32, Int) = (0, 0)
                var (digits, padding) = (0, 0)
                for index in bytes.indices where bytes[index] != 0x0A && bytes[index] != 0x0D {
                    if bytes[index] == UInt8(ascii: "=") {
                        padding += 1
                        continue
                    }
                    guard padding == 0, let digit = bytes[index].base64Digit else {
                        isBase64 = false
                        return
                    }
                    digits += 1
                    bits = bits << 6 | digit
                    count += 6
                    guard count >= 8 else { continue }
                    count -= 8
                    output.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
                }
                isBase64 = padding <= 2 && digits % 4 != 1
            }
        }
        guard isBase64 else { return nil }
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
