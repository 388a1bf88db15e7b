/// How a byte stands in a query and in a form: letters, digits and `-._~` as they are, any other
/// as `%XX`.
struct FormEncoding {
    let bytes: [UInt8]

    init(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
            bytes = [byte]
        default:
            let digits = Array("0123456789ABCDEF".utf8)
            bytes = [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
        }
    }
}
