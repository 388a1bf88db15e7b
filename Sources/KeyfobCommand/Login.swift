internal import ArgumentParser
internal import Clients
internal import Credentials
internal import Files
internal import JSON
internal import Registry
internal import Settings
internal import Stores
internal import Web

/// `keyfob login`: stores a login, once its registry has accepted it.
struct Login: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login",
        abstract: "Store a login, if its registry accepts it.",
        usage: "keyfob login [<server>] [<options>]",
        discussion: "Only registries of docker, the default client, and of podman are asked.")

    @Argument(help: "A host, or a URL for cargo, git, pip and pulumi; else Docker Hub.")
    var server: String?

    @Option(
        name: [.customShort("u"), .customLong("username")],
        help: ArgumentHelp("The user name.", valueName: "user"))
    var username: String?

    @Flag(help: "Read the password from standard input.")
    var passwordStdin = false

    @Option(help: "The name of the cargo registry.")
    var name: String?

    @Flag(help: "Store it without asking the registry.")
    var noVerify = false

    @Option(
        help: ArgumentHelp("Trust also the certificates in this file.", valueName: "file"))
    var caFile: String?

    @Flag(help: "Allow the named registry any certificate, or http.")
    var insecure = false

    @OptionGroup var selection: Selection

    @OptionGroup var output: Output

    @Option(
        name: [.customShort("p", allowingJoined: true), .customLong("password")], help: .hidden)
    var password: String?

    func validate() throws {
        guard password == nil else {
            throw ValidationError(
                "other users can read a password on the command line: use --password-stdin")
        }
        guard server != nil || client.name == Docker().name else {
            throw ValidationError("name the server")
        }
        guard username == nil || client.userNames != .none else {
            throw ValidationError("logins of \(client.name) have no user name")
        }
        guard !insecure || server != nil else {
            throw ValidationError("--insecure needs the name of the registry")
        }
        guard name == nil || client.serversHaveNames else {
            throw ValidationError("--name applies to cargo only")
        }
    }

    func run() throws {
        let invocation = try Invocation(output.console, selection.account)
        // The settings are checked first, so that no password is typed or sent for a login that
        // cannot be stored.
        if let refusal = invocation.choice.settings.refusal { throw refusal }
        let key = try Invocation.key(address)
        let place = try client.place(
            of: key, named: self.name,
            among: client.serversHaveNames ? invocation.inventory().logins.map(\.entry) : [])
        try key.requireNoPassword()
        let routes = invocation.choice.settings.routes
        if let refusal = routes.refusal(of: place.entry(RegistryLogin.tokenUser)) {
            throw refusal
        }
        var verification = try verification(at: place, invocation)
        // The registry is asked before the user types a password, which would be useless if it does
        // not reply.
        if !passwordStdin, invocation.terminal.isPresent { try verification?.greet() }
        let name = try user(at: place, invocation)
        let secret = try secret(of: name, at: place, invocation)
        if verification == nil {
            invocation.console.note(
                place.registry != nil
                    ? "not verified (--no-verify)"
                    : "not verified: logins of \(client.name) are stored without asking the server")
        }
        var login = Credential(place.entry(name), secret: secret)
        if let name, let token = try verification?.verify(name, secret) {
            login = Credential(place.entry(RegistryLogin.tokenUser), secret: token)
        }
        let replaced = try invocation.userReplaced(by: login.asStored.entry)
        let kept = try keep(login.asStored, invocation)
        if let replaced { invocation.console.note("this replaced the login of \(replaced)") }
        try answer(
            place, user: place.entry(name).shownUser, kept: kept, replaced: replaced, invocation
        )
    }

    private func answer(
        _ place: LoginPlace, user: String?, kept: String, replaced: String?,
        _ invocation: Invocation
    ) throws {
        let isVerified = place.registry != nil && !noVerify
        try output.answer(
            [
                "client": .text(client.name), "server": .name(place.description),
                "username": .name(user), "account": .name(invocation.choice.account?.string),
                "store": .name(kept), "verified": .bool(isVerified), "replaced": .name(replaced),
            ],
            lines: output.quiet
                ? []
                : [
                    "\(isVerified ? "logged in to" : "stored a login for") \(place)"
                        + "\(user.map { " as \($0)" } ?? "")"
                        + (invocation.choice.account.map { " in the account \($0)" } ?? "")
                        + ", kept in the \(kept)"
                ])
    }

    private var client: any Client { selection.client }

    private var address: String { server ?? "docker.io" }

    // MARK: User name and secret

    private func user(at place: LoginPlace, _ invocation: Invocation) throws(StoreError) -> Text? {
        guard client.userNames != .none else { return nil }
        var typed = username
        if typed == nil, place.username == nil, client.userNames == .needed {
            guard !passwordStdin else {
                throw StoreError(
                    .usage, "--password-stdin requires a user name", hint: "give it with --username"
                )
            }
            typed = try invocation.ask("user name for \(place): ", for: "user name", shows: true)?
                .publicString
            guard typed != nil else {
                throw .noTerminal(for: "user name", "with --username")
            }
        }
        guard let typed else { return place.username }
        guard let user = Text(typed), !user.isEmpty, !user.hasControlCharacter else {
            throw StoreError(.badUserName, "\"\(typed)\" is not a valid user name")
        }
        guard place.username == nil || place.username == user else {
            throw StoreError(.usage, "\(address.shownAddress) and --username name different users")
        }
        return user
    }

    private func secret(
        of user: Text?, at place: LoginPlace, _ invocation: Invocation
    ) throws(StoreError) -> Secret {
        let noun = client.secretNoun
        let secret: Secret
        if passwordStdin {
            secret = try Secret(passwordFromStandardInput: noun)
        } else {
            let whose = place.entry(user).shownUser.map { " of \($0)" } ?? ""
            guard
                let typed = try invocation.ask("\(noun)\(whose) for \(place): ", for: noun)
            else {
                throw .noTerminal(for: noun, "on standard input, with --password-stdin")
            }
            secret = typed
        }
        guard let problem = secret.problem(isLine: client.secretIsLine) else { return secret }
        throw StoreError(.badSecret, "the \(noun) \(problem)", hint: "nothing was stored")
    }

    // MARK: Verification

    /// Returns the verification of the login; nil if the registry is not asked.
    private func verification(
        at place: LoginPlace, _ invocation: Invocation
    ) throws(StoreError) -> LoginVerification? {
        guard let registry = place.registry.flatMap(RegistryName.init) else { return nil }
        if let path = Text(address).flatMap(RegistryName.init)?.droppedPath {
            invocation.console.note(
                "\(path) is dropped: \(client.name) has one login for all of \(place)")
        }
        guard !noVerify else { return nil }
        if let caFile, !ClientFile(caFile).exists {
            throw StoreError(
                .noSuchFile, "\(ClientFile(caFile).path) does not exist",
                hint: "nothing was stored")
        }
        var trust = Trust(in: registry, authority: caFile, invocation)
        trust.isUnverified = insecure
        if insecure {
            invocation.console.warn(
                "\(place) is not verified (--insecure): the password may reach somebody else")
        }
        return LoginVerification(of: registry, trust, invocation)
    }

    // MARK: Storing

    /// Stores the login and reads it back. Returns the name of the store that has it.
    private func keep(_ login: Credential, _ invocation: Invocation) throws(StoreError) -> String {
        try invocation.choice.store.save(login)
        let query = try login.entry.ownQuery()
        for store in invocation.choice.stores {
            do throws(StoreError) {
                if try store.find(query).first?.isSame(as: login) == true { return store.name }
            } catch {
                guard error.outcome == .absent else { throw error }
            }
        }
        throw StoreError(
            .notReadBack, "the login could not be read back unchanged", hint: "see: keyfob list")
    }
}

extension Secret {
    /// Returns why the secret cannot be a password; nil if it can be one. `isLine` says that it
    /// must have no line end in it.
    fileprivate func problem(isLine: Bool) -> String? {
        if isEmpty { return "is empty" }
        if !isUTF8 { return "is not UTF-8" }
        if contains(0) { return "holds a NUL" }
        return isLine && !isOneLine ? "has more than one line" : nil
    }
}
