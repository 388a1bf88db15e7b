internal import Clients
internal import Credentials
internal import Files
internal import Settings
internal import Stores

/// An invocation is one run of `keyfob`: the user's settings, their stores, and the console.
struct Invocation: Sendable {
    let environment: Environment
    private(set) var choice: StoreChoice
    let directories: Directories
    /// The home directory and the variables by which the clients' own files are found.
    var surroundings: Surroundings
    let console: Console

    /// `warns` says that the problems of the settings are printed now.
    init(
        _ console: Console = Console(), _ account: AccountName? = nil, warns: Bool = true
    ) throws(StoreError) {
        self.console = console
        environment = .ofProcess
        directories = try Directories(environment)
        let variables = System.variables(where: Surroundings.reads)
        // The PATH may have folders that are of no use here.
        for (name, value) in variables.sorted(by: { $0.key < $1.key })
        where name != "PATH" && value.unicodeScalars.contains("\u{FFFD}") {
            throw StoreError(.badPath, "\(name) is not UTF-8", hint: "correct or unset it")
        }
        surroundings = Surroundings(
            home: try Directories.home(environment), variables: variables, user: System.user)
        choice = try StoreChoice(
            environment, account: account, notice: { console.note($0) })
        surroundings.usesKeyring = choice.keyringStore != nil && choice.account == nil
        choice.file?.purpose = Keyfob.subcommand.map { "keyfob \($0)" }
        if warns {
            for problem in choice.settings.problems { console.warn(problem) }
        }
    }

    /// The same invocation, but for the logins of every account, each as an entry of its account.
    var ofAllAccounts: Invocation { with { $0.seesAll = true } }

    /// Returns the same invocation, but for another account.
    func `in`(_ account: AccountName?) -> Invocation { with { $0.account = account } }

    /// The same invocation, but it does not ask for the passphrase of the file.
    var asksNobody: Invocation { with { $0.file?.mayPrompt = false } }

    /// The same invocation, but it asks for nothing and runs no command. A file that needs either
    /// is locked.
    var runsNothing: Invocation { asksNobody.with { $0.file?.passphraseCommand = nil } }

    private func with(_ change: (inout StoreChoice) -> Void) -> Invocation {
        var invocation = self
        change(&invocation.choice)
        return invocation
    }

    /// Returns a function that returns the accounts for which the client asks Keyfob for a login,
    /// the first one first; none if it does not ask Keyfob. Nil is for a login outside every
    /// account.
    func accounts(
        askedBy client: any Client
    ) throws(StoreError) -> (Entry) -> [AccountName?] {
        let names = try client.helperNames(in: surroundings)
        let own = try environment.account
        return { entry in names(entry).map { $0.account ?? own } }
    }

    /// Throws the error of a setting that is not valid, before anything is done.
    func requireSettings(before done: String) throws(StoreError) {
        guard let refusal = choice.settings.refusal else { return }
        throw StoreError(
            refusal.code, refusal.message,
            hint: "nothing was \(done); correct the setting; see: keyfob status")
    }

    /// The terminal at which the user is asked.
    var terminal: Terminal { Terminal(lockFolder: Folder(directories.state)) }

    /// Asks at the terminal, which shows what is typed if `shows` is true. Returns nil if there is no
    /// terminal.
    ///
    /// Throws `timedOut` if nothing is typed in time, and `declined` if the answer is empty.
    func ask(
        _ question: String, for noun: String, shows: Bool = false
    ) throws(StoreError) -> Secret? {
        try terminal.ask(question, for: noun, seconds: choice.settings.promptTimeout, shows: shows)
    }

    /// The names of the stores that the setting `store` excludes.
    var placesLeftOut: [String] {
        let all = [("keyring", choice.keyringStore == nil), ("file", choice.file == nil)]
        return all.filter(\.1).map(\.0)
    }

    /// Unlocks the keyring, if there is one. A locked keyring may not list all of its logins.
    func unlockKeyring() throws(StoreError) {
        do throws(StoreError) {
            try choice.keyringStore?.unlock()
        } catch {
            guard error.outcome == .absent else { throw error }
        }
    }

    /// Returns all stored logins. It does not unlock the keyring, but it asks for the passphrase of
    /// the file. A store that cannot be read is a failure, beside the logins of the others. An
    /// absent keyring is a failure too if the setting `store` excludes the encrypted file; else it
    /// is a warning if logins are known to be stored in it. `withTokens` adds the cached tokens of
    /// routes.
    func inventory(withTokens: Bool = false) -> Inventory {
        var inventory = Inventory()
        for store in withTokens ? choice.storesAndTokens : choice.stores {
            do throws(StoreError) {
                let listing = try store.list(nil)
                inventory.logins += listing.entries.map { Inventory.Login($0, in: store.name) }
                inventory.warnings += listing.warnings
            } catch {
                guard error.outcome == .absent, choice.file != nil else {
                    inventory.unread.append((store.name, error))
                    continue
                }
                do throws(StoreError) {
                    let warning = try choice.marker?.warning(error)
                    inventory.warnings += warning.map { [$0] } ?? []
                    inventory.isOutOfReach = warning != nil
                } catch {
                    inventory.unread.append((store.name, error))
                }
            }
        }
        inventory.logins.sort()
        return inventory
    }
}

extension Invocation {
    /// Returns the one login that the user names, with its secret.
    ///
    /// Throws `notLoggedIn` if there is none, and `severalLogins` if the user must choose.
    func login(for wanted: LoginOptions) throws(StoreError) -> Credential {
        let server = wanted.server
        let key = try Invocation.key(server)
        let inventory = inventory()
        let found = try logins(
            for: key, of: wanted.selection.named?.client, among: inventory.logins.map(\.entry))
        guard let first = found.first else {
            throw absence(of: server, among: inventory)
        }
        let clients = Set(found.map(\.entry.clientName)).sorted()
        guard clients.count == 1 else {
            throw StoreError(
                .severalLogins,
                "\(server.shownAddress) has logins of \(clients.joined(separator: ", "))",
                hint: "choose one: --client \(clients[0].shellWord)")
        }
        guard found.count == 1 else {
            let users = found.map { $0.entry.shownUser ?? "-" }.sorted()
            let named = found.map(\.entry).first { $0.shownUser == users.first { $0 != "-" } }
            throw StoreError(
                .severalLogins,
                "\(server.shownAddress) has logins of several users: \(users.joined(separator: ", "))",
                hint: named.map { "name the user: \($0.accountName.shellWord)" })
        }
        return first
    }

    /// Returns the error that there is no login for a server among those that can be seen. `who`
    /// are the words before that.
    func absence(
        of server: String, among inventory: Inventory, _ who: String = ""
    ) -> StoreError {
        let words = "no login for \(server.shownAddress)"
        let doubt = inventory.doubt("\(words) was found, and ")
        if let error = inventory.failures.first ?? doubt { return error }
        if let key = Text(server),
            let (route, _) = choice.settings.routes.route(for: ServerKey(key))
        {
            return StoreError(
                .notLoggedIn, "\(words) is stored: the route \(route.name) serves it",
                hint: "to try that: keyfob route test \(server.shellArgument)")
        }
        return StoreError(.notLoggedIn, who + words, hint: "see: keyfob list")
    }

    /// Returns the logins that the clients find for the server: all of them, or the one given.
    private func logins(
        for key: Text, of client: (any Client)?, among entries: [Entry]
    ) throws(StoreError) -> [Credential] {
        let store = choice.store
        var found: [Credential] = []
        var asked: Set<[String]> = []
        for client in client.map({ [$0] }) ?? Clients.each {
            let queries = client.queries(
                for: key, among: entries + client.namedEntries(in: surroundings))
            for query in queries + client.fallbackQueries(for: key) {
                // A route is asked once, however its server is spelled.
                if let (route, server) = choice.settings.routes.route(for: query),
                    !asked.insert([route.name, server.host]).inserted
                {
                    continue
                }
                let logins = try store.find(query).preferringPath(of: query)
                // A client gets the best login of each account, or without accounts the first one.
                found +=
                    client.schema.hasAccounts
                    ? logins.once(by: \.entry.identity) : Array(logins.prefix(1))
                if !logins.isEmpty { break }
            }
        }
        return found
    }

    /// Returns the user whose login the entry will replace; nil if there is none, or if it is the
    /// same user.
    func userReplaced(by entry: Entry) throws(StoreError) -> String? {
        guard !entry.schema.hasAccounts, let query = Query(replacedBy: entry) else { return nil }
        do throws(StoreError) {
            let other = try choice.chain.find(query).first?.entry
            return other?.username == entry.username ? nil : other?.shownUser
        } catch let error where error.code == .keyringOutOfReach {
            return nil
        }
    }

    /// Returns the server's name as a text.
    static func key(_ server: String) throws(StoreError) -> Text {
        guard let key = Text(server)?.trimmed, !key.isEmpty, !key.hasControlCharacter else {
            throw StoreError(
                .badServer, "\"\(server.shownAddress)\" is not a valid server name",
                hint: "see: keyfob list")
        }
        return key
    }
}

extension [Credential] {
    /// The logins for exactly the query's path (or for no path, if the query has none), if there
    /// are any; else all. Only git's logins have paths.
    fileprivate func preferringPath(of query: Query) -> [Credential] {
        let those = filter { $0["object"] == query.facts["object"] }
        return those.isEmpty ? self : those
    }
}
