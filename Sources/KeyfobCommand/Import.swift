internal import ArgumentParser
internal import Clients
internal import Credentials
internal import Files
internal import JSON
internal import Settings

/// `keyfob import`: moves the logins that clients keep in plain text, or that another helper keeps,
/// into the store.
///
/// What must hold: at every moment each login is in at least one of the two places. It is stored,
/// read back and compared, and only then, if it is still the same there, taken out of the file. A
/// run that was interrupted is finished by the next.
struct Import: AnsweringCommand {
    static let configuration = CommandConfiguration(
        abstract: "Move plaintext logins into the keyring or the file.",
        usage: "keyfob import [<options>]",
        discussion: """
            Looks in the files of \(Clients.words(Clients.withFiles, "and")). Each login is stored, \
            read back, and only then taken out of its file. A login that its client could not use \
            from the store stays where it is.
            """)

    /// Which of two logins for the same server is kept.
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

    @OptionGroup var output: Output

    func validate() throws {
        if let fromHelper {
            guard !fromHelper.isEmpty, !fromHelper.contains("/") else {
                throw ValidationError("\(fromHelper) is not the name of a helper")
            }
            guard named?.client.sharesLogins(with: Docker()) != false else {
                throw ValidationError("other helpers have logins of docker and podman only")
            }
        }
    }

    func run() throws {
        let invocation = try Invocation(output)
        if let refusal = invocation.choice.settings.refusal { throw refusal }
        let (sources, unreadable) = try sources(invocation)
        let count = sources.reduce(0) { $0 + $1.logins.count }
        var run = Run(invocation)
        var reports: [Report] = []
        var clients: [any Client] = []
        var failure: StoreError?
        for source in sources where failure == nil {
            var results: [Result] = []
            // Of several accounts the one that was stored last is given first, and the file has it
            // first.
            for login in source.logins.reversed() where failure == nil {
                let result = result(of: login, in: source, &run)
                if case .left(let error) = result, error.isTheStores {
                    failure = error
                    continue
                }
                results.append(result)
                run.done += 1
                if !dryRun { invocation.console.progress(run.done, of: count) }
            }
            for login in source.logins where login.obstacle != nil && !login.isShadowed {
                if let place = login.entry.identity { run.left.insert(place) }
            }
            // Those that were not reached are not told of.
            let logins = Array(source.logins.suffix(results.count))
            results.reverse()
            if results.contains(where: \.isStored) { clients.append(source.client) }
            if !keep, !dryRun { scrub(logins, of: source, &results) }
            reports += zip(logins, results).map { report(of: $0, $1, in: source) } + source.unread
        }
        invocation.console.progress(0, of: 0)
        defer { if !dryRun, !keep { hintAtSetup(clients, invocation) } }
        let failures = unreadable + [failure].compactMap(\.self)
        for error in failures.dropLast() { invocation.console.report(error) }
        try output.answer(
            reports, dryRun: dryRun, [JSON.Member("keep", .bool(keep))], error: failures.last,
            on: invocation.console)
        if reports.isEmpty, failures.isEmpty { invocation.console.note("nothing to import") }
        try ExitStatus(failures + reports.compactMap(\.problem)).exit()
    }

    /// One run, and what it has stored.
    private struct Run {
        let invocation: Invocation
        var done = 0
        /// The logins that were stored, or found to be, by what they replace.
        var stored: [Place: Credential] = [:]
        /// The places whose login was left in a file that its client looks into first.
        var left: Set<Place> = []
        /// When the last login for a place was stored.
        var seconds: [Place: UInt64] = [:]

        init(_ invocation: Invocation) { self.invocation = invocation }
    }

    // MARK: Where they are

    /// A file or a helper, and what it has.
    private struct Source {
        let name: String
        /// The client that will ask for them.
        let client: any Client
        let logins: [PlaintextLogin]
        /// What could not be read of it.
        var unread: [Report] = []
        /// Takes logins out, and looks again. Says of each why it is still there; nil if it is not.
        let scrub: ([PlaintextLogin]) -> [StoreError?]
    }

    /// The sources, and why others cannot be read.
    private func sources(
        _ invocation: Invocation
    ) throws(StoreError) -> (sources: [Source], unreadable: [StoreError]) {
        if let fromHelper { return ([try source(OtherHelper(fromHelper), invocation)], []) }
        var sources: [Source] = []
        var unreadable: [StoreError] = []
        for plaintext in Clients.plaintextFiles(in: invocation.surroundings, first: named?.client)
        where plaintext.file.exists {
            guard named?.client.sharesLogins(with: plaintext.client) != false else { continue }
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
            sources.append(source(plaintext, contents))
        }
        return (sources, unreadable)
    }

    private func source(_ plaintext: any PlaintextFile, _ contents: PlaintextContents) -> Source {
        Source(name: plaintext.file.path, client: plaintext.client, logins: contents.logins) {
            logins in
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
        // It is found out by a login that does not stay, and a preview leaves none at all.
        if !dryRun, !keys.isEmpty, try helper.sharesLogins(with: invocation.choice.store) {
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
            name: helper.program, client: Docker(), logins: logins, unread: unread
        ) { logins in
            logins.map { login in
                do throws(StoreError) {
                    let key = login.entry.attributes["server"] ?? ""
                    // It may have been replaced since it was read.
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

    /// Whatever the other helper has erased, what was stored is still there; else it is stored again.
    private func putBack(_ login: Credential, _ invocation: Invocation) throws(StoreError) {
        guard let query = Query(replacedBy: login.entry) else { return }
        guard try invocation.choice.store.find(query).isEmpty else { return }
        try invocation.choice.store.save(login)
        throw StoreError(
            .sameStore,
            "\(fromHelper ?? "") uses the same store as Keyfob; this login was put back",
            hint: "nothing to import; see: keyfob list")
    }

    // MARK: What becomes of one

    private enum Result {
        case imported
        /// The very same login is stored already.
        case known
        /// What was found is dropped for what is stored.
        case dropped
        case left(StoreError)

        var isStored: Bool {
            if case .left = self { return false }
            return true
        }
    }

    private func result(
        of login: PlaintextLogin, in source: Source, _ run: inout Run
    ) -> Result {
        do throws(StoreError) {
            if let obstacle = login.obstacle { throw StoreError(.notImportable, obstacle) }
            guard let place = login.entry.identity else {
                throw StoreError(.namelessLogin, "it does not name its server")
            }
            // Whichever is preferred: one that was imported just now is lost nowhere.
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
            let result = dryRun ? .imported : try store(login.credential, &run)
            if case .dropped = result { return result }
            run.stored[place] = login.credential
            return result
        } catch {
            return .left(error)
        }
    }

    private func store(_ login: Credential, _ run: inout Run) throws(StoreError) -> Result {
        guard let query = Query(replacedBy: login.entry) else {
            throw StoreError(.namelessLogin, "it does not name its server")
        }
        let store = run.invocation.choice.store
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
        // Of several accounts the client is given the newest: what was stored before stays it, for the
        // path and for the whole place.
        let schema = login.entry.schema
        var given: [Credential] = []
        for names in schema.hasAccounts && prefer != .found
            ? [schema.placeNames + ["object"], schema.placeNames] : []
        {
            let facts = login.entry.attributes.filter { names.contains($0.key) }
            // A login of one path is given for the whole place only if there is no other.
            let found = try store.find(Query(schema, facts))
            let ofPlace = found.first { $0.entry.attributes["object"] == facts["object"] }
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

    /// Stores it in a second of its own, for that is how an account is known to be newer.
    private func save(_ login: Credential, _ run: inout Run) throws(StoreError) {
        if let place = login.entry.place {
            while run.seconds[place] == System.seconds { System.sleep(milliseconds: 20) }
            run.seconds[place] = System.seconds
        }
        try run.invocation.choice.store.save(login)
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

    // MARK: What is said

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

    /// A client that does not ask Keyfob no longer finds its logins.
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

extension Credential {
    /// Whether it is the same user with the same secret.
    func isSame(as other: Credential) -> Bool {
        entry.username == other.entry.username && secret == other.secret
    }
}

extension Entry {
    /// ` of alice`
    var whose: String { shownUser.map { " of \($0)" } ?? "" }
}

extension StoreError {
    /// Whether it says that the store cannot be used now, whatever the login.
    var isTheStores: Bool {
        switch outcome {
        case .failed: false
        case .absent, .locked, .declined, .timedOut, .gone, .damaged: true
        }
    }
}
