internal import ArgumentParser
internal import Credentials
internal import JSON
internal import Settings
internal import Stores

/// `keyfob logout`: removes logins wherever they are kept, and says of each place what is true.
struct Logout: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Remove logins from the keyring and from the file, and look whether they are gone.",
        discussion: """
            The keyring is unlocked if somebody can be asked. The exit status is 0 only if \
            nothing is left. Without a server it is the one login that there is. Nothing is \
            revoked at the server: whoever has a copy of a token can still use it.
            """)

    @Argument(help: "The server, as `keyfob list` prints it.")
    var server: String?

    @Option(help: "Only this client's logins; by default every client's.")
    var client: Client?

    @Flag(help: "Every login, of that client or of all. At a terminal it asks once.")
    var all = false

    @Flag(help: "Not being logged in is no error.")
    var force = false

    @Flag(help: "Ask nothing.")
    var nonInteractive = false

    @Flag(help: "Only say what would be removed.")
    var dryRun = false

    @Flag(help: "Print a JSON object for scripts.")
    var json = false

    func validate() throws {
        guard server == nil || !all else {
            throw ValidationError("--all and a server say two different things")
        }
    }

    func run() throws {
        let session = try Session()
        guard let queries = try queries(session) else {
            throw StoreError(.declined, "nothing was removed")
        }
        if dryRun { return try preview(queries, session) }

        var removals = session.stores.map { store in
            Removal(removing: queries, from: store, session, isOfAll: all)
        }
        try report(removals, doubt: all ? lookAgain(&removals, session) : nil, session)
    }

    // MARK: What is meant

    private var clients: [Client] { client.map { [$0] } ?? Client.each }

    private func wants(_ entry: Entry) -> Bool { client?.owns(entry) ?? true }

    /// What asks for all that is to be removed; nil if the user has been asked and said no.
    private func queries(_ session: Session) throws(StoreError) -> [Query]? {
        if let server {
            let key = try Session.key(server)
            if !dryRun, clients.contains(where: { $0.knowsByLabel(key) }) {
                try session.unlockKeyring()
            }
            return queries(for: key, session.inventory().logins.map(\.entry))
        }
        if all, !dryRun { try session.unlockKeyring() }
        let inventory = session.inventory()
        if let failure = inventory.failures.first { throw failure }
        let entries = inventory.logins.map(\.entry).filter(wants)
        for warning in inventory.warnings { session.console.warn(warning) }
        if all {
            guard dryRun || isConfirmed(entries.count, session.console) else { return nil }
            return entries.compactMap { Query(replacedBy: $0) }
        }
        let names = Set(entries.map { "\($0.clientName) \($0.serverName)" }).sorted()
        guard names.count <= 1 else {
            throw StoreError(
                .failed, "there are \(names.count) logins: \(names.joined(separator: ", "))",
                hint: "name the server, or say --all")
        }
        return entries.compactMap { Query(replacedBy: $0) }
    }

    private func queries(for server: Text, _ entries: [Entry]) -> [Query] {
        clients.flatMap { client in
            // A logout of Docker Hub takes its tokens with it.
            let servers =
                client.realm == .docker ? ServerKey(server).logout.map(\.spelling) : [server]
            return servers.flatMap { client.queries(for: $0, among: entries) }
        }
    }

    private func isConfirmed(_ count: Int, _ console: Console) -> Bool {
        guard !nonInteractive, count > 0 else { return true }
        return console.confirm("Remove \(count == 1 ? "1 login" : "\(count) logins")?") ?? true
    }

    /// All that the stores show after the removal is still there. Returns why there may be more.
    private func lookAgain(_ removals: inout [Removal], _ session: Session) -> StoreError? {
        let inventory = session.inventory()
        for index in removals.indices where removals[index].problem == nil {
            let rest = inventory.logins.filter {
                $0.store == removals[index].name && wants($0.entry)
            }
            guard !rest.isEmpty else { continue }
            removals[index].problem = StoreError(
                .failed, rest.map(\.entry.description).joined(separator: ", "), hint: "try again")
        }
        guard removals.allSatisfy({ $0.problem == nil }),
            let reason = inventory.failures.first?.message ?? inventory.warnings.first
        else { return nil }
        return StoreError(.failed, "whether all logins are removed is unknown: \(reason)")
    }

    // MARK: What is said

    private func preview(_ queries: [Query], _ session: Session) throws {
        let inventory = session.inventory()
        let logins = inventory.logins.filter { login in
            queries.contains { $0.matches(login.entry) }
        }
        let removals = session.stores.map { store in
            Removal(
                name: store.name, removed: logins.filter { $0.store == store.name }.map(\.entry))
        }
        if json {
            try session.console.print(Logout.json(of: removals, isDone: nil))
        } else {
            for login in logins {
                session.console.print("\(login.store): would remove \(login.entry.description)")
            }
            if logins.isEmpty { session.console.print("there is nothing to remove") }
        }
        for warning in inventory.warnings { session.console.warn(warning) }
        for failure in inventory.failures { session.console.report(failure) }
        guard inventory.failures.isEmpty else { throw ExitCode(1) }
    }

    private func report(
        _ removals: [Removal], doubt: StoreError?, _ session: Session
    ) throws {
        let problems = removals.compactMap(\.problem)
        let isDone = problems.isEmpty && doubt == nil
        if json {
            try session.console.print(Logout.json(of: removals, isDone: isDone))
        } else {
            for line in removals.flatMap(\.lines) { session.console.print(line) }
        }
        for name in session.placesLeftOut {
            session.console.note("\(name): not looked at, as the setting `store` says")
        }
        let removed = removals.flatMap(\.removed)
        if !removed.isEmpty {
            session.console.note(
                "a token or password that was removed is not revoked: that is done at its server")
        }
        if let doubt { session.console.report(doubt) }
        for hint in Set(problems.compactMap(\.hint)).sorted() { session.console.hint(hint) }
        guard isDone else { throw ExitCode(1) }
        guard !removed.isEmpty || force else {
            let what = server ?? client?.rawValue ?? "anything"
            throw StoreError(.failed, "not logged in to \(what)", hint: "see: keyfob list")
        }
    }

    /// `isDone` is nil where nothing was to be done.
    private static func json(of removals: [Removal], isDone: Bool?) -> JSON {
        .object([
            JSON.Member("dryRun", .bool(isDone == nil)),
            JSON.Member("done", .bool(isDone ?? false)),
            JSON.Member("places", .array(removals.map(\.json))),
        ])
    }
}

/// What has become of the logins in one store.
private struct Removal {
    let name: String
    var removed: [Entry] = []
    /// Why something is or may be left.
    var problem: StoreError?

    private static let remains = "still there"
    private static let mayRemain = "may still be there"
    private static let wasNotThere = "was not there"
}

extension Removal {
    /// Removes from the store what the queries ask for. A store that is absent has nothing, unless
    /// a login is known to have been stored there.
    fileprivate init(
        removing queries: [Query], from store: any CredentialStore, _ session: Session,
        isOfAll: Bool
    ) {
        name = store.name
        do throws(StoreError) {
            removed = try store.remove(queries)
        } catch {
            guard error.outcome == .absent else {
                problem = error
                return
            }
            do throws(StoreError) {
                guard let marker = session.choice.marker else { return }
                if isOfAll, try !marker.isEmpty() {
                    problem = StoreError(
                        .failed, "logins were stored there, and \(error.message)",
                        hint: "log out again in the session where the keyring runs")
                }
                for place in queries.compactMap(\.place) where try marker.contains(place) {
                    problem = StoreError(
                        .failed, "it was stored there, and \(error.message)",
                        hint: "log out again in the session where the keyring runs")
                }
            } catch let unreadable {
                problem = unreadable
            }
        }
    }

    fileprivate var lines: [String] {
        let removed = removed.map { "\(name): removed \($0.description)" }
        guard let problem else {
            return removed.isEmpty ? ["\(name): \(Removal.wasNotThere)"] : removed
        }
        return removed + ["\(name): \(state(of: problem)): \(problem.message)"]
    }

    fileprivate var json: JSON {
        let result: Text =
            switch problem?.outcome {
            case .none: removed.isEmpty ? "absent" : "removed"
            case .locked: "remains"
            case .absent, .declined, .timedOut, .gone, .damaged, .failed: "unknown"
            }
        return .object([
            JSON.Member("place", .name(name)),
            JSON.Member("result", .text(result)),
            JSON.Member("removed", .array(removed.map(\.json))),
            JSON.Member("reason", problem.map { .name($0.message) } ?? .null),
        ])
    }

    /// A store that nobody can unlock says so only of what it has, or is known to have had.
    private func state(of problem: StoreError) -> String {
        switch problem.outcome {
        case .locked: Removal.remains
        case .absent, .declined, .timedOut, .gone, .damaged, .failed: Removal.mayRemain
        }
    }
}

extension Entry {
    /// `docker registry.example.com (alice)`
    fileprivate var description: String {
        "\(clientName) \(serverName)" + (username.map { " (\($0.string))" } ?? "")
    }

    fileprivate var json: JSON {
        .object([
            JSON.Member("client", .name(clientName)),
            JSON.Member("server", .name(serverName)),
            JSON.Member("username", username.map { .text($0) } ?? .null),
        ])
    }
}
