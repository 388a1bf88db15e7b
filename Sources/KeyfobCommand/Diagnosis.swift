internal import Clients
internal import Credentials
internal import Files
internal import Settings
internal import Stores

/// A diagnosis is everything that decides where logins are kept and if a client finds them, with
/// the findings that need attention.
struct Diagnosis {
    /// One thing that the user should know.
    struct Finding: Hashable {
        /// The finding's name in JSON.
        let code: Text
        /// True if it needs attention.
        let isFault: Bool
        let message: String
        /// The next step for the user; nil if there is none.
        let hint: String?
    }

    private(set) var keyring = StoreState(kind: .off)
    private(set) var file = StoreState(kind: .off)
    /// The clients that are installed or set up, each with its keeper; the keeper is nil if the
    /// client's configuration could not be read.
    private(set) var clients: [(client: any Client, keeper: Keeper?)] = []
    private(set) var findings: [Finding] = []

    let invocation: Invocation
    private(set) var logins: [Inventory.Login] = []

    /// The accounts that have logins, and how many.
    var accounts: [(name: String, logins: Int)] {
        Dictionary(grouping: logins.compactMap(\.entry.schema.account?.string), by: \.self)
            .map { ($0, $1.count) }.sorted { $0.0 < $1.0 }
    }

    init(_ invocation: Invocation) {
        self.invocation = invocation
        lookAtSettings()
        lookAtFolders()
        lookAtKeyring()
        lookAtFile()
        lookAtRoutes()
        lookForSeveralUsers()
        lookForExpiries()
        for client in Clients.withHelpers { look(at: client) }
        lookAtLinks()
        reportUntold()
        lookForPlaintext()
        lookForTokensInEnvironment()
        findings = Diagnosis.inOrder(findings)
    }

    /// Returns each finding once: those that need attention first, and those with one code
    /// together.
    private static func inOrder(_ findings: [Finding]) -> [Finding] {
        let once = findings.once(by: \.message)
        let codes = once.map(\.code)
        return once.sorted { left, right in
            guard left.isFault == right.isFault else { return left.isFault }
            return (codes.firstIndex(of: left.code) ?? 0) < (codes.firstIndex(of: right.code) ?? 0)
        }
    }

    var isHealthy: Bool { !findings.contains(where: \.isFault) }

    // MARK: Findings

    mutating func fault(_ code: Text, _ message: String, hint: String? = nil) {
        findings.append(Finding(code: code, isFault: true, message: message, hint: hint))
    }

    mutating func fault(_ code: Text, _ error: StoreError) {
        fault(code, error.message, hint: error.hint)
    }

    mutating func note(_ code: Text, _ message: String, hint: String? = nil) {
        findings.append(Finding(code: code, isFault: false, message: message, hint: hint))
    }

    // MARK: Settings

    private mutating func lookAtSettings() {
        let settings = invocation.choice.settings
        for problem in settings.problems {
            fault(
                "settings", problem, hint: "correct it; until then no login can be stored")
        }
        if let account = invocation.choice.account {
            note(
                "account", "KEYFOB_ACCOUNT is set: clients get the logins of the account \(account)"
            )
        }
        for variable in invocation.environment.settings {
            note("override", "\(variable) is set and overrides the config file")
        }
        let path = invocation.surroundings.home
        if let home = FileStatus(of: path), !home.isMineOrRoots {
            fault(
                "home-owner",
                "the home directory \(path) is owned by uid \(home.owner), not by you",
                hint: "run this as the owner of that home directory, or set HOME to yours")
        }
    }

    // MARK: Stores

    private mutating func lookAtKeyring() {
        guard let keyring = invocation.choice.keyringStore else { return }
        let state: KeyringState
        do throws(StoreError) {
            state = try keyring.state()
        } catch {
            self.keyring = StoreState(
                kind: error.outcome == .absent ? .absent : .failed, error: error)
            return lookAtAbsence(error)
        }
        var listing = Listing()
        do throws(StoreError) {
            listing = try keyring.list(nil)
        } catch {
            if error.outcome != .locked { fault("keyring", error) }
        }
        logins += listing.entries.map { Inventory.Login($0, in: keyring.name) }
        let provider = state.providerName ?? "a Secret Service"
        self.keyring = StoreState(
            kind: state.isLocked ? .locked : .ready, logins: listing.entries.count,
            provider: provider, collection: state.collection)
        lookAtState(state, provider)
    }

    private mutating func lookAtState(_ state: KeyringState, _ provider: String) {
        if state.collection == nil {
            if state.provider == "keepassxc", !state.hasCollections {
                fault(
                    "keepassxc-no-group", "KeePassXC exposes no group, so it cannot keep logins",
                    hint:
                        "in KeePassXC: Database Settings, Secret Service Integration, "
                        + "Expose entries under this group"
                )
            } else {
                fault(
                    "no-default-collection",
                    "\(provider) has no default collection, so logins go to the encrypted file",
                    hint: "make one in the keyring's own window, and make it the default")
            }
        }
        if state.isLocked {
            let mayAsk = invocation.choice.keyringStore?.options.mayPrompt ?? false
            let message = "the keyring is locked, so its logins may not be listed"
            if mayAsk {
                note(
                    "keyring-locked", message,
                    hint: "you are asked to unlock it when a login is needed")
            } else {
                let isOff = invocation.choice.settings.prompt == .never
                let unlock = "keyfob unlock" + (isOff ? " --password-stdin" : "")
                fault(
                    "keyring-locked", message + "; it cannot ask for its password here",
                    hint: (state.takesPassword ? unlock : "unlock it at the desktop")
                        + ", or use the encrypted file: export KEYFOB_STORE=file")
            }
        }
        if state.asksForAccess {
            fault(
                "keyring-confirms", "\(provider) asks before each access to a login",
                hint:
                    "in KeePassXC: Settings, Secret Service Integration, turn off the "
                    + "confirmation for retrieved passwords"
            )
        }
    }

    /// An absent keyring is a fault only if the setting `store` requires it, or if logins are known
    /// to be in one; otherwise the file is used, which is a note.
    private mutating func lookAtAbsence(_ error: StoreError) {
        guard error.outcome == .absent else { return fault("keyring", error) }
        let address = invocation.choice.keyringStore?.options.busAddress
        let name: Text = address == nil ? "no-bus" : "no-provider"
        if invocation.choice.settings.policy == .keyring {
            fault(
                name, "\(error.message), and the setting `store` excludes the encrypted file",
                hint: "run this in your desktop session, or unset the setting")
            return
        }
        do throws(StoreError) {
            if let warning = try invocation.choice.marker?.warning(error) {
                fault(name, warning, hint: "run this in your desktop session")
                return
            }
        } catch {
            fault("marker", error)
        }
        note(name, "\(error.message), so logins are kept in the encrypted file")
    }

    /// Reports folders in which nothing can be made: a store is then impossible.
    private mutating func lookAtFolders() {
        for path in [invocation.directories.data, invocation.directories.state] {
            var above = path
            while above != "/", FileStatus(of: above) == nil { above = above.folder }
            guard System.user != 0, let status = FileStatus(of: above),
                (UInt32(status.mode, radix: 8) ?? 0) & (status.isMine ? 0o200 : 0o022) == 0
            else { continue }
            fault(
                "folder", "\(above) cannot be written to, so no login can be stored",
                hint: "make it writable, or set HOME to another folder")
        }
    }

    private mutating func lookAtFile() {
        guard let file = invocation.choice.fileStore else { return }
        self.file = StoreState(kind: .none, path: invocation.directories.data + "/credentials")
        do throws(StoreError) {
            guard let protection = try file.protection() else { return }
            self.file.protection = protection.rawValue
            self.file.unlocking = try file.unlocking()
            if try file.isUnlockedElsewhere() == true {
                note(
                    "unlocked-elsewhere",
                    "the kernel keeps a key of the file that this process is not given",
                    hint: "to end that: keyfob lock")
            }
            do throws(StoreError) {
                let entries = try file.list(nil).entries
                logins += entries.map { Inventory.Login($0, in: file.name) }
                self.file.logins = entries.count
                self.file.kind = .ready
            } catch let error where protection == .passphrase && error.code == .passphraseNeeded {
                self.file.kind = .locked
            }
        } catch {
            self.file.kind = .failed
            self.file.error = error
            fault("file", error)
        }
    }

    /// Reports servers with logins of several users: a fault if the client supports only one login
    /// for a server, else a note.
    private mutating func lookForSeveralUsers() {
        var groups: [[String]: [Inventory.Login]] = [:]
        var places: [Place: String] = [:]
        for login in logins.sorted() {
            guard let place = login.entry.place else { continue }
            // Two spellings of a server are one place. A place of git may have several paths, and
            // each of them is a group of its own.
            let name = places[place] ?? login.entry.serverName
            places[place] = name
            let server = login.entry.schema.hasAccounts ? login.entry.serverName : name
            let account = login.entry.schema.account?.string ?? ""
            groups[[login.entry.clientName, server, account], default: []].append(login)
        }
        for (key, logins) in groups.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            let users = Set(logins.map { $0.entry.shownUser ?? "-" }).sorted()
            guard users.count > 1 else { continue }
            let words = "\(key[1]) has logins of several users: \(users.joined(separator: ", "))"
            if logins[0].entry.schema.hasAccounts {
                note(
                    "several-users", words + "; \(key[0]) gets the one that was stored last",
                    hint: "for another, put its user into the address: "
                        + logins[0].entry.accountName.shellWord)
            } else {
                fault(
                    "stale-login", words,
                    hint: "keyfob logout\(logins[0].entry.schema.account.option) "
                        + "\(key[1].shellArgument), then log in again")
            }
        }
    }

    /// Reports logins that have expired or do so within a day, except those that clients renew.
    private mutating func lookForExpiries() {
        logins.addExpiries(from: invocation.choice.stores)
        let now = System.seconds
        for login in logins.sorted() where !login.isRenewed {
            guard let expires = login.expires, expires < now + 86_400,
                let time = LocalTime(expires)?.minute
            else { continue }
            let name = login.entry.description
            if expires <= now {
                fault(
                    "expired", "the login \(name) expired on \(time)",
                    hint: "log in again: keyfob login --client \(login.entry.clientName)"
                        + "\(login.entry.schema.account.option) "
                        + login.entry.accountName.shellArgument)
            } else {
                note("expires-soon", "the login \(name) expires on \(time)")
            }
        }
    }

    // MARK: Routes

    /// The routes, each with the problem that keeps it from working; nil if none is known.
    private(set) var routes: [(route: Route, problem: StoreError?)] = []
    /// The number of cached logins, and the reason why none can be cached; nil without routes.
    private(set) var tokens: (count: Int, obstacle: String?)?

    private mutating func lookAtRoutes() {
        guard let cache = invocation.choice.tokens else { return }
        let configured = invocation.choice.settings.routes
        routes = configured.all.map { ($0, invocation.problem(of: $0)) }
        for (route, problem) in routes {
            // A route that is not valid is reported among the settings.
            guard let problem, problem.code != .badConfiguration else { continue }
            fault("route", "the route \(route.name): \(problem.message)", hint: problem.hint)
        }
        tokens = ((try? cache.list(nil).entries.count) ?? 0, TokenCache.refusal)
        if let obstacle = tokens?.obstacle {
            note("no-token-cache", "logins of routes are not cached: \(obstacle)")
        }
        let hidden = logins.map(\.entry).filter { configured.refusal(of: $0) != nil }
        let hints = Dictionary(
            hidden.map {
                ("\($0.schema.account.option) \($0.serverName.shellArgument)", $0.serverName)
            },
            uniquingKeysWith: { first, _ in first })
        for (words, server) in hints.sorted(by: { $0.key < $1.key }) {
            note(
                "login-not-used", "the stored login of \(server) is not used: a route serves it",
                hint: "keyfob logout\(words)")
        }
    }

    // MARK: Clients

    private mutating func look(at client: any Client) {
        let name = client.name
        let isHere = client.installed(in: invocation.surroundings) != nil
        do throws(StoreError) {
            var keeper = try client.keeper(in: invocation.surroundings)
            let isHidden = try exceptionsHidden(from: client)
            if keeper.isOurs { keeper.exceptions.removeAll(where: isHidden) }
            guard isHere || keeper.name != nil || !keeper.exceptions.isEmpty else { return }
            clients.append((client, keeper))
            if !keeper.isOurs, let other = keeper.name {
                note(
                    "other-helper", "\(name) uses the helper \(other)",
                    hint: "keyfob setup \(name)")
            }
            let others = try client.otherHelpers(in: invocation.surroundings, before: nil).ofAll
            for other in others where keeper.isOurs {
                note("other-helper", "\(name) asks \(other) for what Keyfob does not have")
            }
            for exception in keeper.exceptions {
                let who =
                    exception.name.map { "uses \($0) for" }
                    ?? "keeps in its own file the login for"
                let ours = "keyfob" + (exception.account.map { ", account \($0)," } ?? "")
                note(
                    exception.isOurs ? "keyfob-for-one" : "other-helper",
                    "\(name) \(exception.isOurs ? "uses \(ours) for" : who) \(exception.registry)")
            }
            lookAtPrograms(of: client, keeper)
            if let (what, hint) = keeper.leak { fault("plaintext-helper", what, hint: hint) }
        } catch {
            clients.append((client, nil))
            fault("client-configuration", error)
        }
    }

    /// Returns a function that returns true for an exception to which the client does not come,
    /// because Keyfob has the login and is asked first.
    private func exceptionsHidden(
        from client: any Client
    ) throws(StoreError) -> (Keeper.Exception) -> Bool {
        let accounts = try invocation.accounts(askedBy: client)
        return { exception in
            let queries = Text(exception.registry).map { client.queries(for: $0, among: []) } ?? []
            return !exception.isOurs
                && logins.contains { login in
                    let entry = login.entry.in(nil)
                    return accounts(entry).first == login.entry.schema.account
                        && queries.contains { $0.matches(entry) }
                }
        }
    }

    /// Reports the clients that are installed and use no helper.
    private mutating func reportUntold() {
        let untold = clients.filter { $0.keeper?.isOurs == false && $0.keeper?.name == nil }
        guard !untold.isEmpty else { return }
        let names = untold.map(\.client.name.string)
        note(
            "not-set-up",
            "\(names.joined(separator: ", ")) \(names.count == 1 ? "does" : "do") not use keyfob "
                + "yet",
            hint: "keyfob setup \(names.joined(separator: " "))")
    }

    private mutating func lookAtPrograms(of client: any Client, _ keeper: Keeper) {
        for program in client.missing(of: keeper, in: invocation.surroundings) {
            let account = ProgramName.reading(program)?.account
            let isFixed = client.link(in: invocation.surroundings) == program
            let isLink = isFixed || account != nil && client.name == Docker().name
            fault(
                "helper-not-found",
                "\(client.name) cannot run \(program): not found, or not executable",
                hint: isLink
                    ? "keyfob setup \(client.name)\(isFixed ? "" : account.option)"
                    : "install it, or add its folder to the PATH")
        }
    }

    /// Reports the clients that were given a link of their own and do not run Keyfob by it now.
    private mutating func lookAtLinks() {
        let surroundings = invocation.surroundings
        let changes = (try? SetupRecord(in: invocation.directories.state))?.changes ?? []
        for client in Clients.all where client.program == nil {
            guard changes.contains(where: { $0.isLink && $0.client == client.name.string }),
                let own = (try? client.ownLink(in: surroundings)) ?? nil
            else { continue }
            let (found, ours) = (surroundings.program(own.name), surroundings.program(own.target))
            guard let found else {
                fault(
                    "helper-not-found",
                    "\(client.name) cannot run \(own.name): not found, or not executable",
                    hint: "keyfob setup \(client.name)")
                continue
            }
            guard ClientFile(found).identity != ours.map({ ClientFile($0).identity }) else {
                continue
            }
            fault(
                "helper-not-found", "\(client.name) runs \(found), which is another program",
                hint: "remove it, or take its folder off the PATH")
        }
    }
}
