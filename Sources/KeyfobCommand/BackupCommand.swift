internal import ArgumentParser
internal import Clients
internal import Credentials
internal import Files
internal import Settings
internal import Stores

/// `keyfob backup`: writes all logins to one file that is encrypted with a passphrase.
///
/// Invariants: the file is written completely or not at all, and it has been read back. An
/// existing file is not replaced.
struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Write all logins to one encrypted file.",
        usage: "keyfob backup <file> [<options>]",
        discussion: """
            The file is protected by a passphrase of its own. Keep both, and restore the logins on \
            any machine with: keyfob restore <file>
            """)

    @Argument(help: "The new file.", completion: .file())
    var file: String

    @OptionGroup var source: Passphrase.Source

    @OptionGroup var output: ChangeOutput

    func validate() throws {
        if file.isEmpty { throw ValidationError("name the file") }
    }

    func run() throws {
        let invocation = try Invocation(output.console).ofAllAccounts
        let target = ClientFile(file)
        guard try target.read() == nil else { throw BackupCommand.exists(target) }
        if !output.dryRun { try invocation.unlockKeyring() }
        let inventory = invocation.inventory()
        if let failure = inventory.failures.first { throw failure }
        for warning in inventory.warnings { invocation.console.warn(warning) }

        let others = inventory.logins.passedOver(in: invocation.choice.chain)
        var entries = inventory.logins.filter { !others.contains($0) }.map(\.entry)
            .once(by: \.identity)
        if !output.dryRun { entries = try write(entries, to: target, invocation) }
        // The file lacks the logins that a locked or absent keyring may hide.
        let doubt = inventory.doubt("the backup may lack logins: ")
        let words = output.dryRun ? "would leave out" : "left out"
        let reports =
            entries.map { report(of: $0, in: target) }
            + others.map { $0.left(words, in: target.path) }
        try output.print(reports, errors: [doubt])
        if entries.isEmpty {
            invocation.console.note(
                doubt == nil ? "there are no logins; no file was written" : "no file was written")
        }
        try output.end(reports, errors: [doubt])
    }

    /// Returns the report of one login. A login that does not name its server could not be
    /// restored, so it is not written.
    private func report(of entry: Entry, in target: ClientFile) -> Report {
        guard Query(replacedBy: entry) != nil else {
            return Report(
                entry, in: target.path, .left, output.dryRun ? "would leave out" : "left out",
                problem: StoreError(.namelessLogin, "the login does not name its server"))
        }
        return Report(entry, in: target.path, .exported, output.dryRun ? "would write" : "wrote")
    }

    /// Returns the entries as they were written; one that cannot be is among them.
    private func write(
        _ entries: [Entry], to target: ClientFile, _ invocation: Invocation
    ) throws(StoreError) -> [Entry] {
        var logins: [Credential] = []
        var written: [Entry] = []
        for entry in entries {
            guard let query = entry.askedQuery else {
                written.append(entry)
                continue
            }
            guard let login = try invocation.choice.chain.find(query).first else {
                throw StoreError(
                    .changedMeanwhile, "\(entry.description) was removed meanwhile",
                    hint: "try again")
            }
            logins.append(login)
            written.append(login.entry)
            invocation.console.progress(logins.count, of: entries.count)
        }
        invocation.console.progress(0, of: 0)
        guard !logins.isEmpty else { return written }
        let passphrase = try source.ask(invocation)
        let bytes = try Backup.sealing(logins, with: passphrase)
        try target.edit(isPrivate: true) { existing throws(StoreError) in
            guard existing == nil else { throw BackupCommand.exists(target) }
            return Secret(copying: bytes.span)
        }
        guard try target.read() == Secret(copying: bytes.span) else {
            throw StoreError(.notReadBack, "\(target.path) does not come back as it was written")
        }
        return written
    }

    private static func exists(_ target: ClientFile) -> StoreError {
        StoreError(
            .wrongKindOfFile, "\(target.path) exists, and is not replaced",
            hint: "name a new file")
    }
}
