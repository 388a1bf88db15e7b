package import Credentials

extension Secret {
    /// With `%` and small digits in place of all but what RFC 3986 calls unreserved, as git encodes it
    /// (credential-store.c).
    package func percentEncoded(except plain: String = "") -> Secret {
        Secret(capacity: 3 * count) { memory in
            expose { bytes in
                var written = 0
                for index in bytes.indices {
                    let byte = bytes[index]
                    guard !byte.isUnreserved, !plain.utf8.contains(byte) else {
                        memory[written] = byte
                        written += 1
                        continue
                    }
                    memory[written] = UInt8(ascii: "%")
                    memory[written + 1] = UInt8(hexDigit: byte >> 4)
                    memory[written + 2] = UInt8(hexDigit: byte & 0xF)
                    written += 3
                }
                return written
            }
        }
    }

    package var percentDecoded: Secret {
        Secret(capacity: count) { memory in
            expose { bytes in
                var (read, written) = (0, 0)
                while read < bytes.count {
                    let isEscape =
                        bytes[read] == UInt8(ascii: "%") && read + 2 < bytes.count
                    if isEscape, let high = bytes[read + 1].hexDigit,
                        let low = bytes[read + 2].hexDigit
                    {
                        memory[written] = high << 4 | low
                        read += 3
                    } else {
                        memory[written] = bytes[read]
                        read += 1
                    }
                    written += 1
                }
                return written
            }
        }
    }
}

extension UInt8 {
    /// The small digit of a value below 16.
    fileprivate init(hexDigit value: UInt8) {
        self = value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    fileprivate var isUnreserved: Bool {
        switch self {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    fileprivate var hexDigit: UInt8? {
        Character(Unicode.Scalar(self)).hexDigitValue.map { UInt8($0) }
    }
}
