internal import Credentials
internal import Files

/// A passphrase command is a program that prints the passphrase of the credential file, such as
/// `pass show keyfob`. It is run without a shell.
struct PassphraseCommand {
    /// The program, found on `PATH` unless it holds a slash, and its arguments.
    let arguments: [String]

    /// How long it may run, in seconds.
    private static let patience = 10
    /// How many bytes it may print in all: lines that follow are not looked at.
    private static let limit = 1 << 16

    /// The first line that it prints.
    ///
    /// It reads nothing, may say on standard error what it likes, and must end with status 0 in
    /// time; otherwise this throws `failed` or `timedOut`, and it has been ended.
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

    /// Its arguments are not told: one of them may be a secret.
    private func failure(_ what: String) -> StoreError {
        StoreError(
            .passphraseCommandFailed, "the passphrase command \(what)",
            hint: "try passphraseCommand of the config file by hand")
    }
}
