package import Credentials

extension Secret {
    /// Returns the bytes with `%` and lower-case digits in place of all that RFC 3986 does not call
    /// unreserved, except those in `plain`, as git encodes them (credential-store.c).
    package func percentEncoded(except plain: String = "") -> Secret {
        Secret(converting: self, growth: 3) { byte, output in
            guard let byte else { return }
            if byte.isUnreserved || plain.utf8.contains(byte) { return output.append(byte) }
            output.append(UInt8(ascii: "%"))
            output.append(UInt8(hexDigit: byte >> 4))
            output.append(UInt8(hexDigit: byte & 0xF))
        }
    }

    package var percentDecoded: Secret {
        Secret(capacity: count) { output in
            expose { bytes in
                var read = 0
                while read < bytes.count {
                    let isEscape =
                        bytes[read] == UInt8(ascii: "%") && read + 2 < bytes.count
                    if isEscape, let high = bytes[read + 1].hexDigit,
                        let low = bytes[read + 2].hexDigit
                    {
                        output.append(high << 4 | low)
                        read += 3
                    } else {
                        output.append(bytes[read])
                        read += 1
                    }
                }
            }
        }
    }
}
