internal import ArgumentParser
internal import Clients
internal import Credentials

/// `keyfob uninstall`: undoes every setup, and says which logins remain. It removes no login and no
/// program.
struct Uninstall: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall",
        abstract: "Undo every setup, and say what remains.",
        discussion: """
            Removes no login. Take your logins along first with keyfob backup or keyfob export, or \
            remove them with keyfob logout --all.
            """)

    @OptionGroup var output: ChangeOutput

    func run() throws {
        let invocation = try Invocation(output.console).ofAllAccounts
        let reports = try Setup.undoingAll(invocation, dryRun: output.dryRun)
        let inventory = invocation.inventory()
        let remaining = inventory.logins.map {
            Report($0.entry, in: $0.store, .remains, "keeps")
        }
        let errors = inventory.failures + [inventory.doubt("logins may remain: ")]
        try output.print(reports + remaining, errors: errors)
        if !remaining.isEmpty {
            invocation.console.hint(
                "to take the logins along: keyfob backup FILE, or keyfob export --client CLIENT "
                    + "--plain-text; to remove them: "
                    + Set(inventory.logins.map(\.entry.schema.account)).map {
                        "keyfob logout --all\($0.option)"
                    }.sorted().joined(separator: ", and "))
        }
        let asking = Clients.withHelpers.filter { client in
            let keeper = try? client.keeper(in: invocation.surroundings)
            return keeper?.isAsked == true || keeper?.exceptions.contains(where: \.isOurs) == true
        }
        if !output.dryRun, !asking.isEmpty {
            invocation.console.warn(
                "\(Clients.words(asking, "and")) would still ask Keyfob; see: keyfob status")
        }
        invocation.console.hint(
            "then remove the package: apt remove keyfob, or: make uninstall")
        try output.end(reports, errors: errors)
    }
}
