internal import ArgumentParser
internal import Clients
internal import Credentials
internal import Files
internal import JSON
internal import Settings
internal import Stores

/// `keyfob import`: moves logins from the clients' plaintext files, or from another helper, into
/// the store.
///
/// Invariants: at every moment each login is in at least one of the two places. It is stored,
/// read back and compared, and only then removed from the file, if it is still the same there. The
/// next run finishes an interrupted one.
struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Move plain-text logins into the keyring or the file.",
        usage: "keyfob import [<options>]",
        discussion: """
            Looks in the files of \(Clients.words(Clients.withFiles, "and")). Each login is stored, \
            read back, and only then taken out of its file. A login that its client could not use \
            from the store, or does not use now, stays where it is.
            """)

    @Option(
        help: ArgumentHelp(
            "Import from docker-credential-<name> instead.", valueName: "name"))
    var fromHelper: String?

    @Option(
        help: ArgumentHelp(
            "Which login to keep where the store has another.",
            valueName: "stored|found"))
    var prefer: Preference?

    @Flag(help: "Store the logins, and leave the files unchanged.")
    var keep = false

    @OptionGroup var selection: Selection

    @OptionGroup var output: ChangeOutput

    var dryRun: Bool { output.dryRun }

    func validate() throws {
        if let fromHelper { try OtherHelper.validate(fromHelper, for: selection.named) }
    }

    func run() throws {
        let invocation = try Invocation(output.console)
        try invocation.requireSettings(before: "imported")
        let (sources, unreadable) = try sources(invocation)
        let count = sources.reduce(0) { $0 + $1.logins.count }
        // Logins of different accounts never replace each other, so each account has its own run.
        var runs: [AccountName?: ImportRun] = [:]
        var done = 0
        var reports: [Report] = []
        var clients: [any Client] = []
        var failure: StoreError?
        for source in sources where failure == nil {
            var run =
                runs[source.account]
                ?? ImportRun(invocation.in(source.account), prefer: prefer, dryRun: dryRun)
            run.isAsked = source.asksKeyfob
            var results = run.results(of: source.logins, &failure) {
                done += 1
                if !dryRun { invocation.console.progress(done, of: count) }
            }
            runs[source.account] = run
            // Logins that were not reached are not reported.
            let logins = Array(source.logins.suffix(results.count))
            if !keep { keepUsed(logins, of: source, &results, invocation.surroundings) }
            if results.contains(where: \.isStored) {
                clients += (source.asksKeyfob ? [] : [source.client]) + source.readers
            }
            if !keep { scrub(logins, of: source, &results) }
            reports += zip(logins, results).map { report(of: $0, $1, in: source) } + source.left
        }
        invocation.console.progress(0, of: 0)
        let errors: [StoreError?] = (unreadable + [failure]).reversed()
        try output.print(
            reports, ["keep": .bool(keep)], errors: errors, ifEmpty: "nothing to import")
        if !dryRun, !keep { hintAtSetup(clients, invocation) }
        try output.end(reports, errors: errors)
    }

    /// Leaves the logins that would be dropped, and that a client uses which does not ask Keyfob.
    private func keepUsed(
        _ logins: [PlaintextLogin], of source: Source, _ results: inout [ImportRun.Result],
        _ surroundings: Surroundings
    ) {
        let users = ((fromHelper == nil ? [source.client] : []) + source.readers).filter {
            $0.program != nil && $0.installed(in: surroundings) != nil
        }.map { (name: $0.name, helpers: try? $0.helperNames(in: surroundings)) }
        for (index, login) in logins.enumerated() where !login.isShadowed {
            guard case .dropped = results[index],
                let user = users.first(where: { $0.helpers?(login.entry).isEmpty != false })
            else { continue }
            results[index] = .left(
                StoreError(
                    .notAsked, "\(user.name) uses it, and does not ask Keyfob",
                    hint: "keyfob setup \(user.name)"))
        }
    }

    private func scrub(
        _ logins: [PlaintextLogin], of source: Source, _ results: inout [ImportRun.Result]
    ) {
        let ready = results.indices.filter { results[$0].isStored }
        guard !dryRun, !ready.isEmpty else { return }
        for (index, problem) in zip(ready, source.scrub(ready.map { logins[$0] })) {
            guard let problem else { continue }
            let isDropped = if case .dropped = results[index] { true } else { false }
            results[index] = .left(
                StoreError(
                    problem.code,
                    "\(isDropped ? "another one is stored" : "it was stored"), but its copy remains: "
                        + problem.message, hint: problem.hint))
        }
    }

    // MARK: Output

    private func report(
        of login: PlaintextLogin, _ result: ImportRun.Result, in source: Source
    ) -> Report {
        let removed = dryRun ? "would remove" : "removed"
        let (kind, words): (Report.Result, String) =
            switch result {
            case .imported: (.imported, dryRun ? "would import" : keep ? "copied" : "imported")
            case .known:
                (.known, keep ? "is stored already:" : "was stored already; \(removed)")
            case .dropped:
                (
                    .dropped,
                    keep ? "differs from the stored login:" : "another one is stored; \(removed)"
                )
            case .left: (.left, dryRun ? "would leave" : "left")
            }
        return Report(
            login.entry.in(source.account), as: login.description, in: source.name, kind, words,
            problem: result.problem)
    }

    /// Says how the clients that do not ask Keyfob find their logins from now on.
    private func hintAtSetup(_ clients: [any Client], _ invocation: Invocation) {
        let names = Set(clients.map(\.name))
        for client in Clients.all
        where names.contains(client.name) && client.program == nil && client.readsEnvironment {
            invocation.console.hint(
                "to give \(client.name) a login: keyfob exec --client \(client.name)"
                    + "\(selection.account.option) SERVER -- \(client.name) ...")
        }
        let untold = Clients.withHelpers.filter { client in
            names.contains(client.name)
                && (try? client.keeper(in: invocation.surroundings))?.isAsked != true
        }
        // Only docker can be set up for an account.
        let own = selection.account == nil ? [] : untold.filter { $0.name == Docker().name }
        let others = untold.filter { client in !own.contains { $0.name == client.name } }
        for (clients, option) in [(others, ""), (own, selection.account.option)]
        where !clients.isEmpty {
            let names = clients.map(\.name.string)
            let account = option.isEmpty ? selection.account : nil
            invocation.console.hint(
                "to make \(names.joined(separator: ", ")) use Keyfob: keyfob setup "
                    + names.joined(separator: " ") + option
                    + (account.map { ", and set KEYFOB_ACCOUNT=\($0.string)" } ?? ""))
        }
    }
}

extension Entry {
    /// The words ` of alice`; empty if there is no user to show.
    var whose: String { shownUser.map { " of \($0)" } ?? "" }
}
