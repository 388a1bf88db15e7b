internal import Credentials

/// The encoding of a byte in a query and in a form: the byte itself, or `%XX`.
package struct FormEncoding {
    package let bytes: [UInt8]

    package init(_ byte: UInt8) {
        guard !byte.isUnreserved else {
            bytes = [byte]
            return
        }
        let digits = Array("0123456789ABCDEF".utf8)
        bytes = [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
    }
}
