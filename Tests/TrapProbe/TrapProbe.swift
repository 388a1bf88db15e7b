/// A program with the fault that its argument names, which ends in a trap: to see what is said then.
/// As Embedded Swift it has no runtime that would say anything itself.
internal import CPlatform

@main
struct TrapProbe {
    static func main() {
        guard platform_harden() else { return }
        let words: StaticString = ""
        let end: StaticString = "; nothing was changed\n"
        unsafe platform_set_last_words(
            PlatformLastWords(
                answer_start: text(words), answer_end: text(end), complaint_start: text(words),
                complaint_end: text(end)))
        guard let fault = unsafe platform_arguments()[1] else { return }
        let numbers = [1, 2, 3]
        // A number that the compiler does not know: 5, 8 or 6 letters.
        let length = unsafe String(cString: fault).utf8.count
        switch unsafe String(cString: fault) {
        case "index": finish(numbers[length])
        case "overflow": finish(Int.max - 7 + length)
        case "absent": finish(numbers.first { $0 == length }!)
        case "memory": finish([UInt8](repeating: 1, count: 1 << (40 + length)).count)
        default: break
        }
    }

    /// Uses the number, so that it is made.
    @inline(never) private static func finish(_ number: Int) {
        platform_watchdog_start(UInt32(truncatingIfNeeded: number))
    }

    /// A literal in memory ends with a NUL.
    private static func text(_ literal: StaticString) -> UnsafePointer<CChar> {
        unsafe UnsafeRawPointer(literal.utf8Start).assumingMemoryBound(to: CChar.self)
    }
}
