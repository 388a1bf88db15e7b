internal import CPlatform

/// The watchdog ends the process, with a line of its own, when the answer is overdue. The answer
/// is claimed once: by the request that is ready, or by the watchdog.
enum Watchdog {
    /// For the whole process, in seconds: the store's own deadlines are shorter.
    private static let patience = 20
    /// What a prompt is given on top of its own timeout, in seconds.
    private static let patienceAfterPrompt = 30

    static func start() {
        say("timed out; nothing was changed\n")
        platform_watchdog_start(UInt32(patience))
    }

    /// From now on the store may be changed.
    static func expectChange() {
        say("timed out; whether the login was changed is unknown\n")
    }

    /// A prompt is about to be shown, which may stand for so many seconds.
    static func waitForPrompt(seconds: Int) {
        platform_watchdog_start(UInt32(seconds + patienceAfterPrompt))
    }

    /// Must be called before the first byte of an answer is written. Returns to one caller only.
    static func claimAnswer() { platform_watchdog_claim() }

    private static func say(_ line: StaticString) {
        unsafe platform_watchdog_say(line.utf8Start, Int32(line.utf8CodeUnitCount))
    }
}
