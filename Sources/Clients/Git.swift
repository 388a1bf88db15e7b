package import Credentials
package import Files
internal import TextEditing

/// git (2.39).
///
/// It asks the helpers of `credential.helper` and `credential.URL.helper` in the order in which its
/// configuration has them, those before an empty value left out, until one has a password; and gives
/// what it has used to all of them. It asks by protocol, host and port, and by the path and user where
/// it knows them.
package struct Git: Client {
    package init() {}

    package var name: Text { "git" }
    package var schema: Schema { .git }
    package var secretNoun: String { "password" }
    package var userNames: UserNames { .needed }
    package var program: ProgramName? { .passwordHelper }
    package var variables: [String] { ["GIT_CONFIG_GLOBAL", "GIT_EXEC_PATH"] }

    // MARK: What a person means

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

    /// Where git is not told to use the path it asks for the host alone, and takes a login of any path.
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

    /// Those of its helper `store`, and what that is told to use in their place.
    package func plaintextFiles(in surroundings: Surroundings) -> [any PlaintextFile] {
        let helpers = (try? configured(surroundings)) ?? []
        let named = helpers.compactMap { $0.storeFile(surroundings.home) }.map(ClientFile.init)
        return (credentials(surroundings) + named).map { file in
            GitCredentials(file) { login in
                let (emptied, asked) = answering(GitAddress(login.attributes), among: helpers)
                guard let url = emptied?.url, !asked.contains(where: \.isOurs) else { return nil }
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
        /// The section's URL; nil for all.
        let url: String?
        let value: String
        /// The file that names it.
        let file: String

        var isOurs: Bool {
            let program = value.split(separator: " ").first ?? ""
            return program == "keyfob"
                || program.hasSuffix("/\(ProgramName.passwordHelper.rawValue)")
        }

        /// The program that git runs; nil where that is for the shell to say.
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

        /// What takes it out of git's configuration.
        var removal: String {
            "git config --file \(file.shellWord) --unset-all "
                + "\(Helper.setting(url).shellWord) \("^\(value)$".shellWord)"
        }

        /// Whether git asks it for an address; nil is one that no section names. A section for no one
        /// host, as `https://`, is taken for one of all.
        func applies(to address: GitAddress?) -> Bool {
            guard let own = url.flatMap(GitAddress.init) else { return true }
            return address.map(own.covers) ?? false
        }

        /// The file that the helper `store` is told to use.
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

    /// All that git reads, or what stands in a file and those that it includes, in git's order. What
    /// belongs to one repository is left out.
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

    /// The helpers that git asks for an address, or (nil) for one that no section names; and the last
    /// empty value, which takes back all before it.
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
        let others = asked.filter { !$0.isOurs }.map(\.value)
        let file = config(surroundings)
        let content = try file.read()
        var splice: Splice?
        if asked.first?.isOurs != true {
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

    /// The sections that a new list for an address, or (nil) for all, would take back, so that git asks
    /// for theirs whom it asks now; the narrower ones last.
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
                : section(url, helpers.filter { $0.url == url && !$0.isOurs }.map(\.value))
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

    /// As git writes a value.
    private func quoted(_ value: String) -> String {
        "\"" + value.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined() + "\""
    }

    /// The file of the user's that git changes.
    private func config(_ surroundings: Surroundings) -> ClientFile {
        if let named = surroundings["GIT_CONFIG_GLOBAL"] { return ClientFile(named) }
        let own = ClientFile(surroundings.home + "/.gitconfig")
        let other = ClientFile(surroundings.configFolder + "/git/config")
        return !own.exists && other.exists ? other : own
    }

    /// What `git config` prints; nothing where it fails.
    private func git(_ arguments: [String]) throws(StoreError) -> String {
        do throws(Child.Failure) {
            // No repository is there, whose settings are its own.
            let (status, output) = try Child.run(
                ["git", "-C", "/", "config"] + arguments, atMost: 1 << 20, within: 4)
            guard status == 0 else { return "" }
            return output.expose { bytes in
                String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
            }
        } catch {
            switch error {
            case .notStarted(let error):
                throw StoreError(
                    .programNotRun, "git cannot be run: \(error.reason)", hint: "install git")
            case .timedOut:
                throw StoreError(.programTimedOut, "git config did not end within 4 seconds")
            }
        }
    }
}

/// `.git-credentials`, in which git's helper `store` keeps passwords in plain text: a URL a line,
/// `PROTOCOL://USER:PASSWORD@HOST[/PATH]`, each part percent-encoded (git-credential-store(1)).
package struct GitCredentials: PlaintextTarget {
    package let file: ClientFile
    /// Why git will not ask Keyfob for a login.
    private let refusal: @Sendable (Entry) -> String?

    package init(_ file: ClientFile, refusal: @escaping @Sendable (Entry) -> String? = { _ in nil })
    {
        self.file = file
        self.refusal = refusal
    }

    package var client: any Client { Git() }

    package func contents(of content: Secret) throws(StoreError) -> PlaintextContents {
        PlaintextContents(logins: logins(of: content).map(\.login))
    }

    /// A new line is the first one, as git puts it.
    package func adding(_ login: Credential, to content: Secret) throws(StoreError) -> Secret {
        let line = try line(of: login)
        let others = logins(of: content).filter { $0.login.entry.identity == login.entry.identity }
        if !others.isEmpty, others.allSatisfy({ $0.login.secret == login.secret }) {
            return content
        }
        var edits = Edits()
        edits.replace(others.first?.line ?? 0..<0, with: line)
        for other in others.dropFirst() { edits.replace(other.line) }
        return edits.applied(to: content)
    }

    private func line(of login: Credential) throws(StoreError) -> Secret {
        let secret = GitSecret(stored: login.secret)
        guard let scheme = login["protocol"], let server = login["server"],
            let user = secret.token ?? login["user"]?.string.secret
        else { throw StoreError(.unfitForFile, "it has no user name") }
        guard let password = secret.password, secret.isOfLines, secret.credential == nil,
            secret.expiry == nil, secret.refreshToken == nil
        else {
            throw StoreError(
                .unfitForFile,
                "it contains more than a password, and the file can hold only a password")
        }
        let host = server.string + (login["port"].map { ":\($0)" } ?? "")
        var parts = [
            scheme.string.secret.percentEncoded(), "://".secret, user.percentEncoded(), ":".secret,
            password.percentEncoded(), "@".secret, host.secret.percentEncoded(),
        ]
        if let path = login["object"] {
            guard path.bytes.first != UInt8(ascii: "/") else {
                throw StoreError(.unfitForFile, "git does not find a path in it that begins with /")
            }
            parts += ["/".secret, path.string.secret.percentEncoded(except: "!*'();:@&=+$,/?#[]")]
        }
        return Secret(joining: parts + ["\n".secret])
    }

    @discardableResult
    package func remove(
        where isMeant: (PlaintextLogin) -> Bool
    ) throws(StoreError) -> [Entry] {
        try edit { content, edits in
            let meant = logins(of: content).filter { isMeant($0.login) }
            for (line, _) in meant { edits.replace(line) }
            return meant.map(\.login.entry)
        }
    }

    private func logins(of content: Secret) -> [(line: Range<Int>, login: PlaintextLogin)] {
        // Of two for the same, git takes the first.
        var first: [Place: PlaintextLogin] = [:]
        var ofPaths: Set<Place> = []
        return content.lines.compactMap { line in
            guard var login = login(content[line]) else { return nil }
            let host = login.entry.place
            let isOfPath = login.entry.attributes["object"] != nil
            if let place = login.entry.identity, login.obstacle == nil {
                if let other = first[place], !other.isSame(as: login.credential) {
                    login.obstacle = "an earlier line has another password for it"
                    login.isShadowed = true
                } else if !isOfPath, let host, ofPaths.contains(host) {
                    // Without a path in its question git takes that line; a store would take this one.
                    login.obstacle = "git uses an earlier line, which is for a single path"
                }
                first[place] = first[place] ?? login
            }
            if isOfPath, let host { ofPaths.insert(host) }
            return (line, login)
        }
    }

    /// The login in a line; nil for a line that git finds none in (credential.c, credential_from_url;
    /// credential-store.c, parse_credential_file).
    private func login(_ line: Secret) -> PlaintextLogin? {
        let isWhole = line.expose { $0.count > 0 && $0[$0.count - 1] == 0x0A }
        let text = line[0..<line.count - (isWhole ? 1 : 0)]
        let endsInCR = text.expose { $0.count > 0 && $0[$0.count - 1] == 0x0D }
        guard let parts = GitURL(text[0..<text.count - (endsInCR ? 1 : 0)]),
            let user = parts.user, let password = parts.password,
            !parts.host.isEmpty || !parts.path.isEmpty,
            // git takes no line with a line's end in it.
            ![user, password, parts.host, parts.path].contains(where: { $0.contains(0x0A) }),
            let scheme = Text(copying: parts.scheme), scheme.isGitProtocol,
            let host = Text(copying: parts.host)
        else { return nil }
        let address = GitAddress.split(host)
        let (name, path) = (Text(copying: user), Text(copying: parts.path))
        let entry = Entry.git(
            protocol: scheme, server: address?.server ?? host, port: address?.port,
            object: path?.isEmpty == true ? nil : path, user: name ?? "?")
        var obstacle = refusal(entry)
        if name == nil || path == nil { obstacle = "its user name or path is not UTF-8" }
        if address == nil { obstacle = "its port is not valid" }
        if endsInCR { obstacle = "git reads no line that ends with a carriage return" }
        var secret = GitSecret()
        secret.password = password
        if !secret.isOfLines { obstacle = "its password contains a carriage return or a NUL" }
        return PlaintextLogin(.git(entry, secret), obstacle: obstacle)
    }
}

/// A git address is what a person calls a place of git's, as git itself reads a URL: `[protocol://][user@]host[:port][/path]`,
/// https where no protocol is named.
struct GitAddress {
    let facts: [String: Text]
    /// Whether a password stands in it.
    let namesPassword: Bool

    init?(_ text: String) {
        let url = (text.contains("://") ? "" : "https://") + text
        guard let parts = GitURL(url.secret), let host = Text(copying: parts.host),
            let (server, port) = GitAddress.split(host),
            let scheme = Text(copying: parts.scheme)?.lowerCased,
            // The password of a certificate's file has no host: cert:////home/alice/client.pem
            !host.isEmpty || scheme == "cert" && !parts.path.isEmpty
        else { return nil }
        var facts: [String: Text] = ["protocol": scheme, "server": server]
        facts["port"] = port
        if let user = parts.user.flatMap({ Text(copying: $0) }), !user.isEmpty {
            facts["user"] = user
        }
        if let path = Text(copying: parts.path), !path.isEmpty {
            // A file's keeps the slash that it begins with.
            facts["object"] = host.isEmpty ? Text("/" + path.string) : path
        }
        self.facts = facts
        namesPassword = parts.password != nil
    }

    /// Of a login's attributes.
    init(_ attributes: [String: Text]) {
        facts = attributes
        namesPassword = false
    }

    /// `host[:port]`; the host may be a bracketed IPv6 address. Nil if the port is not one.
    static func split(_ host: Text) -> (server: Text, port: Text?)? {
        guard let colon = host.bytes.lastIndex(of: UInt8(ascii: ":")),
            host.bytes.last != UInt8(ascii: "]")
        else { return (host, nil) }
        guard let port = Authority.port(host.bytes[(colon + 1)...]), colon > 0,
            let server = Text(validating: host.bytes[..<colon])
        else { return nil }
        return (server, Text("\(port)"))
    }

    /// Whether git takes a section of its configuration with this URL for the other one (urlmatch.c):
    /// a label `*` is any, no user is any, and a path is all below it.
    func covers(_ other: GitAddress) -> Bool {
        func labels(_ address: GitAddress) -> [Substring] {
            (address.facts["server"]?.string.lowercased() ?? "")
                .split(separator: ".", omittingEmptySubsequences: false)
        }
        func port(_ address: GitAddress) -> Text? {
            let usual: Text = address.facts["protocol"] == "http" ? "80" : "443"
            return address.facts["port"] == usual ? nil : address.facts["port"]
        }
        func path(_ address: GitAddress) -> String {
            address.facts["object"].map { "\($0)/" } ?? ""
        }
        let (mine, theirs) = (labels(self), labels(other))
        return facts["protocol"] == other.facts["protocol"] && port(self) == port(other)
            && (facts["user"] == nil || facts["user"] == other.facts["user"])
            && mine.count == theirs.count && zip(mine, theirs).allSatisfy { $0 == "*" || $0 == $1 }
            && path(other).hasPrefix(path(self))
    }

    /// The URL, with its user if that is wanted.
    func url(withUser: Bool) -> String {
        let user = withUser ? facts["user"]?.string.secret.percentEncoded() : nil
        return (facts["protocol"]?.string ?? "") + "://"
            + (user.flatMap { Text(copying: $0) }.map { "\($0)@" } ?? "")
            + (facts["server"]?.string ?? "") + (facts["port"].map { ":\($0)" } ?? "")
            + (facts["object"].map { "/" + $0.string.replacing("%", with: "%25") } ?? "")
    }
}

/// The parts of a URL as git reads it (credential.c, credential_from_url), decoded.
private struct GitURL {
    let scheme: Secret
    var user: Secret?
    var password: Secret?
    let host: Secret
    let path: Secret

    init?(_ url: Secret) {
        /// The first of these bytes from there on, or the end.
        func first(_ bytes: String, from start: Int) -> Int {
            url.expose { text in
                (start..<text.count).first { bytes.utf8.contains(text[$0]) } ?? text.count
            }
        }
        func part(_ start: Int, _ end: Int) -> Secret { url[start..<end].percentDecoded }
        let marker = first(":", from: 0)
        let start = marker + 3
        guard marker > 0, start <= url.count, url[marker..<start] == "://".secret else {
            return nil
        }
        scheme = url[0..<marker]
        let slash = first("/?#", from: start)
        let (at, colon) = (first("@", from: start), first(":", from: start))
        if at < slash {
            user = part(start, min(at, colon))
            if colon < at { password = part(colon + 1, at) }
        }
        host = part(at < slash ? at + 1 : start, slash)
        let path = url.expose { text in (slash..<text.count).first { text[$0] != 0x2F } }
            .map { part($0, url.count) }
        // It keeps its first byte.
        self.path =
            path.map { path in
                path[0..<path.expose { text in (text.indices.last { text[$0] != 0x2F } ?? 0) + 1 }]
            } ?? .empty
    }
}

extension Secret {
    fileprivate func contains(_ byte: UInt8) -> Bool {
        expose { bytes in bytes.indices.contains { bytes[$0] == byte } }
    }
}

extension Text {
    /// Whether a URL begins so: of letters, digits, `+`, `-` and `.`.
    fileprivate var isGitProtocol: Bool {
        !isEmpty
            && string.allSatisfy {
                $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0))
            }
    }
}
