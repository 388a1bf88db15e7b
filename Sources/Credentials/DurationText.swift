extension String {
    /// The seconds of a duration: a number and its unit, `s`, `m`, `h` or `d`, such as `8h`. Nil
    /// for any other text, and for more than a year.
    package var seconds: Int? {
        let units: [(UInt8, Int)] = [
            (UInt8(ascii: "s"), 1), (UInt8(ascii: "m"), 60), (UInt8(ascii: "h"), 3600),
            (UInt8(ascii: "d"), 86400),
        ]
        let digits = utf8.dropLast()
        guard let (_, unit) = units.first(where: { $0.0 == utf8.last }), !digits.isEmpty,
            digits.count <= 8, digits.allSatisfy({ $0.isDigit })
        else { return nil }
        let seconds = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) } * unit
        return seconds <= 366 * 86400 ? seconds : nil
    }
}
