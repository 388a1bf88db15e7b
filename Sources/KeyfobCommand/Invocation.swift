internal import Clients
internal import Credentials
internal import Files
internal import Settings
internal import Stores

/// An invocation is one run of `keyfob`: what the user has set, the stores that serve them, and the
/// console that they sit at.
struct Invocation: Sendable {
    let environment: Environment
    private(set) var choice: StoreChoice
    let directories: Directories
    /// Where the clients keep their own files.
    let surroundings: Surroundings
    let console: Console

    /// `warns` says whether what is not understood in the configuration is told now. Throws `failed`
    /// if the user has no home directory.
    init(_ output: Output? = nil, warns: Bool = true) throws(StoreError) {
        let console = Console(isQuiet: output?.quiet ?? false)
        self.console = console
        environment = .ofProcess
        directories = try Directories(environment)
        surroundings = Surroundings(
            home: try Directories.home(environment),
            variables: System.variables(where: Surroundings.reads), user: System.user)
        choice = try StoreChoice(environment, notice: { console.note($0) })
        choice.file?.purpose = Keyfob.subcommand.map { "keyfob \($0)" }
        if warns {
            for problem in choice.settings.problems { console.warn(problem) }
        }
    }

    /// The same invocation, which asks nobody for the passphrase of the file.
    var asksNobody: Invocation {
        var invocation = self
        invocation.choice.file?.mayPrompt = false
        return invocation
    }

    /// Where the user is asked.
    var terminal: Terminal { Terminal(lockFolder: Folder(directories.state)) }

    /// Asks at the terminal for what is no secret; nil where there is none.
    ///
    /// Throws `timedOut` if nothing is typed in time, `declined` if nothing is typed at all.
    func ask(_ question: String, for noun: String) throws(StoreError) -> String? {
        try terminal.ask(
            question, for: noun, seconds: choice.settings.promptTimeout, shows: true
        )?.expose { bytes in String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self) }
    }

    /// Asks a question at the terminal; nil where there is none. Anything but yes is no.
    func confirm(_ question: String) throws(StoreError) -> Bool? {
        do throws(StoreError) {
            let answer = try ask("\(question) [y/N] ", for: "answer")
            return answer.map { ["y", "yes"].contains($0.lowercased()) }
        } catch let error where error.outcome == .declined {
            return false
        }
    }

    /// The same invocation, which asks nobody and runs no command: what only those could open is locked.
    var runsNothing: Invocation {
        var invocation = asksNobody
        invocation.choice.file?.passphraseCommand = nil
        return invocation
    }

    /// The names of the stores that the policy leaves out.
    var placesLeftOut: [String] {
        let all = [("keyring", choice.keyring == nil), ("file", choice.file == nil)]
        return all.filter(\.1).map(\.0)
    }

    /// Unlocks the keyring, if there is one: locked it does not list all that it holds.
    func unlockKeyring() throws(StoreError) {
        do throws(StoreError) {
            try choice.keyringStore?.unlock()
        } catch {
            guard error.outcome == .absent else { throw error }
        }
    }

    /// Everything that is kept, and where. The keyring is not unlocked for it; the passphrase of the
    /// file is asked for. A store that cannot be read is a failure, beside what the others have. So
    /// is an absent keyring where the setting `store` excludes the encrypted file; else it is a
    /// warning if
    /// logins have been stored there.
    func inventory() -> Inventory {
        var inventory = Inventory()
        for store in choice.stores {
            do throws(StoreError) {
                let listing = try store.list(nil)
                inventory.logins += listing.entries.map { Inventory.Login($0, in: store.name) }
                inventory.warnings += listing.warnings
            } catch {
                guard error.outcome == .absent, choice.file != nil else {
                    inventory.fail(error, in: store.name)
                    continue
                }
                do throws(StoreError) {
                    let warning = try choice.marker?.warning(error)
                    inventory.warnings += warning.map { [$0] } ?? []
                } catch {
                    inventory.fail(error, in: store.name)
                }
            }
        }
        inventory.logins.sort()
        return inventory
    }
}

extension Invocation {
    /// The one login that the user means, with its secret.
    ///
    /// Throws `failed` if there is none, or if the user must say whose is meant.
    func login(for server: String, of client: (any Client)?) throws(StoreError) -> Credential {
        let key = try Invocation.key(server)
        let inventory = inventory()
        let entries = inventory.logins.map(\.entry)
        var found: [Credential] = []
        for client in client.map({ [$0] }) ?? Clients.each {
            let queries = client.queries(for: key, among: entries)
            for query in queries + client.fallbackQueries(for: key) {
                let logins = try choice.store.find(query).preferringPath(of: query)
                // Where there are no accounts the first is the one that the client gets.
                found += client.hasAccounts ? logins.onceEach : Array(logins.prefix(1))
                if !logins.isEmpty { break }
            }
        }
        guard let first = found.first else {
            if let failure = inventory.failures.first { throw failure }
            if let warning = inventory.warnings.first {
                throw StoreError(.loginsUnseen, "no login for \(server) was found, and \(warning)")
            }
            throw StoreError(.notLoggedIn, "no login for \(server)", hint: "see: keyfob list")
        }
        let clients = Set(found.map(\.entry.clientName)).sorted()
        guard clients.count == 1 else {
            throw StoreError(
                .severalLogins, "\(server) has logins of \(clients.joined(separator: ", "))",
                hint: "choose one: --client \(clients[0].shellWord)")
        }
        guard found.count == 1 else {
            let users = found.map { $0.entry.shownUser ?? "-" }.sorted()
            let named = found.map(\.entry).first { $0.shownUser == users.first { $0 != "-" } }
            throw StoreError(
                .severalLogins,
                "\(server) has logins of several users: \(users.joined(separator: ", "))",
                hint: named.map { "name the user: \($0.accountName.shellWord)" })
        }
        return first
    }

    /// A server as it was typed. Throws `failed` if it cannot be one.
    static func key(_ server: String) throws(StoreError) -> Text {
        guard let key = Text(server)?.trimmed, !key.isEmpty, !key.hasControlCharacter else {
            throw StoreError(
                .badServer, "\"\(server)\" is not a valid server name", hint: "see: keyfob list")
        }
        return key
    }
}

extension [Credential] {
    /// git's for the very path that is asked about, or for none, if there are such.
    fileprivate func preferringPath(of query: Query) -> [Credential] {
        let those = filter { $0["object"] == query.facts["object"] }
        return those.isEmpty ? self : those
    }

    /// The best login of each account.
    fileprivate var onceEach: [Credential] {
        var seen: Set<Place?> = []
        return filter { seen.insert($0.entry.identity).inserted }
    }
}
