internal import CPlatform

/// The watchdog ends the process, with a line of its own, when the answer is overdue. The answer
/// is claimed once: by the request that is ready, or by the watchdog.
enum Watchdog {
    /// For the whole process, in seconds: the store's own deadlines are shorter.
    private static let patience = 20
    /// What a prompt is given on top of its own timeout, in seconds.
    private static let patienceAfterPrompt = 30

    /// What it says for people, and how that stands in an answer of cargo's protocol.
    private static let unchanged: StaticString = "timed out; nothing was changed\n"
    private static let unknown: StaticString =
        "timed out; whether the login was changed is unknown\n"
    private static let unchangedForCargo: StaticString =
        "{\"Err\":{\"kind\":\"other\",\"message\":\"timed out; nothing was changed\"}}\n"
    private static let unknownForCargo: StaticString =
        "{\"Err\":{\"kind\":\"other\",\"message\":\"timed out; whether the login was changed is unknown\"}}\n"

    static func start(isForCargo: Bool) {
        say(isForCargo ? unchangedForCargo : unchanged, unchanged)
        platform_watchdog_start(UInt32(patience))
    }

    /// From now on the store may be changed.
    static func expectChange(isForCargo: Bool) {
        say(isForCargo ? unknownForCargo : unknown, unknown)
    }

    /// A prompt is about to be shown, which may stand for so many seconds.
    static func waitForPrompt(seconds: Int) {
        platform_watchdog_start(UInt32(seconds + patienceAfterPrompt))
    }

    /// Must be called before the first byte of an answer is written. Returns to one caller only.
    static func claimAnswer() { platform_watchdog_claim() }

    private static func say(_ answer: StaticString, _ complaint: StaticString) {
        unsafe platform_watchdog_say(
            answer.utf8Start, Int32(answer.utf8CodeUnitCount), complaint.utf8Start,
            Int32(complaint.utf8CodeUnitCount))
    }
}
