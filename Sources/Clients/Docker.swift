package import Credentials
package import Files
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

    /// docker 28.3 and newer looks into a variable first, for the key by which it asks.
    package func isLogin(variable name: String, for server: Text?) -> Bool {
        guard name == "DOCKER_AUTH_CONFIG" else { return false }
        guard let config = System.secret(name).flatMap({ try? JSONText($0) }) else {
            return server == nil
        }
        return config.root?["auths"]?.members?.contains { member in
            server.map {
                ServerKey(member.name.dockerHost).normalForm == ServerKey($0.dockerHost).normalForm
            } ?? true
        } == true
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
        // A file that cannot be read is reported with each login.
        if let own = (try? ownHelperInUse(surroundings)) ?? nil {
            throw StoreError(
                .notSupported,
                "docker uses docker-credential-\(own) only while its file has no login, and would "
                    + "lose the logins there",
                hint: "keyfob export --to-helper \(own)")
        }
        return RegistryAuths(config(surroundings), .docker)
    }

    // MARK: Its helper

    private func settings(_ surroundings: Surroundings) throws(StoreError) -> JSONText? {
        let file = config(surroundings)
        return try file.object(try file.read())
    }

    /// Returns the helper that docker chooses by itself where its file names none and has no login
    /// (docker CLI, config.LoadDefaultConfigFile); nil if there is none.
    private func ownHelper(_ surroundings: Surroundings) throws(StoreError) -> Text? {
        let text = try settings(surroundings)
        // It may be called elsewhere with another PATH, as from cron.
        let folders = ["/usr/local/bin", "/usr/bin"]
        guard surroundings.program(name.string, alsoIn: folders) != nil,
            Docker.isBare(text, isEmptied: surroundings.emptied.contains(config(surroundings))),
            text?.root?[DockerSetting.store]?.text?.isEmpty != false
        else { return nil }
        let name: Text = surroundings.program("pass") == nil ? "secretservice" : "pass"
        return Docker.missingPrograms([name], surroundings).isEmpty ? name : nil
    }

    /// Returns true if the settings name no helper of a registry, and the file has no logins; with
    /// `isEmptied` those do not count.
    private static func isBare(_ text: JSONText?, isEmptied: Bool = false) -> Bool {
        ((isEmptied ? [] : [DockerSetting.auths]) + [DockerSetting.helpers]).allSatisfy {
            text?.root?[$0]?.members?.isEmpty != false
        }
    }

    /// Returns the helper that docker chooses by itself, if that has logins or may have.
    private func ownHelperInUse(_ surroundings: Surroundings) throws(StoreError) -> String? {
        let name = try ownHelper(surroundings)
        guard let name, Docker.isReachable(name, surroundings) else { return nil }
        return OtherHelper(name.string).mayHaveLogins ? name.string : nil
    }

    /// Returns false for the keyring's helper without a session bus: docker gets no login from it,
    /// as on a server.
    private static func isReachable(_ helper: Text, _ surroundings: Surroundings) -> Bool {
        helper != "secretservice" || surroundings["DBUS_SESSION_BUS_ADDRESS"] != nil
            || surroundings["XDG_RUNTIME_DIR"].map { Path.mayExist($0 + "/bus") } == true
    }

    package func keeper(in surroundings: Surroundings) throws(StoreError) -> Keeper {
        let text = try settings(surroundings)
        func helper(_ value: JSONText.Value?) -> Text? {
            value?.text.flatMap { $0.isEmpty ? nil : $0 }
        }
        let root = text?.root
        var all = helper(root?[DockerSetting.store])
        if all == nil { all = try ownHelper(surroundings) }
        var keeper = Keeper(all?.string, all?.helperName)
        var programs: [Text?] = [all]
        let helpers = root?[DockerSetting.helpers]
        for member in helpers?.members ?? [] {
            let one = helper(member.value)
            guard one != all, member.start == helpers?.entry(member.name)?.start else { continue }
            programs.append(one)
            guard member.name == member.name.askedByDocker else { continue }
            keeper.exceptions.append(
                Keeper.Exception(
                    registry: member.name.string, name: one?.string,
                    isOurs: one?.isOurHelper == true, account: one?.helperName?.account))
        }
        keeper.missing = Docker.missingPrograms(programs.compactMap(\.self), surroundings)
        return keeper
    }

    package func helperNames(
        in surroundings: Surroundings
    ) throws(StoreError) -> (Entry) -> [HelperName] {
        guard let text = try settings(surroundings), let root = text.root else {
            return { _ in [] }
        }
        let all = root[DockerSetting.store]?.text?.helperName
        var single: [Text: HelperName?] = [:]
        for member in root[DockerSetting.helpers]?.members ?? [] {
            single[member.name] = .some(member.value.text?.helperName)
        }
        return { entry in
            [single[(entry["server"] ?? "").askedByDocker] ?? all].compactMap(\.self)
        }
    }

    package func otherHelpers(
        in surroundings: Surroundings, before file: ClientFile?
    ) throws(StoreError) -> OtherHelpers {
        let keeper = try keeper(in: surroundings)
        var others = OtherHelpers(hub: ServerKey.hub.spelling)
        others.isInstead = true
        let own = try ownHelper(surroundings)
        others.areChosen = own != nil
        let isReachable = own.map { Docker.isReachable($0, surroundings) } ?? true
        if !keeper.isOurs, isReachable {
            others.ofAll = [keeper.name].compactMap { $0.flatMap { Text($0) } }
        }
        others.ofOne = keeper.exceptions.compactMap { exception in
            Text(exception.registry).map { registry in
                (registry, exception.isOurs ? nil : exception.name.flatMap { Text($0) })
            }
        }
        return others
    }

    package func ownLink(in surroundings: Surroundings) throws(StoreError) -> OwnLink? {
        surroundings.account.map {
            let program = ProgramName.credentialHelper.rawValue
            return OwnLink(name: "\(program)-\($0)", target: program)
        }
    }

    /// Returns the programs of those helpers that cannot be run.
    static func missingPrograms(_ helpers: [Text], _ surroundings: Surroundings) -> [String] {
        let programs = Set(helpers.map { "docker-credential-\($0)" }).sorted()
        return programs.filter { surroundings.program($0) == nil }
    }

    package func plan(
        for registry: String?, in surroundings: Surroundings
    ) throws(StoreError) -> SetupPlan {
        let own = try ownHelperInUse(surroundings)
        let setting = DockerSetting(
            file: config(surroundings), registry: try registry.map(DockerSetting.key),
            helper: "keyfob" + (surroundings.account.map { "-\($0)" } ?? ""), own: own)
        var plan = try SetupPlan(setting, advice: [])
        guard plan.splice != nil else { return plan }
        plan.chosen = registry == nil ? try ownHelper(surroundings)?.string : own
        if let other = plan.before, OtherHelper(other).makesTokens() {
            guard let registry else { return try setting.plan(keeping: other) }
            plan.advice = [
                "docker-credential-\(other) generates tokens, which docker no longer gets for "
                    + "\(registry); to undo: keyfob setup --undo docker --registry \(registry)"
            ]
            return plan
        }
        plan.advice =
            (plan.before ?? (registry == nil ? own : nil))
            .flatMap { OtherHelper($0).usesKeyring(of: surroundings) ? nil : $0 }.map {
                [
                    "to move the logins of docker-credential-\($0): keyfob import --from-helper \($0)"
                        + (surroundings.account.map { " --account \($0)" } ?? "")
                ]
            } ?? []
        if let own, registry != nil {
            plan.advice.append(
                "\(DockerSetting.store) now names \(own), which docker used by itself before")
        }
        return plan
    }

    package func restoration(
        of content: Secret, at path: String, for registry: String?, removed: String
    ) throws(StoreError) -> Splice? {
        try DockerSetting(file: ClientFile(path), registry: try registry.map(DockerSetting.key))
            .restoration(of: content, before: removed)
    }

    package func naming(
        _ chosen: String, in content: Secret, at path: String
    ) throws(StoreError) -> Secret {
        let setting = DockerSetting(file: ClientFile(path), helper: chosen)
        guard try setting.value(in: content) == nil,
            try !Docker.isBare(setting.file.object(content))
        else { return content }
        return try setting.splice(into: content).applied(to: content)
    }
}

/// docker's `credsStore`, or for one registry `credHelpers`, in its `config.json`.
private struct DockerSetting: HelperSetting {
    let file: ClientFile
    /// The registry as docker spells it; nil for all registries.
    var registry: Text?
    /// The helper that the setting is to name.
    var helper = "keyfob"
    /// The helper that docker uses for all other registries while the file has no setting.
    var own: String?

    /// Returns a registry as docker looks it up: as it was typed, unless that is a URL. Throws
    /// `failed` if it cannot be one.
    static func key(_ registry: String) throws(StoreError) -> Text {
        let typed = Text(registry)?.trimmed
        let server = typed.map(ServerKey.init)
        let host = registry.contains("://") ? server?.podmanHost : typed?.dockerHost
        guard let key = server?.isHub == true ? ServerKey.hub.spelling : host,
            server?.podmanHost != nil
        else {
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
        guard let root = try file.object(content)?.root else { return nil }
        let value =
            registry == nil
            ? root[DockerSetting.store]
            : root[DockerSetting.helpers].flatMap { member(of: $0)?.value }
        // An empty value names no helper: it means the file.
        return value?.text.flatMap { $0.isEmpty ? nil : $0.string }
    }

    func isOurs(_ value: String) -> Bool { value == helper }

    func splice(into content: Secret?) throws(StoreError) -> Splice {
        guard let text = try file.object(content), let root = text.root else {
            return Splice(0..<(content?.count ?? 0), "{\n\t\(member)\n}\n")
        }
        guard registry != nil else { return set(in: root, of: text) }
        guard own == nil || root[DockerSetting.store] ?? root[DockerSetting.helpers] == nil else {
            throw StoreError(
                .unexpectedContent, "\(file.path) has an empty setting, which would take effect",
                hint: "remove \(DockerSetting.store) and \(DockerSetting.helpers) there")
        }
        guard let old = root.member(DockerSetting.helpers) else {
            return text.addition(member, to: root, depth: 1)
        }
        let helpers = old.value
        guard !helpers.json.isNull else { return Splice(old.range, member) }
        guard helpers.members != nil else {
            throw StoreError(
                .unexpectedContent, "\(DockerSetting.helpers) in \(file.path) is not an object",
                hint: "correct the file by hand")
        }
        return set(in: helpers, of: text)
    }

    func restoration(of content: Secret, before: String) throws(StoreError) -> Splice? {
        guard let text = try file.object(content), let root = text.root else { return nil }
        let object = registry == nil ? root : root[DockerSetting.helpers]
        guard let object, let member = member(of: object),
            member.value.text?.isOurHelper == true
        else { return nil }
        // `before` is the whole member if there was one.
        guard before.contains(where: { !$0.isWhitespace }) else {
            return text.removal(member.name, of: object)
        }
        guard let old = (try? JSONText("{\(before)}".secret))?.root, old.members?.count == 1,
            self.member(of: old) != nil
        else {
            throw StoreError(
                .unexpectedContent,
                "\(file.path) has been rewritten, and what \(name) was is not known",
                hint: "correct \(name) there by hand")
        }
        return Splice(member.range, before)
    }

    /// Returns the plan that gives all registries to Keyfob, except those of another helper that
    /// generates their tokens. It changes one place, so that nothing else of the file is recorded.
    func plan(keeping other: String) throws(StoreError) -> SetupPlan {
        let content = try file.read()
        let text = try file.object(content)
        let servers = (try? OtherHelper(other).list()) ?? []
        let hosts = Set(servers.map(\.askedByDocker)).sorted()
        let helpers = text?.root?[DockerSetting.helpers]
        let missing = hosts.filter { helpers?.entry($0) == nil }
        guard let old = text?.root.flatMap({ member(of: $0) }), !hosts.isEmpty,
            helpers == nil || missing.isEmpty
        else {
            throw StoreError(
                .notSupported,
                "docker-credential-\(other) generates tokens, and docker would no longer get them",
                hint: "name it in credHelpers for each of its registries, in place of credsStore; "
                    + "or: keyfob setup docker --registry HOST")
        }
        let kept = missing.map { "\t\t\(JSONText.quoted($0)): \"\(other)\"" }
            .joined(separator: ",\n")
        let new =
            (missing.isEmpty ? "" : "\"\(DockerSetting.helpers)\": {\n\(kept)\n\t},\n\t")
            + member
        return SetupPlan(
            file: file, setting: name, before: other, after: helper, content: content,
            splice: Splice(old.range, new),
            advice: [
                "docker-credential-\(other) generates tokens and stays set up for "
                    + hosts.map(\.string).joined(separator: ", ")
                    + "; name it in credHelpers for each other registry of its own"
            ])
    }

    /// Returns the splice after which the object that has such settings names the helper.
    private func set(in object: JSONText.Value, of text: JSONText) -> Splice {
        let new = "\(JSONText.quoted(registry ?? DockerSetting.store)): \"\(helper)\""
        guard let old = member(of: object) else {
            return text.addition(new, to: object, depth: registry == nil ? 1 : 2)
        }
        return Splice(old.range, new)
    }

    private func member(of object: JSONText.Value) -> JSONText.Member? {
        registry.map { object.entry($0) } ?? object.member(DockerSetting.store)
    }

    /// The whole setting as a member of the root.
    private var member: String {
        guard let registry else { return "\"\(DockerSetting.store)\": \"\(helper)\"" }
        return
            "\"\(DockerSetting.helpers)\": {\n\t\t\(JSONText.quoted(registry)): \"\(helper)\"\n\t}"
            + (own.map { ",\n\t\"\(DockerSetting.store)\": \"\($0)\"" } ?? "")
    }

    static let auths: Text = "auths"
    static let store: Text = "credsStore"
    static let helpers: Text = "credHelpers"
}
