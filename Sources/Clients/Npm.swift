package import Credentials
internal import Files

/// npm (10.8), which has no credential helpers: `keyfob exec` gives it its token.
///
/// It finds a token by the longest part of a registry's address that its settings name, as
/// `//HOST[:PORT][/PATH]/:_authToken`: in its environment first, then in the `.npmrc` of the
/// project, of the user and of the machine. It sends the value as it is: a line with a variable
/// that is not set would make even public requests fail (401). So an import removes the line.
/// A shell that is dash passes on no variable with such a name.
package struct Npm: Client {
    package init() {}

    package var name: Text { "npm" }
    package var schema: Schema { .token }
    package var userNames: UserNames { .optional }
    package var variables: [String] { NpmPlaces.variables }

    /// npm accepts its settings in the environment in any case, and uses those of a shorter address.
    package func isLogin(variable name: String, for server: Text?) -> Bool {
        let prefix = "npm_config_//"
        guard name.lowercased().hasPrefix(prefix) else { return false }
        guard let key = server.map({ Npm.key($0) ?? $0 })?.string.lowercased() else { return true }
        let setting = name.lowercased().dropFirst(prefix.count)
        let address = setting[..<(setting.lastIndex(of: ":") ?? setting.endIndex)]
        return "\(key)/".hasPrefix(address.hasSuffix("/") ? address : "\(address)/")
    }

    package func logins(inVariable name: String, _ value: Secret) -> [PlaintextLogin] {
        let name = name.lowercased()
        guard
            name == "npm_config_registry"
                || name.hasPrefix("npm_config_@") && name.hasSuffix(":registry")
        else { return [] }
        let line = Secret(joining: ["registry=".secret, value])
        return (try? NpmSettings(file: ClientFile("/")).contents(of: line))?.logins ?? []
    }

    package var readsEnvironment: Bool { true }

    package func execution(
        of login: Credential, in surroundings: Surroundings
    ) throws(StoreError) -> Execution? {
        let key = login["key"]?.string ?? ""
        let setting = "npm_config_//\(key)/:"
        guard let username = login.entry.username else {
            guard NpmSettings.isPlain(login.secret) else { throw Npm.unfit }
            return Execution(secret: (setting + "_authToken", login.secret))
        }
        var execution = Execution(
            secret: (setting + "_auth", Npm.basic(username, login.secret)))
        // npm prefers a token.
        execution.rival =
            surroundings.names { $0.lowercased() == (setting + "_authToken").lowercased() }.first
            ?? NpmPlaces(surroundings).files.first { $0.holdsToken(for: login["key"] ?? "") }?.file
            .path
        return execution
    }

    static let unfit = StoreError(
        .unfitForFile, "npm would misread this token",
        hint: "make a token of letters, digits and punctuation without quotes, spaces, ; # \\ or $")

    static func basic(_ username: Text, _ password: Secret) -> Secret {
        Secret(base64Of: Secret(joining: [(username.string + ":").secret, password]))
    }

    // MARK: Lookup

    package func queries(for server: Text, among entries: [Entry]) -> [Query] {
        [tokenQuery(Npm.key(server) ?? server)]
    }

    /// Returns the queries for the shorter addresses with which the server begins, the longest
    /// first.
    package func fallbackQueries(for server: Text) -> [Query] {
        Npm.key(server).map { beginnings(of: $0).map(tokenQuery) } ?? []
    }

    package func place(
        of server: Text, named name: String?, among entries: [Entry]
    ) throws(StoreError) -> LoginPlace {
        guard let key = Npm.key(server) else {
            throw refusal(of: server, "[https://]host[:port][/path], as in registry.npmjs.org")
        }
        return tokenPlace(key)
    }

    /// Returns a registry as npm's settings name it, without the slashes around it: the host in
    /// lower case, the port and the path. Nil if it cannot be the address of a registry.
    static func key(_ address: Text) -> Text? {
        var rest = address.string
        var port: String?
        for (scheme, standard) in [("https://", ":443"), ("http://", ":80"), ("//", "")]
        where rest.lowercased().hasPrefix(scheme) {
            rest.removeFirst(scheme.count)
            port = standard
            break
        }
        while rest.hasSuffix("/") { rest.removeLast() }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var host = rest[..<slash].lowercased()
        if let port, !port.isEmpty, host.hasSuffix(port) { host.removeLast(port.count) }
        let isHost = host.utf8.allSatisfy { $0.isAlphanumeric || ".-_:[]".utf8.contains($0) }
        let isPath = rest[slash...].utf8.allSatisfy { byte in
            (0x21...0x7E).contains(byte) && !"=?#;\"'\\[]".utf8.contains(byte)
        }
        guard isHost, isPath, !host.isEmpty else { return nil }
        return Text(host + rest[slash...])
    }

    // MARK: Its own files

    package func plaintextFiles(in surroundings: Surroundings) -> [any PlaintextFile] {
        NpmPlaces(surroundings).files
    }

    package func plaintextTarget(
        in surroundings: Surroundings
    ) throws(StoreError) -> any PlaintextTarget {
        try NpmPlaces(surroundings).target()
    }
}
