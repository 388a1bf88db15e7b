internal import ArgumentParser
internal import Clients
internal import Credentials
internal import JSON
internal import Settings
internal import Stores

/// `keyfob move`: moves logins between the keyring and the file.
///
/// Invariants: at every moment each login is in at least one of the two. It is stored in the
/// one, read back and compared, and only then removed from the other, if it is still the same
/// there. The next run finishes an interrupted one.
struct Move: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "move",
        abstract: "Move logins between the keyring and the file.",
        usage: "keyfob move --to keyring|file [<server>] [<options>]",
        discussion: """
            Where both have a login for the same server, the newer one is kept. If it is not \
            known which that is, the login is left and named.
            """)

    enum Target: String, CaseIterable, ExpressibleByArgument {
        case keyring, file
    }

    @Option(help: ArgumentHelp("Where to move the logins.", valueName: "keyring|file"))
    var to: Target

    @Argument(
        help: "Only the logins for this server, as `keyfob list` prints it.",
        completion: Completion.servers)
    var server: String?

    @OptionGroup var selection: Selection

    @OptionGroup var output: ChangeOutput

    func run() throws {
        let invocation = try Invocation(output.console, selection.account)
        let (source, target) = try stores(invocation)
        if !output.dryRun { try invocation.unlockKeyring() }
        let listing = try source.list(nil)
        for warning in listing.warnings { invocation.console.warn(warning) }
        // Another item of a login is removed together with it only if it is the same login.
        let wanted = try listing.entries.filter(isWanted(among: listing.entries))
            .sorted { ($0.clientName, $0.serverName) < ($1.clientName, $1.serverName) }
        let others = wanted.map { Inventory.Login($0, in: source.name) }.passedOver(in: source)
        let entries = wanted.filter { !others.map(\.entry).contains($0) }.once(by: \.identity)
        if let server, entries.isEmpty { try requireLogin(for: server, invocation) }

        var reports: [Report] = []
        for entry in entries {
            let (given, problem) =
                output.dryRun
                ? (entry, nil)
                : Move.move(
                    entry, besides: others.filter { $0.entry.identity == entry.identity },
                    from: source, to: target)
            let report = report(given, from: source.name, problem)
            reports.append(report.in(invocation.choice.account))
            if !output.dryRun { invocation.console.progress(reports.count, of: entries.count) }
        }
        invocation.console.progress(0, of: 0)
        reports += others.map {
            $0.left(output.dryRun ? "would not move" : "did not move").in(invocation.choice.account)
        }
        try output.answer(
            reports, ["to": .name(to.rawValue)], isWhole: listing.warnings.isEmpty,
            ifEmpty: "nothing to move")
    }

    // MARK: Moving

    /// Returns the store to move from, and the one to move to. Throws `storeLeftOut` if the setting
    /// `store` excludes one of them, because a login would not be found there.
    private func stores(
        _ invocation: Invocation
    ) throws(StoreError) -> (from: any CredentialStore, to: any CredentialStore) {
        let choice = invocation.choice
        guard let keyring = choice.keyringStore.map({ choice.view(of: $0) }),
            let file = choice.fileStore.map({ choice.view(of: $0) })
        else {
            throw StoreError(
                .storeLeftOut, "the setting `store` excludes one of the two stores",
                hint: "unset KEYFOB_STORE, or set `store` to auto in the config file")
        }
        return to == .file ? (keyring, file) : (file, keyring)
    }

    /// Throws `failed` if neither store has a login for the server.
    private func requireLogin(
        for server: String, _ invocation: Invocation
    ) throws(StoreError) {
        let inventory = invocation.inventory()
        let all = inventory.logins.map(\.entry)
        guard try !all.contains(where: isWanted(among: all)) else { return }
        throw invocation.absence(of: server, among: inventory)
    }

    private func isWanted(among entries: [Entry]) throws(StoreError) -> (Entry) -> Bool {
        let clients = selection.clients
        guard let server else { return { entry in clients.contains { $0.owns(entry) } } }
        let key = try Invocation.key(server)
        let queries = clients.flatMap { $0.meaning(of: key, among: entries) }
        return { entry in queries.contains { $0.matches(entry) } }
    }

    /// Moves one login, and leaves the others of its place. Returns the login, and the error if it
    /// is not in the target store, or not only there; nil if it is.
    private static func move(
        _ entry: Entry, besides others: [Inventory.Login], from source: any CredentialStore,
        to target: any CredentialStore
    ) -> (Entry, StoreError?) {
        var entry = entry
        do throws(StoreError) {
            let query = try entry.ownQuery()
            guard let login = try source.find(query).first else { return (entry, nil) }
            entry = login.entry
            let removal = try removal(of: entry, besides: others, query)
            let there = try target.find(query).first
            if let there, !there.isSame(as: login) {
                guard let age = login.entry.modified, let otherAge = there.entry.modified,
                    age != otherAge
                else {
                    throw StoreError(
                        .anotherLogin,
                        "the other store has another login for it, and it is unknown which is "
                            + "newer",
                        hint: "log out of one of them, or log in again")
                }
                if age > otherAge { try save(login, in: target, query) }
            } else if there == nil {
                try save(login, in: target, query)
            }
            guard try source.find(query).first?.secret == login.secret else {
                throw StoreError(
                    .changedMeanwhile, "it was replaced meanwhile; nothing was removed",
                    hint: "move it again")
            }
            try source.remove([removal])
            return (entry, nil)
        } catch {
            return (entry, error)
        }
    }

    /// Returns the query that removes a login from its store, and none of the others, which are told
    /// apart by their users alone.
    private static func removal(
        of entry: Entry, besides others: [Inventory.Login], _ query: Query
    ) throws(StoreError) -> Query {
        guard let other = others.first else { return query }
        guard others.allSatisfy({ $0.entry.username != entry.username }) else {
            throw StoreError(
                .anotherLogin, "the \(other.store) has several logins of this user for it",
                hint: "log out, and log in again")
        }
        return Query(query.schema, query.facts.merging(["username": entry.username ?? ""]) { $1 })
    }

    private static func save(
        _ login: Credential, in target: any CredentialStore, _ query: Query
    ) throws(StoreError) {
        try target.save(login)
        guard try target.find(query).first?.secret == login.secret else {
            throw StoreError(
                .notReadBack, "it could not be read back unchanged; nothing was removed")
        }
    }

    // MARK: Output

    private func report(_ entry: Entry, from place: String, _ problem: StoreError?) -> Report {
        guard let problem else {
            return Report(
                entry, in: place, .moved, output.dryRun ? "would move" : "moved",
                rest: " to the \(to.rawValue)")
        }
        return Report(entry, in: place, .left, "did not move", problem: problem)
    }
}
