internal import ArgumentParser
internal import Clients
internal import Credentials
internal import JSON
internal import Settings
internal import Stores

/// `keyfob logout`: removes logins wherever they are kept, and says of each place what is true: the
/// stores, and with `--files` the clients' own files.
struct Logout: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Remove logins from the keyring and from the file, and look whether they are gone.",
        discussion: """
            The keyring is unlocked if somebody can be asked. The exit status is 0 only if \
            nothing is left. Without a server it is the one login that there is. Nothing is \
            revoked at the server: whoever has a copy of a token can still use it.

            What pulumi has encrypted itself, and ~/.netrc, are reported and left as they are.
            """)

    @Argument(help: "The server, as `keyfob list` prints it.", completion: Completion.servers)
    var server: String?

    @Option(help: "Only this client's logins; by default every client's.")
    var client: Client?

    @Flag(help: "Every login, of that client or of all. At a terminal it asks once.")
    var all = false

    @Flag(help: "Also the copies in plain text in the clients' own files.")
    var files = false

    @Option(help: "Also the copies in this file of podman's form.")
    var authfile: String?

    @Option(help: "Also the copies in this file of docker's form.")
    var compatAuthFile: String?

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
        let session = nonInteractive ? try Session().asksNobody : try Session()
        let plaintext = try plaintextFiles(session)
        guard let queries = try queries(session, plaintext) else {
            throw StoreError(.declined, "nothing was removed")
        }
        let isMeant = { (entry: Entry) in
            all ? wants(entry) : queries.contains { $0.matches(entry) }
        }
        if dryRun { return try preview(plaintext, session, where: isMeant) }

        var removals = session.stores.map { store in
            Removal(removing: queries, from: store, session, isOfAll: all)
        }
        if let keyring = session.choice.keyringStore {
            for index in removals.indices where removals[index].name == keyring.name {
                removals[index].lookForFormerLogins(in: keyring, where: isMeant)
            }
        }
        let doubt = all ? lookAgain(&removals, session) : nil
        removals += plaintext.map { Removal(from: $0, where: isMeant) }
        if files { reportWhatIsLeftAlone(plaintext, session) }
        try report(removals, doubt: doubt, session)
    }

    /// The clients' own files that are asked for and that there are.
    private func plaintextFiles(_ session: Session) throws(StoreError) -> [any PlaintextFile] {
        var named: [any PlaintextFile] = []
        if let authfile { named.append(RegistryAuths(ClientFile(authfile), .podman)) }
        if let compatAuthFile { named.append(RegistryAuths(ClientFile(compatAuthFile), .docker)) }
        if let absent = named.first(where: { !$0.file.exists }) {
            throw StoreError(
                .failed, "\(absent.file.path) does not exist; nothing was removed",
                hint: "see which files there are: keyfob status")
        }
        guard files else { return named }
        let paths = named.map(\.file.path)
        return named
            + session.surroundings.plaintextFiles.filter {
                $0.file.exists && !paths.contains($0.file.path) && mayHoldWanted($0)
            }
    }

    /// Whether the file is of the client that is named, or of one that shares its logins.
    private func mayHoldWanted(_ plaintext: any PlaintextFile) -> Bool {
        guard let client, let owner = Client(rawValue: plaintext.client) else { return true }
        return owner == client || owner.realm == .docker && client.realm == .docker
    }

    // MARK: What is meant

    private var clients: [Client] { client.map { [$0] } ?? Client.each }

    private func wants(_ entry: Entry) -> Bool { client?.owns(entry) ?? true }

    /// What asks for all that is to be removed; nil if the user has been asked and said no.
    private func queries(
        _ session: Session, _ plaintext: [any PlaintextFile]
    ) throws(StoreError) -> [Query]? {
        // A file that cannot be read is told of when its turn comes.
        let inFiles = plaintext.flatMap { (try? $0.contents())?.logins.map(\.entry) ?? [] }
        if let server {
            let key = try Session.key(server)
            if !dryRun, clients.contains(where: { $0.knowsByLabel(key) }) {
                try session.unlockKeyring()
            }
            return queries(for: key, session.inventory().logins.map(\.entry) + inFiles)
        }
        if all, !dryRun { try session.unlockKeyring() }
        let inventory = session.inventory()
        if let failure = inventory.failures.first { throw failure }
        let entries = (inventory.logins.map(\.entry) + inFiles).filter(wants)
        for warning in inventory.warnings { session.console.warn(warning) }
        if all {
            if !dryRun, try !isConfirmed(entries.count, session) { return nil }
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

    private func isConfirmed(_ count: Int, _ session: Session) throws(StoreError) -> Bool {
        guard !nonInteractive, count > 0 else { return true }
        return try session.confirm("Remove \(count == 1 ? "1 login" : "\(count) logins")?") ?? true
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

    private func preview(
        _ plaintext: [any PlaintextFile], _ session: Session, where isMeant: (Entry) -> Bool
    ) throws {
        var inventory = session.inventory()
        for plain in plaintext {
            do throws(StoreError) {
                inventory.logins += try plain.contents().logins
                    .map { Inventory.Login($0.entry, in: plain.file.path) }
            } catch {
                inventory.fail(error, in: plain.file.path)
            }
        }
        let logins = inventory.logins.filter { isMeant($0.entry) }
        let places = session.stores.map(\.name) + plaintext.map(\.file.path)
        let removals = places.map { place in
            Removal(
                name: place, removed: logins.filter { $0.store == place }.map(\.entry),
                problem: inventory.unread[place])
        }
        if json {
            try session.console.print(Logout.json(of: removals, isDone: nil))
        } else {
            for login in logins {
                session.console.print("\(login.store): would remove \(login.entry.description)")
            }
            for place in places where inventory.unread[place] != nil {
                session.console.print("\(place): cannot be looked into")
            }
            if logins.isEmpty, inventory.unread.isEmpty {
                session.console.print(
                    inventory.warnings.isEmpty
                        ? "there is nothing to remove" : "nothing that is seen would be removed")
            }
        }
        if let keyring = session.choice.keyringStore,
            let former = try? keyring.formerLogins(.git).filter(isMeant), !former.isEmpty
        {
            session.console.warn(
                "\(keyring.name): would remain: "
                    + former.map(\.description).joined(separator: ", "))
        }
        for warning in inventory.warnings { session.console.warn(warning) }
        for failure in inventory.failures { session.console.report(failure) }
        guard inventory.failures.isEmpty else { throw ExitCode(1) }
    }

    /// What is never touched: what pulumi has encrypted, and what nobody can tell the owner of.
    private func reportWhatIsLeftAlone(_ plaintext: [any PlaintextFile], _ session: Session) {
        for plain in plaintext {
            for note in (try? plain.contents())?.notes ?? [] {
                session.console.note("\(plain.file.path): \(note)")
            }
        }
        let netrc = session.surroundings.netrc
        guard let machines = try? netrc.machines() else { return }
        let names = machines.filter { machine in server.map { $0.names(host: machine) } ?? true }
        if !names.isEmpty {
            session.console.note(
                "\(netrc.file.path) has passwords, and is left as it is: "
                    + names.joined(separator: ", "))
        }
    }

    private func report(
        _ removals: [Removal], doubt: StoreError?, _ session: Session
    ) throws {
        let problems = removals.compactMap(\.problem)
        let isDone = removals.allSatisfy(\.isDone) && doubt == nil
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
        if removals.contains(where: { !$0.left.isEmpty }) {
            session.console.hint(
                "remove it with the helper that stored it, or in the keyring's own window")
        }
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

extension String {
    /// Whether it is, as a server, on that host.
    fileprivate func names(host: String) -> Bool {
        let address = firstRange(of: "://").map { self[$0.upperBound...] } ?? self[...]
        return address.prefix { $0 != "/" && $0 != ":" }.lowercased() == host.lowercased()
    }
}
