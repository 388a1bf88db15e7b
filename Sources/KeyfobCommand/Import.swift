internal import ArgumentParser
internal import Clients
internal import Credentials
internal import JSON
internal import Settings

/// `keyfob import`: moves the logins that clients keep in plain text, or that another helper keeps,
/// into the store.
///
/// What must hold: at every moment each login is in at least one of the two places. It is stored,
/// read back and compared, and only then, if it is still the same there, taken out of the file. A
/// run that was interrupted is finished by the next.
struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Move the logins that clients keep in plain text into the keyring or the file.",
        discussion: """
            They are looked for in the files of docker, podman, cargo, git, terraform and pulumi. \
            Each is stored, read back, and only then taken out of its file, in which all else \
            stays as it is. A login that could not be used from the store is left and named, and \
            so is one where the store has another login for the same server, unless --prefer says \
            which of them is kept.
            """)

    /// Which of two logins for the same server is kept.
    enum Preference: String, CaseIterable, ExpressibleByArgument {
        case stored, found
    }

    @Option(help: "Only this client's files.")
    var client: Client?

    @Option(help: "From docker-credential-NAME instead, which is another helper.")
    var fromHelper: String?

    @Option(help: "Where both have a login for a server, the one that is kept.")
    var prefer: Preference?

    @Flag(help: "Store the logins, and leave the files as they are.")
    var keep = false

    @Flag(help: "Only say what would be imported.")
    var dryRun = false

    @Flag(help: "Print a JSON object for scripts.")
    var json = false

    func validate() throws {
        if let fromHelper {
            guard !fromHelper.isEmpty, !fromHelper.contains("/") else {
                throw ValidationError("\(fromHelper) is not the name of a helper")
            }
            guard client == nil || client?.realm == .docker else {
                throw ValidationError("a helper has the logins of docker and podman alone")
            }
        }
    }

    func run() throws {
        let session = try Session()
        if let refusal = session.choice.settings.refusal { throw refusal }
        let (sources, hasUnreadable) = try sources(session)
        let count = sources.reduce(0) { $0 + $1.logins.count }
        var outcomes: [Outcome] = []
        var clients: Set<Client> = []
        var failure: StoreError?
        for source in sources where failure == nil {
            var ready: [PlaintextLogin] = []
            for login in source.logins {
                let outcome = outcome(of: login, in: source, session)
                if case .refused(let error) = outcome.result, error.isTheStores { failure = error }
                if outcome.isStored { ready.append(login) }
                if failure != nil { break }
                outcomes.append(outcome)
                if !dryRun { session.console.progress(outcomes.count, of: count) }
            }
            if !keep, !dryRun { scrub(ready, of: source, &outcomes) }
            if !ready.isEmpty, let client = source.client { clients.insert(client) }
        }
        session.console.progress(0, of: 0)
        defer { if !dryRun, !keep { hintAtSetup(clients, session) } }
        try report(outcomes, failure, hasUnreadable, session)
    }

    // MARK: Where they are

    /// A file or a helper, and what it has.
    private struct Source {
        let name: String
        /// The client that will ask for them.
        let client: Client?
        let logins: [PlaintextLogin]
        /// Takes logins out that are meant, and looks again.
        let scrub: ((PlaintextLogin) -> Bool) throws(StoreError) -> Void
    }

    /// The sources, and whether there is one that cannot be read, which is said.
    private func sources(
        _ session: Session
    ) throws(StoreError) -> (sources: [Source], hasUnreadable: Bool) {
        if let fromHelper { return ([try source(OtherHelper(fromHelper), session)], false) }
        var sources: [Source] = []
        var hasUnreadable = false
        for plaintext in session.surroundings.plaintextFiles where plaintext.file.exists {
            guard client == nil || Client(rawValue: plaintext.client)?.realm == client?.realm,
                client?.realm != .token || plaintext.client == client?.rawValue
            else { continue }
            let contents: PlaintextContents
            do throws(StoreError) {
                try plaintext.file.requireOwn()
                contents = try plaintext.contents()
            } catch {
                session.console.report(error)
                hasUnreadable = true
                continue
            }
            for note in contents.notes { session.console.note("\(plaintext.file.path): \(note)") }
            sources.append(
                Source(
                    name: plaintext.file.path, client: Client(rawValue: plaintext.client),
                    logins: contents.logins
                ) {
                    isMeant throws(StoreError) in
                    try plaintext.scrub(where: isMeant)
                    guard try !plaintext.contents().logins.contains(where: isMeant) else {
                        throw StoreError(.failed, "it is still there")
                    }
                })
        }
        return (sources, hasUnreadable)
    }

    private func source(_ helper: OtherHelper, _ session: Session) throws(StoreError) -> Source {
        var logins: [PlaintextLogin] = []
        let keys = try helper.list()
        // It is found out by a login that does not stay, and a preview leaves none at all.
        if !dryRun, !keys.isEmpty, try helper.sharesLogins(with: session.choice.store) {
            throw StoreError(
                .failed, "\(helper.program) keeps its logins where Keyfob does",
                hint: "there is nothing to import; see: keyfob list")
        }
        for key in keys {
            if let login = try helper.get(key) { logins.append(PlaintextLogin(login)) }
        }
        return Source(name: helper.program, client: .docker, logins: logins) {
            isMeant throws(StoreError) in
            for login in logins where isMeant(login) {
                let key = login.entry.attributes["server"] ?? ""
                // It may have been replaced since it was read.
                guard let now = try helper.get(key), now.secret == login.secret else { continue }
                try helper.erase(key)
            }
        }
    }

    // MARK: What becomes of one

    private struct Outcome {
        enum Result {
            case imported
            /// The very same login is stored already.
            case known
            /// What was found is dropped for what is stored.
            case dropped
            case refused(StoreError)
        }

        let login: PlaintextLogin
        let source: String
        var result: Result

        var isStored: Bool {
            if case .refused = result { return false }
            return true
        }
    }

    private func outcome(
        of login: PlaintextLogin, in source: Source, _ session: Session
    ) -> Outcome {
        var outcome = Outcome(login: login, source: source.name, result: .imported)
        do throws(StoreError) {
            if let obstacle = login.obstacle { throw StoreError(.failed, obstacle) }
            if !dryRun { outcome.result = try store(login.credential, session) }
        } catch {
            outcome.result = .refused(error)
        }
        return outcome
    }

    private func store(_ login: Credential, _ session: Session) throws(StoreError) -> Outcome.Result
    {
        guard let query = Query(replacedBy: login.entry) else {
            throw StoreError(.failed, "it does not say what it is for")
        }
        let store = session.choice.store
        if let other = try store.find(query).first {
            if other.isSame(as: login) { return .known }
            switch prefer {
            case .found: break
            case .stored: return .dropped
            case nil:
                let whose = other.entry.shownUser.map { " of \($0)" } ?? ""
                throw StoreError(
                    .failed, "another login\(whose) for it is stored",
                    hint: "say which one is kept: --prefer stored, or --prefer found")
            }
        }
        try store.save(login)
        guard let kept = try store.find(query).first, kept.isSame(as: login) else {
            throw StoreError(.failed, "it does not come back as it was stored")
        }
        return .imported
    }

    private func scrub(
        _ logins: [PlaintextLogin], of source: Source, _ outcomes: inout [Outcome]
    ) {
        guard !logins.isEmpty else { return }
        do throws(StoreError) {
            try source.scrub { candidate in
                logins.contains {
                    $0.entry.attributes == candidate.entry.attributes
                        && $0.secret == candidate.secret
                }
            }
        } catch {
            for index in outcomes.indices
            where outcomes[index].source == source.name && outcomes[index].isStored {
                outcomes[index].result = .refused(
                    StoreError(
                        error.outcome, "it is stored, and its copy remains: \(error.message)",
                        hint: error.hint))
            }
        }
    }

    // MARK: What is said

    private func report(
        _ outcomes: [Outcome], _ failure: StoreError?, _ hasUnreadable: Bool, _ session: Session
    ) throws {
        if json {
            try session.console.print(json(of: outcomes))
        } else {
            for outcome in outcomes { session.console.print(line(of: outcome)) }
        }
        if let failure { throw failure }
        let problems = outcomes.compactMap { outcome in
            if case .refused(let error) = outcome.result { error } else { nil }
        }
        for hint in Set(problems.compactMap(\.hint)).sorted() { session.console.hint(hint) }
        if outcomes.isEmpty {
            session.console.note("there is nothing to import")
        }
        guard problems.isEmpty, !hasUnreadable else { throw ExitCode(1) }
    }

    /// A client that does not ask Keyfob no longer finds its logins.
    private func hintAtSetup(_ clients: Set<Client>, _ session: Session) {
        let untold = ClientSetup.clients.filter { client in
            guard clients.contains(client),
                let setup = try? ClientSetup(client, session.surroundings)
            else { return false }
            return (try? setup.keeper())?.isOurs != true
        }
        guard !untold.isEmpty else { return }
        let names = untold.map(\.rawValue)
        session.console.hint(
            "so that \(names.joined(separator: ", ")) find\(names.count == 1 ? "s" : "") them: "
                + "keyfob setup \(names.joined(separator: " "))")
    }

    private func line(of outcome: Outcome) -> String {
        let what = outcome.login.entry.description
        let action =
            switch outcome.result {
            case .imported: dryRun ? "would import" : keep ? "copied" : "imported"
            case .known: keep ? "is stored already:" : "was stored already; removed"
            case .dropped: keep ? "is stored otherwise:" : "another one is stored; removed"
            case .refused: dryRun ? "would leave" : "left"
            }
        guard case .refused(let error) = outcome.result else {
            return "\(outcome.source): \(action) \(what)"
        }
        return "\(outcome.source): \(action) \(what): \(error.message)"
    }

    private func json(of outcomes: [Outcome]) -> JSON {
        let logins = outcomes.map { outcome in
            let (result, reason): (Text, String?) =
                switch outcome.result {
                case .imported: ("imported", nil)
                case .known: ("known", nil)
                case .dropped: ("dropped", nil)
                case .refused(let error): ("left", error.message)
                }
            return JSON.object([
                JSON.Member("client", .name(outcome.login.entry.clientName)),
                JSON.Member("server", .name(outcome.login.entry.serverName)),
                JSON.Member("username", outcome.login.entry.shownUser.map { .name($0) } ?? .null),
                JSON.Member("from", .name(outcome.source)),
                JSON.Member("result", .text(result)),
                JSON.Member("reason", reason.map { .name($0) } ?? .null),
            ])
        }
        return .object([
            JSON.Member("dryRun", .bool(dryRun)),
            JSON.Member("keep", .bool(keep)),
            JSON.Member("logins", .array(logins)),
        ])
    }
}

extension Credential {
    /// Whether it is the same user with the same secret.
    fileprivate func isSame(as other: Credential) -> Bool {
        entry.username == other.entry.username && secret == other.secret
    }
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
