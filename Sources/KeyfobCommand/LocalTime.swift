internal import Files

/// A local time is a second as the user sees it, in the user's time zone.
struct LocalTime {
    /// `2026-11-30`
    let day: String
    /// `2026-11-30 18:05`
    let minute: String

    /// `seconds` are counted from 1970. Nil if there is no such time.
    init?(_ seconds: UInt64) {
        guard let time = System.localTime(of: seconds) else { return nil }
        func digits(_ number: Int32) -> String { (number < 10 ? "0" : "") + "\(number)" }
        day = "\(time.year)-\(digits(time.month))-\(digits(time.day))"
        minute = "\(day) \(digits(time.hour)):\(digits(time.minute))"
    }
}
