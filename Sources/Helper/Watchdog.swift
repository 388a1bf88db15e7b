internal import CPlatform
internal import Files

/// The watchdog ends the process, with a last line, if the answer is overdue; a crash ends it in
/// the same way. The answer is claimed once: by the request that is ready, by the watchdog or by a
/// crash.
enum Watchdog {
    /// The time for the whole process, in seconds: the store's own deadlines are shorter.
    private static let patience = 20
    /// The time that is added to a prompt's own timeout, in seconds.
    private static let patienceAfterPrompt = 30

    /// The texts before and after the reason, in cargo's protocol.
    private static let startForCargo: StaticString =
        "{\"Err\":{\"kind\":\"other\",\"message\":\""
    private static let unchangedForCargo: StaticString = "; nothing was changed\"}}\n"
    private static let unknownForCargo: StaticString =
        "; the login may or may not have been changed\"}}\n"
    /// The texts before and after the reason, for people and in all other protocols.
    private static let start: StaticString = ""
    private static let unchanged: StaticString = "; nothing was changed\n"
    private static let unknown: StaticString = "; the login may or may not have been changed\n"

    static func start(isForCargo: Bool) {
        say(isForCargo, unchangedForCargo, unchanged)
        platform_watchdog_start(UInt32(patience))
    }

    /// Says that the store may be changed from now on, for the last line.
    static func expectChange(isForCargo: Bool) { say(isForCargo, unknownForCargo, unknown) }

    /// Gives the process more time, since a prompt is about to be shown that waits so many seconds.
    static func waitForPrompt(seconds: Int) {
        platform_watchdog_start(UInt32(seconds + patienceAfterPrompt))
    }

    /// Must be called before the first byte of an answer is written. Returns to one caller only.
    static func claimAnswer() { platform_watchdog_claim() }

    private static func say(_ isForCargo: Bool, _ endForCargo: StaticString, _ end: StaticString) {
        System.setLastWords(
            answer: isForCargo ? (startForCargo, endForCargo) : (start, end),
            complaint: (start, end))
    }
}
