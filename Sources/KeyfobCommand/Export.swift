internal import ArgumentParser
internal import Clients
internal import Credentials
internal import Files
internal import JSON
internal import Settings

/// `keyfob export`: writes logins from the store back to the client's own file, in plain text.
///
/// Invariants: nothing is written unless the user has agreed to plain text, the store keeps its
/// logins, and the file loses no login but one that the user has chosen to replace.
struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write logins back to a client's file in plain text.",
        usage: "keyfob export --client <client> [<server>] [<options>]",
        discussion: """
            The store keeps the logins.
            """)

    @Option(
        help: ArgumentHelp(
            "Write to docker-credential-<name> instead of a file.", valueName: "name"))
    var toHelper: String?

    @Argument(
        help: "Only the logins for this server.",
        completion: Completion.servers)
    var server: String?

    @Flag(help: "Agree that secrets are written in plain text.")
    var plainText = false

    @Option(
        help: ArgumentHelp(
            "Which login to keep where the file has another.",
            valueName: "stored|found"))
    var prefer: Preference?

    @OptionGroup var selection: Selection

    @OptionGroup var output: ChangeOutput

    private var dryRun: Bool { output.dryRun }

    func validate() throws {
        guard selection.named != nil || toHelper != nil else {
            throw ValidationError("name the client, with --client")
        }
        if let toHelper { try OtherHelper.validate(toHelper, for: selection.named) }
    }

    func run() throws {
        let invocation = try Invocation(output.console, selection.account)
        let target = try target(invocation)
        let path = target.name
        guard plainText || dryRun || toHelper != nil else { throw refusal(of: path) }
        if !dryRun { try invocation.unlockKeyring() }
        let inventory = invocation.inventory()
        if let failure = inventory.failures.first { throw failure }
        for warning in inventory.warnings { invocation.console.warn(warning) }
        let others = inventory.logins.passedOver(in: invocation.choice.chain)
        let entries = try entries(among: inventory, besides: others, invocation)
        if !dryRun, !entries.isEmpty, toHelper == nil {
            invocation.console.warn(
                "\(path) will contain the secrets in plain text; anyone who can read it, or a "
                    + "copy of it, can use them"
            )
        }

        let (exports, failure) = invocation.reports(of: entries, dryRun: dryRun) {
            report(of: $0, in: target, invocation).in(invocation.choice.account)
        }
        let words = output.dryRun ? "would not export" : "did not export"
        let left = others.filter { other in
            entries.contains { $0.identity == other.entry.identity }
        }.map { $0.left(words).in(invocation.choice.account) }
        let reports = exports + left
        let isWhole = inventory.warnings.isEmpty
        try output.print(
            reports, ["target": .name(path)], errors: [failure], isWhole: isWhole,
            ifEmpty: "nothing to export")
        // The logins that are in the target now, or would be without `--dry-run`.
        let written = zip(entries, exports).filter { _, report in
            [.exported, .replaced, .known].contains(report.result)
        }.map(\.0)
        if !written.isEmpty, toHelper == nil {
            advise(written, isWhole: isWhole && written.count == reports.count, invocation)
        }
        try output.end(reports, errors: [failure], isWhole: isWhole)
    }

    private func refusal(of path: String) -> StoreError {
        StoreError(
            .plainTextRefused,
            "nothing was written: \(path) would contain the secrets in plain text",
            hint: "if you want that: keyfob export --client \(client.name) --plain-text"
                + selection.account.option)
    }

    private var client: any Client { selection.client }

    /// The target of an export: the name of a file or of a helper, and the function that adds a
    /// login to it.
    private struct Target {
        let name: String
        /// The login as the target names it; nil if it names it as the store does.
        var entry: ((Entry) -> Entry)?
        let add: (Credential) throws(StoreError) -> PlaintextAddition
    }

    private func target(_ invocation: Invocation) throws(StoreError) -> Target {
        let (replaces, dryRun) = (prefer == .stored, dryRun)
        guard let toHelper else {
            let file = try client.plaintextTarget(in: invocation.surroundings)
            return Target(name: file.file.path) { login throws(StoreError) in
                try file.add(login, replaces: replaces, dryRun: dryRun)
            }
        }
        let helper = OtherHelper(toHelper)
        if try helper.sharesLogins(
            with: invocation.choice.chain, dryRun: dryRun, invocation.surroundings)
        {
            throw StoreError(
                .sameStore, "\(helper.program) uses the same store as Keyfob",
                hint: "nothing to export; see: keyfob list")
        }
        return Target(name: helper.program, entry: { helper.entry(of: $0, for: client) }) {
            login throws(StoreError) in
            try helper.add(login, replaces: replaces, dryRun: dryRun)
        }
    }

    // MARK: Exporting

    /// Returns the logins to export, each once. Of several accounts the newest comes last, because
    /// a client finds the login first that was written last.
    private func entries(
        among inventory: Inventory, besides others: [Inventory.Login], _ invocation: Invocation
    ) throws(StoreError) -> [Entry] {
        let entries = inventory.logins.map(\.entry)
        var meant = entries.filter { client.owns($0) }
        if let server {
            let key = try Invocation.key(server)
            // The logins that a logout of the server removes are exported with it, such as Docker
            // Hub's tokens, without which docker cannot renew its login.
            let queries = client.meaning(of: key, among: entries) + client.logoutQueries(for: key)
            meant = meant.filter { entry in queries.contains { $0.matches(entry) } }
            guard !meant.isEmpty else {
                throw invocation.absence(of: server, among: inventory, "\(client.name) has ")
            }
        }
        meant = meant.filter { !others.map(\.entry).contains($0) }.once(by: \.identity)
        guard client.schema.hasAccounts else { return meant }
        // One of a path is not to be found before that of its host.
        func rank(_ entry: Entry, _ offset: Int) -> (Int, UInt64, Int) {
            (entry["object"] == nil ? 1 : 0, entry.modified ?? 0, offset)
        }
        return meant.reversed().enumerated()
            .sorted { rank($0.element, $0.offset) < rank($1.element, $1.offset) }
            .map(\.element)
    }

    /// Exports one login, and returns its report.
    private func report(
        of entry: Entry, in target: Target, _ invocation: Invocation
    ) -> Report {
        let place = target.name
        var given = entry
        func report(
            _ result: Report.Result, _ words: String, _ rest: String = "",
            _ problem: StoreError? = nil
        ) -> Report {
            Report(
                target.entry?(given) ?? given, in: place, result, words, rest: rest,
                problem: problem)
        }
        let word = dryRun ? "would export" : "exported"
        do throws(StoreError) {
            let query = try entry.ownQuery()
            guard let login = try invocation.choice.chain.find(query).first else {
                throw StoreError(.changedMeanwhile, "it is no longer stored")
            }
            given = login.entry
            switch try target.add(
                target.entry.map { Credential($0(login.entry), secret: login.secret) } ?? login)
            {
            case .added: return report(.exported, word)
            case .replaced: return report(.replaced, word, ", replacing another one")
            case .known: return report(.known, "has", " already")
            case .refused(let other):
                guard prefer == nil else { return report(.dropped, "has another one for") }
                throw StoreError(
                    .anotherLogin,
                    "the file has another login\(other.whose) for this server, as "
                        + "\(other.spelling)",
                    hint: "choose the one to keep: --prefer stored or --prefer found")
            }
        } catch {
            return report(.left, dryRun ? "would not export" : "did not export", "", error)
        }
    }

    // MARK: Output

    /// Warns if the client may not read its file, and says how to remove the logins from the store.
    /// `isWhole` says that all logins to export are in the file.
    private func advise(_ written: [Entry], isWhole: Bool, _ invocation: Invocation) {
        warnOfOthers(written, invocation)
        if let keeper = try? client.keeper(in: invocation.surroundings) {
            var isOurs = false
            switch client.reading(beside: keeper, of: written, in: invocation.surroundings) {
            case .found: break
            case .asksHelper(let name, let ours):
                isOurs = ours
                invocation.console.warn(
                    isOurs
                        ? "\(client.name) still uses Keyfob and may not read this file"
                        : "\(client.name) uses the helper \(name) and may not read this file")
            case .needs(let hint):
                invocation.console.warn("\(client.name) does not read this file")
                invocation.console.hint(hint)
            }
            let isSetUp = (try? SetupRecord(in: invocation.directories.state))?.changes
                .contains { $0.client == client.name.string }
            if keeper.isOurs || isOurs {
                invocation.console.hint(
                    "to make it read the file: "
                        + (isSetUp == true
                            ? "keyfob setup --undo \(client.name)" + keeper.account.option
                            : "remove Keyfob from its configuration"))
            }
        }
        guard !dryRun else { return }
        // A login that was not written must not be removed with the others.
        invocation.console.hint(
            (isWhole
                ? "the store still has them; to remove them"
                : "the store still has all; to remove one")
                + ": keyfob logout --client \(client.name)\(selection.account.option) "
                + (isWhole ? server?.shownAddress.shellArgument ?? "--all" : "SERVER"))
    }

    /// Names the variables and the files in which the client finds other logins for these first.
    private func warnOfOthers(_ written: [Entry], _ invocation: Invocation) {
        let surroundings = invocation.surroundings
        let target = try? client.plaintextTarget(in: surroundings)
        let files = client.plaintextFiles(in: surroundings).prefix {
            $0.file.identity != target?.file.identity
        }
        for entry in written {
            let server = Text(entry.serverName)
            let variables = client.variablesWithLogin(for: server, in: surroundings)
            let nearer = files.filter { file in
                file.readableLogins.contains {
                    !$0.isShadowed && $0.entry.identity == entry.identity
                }
            }
            let own = (try? target?.contents())?.logins.first {
                $0.entry.identity == entry.identity
            }
            if nearer.isEmpty, let own, own.isShadowed, let reason = own.obstacle {
                invocation.console.warn("\(entry.description): \(reason)")
            }
            for place in variables + nearer.map(\.file.path) {
                invocation.console.warn(
                    "\(client.name) may find another login for "
                        + "\(entry.serverName) first, in \(place)")
            }
        }
    }
}
