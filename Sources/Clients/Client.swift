package import Credentials
package import Files
package import TextEditing

/// A client is a program whose logins Keyfob keeps. All that Keyfob knows of one stands in the file
/// that is named for it: where its settings and logins lie, how it looks a login up, who answers it,
/// and its words.
package protocol Client: Sendable {
    /// What `--client` and `keyfob list` call it; also the name of its program.
    var name: Text { get }

    /// The kind of its logins. Clients of one kind share them, but for those of `Schema.token`, which
    /// name their client.
    var schema: Schema { get }

    // MARK: Words

    /// What its secret is called.
    var secretNoun: String { get }

    /// Whether that is one line.
    var secretIsLine: Bool { get }

    /// Whether a login of it has a user name.
    var userNames: UserNames { get }

    /// Whether it knows its servers by names of its own.
    var serversHaveNames: Bool { get }

    /// Whether it takes a login from variables of its own, which `execution` names.
    var readsEnvironment: Bool { get }

    /// How `keyfob exec` gives it a login. Throws `failed` where its variables cannot hold it.
    func execution(
        of login: Credential, in surroundings: Surroundings
    ) throws(StoreError) -> Execution

    // MARK: What a person means

    /// What asks for the client's logins at the server, as a person names it; the best first. None if it cannot be a server of this client.
    ///
    /// `entries` are the logins that are known, whose labels may tell.
    func queries(for server: Text, among entries: [Entry]) -> [Query]

    /// What asks for what may have been meant where there is nothing under what was typed; the best
    /// first.
    func fallbackQueries(for server: Text) -> [Query]

    /// What asks for all that a logout of the server removes besides.
    func logoutQueries(for server: Text) -> [Query]

    /// Whether a person may mean a login by its label. The labels of a locked keyring may not be
    /// seen.
    func knowsByLabel(_ server: Text) -> Bool

    /// Where a new login belongs. `name` is cargo's for the registry. Throws `failed` if the client
    /// has no such servers.
    func place(
        of server: Text, named name: String?, among entries: [Entry]
    ) throws(StoreError) -> LoginPlace

    // MARK: Its own files

    /// What Keyfob does with them.
    var files: ClientFiles { get }

    /// The variables that it reads, and that hold no secret.
    var variables: [String] { get }

    /// Whether a variable of that name holds a login that wins over what is stored.
    func isLogin(variable name: String) -> Bool

    /// Every file in which it may keep logins in plain text, whether it is there or not: the one
    /// that it asks first comes first.
    func plaintextFiles(in surroundings: Surroundings) -> [any PlaintextFile]

    /// The file into which it puts a login if it has no helper. Throws `failed` if that is not
    /// known, or more belongs there than there is of a login elsewhere.
    func plaintextTarget(in surroundings: Surroundings) throws(StoreError) -> any PlaintextTarget

    /// A file of its form, elsewhere; nil if that is not known.
    func plaintextFile(_ file: ClientFile) -> (any PlaintextFile)?

    // MARK: Its helper

    /// The program of ours that it calls; nil if it has no credential helpers.
    var program: ProgramName? { get }

    /// Who answers it, as its configuration says.
    func keeper(in surroundings: Surroundings) throws(StoreError) -> Keeper

    /// How it is told of Keyfob, for one registry or (nil) for all of them. Throws `failed` where
    /// that cannot be done without losing something.
    func plan(
        for registry: String?, in surroundings: Surroundings
    ) throws(StoreError) -> SetupPlan

    /// Where it looks for the program if that is not the PATH.
    func link(in surroundings: Surroundings) -> String?

    /// How a setup is undone where the client has written the file anew since; `removed` is what the
    /// setup took out. Nil if Keyfob does not stand there, or that cannot be told.
    func restoration(
        of content: Secret, at path: String, for registry: String?, removed: String
    ) throws(StoreError) -> Splice?

    /// What is said after an export: whether the client reads its own file beside its helper, and
    /// how it is made to.
    func reading(
        beside keeper: Keeper, of entries: [Entry], in surroundings: Surroundings
    ) -> Reading
}

/// What Keyfob does with a client's own files.
package enum ClientFiles: Sendable {
    case none
    /// Logins are found there, and taken out.
    case read
    /// Logins can be put there, too.
    case written
}

/// Whether a login has a user name.
package enum UserNames: Sendable {
    case none, optional, needed
}

/// Whether a client finds a login in its own file.
package enum Reading: Sendable {
    case found
    /// A helper is asked in place of the file.
    case asksHelper(String, isOurs: Bool)
    /// Nobody reads the file; how it is made to be read.
    case needs(String)
}

/// How a client is run with a login.
package struct Execution: Sendable {
    package typealias Variable = (name: String, value: Secret)

    /// In which it looks for the secret.
    package let secret: Variable
    /// What else it must be told: left out where the variable is set already.
    package var others: [Variable] = []
    /// A folder of its own for a client that writes down what it finds in its environment.
    package var folder: Folder?

    package struct Folder: Sendable {
        /// The variable that names it.
        package let variable: String
        /// What the client keeps beside its logins, and is copied there and back.
        package let settings: ClientFile
    }
}

/// The clients that Keyfob knows.
package enum Clients {
    package static let all: [any Client] = [
        Docker(), Podman(), Cargo(), Git(), Terraform(), Pulumi(), Npm(), Other(),
    ]

    /// One for each set of logins: the first of those that share them.
    package static let each: [any Client] = all.filter { client in
        all.first { $0.sharesLogins(with: client) }?.name == client.name
    }

    /// Those that know helpers.
    package static let withHelpers = all.filter { $0.program != nil }

    /// Those that may keep logins in files of their own, and those into whose files a login can be put.
    package static let withFiles = all.filter { $0.files != .none }
    package static let withTargets = all.filter { $0.files == .written }

    /// Their names as a sentence has them: `docker, podman or cargo`.
    package static func words(_ clients: [any Client], _ last: String) -> String {
        let names = clients.map(\.name.string)
        guard names.count > 1 else { return names.joined() }
        return names.dropLast().joined(separator: ", ") + " \(last) \(names[names.count - 1])"
    }

    package static func named(_ name: String) -> (any Client)? {
        all.first { $0.name.string == name }
    }

    /// Every file in which one of the clients may keep logins in plain text, each once, and those of
    /// one client first.
    package static func plaintextFiles(
        in surroundings: Surroundings, first client: (any Client)? = nil
    ) -> [any PlaintextFile] {
        var seen: Set<String> = []
        return ([client].compactMap(\.self) + all).flatMap { $0.plaintextFiles(in: surroundings) }
            .filter { seen.insert($0.file.identity).inserted }
    }
}

extension Client {
    /// Whether the login is one of this client.
    package func owns(_ entry: Entry) -> Bool {
        entry.schema == schema && (schema != .token || entry.attributes["client"] == name)
    }

    /// Whether one login serves both.
    package func sharesLogins(with other: any Client) -> Bool {
        schema == other.schema && (schema != .token || name == other.name)
    }

    // MARK: What most clients do

    package var secretNoun: String { "token" }
    package var secretIsLine: Bool { true }
    package var serversHaveNames: Bool { false }

    /// Whether a server may have several logins of it.
    package var hasAccounts: Bool { schema.hasAccounts }

    package var readsEnvironment: Bool { false }

    package func execution(
        of login: Credential, in surroundings: Surroundings
    ) throws(StoreError) -> Execution {
        throw StoreError(
            .notSupported, "\(name) reads no login from its environment",
            hint: "name a variable for the secret: --env VARIABLE")
    }

    /// What is meant by a server: what was typed, or the first that the client takes it for where
    /// that has no login among these.
    package func meaning(of server: Text, among entries: [Entry]) -> [Query] {
        let queries = queries(for: server, among: entries)
        func isAny(_ query: Query) -> Bool { entries.contains(where: query.matches) }
        guard !queries.contains(where: isAny),
            let fallback = fallbackQueries(for: server).first(where: isAny)
        else { return queries }
        return [fallback]
    }

    package var userNames: UserNames { .none }
    package var files: ClientFiles { .written }
    package var variables: [String] { [] }
    package var program: ProgramName? { nil }

    package func isLogin(variable name: String) -> Bool { false }
    package func knowsByLabel(_ server: Text) -> Bool { false }
    package func fallbackQueries(for server: Text) -> [Query] { [] }
    package func logoutQueries(for server: Text) -> [Query] { [] }
    package func plaintextFiles(in surroundings: Surroundings) -> [any PlaintextFile] { [] }
    package func plaintextFile(_ file: ClientFile) -> (any PlaintextFile)? { nil }

    package func plaintextTarget(
        in surroundings: Surroundings
    ) throws(StoreError) -> any PlaintextTarget {
        throw StoreError(
            .notSupported, "this client has no file to write to",
            hint: "to print one secret: keyfob token --help")
    }

    package func keeper(in surroundings: Surroundings) throws(StoreError) -> Keeper { Keeper() }

    package func plan(
        for registry: String?, in surroundings: Surroundings
    ) throws(StoreError) -> SetupPlan {
        throw StoreError(
            .notSupported, "setup does not apply to \(name), which has no credential helpers",
            hint: "see: keyfob exec --help")
    }

    package func link(in surroundings: Surroundings) -> String? { nil }

    package func restoration(
        of content: Secret, at path: String, for registry: String?, removed: String
    ) throws(StoreError) -> Splice? {
        nil
    }

    package func reading(
        beside keeper: Keeper, of entries: [Entry], in surroundings: Surroundings
    ) -> Reading {
        let exceptions = keeper.exceptions.filter { exception in
            let asked = Text(exception.registry).map { queries(for: $0, among: entries) } ?? []
            return entries.contains { entry in asked.contains { $0.matches(entry) } }
        }
        if keeper.isOurs || exceptions.contains(where: \.isOurs) {
            return .asksHelper("keyfob", isOurs: true)
        }
        let others = (keeper.readsFile ? [] : [keeper.name]) + exceptions.map(\.name)
        return others.compactMap(\.self).first.map { .asksHelper($0, isOurs: false) } ?? .found
    }

    /// A token of a client that has no schema of its own.
    func tokenQuery(_ key: Text) -> Query { Query(.token, ["client": name, "key": key]) }

    func tokenPlace(_ key: Text) -> LoginPlace {
        let client = name
        return LoginPlace { .token(of: client, key: key, username: $0) }
    }

    func refusal(of server: Text, _ form: String) -> StoreError {
        StoreError(
            .badServer, "\"\(server)\" is not a valid server name for \(name)",
            hint: "expected: \(form)")
    }

    func noPlaceForOne() -> StoreError {
        StoreError(
            .notSupported, "\(name) cannot be set up for a single registry",
            hint: "for all registries: keyfob setup \(name)")
    }
}

/// Where a new login of a client belongs: how it is kept, so that the client finds it.
package struct LoginPlace: Sendable {
    /// The user that the address of the server names.
    package var username: Text?
    /// The registry that can say whether a login is good; nil where nobody can.
    package var registry: Text?
    private let make: @Sendable (Text?) -> Entry

    init(
        of username: Text? = nil, registry: Text? = nil,
        _ make: @escaping @Sendable (Text?) -> Entry
    ) {
        self.username = username
        self.registry = registry
        self.make = make
    }

    package func entry(of username: Text?) -> Entry { make(username) }
}

extension LoginPlace: CustomStringConvertible {
    /// As a person calls it.
    package var description: String { entry(of: nil).serverName }
}

extension Schema {
    /// Whether a place may have several logins.
    package var hasAccounts: Bool { !accountNames.isEmpty }
}

extension Entry {
    /// Whose login it is, as `--client` names it; podman's are docker's.
    package var clientName: String {
        attributes["client"]?.string
            ?? Clients.all.first { $0.schema == schema }?.name.string ?? schema.rawValue
    }

    /// What it is for, as a person would type it.
    package var serverName: String {
        switch schema {
        case .docker: attributes["server"].map { ServerKey($0).listed.string } ?? ""
        case .cargo: attributes["url"]?.string ?? ""
        case .token: attributes["key"]?.string ?? ""
        case .git: GitAddress(attributes).url(withUser: false)
        }
    }

    /// What it is for, as it is spelled there.
    package var spelling: String { attributes["server"].map(\.string) ?? serverName }

    /// What it is for and whose it is, in the one word with which a person can name both.
    package var accountName: String {
        schema == .git ? GitAddress(attributes).url(withUser: shownUser != nil) : serverName
    }

    /// The name of the user as it is shown; nil where there is none or it is empty, and where it is a
    /// token, which is a secret.
    package var shownUser: String? {
        username.flatMap { $0.isEmpty || $0.looksLikeToken ? nil : $0.string }
    }

    package var username: Text? { attributes[schema == .git ? "user" : "username"] }

    /// `docker registry.example.com (alice)`
    package var description: String {
        "\(clientName) \(serverName)" + (shownUser.map { " (\($0))" } ?? "")
    }
}

extension Credential {
    /// What is left of a secret when all is taken off that does not log in by itself.
    package enum Alone {
        case secret(Secret), expired, nothing
    }

    /// The secret alone: of a git login the password or the credential, without what else is stored
    /// with it. `now` is in seconds since 1970.
    package func alone(at now: UInt64) -> Alone {
        guard entry.schema == .git else { return .secret(secret) }
        let parts = GitSecret(stored: secret)
        if parts.hasExpired(at: now) { return .expired }
        return parts.alone(for: entry.username).map { .secret($0) } ?? .nothing
    }

    /// As it is stored: a git login with what the front-end of git's protocol would make of it.
    package var asStored: Credential {
        guard entry.schema == .git else { return self }
        var parts = GitSecret()
        parts.password = secret
        return .git(entry, parts)
    }
}
