package import Credentials
package import Files
package import TextEditing

/// A client is a program whose logins Keyfob keeps. Everything that Keyfob knows about one is in
/// the file that is named for it: the paths of its settings and logins, its lookup, its helper, and
/// its words.
package protocol Client: Sendable {
    /// The name in `--client` and in `keyfob list`.
    var name: Text { get }

    /// The schema of its logins. Clients with one schema share them, except for those of
    /// `Schema.token`, which name their client.
    var schema: Schema { get }

    // MARK: Words

    /// The noun for its secret.
    var secretNoun: String { get }

    /// True if the secret must be one line.
    var secretIsLine: Bool { get }

    /// Says if its logins have user names.
    var userNames: UserNames { get }

    /// True if it gives its servers names of its own.
    var serversHaveNames: Bool { get }

    /// True if it reads a login from variables, which `execution` names.
    var readsEnvironment: Bool { get }

    /// Returns the environment in which `keyfob exec` runs it with a login; nil if it reads none
    /// from its environment. Throws `unfitForFile` if its variables cannot hold the login.
    func execution(
        of login: Credential, in surroundings: Surroundings
    ) throws(StoreError) -> Execution?

    // MARK: Lookup

    /// Returns the queries for the client's logins for a server as the user names it, the best
    /// first; empty if the client cannot have such a server.
    ///
    /// `entries` are the known logins, whose labels may have the name.
    func queries(for server: Text, among entries: [Entry]) -> [Query]

    /// Returns an entry for each name that the client's configuration gives to a server, as if its
    /// login were labelled with that name.
    func namedEntries(in surroundings: Surroundings) -> [Entry]

    /// Returns the queries to try if there is no login for exactly what was typed; the best first.
    func fallbackQueries(for server: Text) -> [Query]

    /// Returns the queries for further logins that a logout of the server removes.
    func logoutQueries(for server: Text) -> [Query]

    /// Returns true if the user may name a login by its label. A locked keyring may not show
    /// labels.
    func knowsByLabel(_ server: Text) -> Bool

    /// Returns the place of a new login. `name` is the registry's name in cargo. Throws if
    /// the client cannot have such a server.
    func place(
        of server: Text, named name: String?, among entries: [Entry]
    ) throws(StoreError) -> LoginPlace

    // MARK: Its own files

    /// True if it may keep logins in files of its own, which Keyfob changes.
    var hasFiles: Bool { get }

    /// The variables that the client reads and that hold no secret, but perhaps in an address. A
    /// name that ends with `*` is a prefix.
    var variables: [String] { get }

    /// Returns true if a variable of that name holds a login that the client may use instead of a
    /// stored one, and that may be for the server (nil: for any).
    func isLogin(variable name: String, for server: Text?) -> Bool

    /// Returns true if the client, as it is set up, does not look at the variable.
    func ignores(variable: String, in surroundings: Surroundings) -> Bool

    /// True if the client, as it is set up, looks into its variables before it asks Keyfob.
    func prefersVariables(in surroundings: Surroundings) -> Bool

    /// Returns the logins in the addresses that a variable of the client's has as its value.
    func logins(inVariable name: String, _ value: Secret) -> [PlaintextLogin]

    /// Returns every file in which the client may keep logins in plain text, existing or not. The
    /// one that the client reads first comes first.
    func plaintextFiles(in surroundings: Surroundings) -> [any PlaintextFile]

    /// Returns what may still give the client a login for a server (nil: any) after a logout.
    func remainders(for server: Text?, in surroundings: Surroundings) -> [Remainder]

    /// Returns the file to which the client writes a login if it has no helper. Throws if
    /// the file is not known, or if its entries have more data than a stored login.
    func plaintextTarget(in surroundings: Surroundings) throws(StoreError) -> any PlaintextTarget

    // MARK: Its helper

    /// The program of Keyfob that the client runs; nil if the client has no credential helpers.
    var program: ProgramName? { get }

    /// The programs that go by its settings.
    var programs: [String] { get }

    /// True if `keyfob setup` applies to it: it has credential helpers, or needs a link.
    var isSetUp: Bool { get }

    /// Returns the keeper of its logins, as its configuration says.
    func keeper(in surroundings: Surroundings) throws(StoreError) -> Keeper

    /// Returns false if the client, once set up for a registry or (nil) for all, does not ask Keyfob
    /// all the same, because of another file or variable.
    func isAsked(for registry: String?, in surroundings: Surroundings) throws(StoreError) -> Bool

    /// Reads its configuration once. Returns a function that returns the names by which the client
    /// asks Keyfob for a login, the first one first; none if it asks other programs alone, or none.
    func helperNames(
        in surroundings: Surroundings
    ) throws(StoreError) -> (Entry) -> [HelperName]

    /// Returns the accounts that its configuration names at all: it may ask for several, one after
    /// the other, or for one of a part of a server.
    func accountsAsked(in surroundings: Surroundings) -> Set<AccountName>

    /// Returns the other helpers that it asks in docker's protocol; if a file is named, those that
    /// it asks before it reads that.
    func otherHelpers(
        in surroundings: Surroundings, before file: ClientFile?
    ) throws(StoreError) -> OtherHelpers

    /// Returns the change that makes the client use Keyfob, for one registry or (nil) for all of
    /// them. Throws if the change would lose something.
    func plan(
        for registry: String?, in surroundings: Surroundings
    ) throws(StoreError) -> SetupPlan

    /// Returns the path at which the client looks for the program; nil if it searches the PATH.
    func link(in surroundings: Surroundings) -> String?

    /// Returns the link, in the user's own folder for programs, that the client needs to call
    /// Keyfob; nil if it calls an installed program. Throws if an account is chosen and
    /// the client supports none.
    func ownLink(in surroundings: Surroundings) throws(StoreError) -> OwnLink?

    /// Returns the splice that undoes a setup after the client has written the file anew. `removed`
    /// is the text that the setup removed. Nil if the setting does not name Keyfob. Throws
    /// if it does, and what was there is not known.
    func restoration(
        of content: Secret, at path: String, for registry: String?, removed: String
    ) throws(StoreError) -> Splice?

    /// Returns the content of a file in which a setup was undone, with a setting for the helper that
    /// the client chose by itself before the setup, if it would not choose that now.
    func naming(_ chosen: String, in content: Secret, at path: String) throws(StoreError) -> Secret

    /// Returns how the client finds these logins in its own file, which the user is told after an
    /// export.
    func reading(
        beside keeper: Keeper, of entries: [Entry], in surroundings: Surroundings
    ) -> Reading
}

/// A link by which a client calls a program of Keyfob's.
package struct OwnLink: Sendable {
    package let name: String
    /// The name of the program that the link leads to.
    package let target: String
    /// The lines that tell the user what to do once the link exists.
    package var advice: [String] = []
}

/// The user names of a client's logins.
package enum UserNames: Sendable {
    case none, optional, needed
}

/// The way in which a client finds a login that is in its own file.
package enum Reading: Sendable {
    case found
    /// The client asks a helper instead of its file.
    case asksHelper(String, isOurs: Bool)
    /// The client does not read the file; the string says how to make it read the file.
    case needs(String)
}

/// The clients that Keyfob knows.
package enum Clients {
    package static let all: [any Client] = [
        Docker(), Podman(), Cargo(), Git(), Terraform(), Pulumi(), Npm(), Pip(), Other(),
    ]

    /// The clients with different logins: of those that share their logins, the first one.
    package static let each: [any Client] = all.filter { client in
        all.first { $0.sharesLogins(with: client) }?.name == client.name
    }

    /// The clients that have credential helpers.
    package static let withHelpers = all.filter { $0.program != nil }

    /// The clients that may keep logins in files of their own, which Keyfob changes.
    package static let withFiles = all.filter(\.hasFiles)

    /// Returns the names of clients as a sentence has them: `docker, podman or cargo`.
    package static func words(_ clients: [any Client], _ last: String) -> String {
        let names = clients.map(\.name.string)
        guard names.count > 1 else { return names.joined() }
        return names.dropLast().joined(separator: ", ") + " \(last) \(names[names.count - 1])"
    }

    package static func named(_ name: String) -> (any Client)? {
        all.first { $0.name.string == name }
    }

    /// Returns every file in which the client, or (nil) one of the clients, may keep logins in plain
    /// text, each once.
    package static func plaintextFiles(
        of client: (any Client)? = nil, in surroundings: Surroundings
    ) -> [any PlaintextFile] {
        var seen: Set<String> = []
        return (client.map { [$0] } ?? all).flatMap { $0.plaintextFiles(in: surroundings) }
            .filter { seen.insert($0.file.identity).inserted }
    }
}

extension Client {
    /// Returns true if the login is one of this client.
    package func owns(_ entry: Entry) -> Bool {
        entry.schema.family == schema.family
            && (schema != .token || entry["client"] == name)
    }

    /// Returns true if both clients use the same logins.
    package func sharesLogins(with other: any Client) -> Bool {
        schema == other.schema && (schema != .token || name == other.name)
    }

    /// Returns the first of its programs that is installed; nil if none is.
    package func installed(in surroundings: Surroundings) -> String? {
        programs.first { surroundings.program($0) != nil }
    }

    /// Returns the other clients that are installed and read the file. One whose settings cannot be
    /// read may do so.
    package func otherReaders(
        of file: ClientFile, in surroundings: Surroundings
    ) -> [any Client] {
        Clients.all.filter { other in
            other.name != name && other.installed(in: surroundings) != nil
                && (try? other.keeper(in: surroundings))?.readsFile != false
                && other.plaintextFiles(in: surroundings).contains {
                    $0.file.identity == file.identity
                }
        }
    }

    /// Returns the names of the variables with a login that the client may use for the server (nil:
    /// for any).
    package func variablesWithLogin(
        for server: Text?, in surroundings: Surroundings
    ) -> [String] {
        let asked = server.map { queries(for: $0, among: []) + fallbackQueries(for: $0) }
        return surroundings.names { name in
            isLogin(variable: name, for: server) && !ignores(variable: name, in: surroundings)
                || logins(inVariable: name, (surroundings[name] ?? "").secret)
                    .contains { login in asked.map { login.isMeant(by: $0) } ?? true }
        }
    }

    // MARK: Defaults

    package var secretNoun: String { "token" }
    package var secretIsLine: Bool { true }
    package var serversHaveNames: Bool { false }

    package var readsEnvironment: Bool { false }

    package func execution(
        of login: Credential, in surroundings: Surroundings
    ) throws(StoreError) -> Execution? { nil }

    /// Returns the queries for what was typed. If no login among `entries` matches them, it returns
    /// the first fallback that one matches.
    package func meaning(of server: Text, among entries: [Entry]) -> [Query] {
        let queries = queries(for: server, among: entries)
        func isAny(_ query: Query) -> Bool { entries.contains(where: query.matches) }
        guard !queries.contains(where: isAny),
            let fallback = fallbackQueries(for: server).first(where: isAny)
        else { return queries }
        return [fallback]
    }

    package var userNames: UserNames { .none }
    package var hasFiles: Bool { true }
    package var variables: [String] { [] }
    package var program: ProgramName? { nil }
    package var programs: [String] { [name.string] }
    package var isSetUp: Bool { program != nil }

    package func isLogin(variable name: String, for server: Text?) -> Bool { false }
    package func ignores(variable: String, in surroundings: Surroundings) -> Bool { false }
    package func prefersVariables(in surroundings: Surroundings) -> Bool { true }
    package func logins(inVariable name: String, _ value: Secret) -> [PlaintextLogin] { [] }
    package func knowsByLabel(_ server: Text) -> Bool { false }
    package func namedEntries(in surroundings: Surroundings) -> [Entry] { [] }
    package func fallbackQueries(for server: Text) -> [Query] { [] }
    package func logoutQueries(for server: Text) -> [Query] { [] }
    package func plaintextFiles(in surroundings: Surroundings) -> [any PlaintextFile] { [] }
    package func remainders(for server: Text?, in surroundings: Surroundings) -> [Remainder] { [] }

    package func plaintextTarget(
        in surroundings: Surroundings
    ) throws(StoreError) -> any PlaintextTarget {
        throw StoreError(
            .notSupported, "this client has no file to write to",
            hint: "to print one secret: keyfob token --help")
    }

    package func keeper(in surroundings: Surroundings) throws(StoreError) -> Keeper { Keeper() }

    package func isAsked(
        for registry: String?, in surroundings: Surroundings
    ) throws(StoreError) -> Bool {
        guard registry == nil else { return true }
        return try keeper(in: surroundings).isAsked
    }

    package func helperNames(
        in surroundings: Surroundings
    ) throws(StoreError) -> (Entry) -> [HelperName] { { _ in [] } }

    package func accountsAsked(in surroundings: Surroundings) -> Set<AccountName> { [] }

    package func otherHelpers(
        in surroundings: Surroundings, before file: ClientFile?
    ) throws(StoreError) -> OtherHelpers { OtherHelpers(hub: name) }

    package func plan(
        for registry: String?, in surroundings: Surroundings
    ) throws(StoreError) -> SetupPlan {
        throw StoreError(
            .notSupported, "setup does not apply to \(name), which has no credential helpers",
            hint: "see: keyfob exec --help")
    }

    package func link(in surroundings: Surroundings) -> String? { nil }

    package func ownLink(in surroundings: Surroundings) throws(StoreError) -> OwnLink? {
        try refuseAccount(surroundings)
        return nil
    }

    /// Throws if an account is chosen: the client has no setting that could name it.
    func refuseAccount(_ surroundings: Surroundings) throws(StoreError) {
        guard surroundings.account != nil else { return }
        throw StoreError(
            .notSupported, "\(name) cannot be set up for an account",
            hint: "run it with an account in the environment: KEYFOB_ACCOUNT=NAME")
    }

    package func restoration(
        of content: Secret, at path: String, for registry: String?, removed: String
    ) throws(StoreError) -> Splice? {
        guard content.holds("keyfob") else { return nil }
        throw StoreError(
            .unexpectedContent, "\(path) has been changed since, and still names keyfob",
            hint: "remove keyfob there by hand, then run this again")
    }

    package func naming(
        _ chosen: String, in content: Secret, at path: String
    ) throws(StoreError) -> Secret { content }

    package func reading(
        beside keeper: Keeper, of entries: [Entry], in surroundings: Surroundings
    ) -> Reading {
        let known = entries + namedEntries(in: surroundings)
        let asked = keeper.exceptions.map { exception in
            Text(exception.registry).map { queries(for: $0, among: known) } ?? []
        }
        let found = entries.map { entry in
            zip(keeper.exceptions, asked).first { $1.contains { $0.matches(entry) } }?.0
        }
        let isOfAll = found.contains { $0 == nil }
        if isOfAll && keeper.isOurs || found.contains(where: { $0?.isOurs == true }) {
            return .asksHelper("keyfob", isOurs: true)
        }
        let all = !isOfAll || keeper.readsFile && !keeper.asksFirst ? [] : [keeper.name]
        let others = all + found.map { $0?.name }
        return others.compactMap(\.self).first.map { .asksHelper($0, isOurs: false) } ?? .found
    }

    /// Returns the addresses with which an address begins, the longest first.
    func beginnings(of address: Text) -> [Text] {
        var rest = address.string[...]
        var found: [Text] = []
        while let slash = rest.lastIndex(of: "/"), !rest[..<slash].hasSuffix(":/") {
            rest = rest[..<slash]
            if let beginning = Text(String(rest)) { found.append(beginning) }
        }
        return found
    }

    /// The advice to import, if there is something to import.
    package func importAdvice(_ surroundings: Surroundings) -> [String] {
        let files = plaintextFiles(in: surroundings).filter(\.file.exists)
        guard files.contains(where: { (try? $0.contents())?.logins.isEmpty != true }) else {
            return []
        }
        return ["to move logins from \(name)'s plain-text files: keyfob import"]
    }

    /// Returns the query for a token of a client that has no schema of its own.
    func tokenQuery(_ key: Text) -> Query { Query(.token, ["client": name, "key": key]) }

    func tokenPlace(_ key: Text) -> LoginPlace {
        let client = name
        return LoginPlace { .token(of: client, key: key, username: $0) }
    }

    func refusal(of server: Text, _ form: String) -> StoreError {
        StoreError(
            .badServer, "\"\(server.string.shownAddress)\" is not a valid server name for \(name)",
            hint: "expected: \(form)")
    }

    func noPlaceForOne() -> StoreError {
        StoreError(
            .notSupported, "\(name) cannot be set up for a single registry",
            hint: "for all registries: keyfob setup \(name)")
    }
}
