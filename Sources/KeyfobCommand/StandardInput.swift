internal import Credentials
internal import Files

extension Secret {
    /// The longest time without further input, in seconds.
    private static let timeout = 60

    /// The longest password that is read, in bytes.
    private static let limit = 1 << 20

    /// Reads standard input, or its first line. `noun` names the input in errors. Nil if it is
    /// longer than `limit` bytes.
    init?(
        fromStandardInput noun: String, atMost limit: Int, endsAtLine: Bool = false
    ) throws(StoreError) {
        do throws(Stream.Failure) {
            self = try Stream.input.read(
                atMost: limit, endsAtLine: endsAtLine, patience: Secret.timeout)
        } catch {
            switch error {
            case .tooLong: return nil
            case .timedOut:
                throw StoreError(
                    .inputTimedOut,
                    "no \(noun) arrived on standard input within \(Secret.timeout) s")
            case .system(let error):
                throw StoreError(.inputUnreadable, "cannot read the \(noun): \(error.reason)")
            }
        }
    }

    /// Reads the first line of standard input, without its line end, which may be CRLF.
    init(firstLineOfStandardInput noun: String) throws(StoreError) {
        let line = try Secret(
            fromStandardInput: noun, atMost: Terminal.limit + 1, endsAtLine: true)
        guard let line else {
            throw StoreError(.passphraseLength, "a passphrase has 1 to \(Terminal.limit) bytes")
        }
        guard !line.contains(0) else {
            throw StoreError(.badSecret, "the \(noun) holds a NUL", hint: "nothing was changed")
        }
        self = line.withoutLineEnd
    }

    /// Reads standard input to its end and drops one line end there, as docker does with a
    /// password.
    init(passwordFromStandardInput noun: String) throws(StoreError) {
        let read = try Secret(fromStandardInput: noun, atMost: Secret.limit + 2)
        guard let read = read?.withoutLineEnd, read.count <= Secret.limit else {
            throw StoreError(.tooLong, "the \(noun) is longer than \(Secret.limit) bytes")
        }
        self = read
    }
}

extension StoreError {
    /// Returns the error if there is no terminal to ask at. `remedy` says how to give the answer
    /// instead.
    static func noTerminal(for noun: String, _ remedy: String) -> StoreError {
        StoreError(
            .noTerminal, "there is no terminal to ask for the \(noun)", hint: "give it \(remedy)")
    }
}
