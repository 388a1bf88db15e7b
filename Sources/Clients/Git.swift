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
    package var variables: [String] { ["GIT_CONFIG_GLOBAL", "GIT_EXEC_PATH"] }

    // MARK: Lookup

    package func queries(for server: Text, among entries: [Entry]) -> [Query] {
        GitAddress(server.string).map { [Query(.git, $0.facts)] } ?? []
    }

    package func place(
        of server: Text, named name: String?, among entries: [Entry]
    ) throws(StoreError) -> LoginPlace {
        guard let address = GitAddress(server.string) else {
            throw refusal(of: server, "[https://]host[:port][/path]")
        }
        guard !address.namesPassword else {
            throw StoreError(
                .passwordInAddress,
                "other users can read a password on the command line",
                hint:
                    "remove it from the address; keyfob asks for it, or reads it with "
                    + "--password-stdin"
            )
        }
        let facts = address.facts
        return LoginPlace(of: facts["user"]) { user in
            .git(
                protocol: facts["protocol"] ?? "", server: facts["server"] ?? "",
                port: facts["port"], object: facts["object"], user: user)
        }
    }

    /// Without `credential.useHttpPath` git asks for the host alone, and takes a login of any path.
    package func logoutQueries(for server: Text) -> [Query] {
        guard let address = GitAddress(server.string), address.facts["object"] != nil,
            address.facts["protocol"]?.string.hasPrefix("http") == true,
            (try? git([
                "--type=bool", "--get-urlmatch", "credential.useHttpPath",
                address.url(withUser: false),
            ])) != "true\n"
        else { return [] }
        return [Query(.git, address.facts.filter { $0.key != "object" })]
    }

    // MARK: Its own files

    private func credentials(_ surroundings: Surroundings) -> [ClientFile] {
        [
            ClientFile(surroundings.home + "/.git-credentials"),
            ClientFile(surroundings.configFolder + "/git/credentials"),
        ]
    }

    /// Returns the files of its helper `store`: the usual ones, and those that its options name.
    package func plaintextFiles(in surroundings: Surroundings) -> [any PlaintextFile] {
        let helpers: [Helper]
        var unread: [any PlaintextFile] = []
        do throws(StoreError) {
            helpers = try configured(surroundings)
        } catch {
            helpers = []
            let configs = [
                "\(surroundings.home)/.gitconfig", "\(surroundings.configFolder)/git/config",
            ]
            unread = configs.map { UnreadFile(client: self, file: ClientFile($0), error: error) }
        }
        let named = helpers.compactMap { $0.storeFile(surroundings.home) }.map(ClientFile.init)
        return unread
            + (credentials(surroundings) + named).map { file in
                GitCredentials(file) { login in
                    let (emptied, asked) = answering(GitAddress(login.attributes), among: helpers)
                    guard let url = emptied?.url, !asked.contains(where: \.isOurs) else {
                        return nil
                    }
                    return
                        "credential.\(url).helper makes git use \(words(asked) ?? "no helper") for it"
                }
            }
    }

    package func plaintextTarget(
        in surroundings: Surroundings
    ) throws(StoreError) -> any PlaintextTarget {
        let asked = answering(nil, among: (try? configured(surroundings)) ?? []).helpers
        let named = asked.lazy.compactMap { $0.storeFile(surroundings.home) }.first
        if let named { return GitCredentials(ClientFile(named)) }
        let files = credentials(surroundings)
        return GitCredentials(files.first(where: \.exists) ?? files[0])
    }

    package func reading(
        beside keeper: Keeper, of entries: [Entry], in surroundings: Surroundings
    ) -> Reading {
        let helpers = (try? configured(surroundings)) ?? []
        let asked = entries.map { answering(GitAddress($0.attributes), among: helpers).helpers }
        if asked.contains(where: { $0.contains(where: \.isOurs) }) {
            return .asksHelper("keyfob", isOurs: true)
        }
        guard let unread = asked.firstIndex(where: { !$0.contains(where: \.isStore) }) else {
            return .found
        }
        let url = keeper.name == nil ? "" : entries[unread].serverName + "."
        return .needs(
            "to make git read the file: git config --global "
                + "credential.\(url)helper".shellWord + " store")
    }

    // MARK: Its helper

    /// A helper in git's configuration.
    private struct Helper {
        /// The URL of the section; nil if it is for all.
        let url: String?
        let value: String
        /// The file that names it.
        let file: String

        /// The name of Keyfob's that the value is; nil if it is another program's.
        var helperName: HelperName? {
            let word = value.split(separator: " ").first.map(String.init) ?? ""
            return HelperName(
                word.contains("/") ? word : "git-credential-\(word)", of: .passwordHelper)
        }

        var isOurs: Bool { helperName != nil }

        /// True if it is Keyfob and names no account.
        var isOursAlone: Bool { helperName.map { $0.account == nil } ?? false }

        /// The program that git runs; nil if the shell interprets the value.
        var program: String? {
            guard !value.hasPrefix("!"), let word = value.split(separator: " ").first else {
                return nil
            }
            if word.hasPrefix("/") { return String(word) }
            return word.contains("/") || word.contains("~") ? nil : "git-credential-\(word)"
        }

        var isStore: Bool { program == "git-credential-store" }

        static func setting(_ url: String?) -> String {
            url.map { "credential.\($0).helper" } ?? "credential.helper"
        }

        /// The command that removes the helper from git's configuration.
        var removal: String {
            "git config --file \(file.shellWord) --unset-all "
                + "\(Helper.setting(url).shellWord) \("^\(value)$".shellWord)"
        }

        /// Returns true if git asks the helper for an address; nil is an address that no section
        /// names. A section without a host, such as `https://`, counts as one for all.
        func applies(to address: GitAddress?) -> Bool {
            guard let own = url.flatMap(GitAddress.init) else { return true }
            return address.map(own.covers) ?? false
        }

        /// Returns the file that an option of the helper `store` names; nil if there is none.
        func storeFile(_ home: String) -> String? {
            guard isStore else { return nil }
            let words = value.split(whereSeparator: { $0 == " " || $0 == "=" }).dropFirst()
            guard let option = words.firstIndex(of: "--file"), option + 1 < words.endIndex else {
                return nil
            }
            let path = words[option + 1].filter { $0 != "\"" && $0 != "'" }
            return path.hasPrefix("~/") ? home + path.dropFirst() : path
        }
    }

    /// Returns the helpers in git's whole configuration, or in a file and its includes, in git's
    /// order. The configuration of single repositories is left out.
    private func configured(
        _ surroundings: Surroundings, in file: ClientFile? = nil
    ) throws(StoreError) -> [Helper] {
        guard surroundings.program("git") != nil else { return [] }
        let output = try git(
            (file.map { ["--includes", "--file", $0.path] } ?? [])
                + ["--null", "--show-origin", "--get-regexp", #"^credential\.(.*\.)?helper$"#])
        let parts = output.split(separator: "\0", omittingEmptySubsequences: false)
        return stride(from: 0, to: parts.count - 1, by: 2).map { index in
            let pair = parts[index + 1].split(
                separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
            let url = pair[0].dropFirst("credential.".count).dropLast(".helper".count)
            return Helper(
                url: pair[0] == "credential.helper" ? nil : String(url),
                value: pair.count > 1 ? String(pair[1]) : "",
                file: String(parts[index].dropFirst("file:".count)))
        }
    }

    /// Returns the helpers that git asks for an address, or (nil) for one that no section names,
    /// and the last empty value, which cancels all before it.
    private func answering(
        _ address: GitAddress?, among all: [Helper]
    ) -> (emptied: Helper?, helpers: [Helper]) {
        let all = all.filter { $0.applies(to: address) }
        let last = all.lastIndex { $0.value.isEmpty }
        return (last.map { all[$0] }, Array(all[((last ?? -1) + 1)...]))
    }

    private func words(_ helpers: [Helper]) -> String? {
        helpers.isEmpty ? nil : helpers.map(\.value).joined(separator: ", ")
    }

    package func keeper(in surroundings: Surroundings) throws(StoreError) -> Keeper {
        let configured = try configured(surroundings)
        let forAll = answering(nil, among: configured).helpers
        var all = forAll
        var keeper = Keeper(words(forAll), isOurs: forAll.contains(where: \.isOurs))
        keeper.account = forAll.lazy.compactMap(\.helperName).first?.account
        for url in Set(configured.compactMap(\.url)).sorted() {
            let asked = answering(GitAddress(url), among: configured).helpers
            all += asked
            guard words(asked) != keeper.name else { continue }
            keeper.exceptions.append(
                Keeper.Exception(
                    registry: url, name: words(asked) ?? "no helper",
                    isOurs: asked.contains(where: \.isOurs)))
        }
        let own = surroundings["GIT_EXEC_PATH"] ?? "/usr/lib/git-core"
        keeper.missing = Set(all.compactMap(\.program)).filter {
            surroundings.program($0) == nil && surroundings.program("\(own)/\($0)") == nil
        }.sorted()
        if all.contains(where: \.isOurs), let store = all.first(where: \.isStore) {
            keeper.leak = (
                "git also writes passwords in plain text, with its helper \(store.value)",
                store.removal
            )
        }
        return keeper
    }

    package func helperNames(
        in surroundings: Surroundings
    ) throws(StoreError) -> (Entry) -> HelperName? {
        let all = try configured(surroundings)
        return { entry in
            let asked = answering(GitAddress(entry.attributes), among: all).helpers
            return asked.lazy.compactMap(\.helperName).first
        }
    }

    package func plan(
        for registry: String?, in surroundings: Surroundings
    ) throws(StoreError) -> SetupPlan {
        guard surroundings.program("git") != nil else {
            throw StoreError(
                .programNotRun, "git cannot be run: it is not on the PATH", hint: "install git")
        }
        let url = registry.map { "https://\($0)" }
        let address = url.flatMap(GitAddress.init)
        let all = try configured(surroundings)
        let asked = answering(address, among: all).helpers
        let others = asked.filter { !$0.isOursAlone }.map(\.value)
        let file = config(surroundings)
        let content = try file.read()
        var splice: Splice?
        if asked.first?.isOursAlone != true {
            let own = try configured(surroundings, in: file)
            let before = answering(address, among: all.dropLast(own.count)).helpers
            if all.isEmpty {
                splice = Splice(section(url, ["keyfob"]), atEndOf: content)
            } else if before.isEmpty,
                !own.contains(where: { $0.value.isEmpty && $0.applies(to: address) })
            {
                splice = Splice(0..<0, section(url, ["keyfob"]))
            } else {
                let list = section(url, ["", "keyfob"] + others)
                splice = Splice(list + sections(within: address, of: all), atEndOf: content)
            }
        }
        return SetupPlan(
            file: file, setting: Helper.setting(url), before: nil,
            after: "keyfob" + (others.isEmpty ? "" : " (before \(others.joined(separator: ", ")))"),
            content: content, splice: splice,
            advice: asked.filter(\.isStore).prefix(1).map {
                "git still also writes passwords in plain text; to stop that: \($0.removal)"
            })
    }

    /// Returns the sections to write after a new list for an address, or (nil) for all. The list
    /// would cancel them; with them git asks the same helpers as before. The narrower ones come
    /// last.
    private func sections(within address: GitAddress?, of all: [Helper]) -> String {
        let urls = Set(all.compactMap(\.url)).filter { url in
            guard let inner = GitAddress(url) else { return false }
            return address.map { $0.covers(inner) && !inner.covers($0) } ?? true
        }
        func breadth(_ url: String) -> (Int, Int, String) {
            (url.contains("*") ? 0 : 1, url.utf8.count, url)
        }
        return urls.sorted { breadth($0) < breadth($1) }.map { url in
            let (emptied, helpers) = answering(GitAddress(url), among: all)
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
                let isPlain = !value.contains { ";#\"\\".contains($0) } && !value.hasSuffix(" ")
                return "\thelper = \(isPlain ? value : quoted(value))\n"
            }.joined()
    }

    /// Returns the value in quotes, as git writes it.
    private func quoted(_ value: String) -> String {
        "\"" + value.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined() + "\""
    }

    /// Returns the user's config file that git changes.
    private func config(_ surroundings: Surroundings) -> ClientFile {
        if let named = surroundings["GIT_CONFIG_GLOBAL"] { return ClientFile(named) }
        let own = ClientFile(surroundings.home + "/.gitconfig")
        let other = ClientFile(surroundings.configFolder + "/git/config")
        return !own.exists && other.exists ? other : own
    }

    /// Returns the output of `git config`; empty if it fails.
    private func git(_ arguments: [String]) throws(StoreError) -> String {
        let (status, output): (Int32?, Secret)
        do throws(Child.Failure) {
            // `/` is in no repository, whose own settings git would read too.
            (status, output) = try Child.run(
                ["git", "-C", "/", "config"] + arguments, atMost: 1 << 20, within: 4)
        } catch {
            switch error {
            case .notStarted(let error):
                throw StoreError(
                    .programNotRun, "git cannot be run: \(error.reason)", hint: "install git")
            case .timedOut:
                throw StoreError(.programTimedOut, "git config did not end within 4 seconds")
            }
        }
        // The status is 1 if git finds nothing.
        guard status == 0 || status == 1 else {
            throw StoreError(
                .badConfiguration, "git cannot read its configuration",
                hint: "to see why: git config --list")
        }
        return status == 0 ? output.publicString : ""
    }
}
