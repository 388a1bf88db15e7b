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
struct Import: AnsweringCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Move plaintext logins into the keyring or the file.",
        usage: "keyfob import [<options>]",
        discussion: """
            Looks in the files of \(Clients.words(Clients.withFiles, "and")). Each login is stored, \
            read back, and only then taken out of its file. A login that its client could not use \
            from the store stays where it is.
            """)

    /// The one of two logins for the same server that is kept.
    enum Preference: String, CaseIterable, ExpressibleByArgument {
        case stored, found
    }

    @Option(name: .customLong("client"), help: "Only this client's files.")
    var named: ClientOption?

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

    @Flag(help: "Only show what would be imported.")
    var dryRun = false

    @OptionGroup var account: AccountOption

    @OptionGroup var output: Output

    func validate() throws {
        if let fromHelper { try OtherHelper.validate(fromHelper, for: named) }
    }

    func run() throws {
        let invocation = try Invocation(output, account)
        if let refusal = invocation.choice.settings.refusal { throw refusal }
        let (sources, unreadable) = try sources(invocation)
        let count = sources.reduce(0) { $0 + $1.logins.count }
        // Logins of different accounts never replace each other, so each account has its own run.
        var runs: [AccountName?: Run] = [:]
        var done = 0
        var reports: [Report] = []
        var clients: [any Client] = []
        var failure: StoreError?
        for source in sources where failure == nil {
            var run = runs[source.account] ?? Run(invocation.in(source.account))
            var results = results(of: source, &run, &failure) {
                done += 1
                if !dryRun { invocation.console.progress(done, of: count) }
            }
            runs[source.account] = run
            // Logins that were not reached are not reported.
            let logins = Array(source.logins.suffix(results.count))
            if results.contains(where: \.isStored) { clients.append(source.client) }
            if !keep, !dryRun { scrub(logins, of: source, &results) }
            let told = zip(logins, results).map { report(of: $0, $1, in: source) } + source.unread
            reports += told.map { $0.in(source.account) }
        }
        invocation.console.progress(0, of: 0)
        defer { if !dryRun, !keep { hintAtSetup(clients, invocation) } }
        let failures = unreadable + [failure].compactMap(\.self)
        for error in failures.dropLast() { invocation.console.report(error) }
        try output.answer(
            reports, dryRun: dryRun, ["keep": .bool(keep)], error: failures.last,
            on: invocation.console)
        if reports.isEmpty, failures.isEmpty { invocation.console.note("nothing to import") }
        try ExitStatus(failures + reports.compactMap(\.problem)).exit()
    }

    /// The state of one run.
    private struct Run {
        let invocation: Invocation
        /// The logins that this run has stored or found in the store, by the place that they are
        /// for.
        var stored: [Place: Credential] = [:]
        /// The places with a login that stays in a file, which its client reads before it asks the
        /// helper.
        var left: Set<Place> = []
        /// The time at which the last login for a place was stored, in seconds.
        var seconds: [Place: UInt64] = [:]

        init(_ invocation: Invocation) { self.invocation = invocation }
    }

    // MARK: Sources

    /// A file or a helper, and its logins.
    private struct Source {
        let name: String
        /// The client that will ask for the logins.
        let client: any Client
        /// The account of the logins; nil for logins outside every account.
        let account: AccountName?
        let logins: [PlaintextLogin]
        /// The reports of the logins that could not be read.
        var unread: [Report] = []
        /// Removes logins from the source, and reads it again. Returns for each why it is still
        /// there; nil if it is gone.
        let scrub: ([PlaintextLogin]) -> [StoreError?]
    }

    /// Returns the sources, and the errors of those that cannot be read.
    private func sources(
        _ invocation: Invocation
    ) throws(StoreError) -> (sources: [Source], unreadable: [StoreError]) {
        if let fromHelper { return ([try source(OtherHelper(fromHelper), invocation)], []) }
        var sources: [Source] = []
        var unreadable: [StoreError] = []
        for plaintext in Clients.plaintextFiles(in: invocation.surroundings, first: named?.client)
        where plaintext.file.exists {
            guard named?.client.sharesLogins(with: plaintext.client) != false,
                account.covers(plaintext.client, named: named)
            else { continue }
            let contents: PlaintextContents
            do throws(StoreError) {
                try plaintext.file.requireOwn()
                contents = try plaintext.contents()
            } catch {
                unreadable.append(error)
                continue
            }
            for note in contents.notes {
                invocation.console.note("\(plaintext.file.path): \(note)")
            }
            let asked = Import.account(of: plaintext, in: invocation.surroundings)
            guard account.account == nil || asked == nil || asked == .some(account.account) else {
                unreadable.append(
                    StoreError(
                        .notImportable,
                        "\(plaintext.file.path) is left: docker does not ask for the account "
                            + "\(account.account?.string ?? "")",
                        hint: "keyfob setup docker --account \(account.account?.string ?? "")"))
                continue
            }
            // The option decides, then the client's configuration, then the environment.
            sources.append(
                source(plaintext, contents, account.account ?? asked ?? invocation.choice.account))
        }
        return (sources, unreadable)
    }

    /// Returns the account that docker asks Keyfob for: `.some(nil)` for logins outside every
    /// account, and nil if docker does not use Keyfob or the file is another client's.
    private static func account(
        of plaintext: any PlaintextFile, in surroundings: Surroundings
    ) -> AccountName?? {
        guard plaintext.client.name == Docker().name,
            let keeper = try? Docker().keeper(in: surroundings), keeper.isOurs
        else { return nil }
        return .some(keeper.account)
    }

    private func source(
        _ plaintext: any PlaintextFile, _ contents: PlaintextContents, _ account: AccountName?
    ) -> Source {
        Source(
            name: plaintext.file.path, client: plaintext.client, account: account,
            logins: contents.logins
        ) { logins in
            func isMeant(_ candidate: PlaintextLogin) -> Bool {
                logins.contains { $0.isSamePlace(as: candidate) }
            }
            var problem: StoreError?
            do throws(StoreError) {
                try plaintext.scrub(where: isMeant)
                if try plaintext.contents().logins.contains(where: isMeant) {
                    problem = StoreError(.copyRemains, "it is still there")
                }
            } catch {
                problem = error
            }
            return logins.map { _ in problem }
        }
    }

    private func source(_ helper: OtherHelper, _ invocation: Invocation) throws(StoreError)
        -> Source
    {
        let keys = try helper.list()
        // The check stores a test login and removes it, so a dry run does not make it.
        if !dryRun, !keys.isEmpty, try helper.sharesLogins(with: invocation.choice.chain) {
            throw StoreError(
                .sameStore, "\(helper.program) uses the same store as Keyfob",
                hint: "nothing to import; see: keyfob list")
        }
        var logins: [PlaintextLogin] = []
        var unread: [Report] = []
        for key in keys {
            do throws(StoreError) {
                if let login = try helper.get(key) { logins.append(PlaintextLogin(login)) }
            } catch {
                var report = Report(
                    .docker(server: key, username: ""), as: "docker \(key)", in: helper.program,
                    .left, dryRun ? "would leave" : "left", problem: error)
                report.username = nil
                unread.append(report)
            }
        }
        return Source(
            name: helper.program, client: Docker(), account: invocation.choice.account,
            logins: logins, unread: unread
        ) { logins in
            logins.map { login in
                do throws(StoreError) {
                    let key = login.entry["server"] ?? ""
                    // The login may have been replaced since it was read.
                    guard let now = try helper.get(key), now.secret == login.secret else {
                        return nil
                    }
                    try helper.erase(key)
                    try putBack(login.credential, invocation)
                    return nil
                } catch {
                    return error
                }
            }
        }
    }

    /// Stores the login again, and throws `sameStore`, if the other helper has erased it from the
    /// store.
    private func putBack(_ login: Credential, _ invocation: Invocation) throws(StoreError) {
        guard let query = Query(replacedBy: login.entry) else { return }
        guard try invocation.choice.chain.find(query).isEmpty else { return }
        try invocation.choice.chain.save(login)
        throw StoreError(
            .sameStore,
            "\(fromHelper ?? "") uses the same store as Keyfob; this login was put back",
            hint: "nothing to import; see: keyfob list")
    }

    // MARK: Importing

    private enum Result {
        case imported
        /// The same login is stored already.
        case known
        /// The login in the file is dropped, because the store has another one that is preferred.
        case dropped
        case left(StoreError)

        var isStored: Bool {
            if case .left = self { return false }
            return true
        }
    }

    /// Imports the logins of a source until one fails with an error of the store. Returns the results
    /// of the last logins, in the order of the source.
    private func results(
        of source: Source, _ run: inout Run, _ failure: inout StoreError?, _ didImport: () -> Void
    ) -> [Result] {
        var results: [Result] = []
        // A client gets the account that was stored last, and that is the first one in its file. So
        // the logins are stored in reverse order.
        for login in source.logins.reversed() {
            let result = result(of: login, &run)
            if case .left(let error) = result, error.isTheStores {
                failure = error
                break
            }
            results.append(result)
            didImport()
        }
        for login in source.logins where login.obstacle != nil && !login.isShadowed {
            if let place = login.entry.identity { run.left.insert(place) }
        }
        return results.reversed()
    }

    private func result(of login: PlaintextLogin, _ run: inout Run) -> Result {
        do throws(StoreError) {
            if let obstacle = login.obstacle { throw StoreError(.notImportable, obstacle) }
            guard let place = login.entry.identity else {
                throw StoreError(.namelessLogin, "it does not name its server")
            }
            // `--prefer` does not apply to a login that this run has stored: that one is never
            // replaced.
            if let other = run.stored[place], !other.isSame(as: login.credential) {
                throw StoreError(
                    .anotherLogin,
                    "another login\(other.entry.whose) for this server was imported just now"
                )
            }
            if run.stored[place] == nil, run.left.contains(place) {
                throw StoreError(
                    .anotherLogin, "another login for it stays, and the client finds that one first"
                )
            }
            let routes = run.invocation.choice.settings.routes
            if let refusal = routes.refusal(of: login.entry) { throw refusal }
            let result = dryRun ? .imported : try store(login.credential, &run)
            if case .dropped = result { return result }
            run.stored[place] = login.credential
            return result
        } catch {
            return .left(error)
        }
    }

    private func store(_ login: Credential, _ run: inout Run) throws(StoreError) -> Result {
        let query = try login.entry.ownQuery()
        let choice = run.invocation.choice
        let store = choice.chain
        if let other = try store.find(query).first {
            if other.isSame(as: login) { return .known }
            switch prefer {
            case .found: break
            case .stored: return .dropped
            case nil:
                throw StoreError(
                    .anotherLogin,
                    "the store has another login\(other.entry.whose) for this server",
                    hint: "choose the one to keep: --prefer stored or --prefer found")
            }
        }
        // A client gets the newest account. The logins that it got before, for the path and for the
        // whole place, are stored again after the new one, so that it still gets them.
        let schema = login.entry.schema
        var given: [Credential] = []
        for names in schema.hasAccounts && prefer != .found
            ? [schema.placeNames + ["object"], schema.placeNames] : []
        {
            let facts = login.entry.attributes.filter { names.contains($0.key) }
            // A client gets a login of another path for the whole place only if there is no other.
            let found = try store.find(Query(schema, facts))
            let ofPlace = found.first { $0.entry["object"] == facts["object"] }
            guard let best = ofPlace ?? found.first, let place = best.entry.identity,
                run.stored[place] == nil, best.entry.identity != given.last?.entry.identity
            else { continue }
            given.append(best)
        }
        try save(login, &run)
        guard let kept = try store.find(query).first, kept.isSame(as: login) else {
            throw StoreError(.notReadBack, "it could not be read back unchanged")
        }
        for login in given { try save(login, &run) }
        return .imported
    }

    /// Stores the login in a later second than the last one for its place: the time, in seconds,
    /// tells which account is newer.
    private func save(_ login: Credential, _ run: inout Run) throws(StoreError) {
        if let place = login.entry.place {
            while run.seconds[place] == System.seconds { System.sleep(milliseconds: 20) }
            run.seconds[place] = System.seconds
        }
        try run.invocation.choice.chain.save(login)
    }

    private func scrub(
        _ logins: [PlaintextLogin], of source: Source, _ results: inout [Result]
    ) {
        let ready = results.indices.filter { results[$0].isStored }
        guard !ready.isEmpty else { return }
        for (index, problem) in zip(ready, source.scrub(ready.map { logins[$0] })) {
            guard let problem else { continue }
            results[index] = .left(
                StoreError(
                    problem.code, "it was stored, but its copy remains: \(problem.message)",
                    hint: problem.hint))
        }
    }

    // MARK: Output

    private func report(of login: PlaintextLogin, _ result: Result, in source: Source) -> Report {
        func report(
            _ result: Report.Result, _ words: String, _ problem: StoreError? = nil
        ) -> Report {
            Report(
                login.entry, as: login.description, in: source.name, result, words,
                problem: problem)
        }
        switch result {
        case .imported:
            return report(.imported, dryRun ? "would import" : keep ? "copied" : "imported")
        case .known:
            return report(.known, keep ? "is stored already:" : "was stored already; removed")
        case .dropped:
            return report(
                .dropped, keep ? "differs from the stored login:" : "another one is stored; removed"
            )
        case .left(let error):
            return report(.left, dryRun ? "would leave" : "left", error)
        }
    }

    /// Says how to set up the clients that do not ask Keyfob: they no longer find their logins.
    private func hintAtSetup(_ clients: [any Client], _ invocation: Invocation) {
        let names = Set(clients.map(\.name))
        let untold = Clients.withHelpers.filter { client in
            names.contains(client.name)
                && (try? client.keeper(in: invocation.surroundings))?.isAsked != true
        }.map(\.name.string)
        guard !untold.isEmpty else { return }
        invocation.console.hint(
            "to make \(untold.joined(separator: ", ")) use Keyfob: "
                + "keyfob setup \(untold.joined(separator: " "))")
    }
}

extension Entry {
    /// The words ` of alice`; empty if there is no user to show.
    var whose: String { shownUser.map { " of \($0)" } ?? "" }
}
