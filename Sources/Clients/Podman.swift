package import Credentials
internal import Files
internal import TextEditing

/// podman (4.3.1), buildah and skopeo.
///
/// They ask by `host[:port]` as the image names it, and for Docker Hub by `docker.io`. They ask the
/// `credential-helpers` of `registries.conf` in their order; `containers-auth.json` in that list
/// stands for the files. In a file `credHelpers` of the registry comes first, then the longest key
/// that fits, then one with a scheme and the same host (containers/image, pkg/docker/config).
package struct Podman: RegistryClient {
    package init() {}

    package var name: Text { "podman" }
    package var program: ProgramName? { .credentialHelperOfHosts }
    package var variables: [String] { ["CONTAINERS_REGISTRIES_CONF", "REGISTRY_AUTH_FILE"] }

    // MARK: Its own files

    /// Returns the files that it reads, in their order. Without `XDG_RUNTIME_DIR` podman takes the
    /// folder that systemd makes, else one in the folder of temporary files; skopeo, buildah and a
    /// podman of root take `/run/containers`. They find nothing in a folder of another user.
    func auths(_ surroundings: Surroundings) -> [ClientFile] {
        var folders: [String] = []
        if let folder = surroundings["XDG_RUNTIME_DIR"] {
            folders.append("\(folder.withoutSlash)/containers")
        } else {
            let user = surroundings.user
            let temporary = (surroundings["TMPDIR"] ?? "/tmp").withoutSlash + "/podman-run-\(user)"
            let made = ["/run/user/\(user)", temporary].filter { Podman.isOwn($0, user) }
            folders = made.map { "\($0)/containers" }
            if !Path.isForbidden("/run/containers") {
                folders.insert("/run/containers/\(user)", at: user == 0 ? 0 : folders.count)
            }
            if made.isEmpty, user != 0 { folders.insert("\(temporary)/containers", at: 0) }
        }
        folders.append(surroundings.configFolder + "/containers")
        let named = [surroundings["REGISTRY_AUTH_FILE"]].compactMap(\.self)
        return (named + folders.map { $0 + "/auth.json" }).map(ClientFile.init)
    }

    private static func isOwn(_ folder: String, _ user: UInt32) -> Bool {
        let status = FileStatus(of: folder, followsLinks: false)
        return status?.owner == user && status?.kind == .folder
    }

    /// Returns docker's file, which podman reads after its own.
    private func dockers(_ surroundings: Surroundings) -> [ClientFile] {
        Docker().plaintextFiles(in: surroundings).map(\.file)
    }

    package func plaintextFiles(in surroundings: Surroundings) -> [any PlaintextFile] {
        auths(surroundings).map { RegistryAuths($0, .podman) }
            + dockers(surroundings).map { RegistryAuths($0, .docker, isPodmans: true) }
            + [RegistryAuths(ClientFile(surroundings.home + "/.dockercfg"), .dockercfg)]
    }

    /// Returns the file that `REGISTRY_AUTH_FILE` names; else the first that exists; else the one
    /// that podman makes. A new file in a runtime folder would be lost with the session, so a
    /// lasting file is preferred if it exists.
    package func plaintextTarget(
        in surroundings: Surroundings
    ) throws(StoreError) -> any PlaintextTarget {
        let auths = auths(surroundings)
        let files = surroundings["REGISTRY_AUTH_FILE"] == nil ? auths : [auths[0]]
        return RegistryAuths(files.first(where: \.exists) ?? files[0], .podman)
    }

    // MARK: Its helper

    /// Returns its config files, each of which overrides those before it: the user's own, or the
    /// system's if there is none, then all drop-in files.
    private func configs(_ surroundings: Surroundings) -> [ClientFile] {
        let own = ownConfig(surroundings)
        let folders = ["/etc/containers", surroundings.configFolder + "/containers"]
        return [own.exists ? own : ClientFile("/etc/containers/registries.conf")]
            + folders.flatMap { ClientFile.files(in: "\($0)/registries.conf.d", named: ".conf") }
    }

    private func ownConfig(_ surroundings: Surroundings) -> ClientFile {
        let folder = surroundings.configFolder + "/containers"
        return ClientFile(
            surroundings["CONTAINERS_REGISTRIES_CONF"] ?? folder + "/registries.conf")
    }

    /// Returns the setting that takes effect; nil if there is none.
    private func setting(
        _ surroundings: Surroundings
    ) throws(StoreError) -> (setting: PodmanSetting, helpers: [String])? {
        for file in configs(surroundings).reversed() {
            let setting = PodmanSetting(file)
            guard let content = try file.read(), let helpers = try setting.helpers(in: content)
            else { continue }
            return (setting, helpers)
        }
        return nil
    }

    package func keeper(in surroundings: Surroundings) throws(StoreError) -> Keeper {
        let helpers = try setting(surroundings)?.helpers ?? []
        let others = helpers.filter { $0 != PodmanSetting.builtIn }
        var keeper = Keeper()
        if !others.isEmpty {
            let first = Text(helpers[0])?.helperName
            keeper = Keeper(helpers.joined(separator: ", "), isOurs: first != nil)
            keeper.account = first?.account
        }
        keeper.readsFile = helpers.isEmpty || helpers.contains(PodmanSetting.builtIn)
        if keeper.readsFile, keeper.isOurs {
            keeper.leak = (
                "podman writes a login that Keyfob refuses in plain text, because "
                    + "\(PodmanSetting.builtIn) is among its helpers",
                "remove it from \(PodmanSetting.key) when no file has a login for a single path"
            )
        }
        var programs = others.compactMap { Text($0) }
        for (file, registry, helper) in fileHelpers(surroundings) {
            programs.append(helper)
            guard helpers.isEmpty || helpers.contains(PodmanSetting.builtIn) else { continue }
            keeper.exceptions.append(
                Keeper.Exception(
                    registry: registry.string, name: "\(helper), as \(file.path) says",
                    isOurs: helper.isOurHelper))
        }
        keeper.missing = Docker.missing(programs, surroundings)
        return keeper
    }

    /// podman asks the first of its helpers first. It finds the helpers of single registries in its
    /// files.
    package func helperNames(
        in surroundings: Surroundings
    ) throws(StoreError) -> (Entry) -> HelperName? {
        let helpers = try setting(surroundings)?.helpers ?? [PodmanSetting.builtIn]
        let first = helpers.lazy.compactMap { Text($0)?.helperName }.first
        var single: [Text: HelperName] = [:]
        if helpers.contains(PodmanSetting.builtIn) {
            for (_, registry, helper) in fileHelpers(surroundings).reversed() {
                single[registry] = helper.helperName
            }
        }
        return { entry in
            let server = entry["server"] ?? ""
            return first ?? single[ServerKey(server).isHub ? "docker.io" : server.dockerHost]
        }
    }

    /// Returns the helpers of single registries that the files name.
    private func fileHelpers(
        _ surroundings: Surroundings
    ) -> [(file: ClientFile, registry: Text, helper: Text)] {
        (auths(surroundings) + dockers(surroundings)).flatMap { file in
            let text = (try? file.read()).flatMap { try? file.object($0) }
            let members = text?.root?["credHelpers"]?.members ?? []
            return members.compactMap { member in
                text?.text(member.value).flatMap { $0.isEmpty ? nil : (file, member.name, $0) }
            }
        }
    }

    package func plan(
        for registry: String?, in surroundings: Surroundings
    ) throws(StoreError) -> SetupPlan {
        guard registry == nil else { throw noPlaceForOne() }
        let own = ownConfig(surroundings)
        let addition = ClientFile(
            surroundings.configFolder + "/containers/registries.conf.d/keyfob.conf")
        let now = try setting(surroundings)
        var file = own.exists ? own : addition
        // A file of the system is not changed.
        if let now { file = now.setting.file.path.hasPrefix("/etc/") ? addition : now.setting.file }
        // podman must still find what only the files can return.
        var reasons = fileHelpers(surroundings).filter { !$0.helper.isOurHelper }.map { found in
            "\(found.registry), for which \(found.file.path) names \(found.helper)"
        }
        for plaintext in plaintextFiles(in: surroundings) {
            let logins = (try? plaintext.contents())?.logins ?? []
            for login in logins where login.obstacle != nil && !login.isShadowed {
                reasons.append("\(login.description) in \(plaintext.file.path)")
            }
        }
        var plan = try SetupPlan(
            PodmanSetting(file, others: now?.helpers ?? [], keepsFiles: !reasons.isEmpty),
            advice: ["to move logins from podman's plain-text files: keyfob import"])
        guard plan.splice != nil, !reasons.isEmpty else { return plan }
        plan.advice.append(
            "\(PodmanSetting.builtIn) stays, so podman writes a login that Keyfob refuses in "
                + "plain text; no helper can return \(reasons.joined(separator: ", "))"
        )
        return plan
    }
}

/// podman's `credential-helpers` in a file of the form of `registries.conf`
/// (containers-registries.conf(5), version 2).
///
/// If the first helper of the list fails to store a login, podman passes it to the next, and the
/// built-in `containers-auth.json` writes it in plain text. So that one is left out, unless a file
/// has a login that no helper can return.
private struct PodmanSetting: HelperSetting {
    let file: ClientFile
    /// The helpers that podman asks after Keyfob's.
    private let others: [String]
    private let keepsFiles: Bool
    private let helper = "keyfob-podman"

    init(_ file: ClientFile, others: [String] = [], keepsFiles: Bool = false) {
        self.file = file
        self.others = others
        self.keepsFiles = keepsFiles
    }

    var name: String { PodmanSetting.key }

    static let key = "credential-helpers"
    static let builtIn = "containers-auth.json"

    func value(in content: Secret?) throws(StoreError) -> String? {
        guard let content, let helpers = try helpers(in: content),
            helpers != [PodmanSetting.builtIn]
        else { return nil }
        return helpers.joined(separator: ", ")
    }

    /// Returns the list in a content; nil if there is none, or an empty one.
    func helpers(in content: Secret) throws(StoreError) -> [String]? {
        guard let entry = entry(try file.toml(content)) else { return nil }
        guard case .array(let values) = entry.value.kind else { throw notAList }
        let helpers = values.compactMap { $0.text?.string }
        guard helpers.count == values.count else { throw notAList }
        return helpers.isEmpty ? nil : helpers
    }

    private var notAList: StoreError {
        StoreError(
            .unexpectedContent, "\(PodmanSetting.key) in \(file.path) is not a list of names",
            hint: "correct the file by hand")
    }

    func isOurs(_ value: String) -> Bool {
        value == helper || value.hasPrefix(helper + ", ")
    }

    func splice(into content: Secret?) throws(StoreError) -> Splice {
        guard let content else { return Splice(0..<0, line) }
        let text = try file.toml(content)
        if let entry = entry(text) { return Splice(entry.range, String(line.dropLast())) }
        guard !text.tables.contains(where: { $0.keys.first == "registries" }) else {
            throw StoreError(
                .unexpectedContent,
                "\(file.path) has podman's old format, which does not support helpers",
                hint: "see: man containers-registries.conf")
        }
        // The line must be before the first table, or it would be a key of that.
        guard let last = text.tables[0].entries.last else { return Splice(0..<0, line) }
        return text.newLine(line, after: last.range)
    }

    private func entry(_ text: TOMLText) -> TOMLText.Entry? {
        text.tables[0].entries.first { $0.keys.map(\.string) == [PodmanSetting.key] }
    }

    private var line: String {
        var all = [helper] + others.filter { $0 != helper }
        if !keepsFiles { all.removeAll { $0 == PodmanSetting.builtIn } }
        if keepsFiles, !all.contains(PodmanSetting.builtIn) { all.append(PodmanSetting.builtIn) }
        return "\(PodmanSetting.key) = [\(all.map { "\"\($0)\"" }.joined(separator: ", "))]\n"
    }
}
