package import Credentials
internal import Files

/// pip (23.1), uv and other programs that run the command `keyring` for the password of a package
/// index.
///
/// They ask by the URL of the index, then by its `host[:port]` alone, and name the user if the URL
/// does.
package struct Pip: Client {
    package init() {}

    package var name: Text { "pip" }
    package var schema: Schema { .token }
    package var secretNoun: String { "password" }
    package var userNames: UserNames { .needed }
    package var hasFiles: Bool { false }
    package var isSetUp: Bool { true }
    package var variables: [String] {
        ["PIP_CONFIG_FILE", "VIRTUAL_ENV", "XDG_CONFIG_DIRS"] + Pip.indexes
    }

    /// The variables that name indexes.
    private static let indexes = [
        "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL",
        "UV_DEFAULT_INDEX", "UV_INDEX",
    ]

    package func logins(inVariable name: String, _ value: Secret) -> [PlaintextLogin] {
        guard Pip.indexes.contains(name) else { return [] }
        return (try? PipSettings(file: ClientFile("/")).contents(of: value))?.logins ?? []
    }

    /// Returns its settings files that have a password: pip takes that before it asks anybody.
    package func plaintextFiles(in surroundings: Surroundings) -> [any PlaintextFile] {
        let own = [surroundings["PIP_CONFIG_FILE"]].compactMap(\.self)
        let folders = [
            surroundings["VIRTUAL_ENV"], surroundings.configFolder + "/pip",
            surroundings.home + "/.pip", "/etc",
        ]
        let shared = (surroundings["XDG_CONFIG_DIRS"] ?? "/etc/xdg").split(separator: ":")
            .map { "\($0)/pip" }
        return (own + (folders.compactMap(\.self) + shared).map { $0 + "/pip.conf" })
            .map { PipSettings(file: ClientFile($0)) }
            .filter { !$0.readableLogins.isEmpty }
    }

    // MARK: Lookup

    /// Returns the URL of an index as it is stored: without a user and a final slash. Nil for text
    /// that is no URL, which is stored as it is.
    static func key(_ server: Text) -> Text? {
        guard server.string.contains("://"),
            let address = GitAddress(server.string.withoutUser),
            address.isValid,
            let url = Text(address.url(withUser: false)).flatMap(CargoIndex.normalForm)
        else { return nil }
        return Text(
            validating: url.bytes.last == UInt8(ascii: "/") ? url.bytes.dropLast() : url.bytes[...])
    }

    package func queries(for server: Text, among entries: [Entry]) -> [Query] {
        [query(for: server, key: Pip.key(server) ?? server)]
    }

    /// Returns the query for the login of a key, and of the user that the URL names, if it does.
    private func query(for server: Text, key: Text) -> Query {
        var facts: [String: Text] = ["client": name, "key": key]
        if server.string.contains("://") {
            facts["username"] = GitAddress(server.string)?.facts["user"]
        }
        return Query(.token, facts)
    }

    /// Returns the queries for the addresses with which the URL begins, the longest first, and at last
    /// for the host alone.
    package func fallbackQueries(for server: Text) -> [Query] {
        guard let key = Pip.key(server) else { return [] }
        let host = Text(String(key.string.split(separator: "/")[1]))
        return (beginnings(of: key) + [host].compactMap(\.self)).map {
            query(for: server, key: $0)
        }
    }

    /// Returns the query for docker's login of the same host. That login is used for an index too,
    /// so that a route can serve it. Nil if the server is no URL. For plain http, a login without a
    /// scheme is used on this machine only.
    package func registryQuery(for server: Text) -> Query? {
        guard let key = Pip.key(server), let address = GitAddress(key.string),
            let host = address.facts["server"], let scheme = address.facts["protocol"]
        else { return nil }
        let name = host.string + (address.facts["port"].map { ":\($0)" } ?? "")
        let isLocal = ["localhost", "127.0.0.1", "[::1]"].contains(host.string)
        guard let server = Text(scheme == "https" || isLocal ? name : "\(scheme)://\(name)") else {
            return nil
        }
        return Query(.docker, ["server": server])
    }

    package func place(
        of server: Text, named name: String?, among entries: [Entry]
    ) throws(StoreError) -> LoginPlace {
        let typed = server.string.contains("://") ? server : Text("https://\(server)") ?? server
        guard let key = Pip.key(typed), let address = GitAddress(typed.string) else {
            throw refusal(of: server, "the URL of an index, as in https://pypi.example.com/simple/")
        }
        try address.requireNoPassword()
        var place = tokenPlace(key)
        place.username = address.facts["user"]
        return place
    }

    // MARK: Its helper

    package func ownLink(in surroundings: Surroundings) throws(StoreError) -> OwnLink? {
        try refuseAccount(surroundings)
        return OwnLink(
            name: "keyring", target: "keyfob",
            advice: [
                "to store a login: keyfob login --client pip URL",
                "to make them ask: pip config set global.keyring-provider subprocess, and export "
                    + "UV_KEYRING_PROVIDER=subprocess",
            ])
    }
}
