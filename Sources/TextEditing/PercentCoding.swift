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
        // A percent sign, and the digit after it, until it is known if they are an escape.
        var start: [UInt8] = []
        return Secret(converting: self, growth: 1) { byte, output in
            if start.count == 2, let low = byte?.hexDigit, let high = start[1].hexDigit {
                output.append(high << 4 | low)
                return start = []
            }
            if start.count == 1, let byte, byte.hexDigit != nil { return start.append(byte) }
            for byte in start { output.append(byte) }
            start = byte == UInt8(ascii: "%") ? [UInt8(ascii: "%")] : []
            if let byte, start.isEmpty { output.append(byte) }
        }
    }
}
