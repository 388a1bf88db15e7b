internal import Credentials
internal import JSON

/// The expiry of a token as tools write it: seconds since 1970 as a number (AWS CLI 1), or a date
/// of ISO 8601 or RFC 3339 with a time zone (AWS CLI 2, gcloud).
enum Expiry {
    /// Returns the seconds since 1970; nil if the value is neither, so that the expiry is not
    /// known.
    static func seconds(_ value: JSON) -> UInt64? {
        switch value {
        case .integer(let number): number >= 0 ? UInt64(number) : 0
        // The fraction is dropped, so that the token expires earlier rather than later.
        case .number(let text): whole(text.bytes[...])
        default: value.text.flatMap { text in date(text.bytes) ?? whole(text.bytes[...]) }
        }
    }

    /// Returns the whole number before a fraction; nil if the text is no number.
    private static func whole(_ text: ArraySlice<UInt8>) -> UInt64? {
        let digits = text.prefix { $0.isDigit }
        let rest = text.dropFirst(digits.count)
        guard !digits.isEmpty,
            rest.isEmpty
                || rest.first == UInt8(ascii: ".") && rest.dropFirst().allSatisfy({ $0.isDigit })
        else { return nil }
        return UInt64(String(decoding: digits, as: UTF8.self))
    }

    /// Returns the seconds of `YYYY-MM-DDThh:mm:ss`, a fraction or none, and `Z` or `±hh:mm`.
    private static func date(_ text: [UInt8]) -> UInt64? {
        var rest = text[...]
        guard let year = number(4, &rest), take("-", &rest), let month = number(2, &rest),
            take("-", &rest), let day = number(2, &rest), take("Tt ", &rest),
            let hour = number(2, &rest), take(":", &rest), let minute = number(2, &rest),
            take(":", &rest), let second = number(2, &rest),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        if take(".,", &rest) {
            let digits = rest.prefix { $0.isDigit }
            guard !digits.isEmpty else { return nil }
            rest = rest.dropFirst(digits.count)
        }
        guard let offset = zone(rest) else { return nil }
        let seconds =
            days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
        return seconds > 0 ? UInt64(seconds) : 0
    }

    /// Returns the offset of a time zone from UTC, in seconds; positive to the east.
    private static func zone(_ text: ArraySlice<UInt8>) -> Int? {
        var rest = text
        if take("Zz", &rest) { return rest.isEmpty ? 0 : nil }
        let sign = rest.first == UInt8(ascii: "-") ? -1 : 1
        guard take("+-", &rest), let hours = number(2, &rest) else { return nil }
        _ = take(":", &rest)
        guard let minutes = number(2, &rest), rest.isEmpty, hours < 24, minutes < 60 else {
            return nil
        }
        return sign * (hours * 3600 + minutes * 60)
    }

    private static func number(_ count: Int, _ rest: inout ArraySlice<UInt8>) -> Int? {
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy({ $0.isDigit }) else { return nil }
        rest = rest.dropFirst(count)
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    /// Skips the next byte and returns true if it is one of these.
    private static func take(_ bytes: String, _ rest: inout ArraySlice<UInt8>) -> Bool {
        guard let first = rest.first, bytes.utf8.contains(first) else { return false }
        rest.removeFirst()
        return true
    }

    /// Returns the days from 1970-01-01 to a date of the Gregorian calendar. Years are counted from
    /// March, so that a leap day is the last day of its year.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let years = month > 2 ? year : year - 1
        let monthsSinceMarch = (month + 9) % 12
        let leapDays = years / 4 - years / 100 + years / 400
        return years * 365 + leapDays + (monthsSinceMarch * 153 + 2) / 5 + day - 1 - 719_468
    }
}
