package import Credentials
package import Files
internal import TextEditing

/// podman (4.3.1), buildah and skopeo.
///
/// They ask by `host[:port]` as the image names it, and for Docker Hub by `docker.io`. They ask the
/// `credential-helpers` of `registries.conf` in their order; `containers-auth.json` in that list
/// stands for the files. In a file `credHelpers` of the registry comes first, then the longest key
/// that fits, then one with a scheme and the same host (containers/image, pkg/docker/config).
package struct Podman: RegistryClient {
    package init() {}

    /// The helper that stands for the files.
    static let builtIn = "containers-auth.json"

    package var name: Text { "podman" }
    package var program: ProgramName? { .credentialHelperOfHosts }
    package var programs: [String] { ["podman", "skopeo", "buildah"] }
    package var variables: [String] {
        ["CONTAINERS_REGISTRIES_CONF", "REGISTRIES_CONFIG_PATH", "REGISTRY_AUTH_FILE"]
    }

    // MARK: Its own files

    /// Returns the files that it reads, in their order.
    func auths(_ surroundings: Surroundings) -> [ClientFile] {
        (surroundings["REGISTRY_AUTH_FILE"].map { [ClientFile($0)] } ?? runtimeAuths(surroundings))
            + [ClientFile(surroundings.configFolder + "/containers/auth.json")]
    }

    /// Returns the files that it reads first unless a variable names another. Without
    /// `XDG_RUNTIME_DIR` podman takes the folder that systemd makes, else one in the folder of
    /// temporary files; skopeo, buildah and a podman of root take `/run/containers`. They find
    /// nothing in a folder of another user.
    private func runtimeAuths(_ surroundings: Surroundings) -> [ClientFile] {
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
        return folders.map { ClientFile($0 + "/auth.json") }
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
        let read = auths(surroundings)
        let unread = runtimeAuths(surroundings).filter { !read.contains($0) }
        return read.map { RegistryAuths($0, .podman) }
            + dockers(surroundings).map { RegistryAuths($0, .docker, isPodmans: true) }
            + [RegistryAuths(ClientFile(surroundings.home + "/.dockercfg"), .dockercfg)]
            + unread.map { RegistryAuths($0, .podman) }
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

    /// Returns podman's config files, and then those of skopeo and buildah if they may differ: these
    /// two follow no variable that names one. The last file overrides those before it.
    private func views(_ surroundings: Surroundings) -> [[ClientFile]] {
        guard let named = named(surroundings) else { return [configs(surroundings, nil)] }
        let others = programs.dropFirst().contains { surroundings.program($0) != nil }
        return ([named] + (others ? [nil] : [])).map { configs(surroundings, $0) }
    }

    private func named(_ surroundings: Surroundings) -> ClientFile? {
        // An empty one hides the other.
        guard !surroundings.isEmpty("CONTAINERS_REGISTRIES_CONF") else { return nil }
        let path = surroundings["CONTAINERS_REGISTRIES_CONF"]
        return (path ?? surroundings["REGISTRIES_CONFIG_PATH"]).map { ClientFile($0) }
    }

    /// The folder of the user's own config files. Up to podman 5 (containers/image 5.36)
    /// `XDG_CONFIG_HOME` does not change it.
    private func folder(_ surroundings: Surroundings) -> String {
        surroundings.home + "/.config/containers"
    }

    /// Returns config files, each of which overrides those before it: the one that is named, else
    /// the user's own with the user's drop-in files, else those of the system and then the user's.
    private func configs(_ surroundings: Surroundings, _ named: ClientFile?) -> [ClientFile] {
        let (folder, system) = (folder(surroundings), "/etc/containers")
        let own = ClientFile("\(folder)/registries.conf")
        if named == nil, own.exists { return [own] + dropIns(folder) }
        return [named ?? ClientFile("\(system)/registries.conf")] + dropIns(system)
            + dropIns(folder)
    }

    /// podman follows no link that takes the place of the folder, and reads no folder in it.
    private func dropIns(_ folder: String) -> [ClientFile] {
        let folder = "\(folder)/registries.conf.d"
        guard Podman.isFolder(folder) else { return [] }
        return ClientFile.files(in: folder, named: ".conf").filter { !Podman.isFolder($0.path) }
    }

    private static func isFolder(_ path: String) -> Bool {
        FileStatus(of: path, followsLinks: false)?.kind == .folder
    }

    /// Returns the setting that takes effect; nil if there is none. Throws if podman cannot read one
    /// of the files: then it has no login at all.
    private func setting(
        _ configs: [ClientFile]
    ) throws(StoreError) -> (setting: PodmanSetting, helpers: [String])? {
        var found: (setting: PodmanSetting, helpers: [String])?
        for file in configs {
            let setting = PodmanSetting(file: file)
            guard let content = try file.read() else {
                guard file.path != "/etc/containers/registries.conf" else { continue }
                throw StoreError(
                    .unexpectedContent, "podman fails: \(file.path) does not exist")
            }
            if file != configs[0] { try setting.requireNew(try file.toml(content)) }
            if let helpers = try setting.helpers(in: content) { found = (setting, helpers) }
        }
        return found
    }

    /// Returns the helpers that podman asks, and those that skopeo asks if they may differ.
    private func lists(_ surroundings: Surroundings) throws(StoreError) -> [[String]] {
        try views(surroundings).map { configs throws(StoreError) in
            let helpers = try setting(configs)?.helpers ?? []
            return helpers.isEmpty ? [Podman.builtIn] : helpers
        }
    }

    package func keeper(in surroundings: Surroundings) throws(StoreError) -> Keeper {
        let lists = try lists(surroundings)
        let others = lists[0].filter { $0 != Podman.builtIn }
        var keeper = Keeper()
        if !others.isEmpty {
            let first = lists.map { Text($0[0])?.helperName }
            keeper = Keeper(
                lists[0].joined(separator: ", "), first.contains(nil) ? nil : first[0])
            keeper.account = first[0]?.account
        }
        keeper.readsFile = lists.contains { $0.contains(Podman.builtIn) }
        keeper.asksFirst = lists[0][0] != Podman.builtIn
        if keeper.readsFile, keeper.isOurs {
            let reasons = onlyInFiles(surroundings)
            keeper.leak = (
                "podman writes a login that Keyfob refuses in plain text, because "
                    + "\(Podman.builtIn) is among its helpers",
                "remove it from \(PodmanSetting.key)"
                    + (reasons.isEmpty
                        ? "" : " when podman no longer needs " + reasons.joined(separator: ", "))
            )
        }
        var programs = others.compactMap { Text($0) }
        for (file, registry, helper) in fileHelpers(surroundings) {
            programs.append(helper)
            guard keeper.readsFile, !hasLogin(for: registry, before: file, surroundings) else {
                continue
            }
            keeper.exceptions.append(
                Keeper.Exception(
                    registry: registry.string,
                    name: "\(helper.isEmpty ? "\"\"" : helper) of \(file.path)",
                    isOurs: helper.isOurHelper))
        }
        keeper.missing = Docker.missingPrograms(programs, surroundings)
        return keeper
    }

    /// podman finds the helpers of single registries in its files.
    package func helperNames(
        in surroundings: Surroundings
    ) throws(StoreError) -> (Entry) -> [HelperName] {
        let fileHelpers = fileHelpers(surroundings)
        let all = try lists(surroundings).flatMap { $0 }
        return { entry in
            let registry = (entry["server"] ?? "").askedByPodman
            let single = fileHelpers.filter { $0.registry == registry }.map(\.helper)
            return all.flatMap { $0 == Podman.builtIn ? single : [Text($0) ?? ""] }
                .compactMap(\.helperName)
        }
    }

    package func otherHelpers(
        in surroundings: Surroundings, before file: ClientFile?
    ) throws(StoreError) -> OtherHelpers {
        let helpers = try lists(surroundings)[0]
        let isRead = helpers.contains(Podman.builtIn)
        let asked = file == nil ? helpers[...] : helpers.prefix { $0 != Podman.builtIn }
        var others = OtherHelpers(hub: "docker.io")
        others.ofAll = asked.filter { $0 != Podman.builtIn }.compactMap { Text($0) }
            .filter { !$0.isOurHelper }
        let files = auths(surroundings) + dockers(surroundings)
        let last = file.flatMap { file in files.firstIndex { $0.identity == file.identity } }
        let before = files[...(last ?? files.count - 1)]
        for (file, registry, helper) in fileHelpers(surroundings)
        where isRead && before.contains(file) && !helper.isOurHelper && !helper.isEmpty {
            others.ofOne.append((registry, helper))
        }
        return others
    }

    /// Returns the helpers of single registries that the files name, by the names that podman asks
    /// for.
    private func fileHelpers(
        _ surroundings: Surroundings
    ) -> [(file: ClientFile, registry: Text, helper: Text)] {
        (auths(surroundings) + dockers(surroundings)).flatMap { file in
            let helpers = (try? file.object(file.read()))?.root?["credHelpers"]
            return (helpers?.members ?? []).filter {
                $0.name == $0.name.askedByPodman && $0.start == helpers?.entry($0.name)?.start
            }.map { (file, $0.name, $0.value.text ?? "") }
        }
    }

    /// Returns true if a file that podman reads before this one has a login for the registry.
    private func hasLogin(
        for registry: Text, before file: ClientFile, _ surroundings: Surroundings
    ) -> Bool {
        plaintextFiles(in: surroundings).prefix { $0.file != file }.contains { earlier in
            earlier.readableLogins.contains { $0.entry["server"]?.askedByPodman == registry }
        }
    }

    /// Returns what podman would not find without its files: the registries whose helpers they
    /// name, and the logins that no helper can return.
    private func onlyInFiles(_ surroundings: Surroundings) -> [String] {
        // podman is set up without an account.
        let helpers = fileHelpers(surroundings).filter {
            !$0.helper.isEmpty && $0.helper.helperName.map { $0.account != nil } != false
        }.map { found in
            "\(found.registry), for which \(found.file.path) names \(found.helper)"
        }
        let logins = plaintextFiles(in: surroundings).flatMap { plaintext in
            do throws(StoreError) {
                try plaintext.file.requireOwn()
                return try plaintext.contents().logins
                    .filter { $0.obstacle != nil && !$0.isShadowed }
                    .map { "\($0.description) in \(plaintext.file.path)" }
            } catch {
                return ["what Keyfob cannot read (\(error.message))"]
            }
        }
        return helpers + logins
    }

    package func plan(
        for registry: String?, in surroundings: Surroundings
    ) throws(StoreError) -> SetupPlan {
        guard registry == nil else { throw noPlaceForOne() }
        let folder = folder(surroundings)
        let own = ClientFile("\(folder)/registries.conf")
        let addition = ClientFile("\(folder)/registries.conf.d/keyfob.conf")
        let views = views(surroundings)
        let now = try setting(views[0])
        let lists = try lists(surroundings).filter { $0 != [Podman.builtIn] }
        if lists.count > 1, lists[0] != lists[1] {
            throw StoreError(
                .settingOverridden,
                "podman and skopeo have different \(PodmanSetting.key): \(views[0][0].path) is "
                    + "podman's alone",
                hint: "let both have one, or unset the variable that names that file")
        }
        var file = own.exists && named(surroundings) == nil ? own : addition
        // A file of the system is not changed, and skopeo does not read the one that is named.
        if let now {
            let isOwn = now.setting.file.path.hasPrefix(folder + "/")
            file = isOwn ? now.setting.file : addition
        }
        let place = file.path.folder
        guard file == own || !Path.mayExist(place) || Podman.isFolder(place) else {
            throw StoreError(
                .settingOverridden, "podman does not read \(place), which is a symbolic link",
                hint: "make it a folder")
        }
        let reasons = onlyInFiles(surroundings)
        var plan = try SetupPlan(
            PodmanSetting(file: file, others: lists.first ?? [], keepsFiles: !reasons.isEmpty),
            advice: [])
        let newer = named(surroundings)?.path ?? surroundings.configFolder + "/containers"
        if plan.splice != nil, newer != folder {
            plan.advice.append("podman 6 reads \(newer) instead: copy the setting to it")
        }
        guard plan.splice != nil, !reasons.isEmpty else { return plan }
        plan.advice.append(
            "\(Podman.builtIn) stays, so podman writes a login that Keyfob refuses in "
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
    var others: [String] = []
    var keepsFiles = false
    private let helper = "keyfob-podman"

    var name: String { PodmanSetting.key }

    static let key = "credential-helpers"

    func value(in content: Secret?) throws(StoreError) -> String? {
        guard let content, let helpers = try helpers(in: content), !helpers.isEmpty,
            helpers != [Podman.builtIn]
        else { return nil }
        return helpers.joined(separator: ", ")
    }

    /// Returns the list in a content; nil if there is none. An empty one, too, overrides others.
    func helpers(in content: Secret) throws(StoreError) -> [String]? {
        guard let entry = try entry(try file.toml(content)) else { return nil }
        guard let helpers = entry.value.strings else {
            throw StoreError(
                .unexpectedContent, "\(PodmanSetting.key) in \(file.path) is not a list of names",
                hint: "correct the file by hand")
        }
        return helpers
    }

    func isOurs(_ value: String) -> Bool {
        value == helper || value.hasPrefix(helper + ", ")
    }

    func splice(into content: Secret?) throws(StoreError) -> Splice {
        guard let content else { return Splice(0..<0, line) }
        let text = try file.toml(content)
        if let entry = try entry(text) { return Splice(entry.range, String(line.dropLast())) }
        try requireNew(text)
        // The line must be before the first table, or it would be a key of that.
        let first = text.tables[0]
        guard let last = first.entries.last else {
            return Splice(first.bodyStart..<first.bodyStart, line)
        }
        return text.newLine(line, after: last.range)
    }

    /// Throws if the file has podman's old format, which is allowed in the first file alone.
    func requireNew(_ text: TOMLText) throws(StoreError) {
        guard text.tables.contains(where: { $0.keys.first == "registries" }) else { return }
        throw StoreError(
            .unexpectedContent,
            "\(file.path) has podman's old format, which does not support helpers",
            hint: "see: man containers-registries.conf")
    }

    /// podman ignores the case of the name, and of two entries takes one at random.
    private func entry(_ text: TOMLText) throws(StoreError) -> TOMLText.Entry? {
        let found = text.tables[0].entries.filter { entry in
            entry.keys.count == 1 && entry.keys[0].lowerCased.string == PodmanSetting.key
        }
        guard found.count < 2 else {
            throw StoreError(
                .unexpectedContent, "\(file.path) has \(PodmanSetting.key) twice",
                hint: "correct the file by hand")
        }
        return found.first
    }

    private var line: String {
        var all = [helper] + others.filter { $0 != helper }
        if !keepsFiles { all.removeAll { $0 == Podman.builtIn } }
        if keepsFiles, !all.contains(Podman.builtIn) { all.append(Podman.builtIn) }
        return "\(PodmanSetting.key) = [\(all.map { "\"\($0)\"" }.joined(separator: ", "))]\n"
    }
}
