internal import Credentials
internal import Files

/// A passphrase command is a program that prints the passphrase of the credential file, such as
/// `pass show keyfob`. It is run without a shell.
struct PassphraseCommand {
    /// The program, found on `PATH` unless it holds a slash, and its arguments.
    let arguments: [String]

    /// The longest time that it may run, in seconds.
    private static let patience = 10
    /// The number of bytes that it may print in all. Only the first line is used.
    private static let limit = 1 << 16

    /// Returns the first line that it prints.
    ///
    /// It has no input, may write anything to standard error, and must end with status 0 in time;
    /// otherwise it is ended and this throws `failed` or `timedOut`.
    func run() throws(StoreError) -> Secret {
        let result: (status: Int32?, output: Secret)
        do throws(Child.Failure) {
            result = try Child.run(
                arguments, atMost: PassphraseCommand.limit, within: PassphraseCommand.patience)
        } catch {
            switch error {
            case .notStarted(let error): throw failure("cannot be started: \(error.reason)")
            case .timedOut:
                throw StoreError(
                    .passphraseCommandTimedOut,
                    "the passphrase command did not end within \(PassphraseCommand.patience)"
                        + " seconds")
            }
        }
        guard result.status == 0 else { throw failure("failed") }
        return try firstLine(of: result.output)
    }

    private func firstLine(of printed: Secret) throws(StoreError) -> Secret {
        let line = printed.lines.first.map { printed[$0].withoutLineEnd } ?? .empty
        guard !line.isEmpty else { throw failure("printed no passphrase") }
        guard line.count <= Terminal.limit else {
            throw failure("printed more than \(Terminal.limit) bytes")
        }
        return line
    }

    /// The message does not contain the arguments: one of them may be a secret.
    private func failure(_ what: String) -> StoreError {
        StoreError(
            .passphraseCommandFailed, "the passphrase command \(what)",
            hint: "try passphraseCommand of the config file by hand")
    }
}
