internal import ArgumentParser
internal import Clients
internal import Credentials
internal import Files
internal import Settings
internal import Stores

/// `keyfob restore`: puts the logins of a backup into the store.
///
/// Invariants: only a newer login replaces a stored one, each restored login is read back, and
/// the next run finishes an interrupted one.
struct Restore: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Store the logins of a backup.",
        usage: "keyfob restore <file> [<options>]",
        discussion: """
            Where the store has another login for the same server, the newer one is kept.
            """)

    @Argument(help: "A file that keyfob backup has written.", completion: .file())
    var file: String

    @Flag(help: "Read the passphrase from the first line of standard input.")
    var stdin = false

    @OptionGroup var output: ChangeOutput

    func validate() throws {
        if file.isEmpty { throw ValidationError("name the file") }
    }

    func run() throws {
        let invocation = try Invocation(output.console).ofAllAccounts
        try invocation.requireSettings(before: "restored")
        let source = ClientFile(file)
        guard let content = try source.read() else {
            throw StoreError(.noSuchFile, "\(source.path) does not exist")
        }
        guard Backup.isBegun(by: content) else {
            throw StoreError(.unexpectedContent, "\(source.path) is not a backup of Keyfob")
        }
        let logins = try Backup.logins(in: content.publicBytes, with: try passphrase(invocation))
        let (reports, failure) = invocation.reports(of: logins, dryRun: output.dryRun) {
            report(of: $0, invocation)
        }
        try output.answer(reports, errors: [failure], ifEmpty: "there is nothing to restore")
    }

    private func passphrase(_ invocation: Invocation) throws(StoreError) -> Secret {
        if stdin { return try Secret(firstLineOfStandardInput: "passphrase") }
        guard
            let typed = try invocation.ask("Keyfob: passphrase of the backup: ", for: "passphrase")
        else {
            throw .noTerminal(for: "passphrase", "on standard input, with --stdin")
        }
        return typed
    }

    private func report(of login: Credential, _ invocation: Invocation) -> Report {
        func report(
            _ result: Report.Result, _ words: String, _ problem: StoreError? = nil
        ) -> Report {
            Report(login.entry, in: file, result, words, problem: problem)
        }
        do throws(StoreError) {
            let query = try login.entry.ownQuery()
            let choice = invocation.choice
            if let refusal = choice.settings.routes.refusal(of: login.entry) { throw refusal }
            let store = choice.chain
            if let other = try store.find(query).first {
                if other.isSame(as: login) { return report(.known, "is stored already:") }
                // An unknown time counts as the oldest, so that a stored login is not lost by a
                // guess.
                guard login.entry.modified ?? 0 > other.entry.modified ?? 0 else {
                    return report(.dropped, "a newer login is stored:")
                }
            }
            guard !output.dryRun else { return report(.restored, "would restore") }
            try store.save(login)
            guard let kept = try store.find(query).first, kept.isSame(as: login) else {
                throw StoreError(.notReadBack, "it could not be read back unchanged")
            }
            return report(.restored, "restored")
        } catch {
            return report(.left, output.dryRun ? "would not restore" : "did not restore", error)
        }
    }
}
