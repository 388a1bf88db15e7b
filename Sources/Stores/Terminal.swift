internal import CPlatform
internal import Credentials

/// The terminal is where a person is asked for a passphrase: `/dev/tty`, with the echo off, as it
/// was before however that ends.
enum Terminal {
    /// The longest passphrase, in bytes.
    static let limit = 4096

    /// What was typed; nil where there is no terminal.
    ///
    /// Throws `timedOut` if nothing was typed in time, `declined` if nothing was typed at all.
    static func ask(_ question: String, seconds: Int) throws(StoreError) -> Secret? {
        var result: Int32 = 0
        let passphrase = Secret(capacity: limit) { memory in
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
            throw StoreError(.timedOut, "no passphrase was typed within \(seconds) s")
        case Int(platform_terminal_too_long):
            throw StoreError(.failed, "a passphrase has at most \(limit) bytes")
        case Int(platform_terminal_interrupted), 0:
            throw StoreError(.declined, "no passphrase was typed")
        default: return passphrase
        }
    }
}
