package import Credentials
internal import Files
internal import JSON
package import TextEditing

/// docker (CLI 28), and everything else that reads its `config.json`.
///
/// It asks a helper, or reads the file, by the registry's `host[:port]` as it was typed, and for
/// Docker Hub by `https://index.docker.io/v1/`. In the file it takes the exact key, else any key
/// with the same host. `credHelpers` of a registry takes precedence over `credsStore`; an empty
/// value means the file.
package struct Docker: RegistryClient {
    package init() {}

    package var name: Text { "docker" }
    package var program: ProgramName? { .credentialHelper }
    package var variables: [String] { ["DOCKER_CONFIG"] }

    package func isLogin(variable name: String, for server: Text?) -> Bool {
        name == "DOCKER_AUTH_CONFIG"
    }

    /// Returns the server under which `docker login` stores a login, without the scheme and path
    /// that were typed: Docker Hub's URL, or `host[:port]`, here in lower case and without the port
    /// of https. Nil if the text cannot name a registry.
    static func registry(_ typed: Text) -> Text? {
        var rest = typed.bytes[...]
        if let end = rest.firstRange(of: Array("://".utf8))?.upperBound {
            guard ["http", "https"].contains(typed.lowerCased.string.prefix(end - 3)) else {
                return nil
            }
            rest = rest[end...]
        }
        let host = Text(validating: rest.prefix { $0 != UInt8(ascii: "/") }).map(ServerKey.init)
        guard let host else { return nil }
        return host.isHub ? ServerKey.hub.spelling : host.podmanHost
    }

    // MARK: Its own files

    private func config(_ surroundings: Surroundings) -> ClientFile {
        ClientFile(surroundings.folder("DOCKER_CONFIG", else: "/.docker") + "/config.json")
    }

    package func plaintextFiles(in surroundings: Surroundings) -> [any PlaintextFile] {
        let config = config(surroundings)
        let isPodmans = Podman().auths(surroundings).contains { $0.identity == config.identity }
        return [RegistryAuths(config, .docker, isPodmans: isPodmans)]
    }

    package func plaintextTarget(
        in surroundings: Surroundings
    ) throws(StoreError) -> any PlaintextTarget {
        RegistryAuths(config(surroundings), .docker)
    }

    // MARK: Its helper

    package func keeper(in surroundings: Surroundings) throws(StoreError) -> Keeper {
        let file = config(surroundings)
        guard let content = try file.read(), let text = try file.object(content),
            let root = text.root
        else { return Keeper() }
        func helper(_ value: JSONText.Value?) -> Text? {
            text.text(value).flatMap { $0.isEmpty ? nil : $0 }
        }
        let all = helper(root[DockerSetting.store])
        var keeper = Keeper(all?.string, isOurs: all?.isOurHelper == true)
        keeper.account = all?.helperName?.account
        var programs: [Text?] = [all]
        for member in root[DockerSetting.helpers]?.members ?? [] {
            let one = helper(member.value)
            guard one != all else { continue }
            keeper.exceptions.append(
                Keeper.Exception(
                    registry: member.name.string, name: one?.string,
                    isOurs: one?.isOurHelper == true))
            programs.append(one)
        }
        keeper.missing = Docker.missing(programs.compactMap(\.self), surroundings)
        return keeper
    }

    package func helperNames(
        in surroundings: Surroundings
    ) throws(StoreError) -> (Entry) -> HelperName? {
        let file = config(surroundings)
        guard let content = try file.read(), let text = try file.object(content),
            let root = text.root
        else { return { _ in nil } }
        let all = text.text(root[DockerSetting.store])?.helperName
        var single: [Text: HelperName?] = [:]
        for member in root[DockerSetting.helpers]?.members ?? [] {
            single[member.name] = .some(text.text(member.value)?.helperName)
        }
        return { entry in
            let server = entry["server"] ?? ""
            let asked = ServerKey(server).isHub ? ServerKey.hub.spelling : server.dockerHost
            return single[asked] ?? all
        }
    }

    package func ownLink(in surroundings: Surroundings) throws(StoreError) -> OwnLink? {
        surroundings.account.map {
            let program = ProgramName.credentialHelper.rawValue
            return OwnLink(name: "\(program)-\($0)", target: program)
        }
    }

    /// Returns the programs of those helpers that cannot be run.
    static func missing(_ helpers: [Text], _ surroundings: Surroundings) -> [String] {
        let programs = Set(helpers.map { "docker-credential-\($0)" }).sorted()
        return programs.filter { surroundings.program($0) == nil }
    }

    package func plan(
        for registry: String?, in surroundings: Surroundings
    ) throws(StoreError) -> SetupPlan {
        let setting = DockerSetting(
            config(surroundings), registry: try registry.map(DockerSetting.key),
            surroundings.account)
        var plan = try SetupPlan(setting, advice: [])
        guard plan.splice != nil else { return plan }
        if registry == nil, let other = plan.before, OtherHelper(other).makesTokens() {
            return try setting.plan(keeping: other)
        }
        plan.advice = [
            plan.before.map {
                "to move the logins of docker-credential-\($0): keyfob import --from-helper \($0)"
                    + (surroundings.account.map { " --account \($0)" } ?? "")
            } ?? "to move logins from docker's plain-text files: keyfob import"
        ]
        return plan
    }

    package func restoration(
        of content: Secret, at path: String, for registry: String?, removed: String
    ) throws(StoreError) -> Splice? {
        try DockerSetting(ClientFile(path), registry: try registry.map(DockerSetting.key))
            .restoration(of: content, before: removed)
    }
}

/// A registry client is a client that shares docker's logins.
package protocol RegistryClient: Client {}

extension RegistryClient {
    package var schema: Schema { .docker }
    package var secretNoun: String { "password" }
    package var secretIsLine: Bool { false }
    package var userNames: UserNames { .needed }

    package func queries(for server: Text, among entries: [Entry]) -> [Query] {
        [Query(.docker, ["server": server])]
    }

    /// Returns the query for the host under which a login would be stored, without the scheme and
    /// path that were typed.
    package func fallbackQueries(for server: Text) -> [Query] {
        Docker.registry(server).map { [Query(.docker, ["server": $0])] } ?? []
    }

    /// Returns the queries for Docker Hub's tokens, which docker's device login stores beside its
    /// login.
    package func logoutQueries(for server: Text) -> [Query] {
        ServerKey(server).logout.dropFirst().map { Query(.docker, ["server": $0.spelling]) }
    }

    package func place(
        of server: Text, named name: String?, among entries: [Entry]
    ) throws(StoreError) -> LoginPlace {
        guard let registry = Docker.registry(server) else {
            throw refusal(of: server, "host[:port], as in registry.example.com")
        }
        return LoginPlace(registry: registry) { .docker(server: registry, username: $0 ?? "") }
    }
}

/// docker's `credsStore`, or for one registry `credHelpers`, in its `config.json`.
private struct DockerSetting: HelperSetting {
    let file: ClientFile
    /// The registry as docker spells it; nil for all registries.
    let registry: Text?
    private let helper: String

    init(_ file: ClientFile, registry: Text?, _ account: AccountName? = nil) {
        self.file = file
        self.registry = registry
        helper = "keyfob" + (account.map { "-\($0)" } ?? "")
    }

    /// Returns a registry as docker looks it up. Throws `failed` if it cannot be one.
    static func key(_ registry: String) throws(StoreError) -> Text {
        let server = Text(registry).map { ServerKey($0.trimmed) }
        guard let key = server?.isHub == true ? ServerKey.hub.spelling : server?.podmanHost else {
            throw StoreError(
                .badServer, "docker knows no registry by the name \"\(registry)\"",
                hint: "name it by its host: registry.example.com, registry.example.com:5000")
        }
        return key
    }

    var name: String {
        registry.map { "credHelpers of \($0)" } ?? DockerSetting.store.string
    }

    func value(in content: Secret?) throws(StoreError) -> String? {
        guard let content, let text = try file.object(content), let root = text.root else {
            return nil
        }
        let value =
            registry == nil
            ? root[DockerSetting.store]
            : root[DockerSetting.helpers].flatMap { member(of: $0)?.value }
        // An empty value names no helper: it means the file.
        return text.text(value).flatMap { $0.isEmpty ? nil : $0.string }
    }

    func isOurs(_ value: String) -> Bool { value == helper }

    func splice(into content: Secret?) throws(StoreError) -> Splice {
        guard let content, let text = try file.object(content), let root = text.root else {
            return Splice(0..<(content?.count ?? 0), "{\n\t\(member(depth: 1))\n}\n")
        }
        guard let registry else { return set(DockerSetting.store, in: root, of: text, depth: 1) }
        guard let helpers = root[DockerSetting.helpers] else {
            return text.addition(member(depth: 1), to: root, depth: 1)
        }
        guard helpers.members != nil else {
            throw StoreError(
                .unexpectedContent, "\(DockerSetting.helpers) in \(file.path) is not an object",
                hint: "correct the file by hand")
        }
        return set(registry, in: helpers, of: text, depth: 2)
    }

    func restoration(of content: Secret, before: String) throws(StoreError) -> Splice? {
        guard let text = try file.object(content), let root = text.root else { return nil }
        let object = registry == nil ? root : root[DockerSetting.helpers]
        guard let object, let member = member(of: object),
            text.text(member.value)?.isOurHelper == true
        else { return nil }
        // `before` is the whole member if there was one.
        if before.hasPrefix("\"") { return Splice(member.range, before) }
        return text.removal(member.name, of: object)
    }

    /// Returns the plan that gives all registries to Keyfob, except those of another helper that
    /// generates their tokens.
    func plan(keeping other: String) throws(StoreError) -> SetupPlan {
        let content = try file.read()
        let servers = (try? OtherHelper(other).list()) ?? []
        let hosts = Set(
            servers.map { ServerKey($0).isHub ? ServerKey.hub.spelling : $0.dockerHost })
        guard !hosts.isEmpty, var changed = content else {
            throw StoreError(
                .notSupported,
                "docker-credential-\(other) generates tokens and does not list its registries",
                hint: "set up single registries: keyfob setup docker --registry HOST")
        }
        for host in hosts.sorted() {
            guard let text = try file.object(changed),
                text.root?[DockerSetting.helpers]?.entry(host) == nil,
                let next = text.setting(
                    [.field(DockerSetting.helpers), .key(host)], to: "\"\(other)\"".secret,
                    indent: "\t")
            else { continue }
            changed = next
        }
        let after = try splice(into: changed).applied(to: changed)
        return SetupPlan(
            file: file, setting: name, before: other, after: helper, content: content,
            splice: Splice(from: content, to: after),
            advice: [
                "docker-credential-\(other) generates tokens and stays set up for "
                    + hosts.sorted().map(\.string).joined(separator: ", ")
            ])
    }

    private func set(
        _ name: Text, in object: JSONText.Value, of text: JSONText, depth: Int
    ) -> Splice {
        let new = "\(JSONText.quoted(name)): \"\(helper)\""
        guard let old = member(of: object) else {
            return text.addition(new, to: object, depth: depth)
        }
        return Splice(old.range, new)
    }

    private func member(of object: JSONText.Value) -> JSONText.Member? {
        registry.map { object.entry($0) } ?? object.member(DockerSetting.store)
    }

    /// Returns the whole setting as a member of the root.
    private func member(depth: Int) -> String {
        guard let registry else { return "\"\(DockerSetting.store)\": \"\(helper)\"" }
        let indent = String(repeating: "\t", count: depth)
        return
            "\"\(DockerSetting.helpers)\": {\n\(indent)\t\(JSONText.quoted(registry)): \"\(helper)\"\n\(indent)}"
    }

    static let store: Text = "credsStore"
    static let helpers: Text = "credHelpers"
}
