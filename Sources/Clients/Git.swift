package import Credentials
internal import Files
internal import TextEditing

/// git (2.39).
///
/// It asks the helpers of `credential.helper` and `credential.URL.helper`, in the order of its
/// configuration and without those before an empty value, until one returns a password. It passes
/// the password that it has used to all of them. It asks by protocol, host and port, and also by
/// path and user if it knows them.
package struct Git: Client {
    package init() {}

    package var name: Text { "git" }
    package var schema: Schema { .git }
    package var secretNoun: String { "password" }
    package var userNames: UserNames { .needed }
    package var program: ProgramName? { .passwordHelper }
    package var variables: [String] { ["GIT_ASKPASS", "GIT_CONFIG_GLOBAL", "SSH_ASKPASS"] }

    // MARK: Lookup

    package func queries(for server: Text, among entries: [Entry]) -> [Query] {
        guard let facts = GitAddress(server.string)?.facts else { return [] }
        // git stores a protocol as it was typed.
        let typed = server.string.firstRange(of: "://").flatMap {
            Text(String(server.string[..<$0.lowerBound]))
        }
        let all = [facts, facts.merging(["protocol": typed ?? facts["protocol"] ?? ""]) { $1 }]
        let named = all.prefix(all[0] == all[1] ? 1 : 2).map { Query(.git, $0) }
        guard facts["user"]?.looksLikeToken == true else { return named }
        // Such a user is kept with the secret (`Credential.git`).
        let alone = Entry(
            schema: .git, attributes: facts.filter { $0.key != "user" }, label: server)
        return named + [Query(replacedBy: alone)].compactMap(\.self)
    }

    package func place(
        of server: Text, named name: String?, among entries: [Entry]
    ) throws(StoreError) -> LoginPlace {
        guard let address = GitAddress(server.string), address.isValid else {
            throw refusal(of: server, "[https://]host[:port][/path]")
        }
        try address.requireNoPassword()
        let facts = address.facts
        return LoginPlace(username: facts["user"]) { user in
            .git(
                protocol: facts["protocol"] ?? "", server: facts["server"] ?? "",
                port: facts["port"], object: facts["object"], user: user)
        }
    }

    /// Returns the query for all logins of the host: without `credential.useHttpPath` git asks for
    /// the host alone, and takes a login of any path.
    package func logoutQueries(for server: Text) -> [Query] {
        guard let address = GitAddress(server.string), address.facts["object"] != nil,
            !asksByPath(address)
        else { return [] }
        return [Query(.git, address.facts.filter { $0.key != "object" })]
    }

    private func asksByPath(_ address: GitAddress) -> Bool {
        guard address.facts["protocol"]?.string.hasPrefix("http") == true else { return true }
        let setting = try? GitConfiguration.git(
            [
                "config", "--type=bool", "--get-urlmatch", "credential.useHttpPath",
                address.url(withUser: false),
            ], outside: false)
        return setting == "true\n".secret
    }

    // MARK: Its own files

    /// Returns the files of its helper `store`, unless its options name another one.
    static func credentials(_ surroundings: Surroundings) -> [ClientFile] {
        [
            ClientFile(surroundings.home + "/.git-credentials"),
            ClientFile(surroundings.configFolder + "/git/credentials"),
        ]
    }

    /// Returns its own configuration, and the files of its helper `store`, in git's order: those
    /// that its options name, and the usual ones.
    package func plaintextFiles(in surroundings: Surroundings) -> [any PlaintextFile] {
        let configuration: GitConfiguration
        do throws(StoreError) {
            configuration = try GitConfiguration(surroundings)
        } catch {
            let configs = [
                "\(surroundings.home)/.gitconfig", "\(surroundings.configFolder)/git/config",
            ]
            return configs.map { UnreadFile(client: self, file: ClientFile($0), error: error) }
                + Git.credentials(surroundings).map { GitCredentials(file: $0) }
        }
        var seen: Set<String> = []
        let conditional = GitConfiguration.conditional(surroundings)
        let helpers = configuration.helpers + conditional.flatMap(\.helpers)
        let files = (helpers.flatMap { $0.storeFiles ?? [] } + Git.credentials(surroundings))
            .filter { seen.insert($0.identity).inserted }
        guard surroundings.program("git") != nil else {
            return files.map { GitCredentials(file: $0) }
        }
        // git is asked for its configuration elsewhere only if there is something to import.
        let elsewhere =
            files.contains(where: \.exists) ? GitElsewhere(conditional, surroundings) : nil
        return GitSettings.all(surroundings) + GitCookies.all(surroundings)
            + files.enumerated().map { index, file in
                GitCredentials(file: file) { login in
                    var use = use(
                        of: file, after: files[..<index], for: login, configuration, surroundings)
                    elsewhere?.judge(&use, of: file, for: login, configuration)
                    return use
                }
            }
    }

    /// Returns the use that git makes of a file of its helper `store`. A file that it does not read,
    /// or only after it has asked others, may be imported only if no helper but Keyfob could answer
    /// instead.
    private func use(
        of file: ClientFile, after earlier: ArraySlice<ClientFile>, for login: Entry,
        _ configuration: GitConfiguration, _ surroundings: Surroundings
    ) -> GitCredentials.Use {
        let address = GitAddress(login.attributes)
        let (emptied, asked) = configuration.answering(address)
        let others = asked.filter { !$0.isOurs }
        let first = others.firstIndex { $0.reads(file) }
        // git's cache only has what git was given a while ago.
        let rivals = others.prefix(upTo: first ?? 0).filter {
            $0.isUnread && $0.name != "cache" && $0.missingProgram(surroundings) == nil
        }
        var use = GitCredentials.Use()
        if let names = rivals.names {
            use.disuse = "git asks \(names) for it before it reads this file"
        } else if let url = configuration.section(reading: file, for: address, asksByPath) {
            use.refusal = "git reads this file for it only by \(GitHelper.setting(url))"
        } else if first == nil, !others.isEmpty {
            use.disuse =
                !others.contains(where: \.isUnread)
                ? "git does not read this file for it"
                : "git uses \(others.names ?? "") for it, and may not read this file"
        }
        use.earlier = earlier.filter { file in
            others.isEmpty || others.contains { $0.reads(file) }
        }
        guard use.refusal == nil, !asked.contains(where: \.isOurs) else { return use }
        let names = asked.names ?? "no helper"
        if let url = emptied?.url {
            use.refusal = "\(GitHelper.setting(url)) makes git use \(names) for it"
        } else if emptied?.isLasting == false || configuration.helpers.contains(where: \.isOurs) {
            use.refusal = "git uses \(names) for it, and does not ask Keyfob"
        }
        return use
    }

    package func plaintextTarget(
        in surroundings: Surroundings
    ) throws(StoreError) -> any PlaintextTarget {
        let asked = (try? GitConfiguration(surroundings))?.answering(.any).helpers ?? []
        let files = asked.lazy.compactMap(\.storeFiles).first { !$0.isEmpty }
        let usual = files ?? Git.credentials(surroundings)
        return GitCredentials(file: usual.first(where: \.exists) ?? usual[0])
    }

    package func reading(
        beside keeper: Keeper, of entries: [Entry], in surroundings: Surroundings
    ) -> Reading {
        guard let configuration = try? GitConfiguration(surroundings),
            let target = try? plaintextTarget(in: surroundings).file
        else { return .found }
        let asked = entries.map { configuration.answering(GitAddress($0.attributes)).helpers }
        if asked.contains(where: { $0.contains(where: \.isOurs) }) {
            return .asksHelper("keyfob", isOurs: true)
        }
        guard let unread = asked.firstIndex(where: { !$0.contains { $0.reads(target) } }) else {
            return .found
        }
        let url = keeper.name == nil ? "" : entries[unread].serverName + "."
        let isUsual = Git.credentials(surroundings).contains(target)
        let store = isUsual ? "store" : "store --file \(target.path.shellWord)"
        return .needs(
            "to make git read the file: git config --global "
                + "credential.\(url)helper".shellWord + " " + store.shellWord)
    }

    package func remainders(
        for server: Text?, in surroundings: Surroundings
    ) -> [Remainder] {
        guard let configuration = try? GitConfiguration(surroundings) else { return [] }
        let address = server.flatMap { GitAddress($0.string) }
        let all = [configuration] + GitConfiguration.conditional(surroundings)
        let asked = all.flatMap { some in
            address.map { some.answering($0).helpers + some.answeringParts(of: $0) } ?? some.asked
        }
        var seen: Set<String> = []
        return askPass(surroundings)
            + asked.compactMap { helper in
                guard !helper.isOurs, helper.isUnread, !helper.makesTokens,
                    helper.missingProgram(surroundings) == nil, seen.insert(helper.value).inserted
                else { return nil }
                return Remainder(
                    place: helper.file ?? "git",
                    problem: StoreError(
                        .loginRemains,
                        "git also asks another helper, which may have one: \(helper.name)",
                        hint: helper.name == "cache"
                            ? "git credential-cache exit" : "remove it there: git credential reject"
                    ))
            }
    }

    /// The program that git asks as it would ask the user, unless it is one that only shows a window.
    /// Of a variable, which editors set for their own, it is only a note.
    private func askPass(_ surroundings: Surroundings) -> [Remainder] {
        func asks(_ program: String) -> Bool {
            !program.isEmpty
                && !["ssh-askpass", "git-gui--askpass"].contains(where: program.hasSuffix)
        }
        func remainder(_ name: String, _ file: String?, _ hint: String?) -> Remainder {
            Remainder(
                place: file ?? "git",
                problem: StoreError(
                    .loginRemains, "git also asks the program of \(name), which may have one",
                    hint: hint), isNote: hint == nil)
        }
        let settings = (try? GitConfiguration.settings(#"^core\.askpass$"#)) ?? []
        return settings.suffix(1).filter { asks($0.value.publicString) }.map {
            remainder("core.askPass", $0.file, "see: git config --show-origin core.askPass")
        }
            + ["GIT_ASKPASS", "SSH_ASKPASS"].filter { surroundings[$0].map(asks) == true }.map {
                remainder($0, nil, nil)
            }
    }

    // MARK: Its helper

    package func keeper(in surroundings: Surroundings) throws(StoreError) -> Keeper {
        let configuration = try GitConfiguration(surroundings)
        let forAll = configuration.answering(.any).helpers
        var keeper = Keeper(forAll.names, forAll.lazy.compactMap(\.helperName).first)
        // A setup is for all folders. The current one may be in a repository with other settings.
        keeper.isAsked = try GitConfiguration(surroundings, outside: true).answering(.any).helpers
            .contains(where: \.isOurs)
        for url in configuration.urls {
            let asked = configuration.answering(GitAddress(section: url)).helpers
            guard asked.map(\.value) != forAll.map(\.value) else { continue }
            keeper.exceptions.append(
                Keeper.Exception(
                    registry: url.shownAddress, name: asked.names ?? "no helper",
                    isOurs: asked.contains(where: \.isOurs)))
        }
        let all = configuration.asked
        // Another name of Keyfob's may serve instead of one that is gone.
        let missing = all.filter { $0.missingProgram(surroundings) != nil }
        let isReached = all.contains { $0.isOurs && $0.missingProgram(surroundings) == nil }
        keeper.missing = Set(missing.filter { !isReached || !$0.isOurs }.compactMap(\.program))
            .sorted()
        let isAsked = all.contains(where: \.isOurs)
        let elsewhere = GitConfiguration.conditional(surroundings).flatMap(\.asked)
        let stores =
            (isAsked ? all : []) + (all + elsewhere).filter { $0.storeFiles?.isEmpty == true }
        if let store = stores.first(where: \.isStore) {
            keeper.leak = (
                "git \(isAsked ? "also " : "")writes passwords in plain text, with its helper "
                    + store.name,
                store.removal
            )
        }
        return keeper
    }

    package func helperNames(
        in surroundings: Surroundings
    ) throws(StoreError) -> (Entry) -> [HelperName] {
        let configuration = try GitConfiguration(surroundings)
        return { entry in
            let asked = configuration.answering(GitAddress(entry.attributes)).helpers
            return Array(asked.compactMap(\.helperName).prefix(1))
        }
    }

    package func accountsAsked(in surroundings: Surroundings) -> Set<AccountName> {
        let all =
            [try? GitConfiguration(surroundings)].compactMap(\.self)
            + GitConfiguration.conditional(surroundings)
        return Set(all.flatMap(\.asked).compactMap { $0.helperName?.account })
    }

    package func plan(
        for registry: String?, in surroundings: Surroundings
    ) throws(StoreError) -> SetupPlan {
        guard surroundings.program("git") != nil else {
            throw StoreError(
                .programNotRun, "git cannot be run: it is not on the PATH", hint: "install git")
        }
        let configuration = try GitConfiguration(surroundings, outside: true)
        // A list for every https address, as in the section `https://`, takes the place of the
        // list for all.
        let url = try registry.map(self.url) ?? configuration.answering(.any).emptied?.url
        if let section = url.map({ GitAddress(section: $0) }), !section.covers(section) {
            throw StoreError(
                .notSupported, "git applies no setting of one host to \(registry ?? "")",
                hint: "for all hosts: keyfob setup git")
        }
        let (emptied, asked) = configuration.answering(
            url.map { GitAddress(section: $0) } ?? .any)
        let file = try config(surroundings)
        guard emptied?.isLasting != false else {
            throw StoreError(
                .settingOverridden,
                "git does not follow \(GitHelper.setting(url)) in \(file.path): "
                    + "a variable overrides it",
                hint: "see: keyfob status")
        }
        let content = try file.read()
        let isFirst = asked.first.map {
            $0.isOursAlone && $0.isLasting && $0.missingProgram(surroundings) == nil
        }
        let splice =
            isFirst == true
            ? nil
            : try self.splice(
                into: content, of: file, for: url, configuration.helpers.filter(\.isLasting),
                surroundings)
        let others = asked.filter { !$0.isOursAlone }
        return SetupPlan(
            file: file, setting: GitHelper.setting(url), before: nil,
            after: "keyfob" + (others.names.map { " (before \($0))" } ?? ""),
            content: content, splice: splice,
            advice: asked.filter(\.isStore).prefix(1).map {
                "git still also writes passwords in plain text; to stop that: \($0.removal)"
            })
    }

    /// Returns the change of a config file after which git asks Keyfob first. `all` are the helpers
    /// of now.
    private func splice(
        into content: Secret?, of file: ClientFile, for url: String?, _ all: [GitHelper],
        _ surroundings: Surroundings
    ) throws(StoreError) -> Splice {
        let address = url.map { GitAddress(section: $0) }
        let own = try GitConfiguration(surroundings, outside: true, file: file).helpers
        // Without an empty value in the file, what comes from it goes on to follow what comes
        // before it, also in repositories.
        let isEmptied = GitConfiguration.answering(address ?? .any, among: own).emptied != nil
        let base = isEmptied ? all : all.dropLast(own.count)
        let others = GitConfiguration.answering(address ?? .any, among: base).helpers
            .filter { !$0.isOursAlone }.map(\.value)
        let list =
            others.isEmpty && !isEmptied
            ? section(url, ["keyfob"])
            : section(url, ["", "keyfob"] + others) + sections(within: address, of: base)
        guard isEmptied || all.isEmpty else {
            // git takes a byte order mark only as the first bytes.
            let start = content?.hasPrefix("\u{FEFF}") == true ? 3 : 0
            return Splice(start..<start, list)
        }
        // A last line that ends in a backslash goes on in the next one, which is to be empty.
        let last = content?.withoutLineEnd
        return Splice((last?.ends(with: 0x5C) == true ? "\n" : "") + list, atEndOf: content)
    }

    /// Returns the URL of the section for a host, or for a URL of its own.
    private func url(of registry: String) throws(StoreError) -> String {
        let server = Text(registry) ?? ""
        guard !server.hasControlCharacter else {
            throw refusal(of: server, "[https://]host[:port][/path]")
        }
        _ = try place(of: server, named: nil, among: [])
        return registry.contains("://") ? registry : "https://\(registry)"
    }

    /// Returns the sections to write after a new list for an address, or (nil) for all. The list
    /// would cancel them; with them git asks the same helpers as before. The narrower ones come
    /// last.
    private func sections(within address: GitAddress?, of all: [GitHelper]) -> String {
        let urls = Set(all.compactMap(\.url)).filter { url in
            let inner = GitAddress(section: url)
            return address.map { $0.covers(inner) && !inner.covers($0) } ?? true
        }
        func breadth(_ url: String) -> (Int, Int, String) {
            (url.contains("*") ? 0 : 1, url.utf8.count, url)
        }
        return urls.sorted { breadth($0) < breadth($1) }.map { url in
            let (emptied, helpers) = GitConfiguration.answering(
                GitAddress(section: url), among: all)
            return emptied?.url == url
                ? section(url, [""] + helpers.map(\.value))
                : section(url, helpers.filter { $0.url == url && !$0.isOursAlone }.map(\.value))
        }.joined()
    }

    private func section(_ url: String?, _ helpers: [String]) -> String {
        guard !helpers.isEmpty else { return "" }
        let title = url.map { "[credential \(quoted($0))]" } ?? "[credential]"
        return title + "\n"
            + helpers.map { value in
                let isPlain =
                    value.utf8.allSatisfy { $0 >= 0x20 && !";#\"\\".utf8.contains($0) }
                    && !value.hasPrefix(" ") && !value.hasSuffix(" ")
                return "\thelper = \(isPlain ? value : quoted(value, ["\n": "\\n"]))\n"
            }.joined()
    }

    /// Returns the value in quotes, as git writes it; `others` are further characters to escape.
    private func quoted(_ value: String, _ others: [Unicode.Scalar: String] = [:]) -> String {
        "\""
            + value.unicodeScalars.map { scalar in
                others[scalar] ?? (scalar == "\"" || scalar == "\\" ? "\\" : "") + String(scalar)
            }.joined() + "\""
    }

    /// Returns the user's config file that git changes.
    private func config(_ surroundings: Surroundings) throws(StoreError) -> ClientFile {
        guard !surroundings.isEmpty("GIT_CONFIG_GLOBAL") else {
            throw StoreError(
                .settingOverridden,
                "git reads no configuration of yours: GIT_CONFIG_GLOBAL is empty",
                hint: "unset GIT_CONFIG_GLOBAL")
        }
        if let named = surroundings["GIT_CONFIG_GLOBAL"] {
            guard named.hasPrefix("/") else {
                throw StoreError(
                    .settingOverridden,
                    "git reads another file in each folder: GIT_CONFIG_GLOBAL is a relative path",
                    hint: "set GIT_CONFIG_GLOBAL to an absolute path")
            }
            return ClientFile(named)
        }
        let own = ClientFile(surroundings.home + "/.gitconfig")
        let other = ClientFile(surroundings.configFolder + "/git/config")
        return !own.exists && other.exists ? other : own
    }
}
