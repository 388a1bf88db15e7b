internal import CPlatform
package import Credentials

/// The terminal is where a person is asked for a secret: `/dev/tty`, with the echo off, as it
/// was before however that ends.
package enum Terminal {
    /// The longest answer, in bytes.
    package static let limit = 4096

    /// What was typed; nil where there is no terminal. `noun` is what is asked for, in errors.
    ///
    /// Throws `timedOut` if nothing was typed in time, `declined` if nothing was typed at all.
    /// A signal that arrives meanwhile is raised again once the terminal is restored.
    package static func ask(
        _ question: String, for noun: String = "passphrase", seconds: Int
    ) throws(StoreError) -> Secret? {
        var result: Int32 = 0
        let answer = Secret(capacity: limit) { memory in
            result = unsafe memory.withUnsafeMutableBufferPointer { memory in
                unsafe platform_terminal_ask(
                    question.printable, memory.baseAddress!, Int32(memory.count),
                    UInt32(clamping: seconds))
            }
            return max(0, Int(result))
        }
        switch Int(result) {
        case Int(platform_terminal_absent): return nil
        case Int(platform_terminal_timed_out):
            throw StoreError(.timedOut, "no \(noun) was typed within \(seconds) s")
        case Int(platform_terminal_too_long):
            throw StoreError(.failed, "a \(noun) has at most \(limit) bytes")
        case Int(platform_terminal_interrupted), 0:
            throw StoreError(.declined, "no \(noun) was typed")
        default: return answer
        }
    }
}
