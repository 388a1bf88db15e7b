package import Credentials
package import Files
internal import TextEditing

/// npm (10.8), which has no credential helpers: `keyfob exec` gives it its token.
///
/// It finds a token by the longest part of a registry's address that its settings name, as
/// `//HOST[:PORT][/PATH]/:_authToken`: in its environment first, then in the `.npmrc` of the
/// project, of the user and of the machine. It sends the value as it is: a line with a variable
/// that is not set would make even public requests fail (401). So an import removes the line.
package struct Npm: Client {
    package init() {}

    package var name: Text { "npm" }
    package var schema: Schema { .token }
    package var userNames: UserNames { .optional }
    package var files: ClientFiles { .written }
    package var variables: [String] {
        ["NPM_CONFIG_USERCONFIG", "npm_config_userconfig", "NPM_CONFIG_GLOBALCONFIG"]
            + ["npm_config_globalconfig", "NPM_CONFIG_PREFIX", "npm_config_prefix"]
    }

    /// npm accepts its settings in the environment in any case.
    package func isLogin(variable name: String, for server: Text?) -> Bool {
        let key = server.map { Npm.key($0) ?? $0 }?.string.lowercased() ?? ""
        return name.lowercased().hasPrefix("npm_config_//" + key + (key.isEmpty ? "" : "/:"))
    }

    package var readsEnvironment: Bool { true }

    package func execution(
        of login: Credential, in surroundings: Surroundings
    ) throws(StoreError) -> Execution {
        let key = login["key"]?.string ?? ""
        let setting = "npm_config_//\(key)/:"
        guard let username = login.entry.username else {
            guard NpmSettings.isPlain(login.secret) else { throw Npm.unfit }
            return Execution(secret: (setting + "_authToken", login.secret))
        }
        return Execution(secret: (setting + "_auth", Npm.basic(username, login.secret)))
    }

    fileprivate static let unfit = StoreError(
        .unfitForFile, "npm would misread this token",
        hint: "make a token of letters, digits and punctuation without quotes, spaces, ; # \\ or $")

    fileprivate static func basic(_ username: Text, _ password: Secret) -> Secret {
        Secret(base64Of: Secret(joining: [(username.string + ":").secret, password]))
    }

    // MARK: Lookup

    package func queries(for server: Text, among entries: [Entry]) -> [Query] {
        [tokenQuery(Npm.key(server) ?? server)]
    }

    /// Returns the queries for the shorter addresses with which the server begins, the longest
    /// first.
    package func fallbackQueries(for server: Text) -> [Query] {
        var rest = Npm.key(server)?.string[...] ?? ""
        var queries: [Query] = []
        while let slash = rest.lastIndex(of: "/") {
            rest = rest[..<slash]
            queries += [Text(String(rest))].compactMap(\.self).map(tokenQuery)
        }
        return queries
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
        let besides = [project(surroundings), machine(surroundings)].map { $0.exists ? [$0] : [] }
        return (besides[0] + [user(surroundings)] + besides[1]).map { NpmSettings($0) }
    }

    package func plaintextTarget(
        in surroundings: Surroundings
    ) throws(StoreError) -> any PlaintextTarget {
        NpmSettings(user(surroundings))
    }

    private func setting(_ name: String, _ surroundings: Surroundings) -> String? {
        surroundings["npm_config_" + name] ?? surroundings["NPM_CONFIG_" + name.uppercased()]
    }

    private func user(_ surroundings: Surroundings) -> ClientFile {
        ClientFile(setting("userconfig", surroundings) ?? surroundings.home + "/.npmrc")
    }

    /// Returns the project's file. The project is the nearest folder, from the current one up, that
    /// has a `package.json` or `node_modules`; else the current folder.
    private func project(_ surroundings: Surroundings) -> ClientFile {
        let here = ClientFile(".npmrc")
        var folder = here.path.folder
        while !ClientFile(folder + "/package.json").exists,
            !ClientFile(folder + "/node_modules").exists
        {
            guard folder != "/" else { return here }
            folder = folder.folder
        }
        return ClientFile(folder + "/.npmrc")
    }

    /// Returns the machine's file. npm's prefix is the folder above that of its `node`, unless a
    /// setting names another.
    private func machine(_ surroundings: Surroundings) -> ClientFile {
        if let named = setting("globalconfig", surroundings) { return ClientFile(named) }
        let node = surroundings.program("node").map { ClientFile($0).identity.folder.folder }
        let prefix = setting("prefix", surroundings) ?? node
        return ClientFile((prefix ?? "/usr/local") + "/etc/npmrc")
    }
}

/// `.npmrc`, in which npm keeps its settings, one a line (the package `ini`), with the tokens of
/// its registries.
package struct NpmSettings: PlaintextTarget {
    package let file: ClientFile

    package init(_ file: ClientFile) { self.file = file }

    package var client: any Client { Npm() }

    package func contents(of content: Secret) throws(StoreError) -> PlaintextContents {
        PlaintextContents(logins: logins(of: content).map(\.login))
    }

    @discardableResult
    package func remove(where isMeant: LoginTest) throws(StoreError) -> [Entry] {
        try edit { content, edits in
            let meant = logins(of: content).filter { isMeant($0.login) }
            for line in meant.flatMap(\.lines) { edits.replace(line) }
            return meant.map(\.login.entry)
        }
    }

    package func adding(_ login: Credential, to content: Secret) throws(StoreError) -> Secret {
        guard let key = login["key"] else {
            throw StoreError(.unfitForFile, "it names no registry")
        }
        var edits = Edits()
        let all = logins(of: content)
        guard !all.contains(where: { $0.login.obstacle == NpmSettings.nobodys }) else {
            throw StoreError(
                .unfitForFile, "npm refuses the file: it has a token that names no registry",
                hint: "npm config fix")
        }
        let same = all.filter { $0.login.isForSame(as: login) }
        if same.contains(where: { $0.login.isSame(as: login) && $0.login.obstacle == nil }) {
            return content
        }
        for line in same.flatMap(\.lines) { edits.replace(line) }
        let isEnded = content.isEmpty || content.ends(with: 0x0A)
        var parts = isEnded ? [] : ["\n".secret]
        if let username = login.entry.username {
            parts += ["//\(key)/:_auth=".secret, Npm.basic(username, login.secret)]
        } else {
            guard NpmSettings.isPlain(login.secret) else { throw Npm.unfit }
            parts += ["//\(key)/:_authToken=".secret, login.secret]
        }
        // After the header of a section npm would not read it as a setting.
        let end = settings(of: content).last?.line.upperBound
        let place = hasSection(content) ? end ?? 0 : content.count
        edits.replace(place..<place, with: Secret(joining: parts + ["\n".secret]))
        return edits.applied(to: content)
    }

    /// Returns true if npm reads the value as it is written.
    static func isPlain(_ value: Secret) -> Bool {
        !value.isEmpty
            && value.allSatisfy { byte in
                (0x21...0x7E).contains(byte) && !"\"'\\;#$".utf8.contains(byte)
            }
    }

    // MARK: Reading

    /// A setting, and its line.
    private struct Setting {
        let line: Range<Int>
        /// The part of the address that it is for, as it is written; nil if it names none.
        let address: Text?
        let name: Text
        let value: Secret
    }

    private typealias Found = (lines: [Range<Int>], login: PlaintextLogin)

    /// Returns the logins with their lines. For one registry npm prefers a token to a name and
    /// password in one value, and that to both in values of their own. Of two lines with one name
    /// it uses the later.
    private func logins(of content: Secret) -> [Found] {
        var order: [Text?] = []
        var all: [Text?: [Setting]] = [:]
        for setting in settings(of: content) where NpmSettings.names.contains(setting.name) {
            if all[setting.address] == nil { order.append(setting.address) }
            all[setting.address, default: []].append(setting)
        }
        var used: Set<Text> = []
        return order.flatMap { address -> [Found] in
            let settings = all[address] ?? []
            func last(_ name: Text) -> Setting? { settings.last { $0.name == name } }
            var found: [Found] = []
            func add(_ names: [Text], _ username: Text?, _ secret: Secret?, _ obstacle: String?) {
                let lines = settings.filter { names.contains($0.name) }.map(\.line)
                var login = login(address, username, secret, obstacle)
                if let key = login.entry["key"], login.obstacle == nil,
                    !used.insert(key).inserted
                {
                    login.obstacle = "npm uses another line for this registry"
                    login.isShadowed = true
                }
                found.append((lines, login))
            }
            if let token = last("_authToken") {
                add(["_authToken"], nil, token.value, nil)
            }
            if let pair = last("_auth") {
                let parts = Secret(base64: pair.value).flatMap(split)
                add(
                    ["_auth"], parts?.username, parts?.password,
                    parts == nil ? "it is not a name and a password in base64" : nil)
            }
            if let password = last("_password") {
                let name = last("username").flatMap { Text(copying: $0.value) }
                let secret = Secret(base64: password.value)
                add(
                    ["_password"] + (name == nil ? [] : ["username"]), name, secret,
                    name == nil
                        ? "it has no user name" : secret == nil ? "it is not base64" : nil)
            }
            return found
        }
    }

    private static let names: [Text] = ["_authToken", "_auth", "_password", "username"]
    private static let nobodys = "npm 9 and newer refuse it: it names no registry"

    private func login(
        _ address: Text?, _ username: Text?, _ secret: Secret?, _ obstacle: String?
    ) -> PlaintextLogin {
        let key = address.flatMap { Npm.key(Text("//\($0)") ?? "") }
        var obstacle = obstacle
        if address == nil { obstacle = NpmSettings.nobodys }
        if address != nil, key != address {
            obstacle = "npm does not accept this spelling of a registry"
        }
        if let secret, username == nil, obstacle == nil, !NpmSettings.isPlain(secret) {
            obstacle = "no variable can pass it to npm"
        }
        return PlaintextLogin(
            .token(
                of: "npm", key: key ?? address ?? "registry.npmjs.org",
                username: username?.isEmpty == true ? nil : username),
            secret: secret ?? "".secret, obstacle: obstacle,
            spelling: key == address ? nil : address)
    }

    private func split(_ pair: Secret) -> (username: Text, password: Secret)? {
        guard let colon = pair.first(where: { $0 == UInt8(ascii: ":") }),
            let username = Text(copying: pair[0..<colon]), !username.isEmpty
        else {
            return nil
        }
        return (username, pair[colon + 1..<pair.count])
    }

    /// Returns true if the file has the header of a section.
    private func hasSection(_ content: Secret) -> Bool {
        content.lines.contains { isHeader(content[$0]) }
    }

    private func isHeader(_ line: Secret) -> Bool {
        line.hasPrefix("[")
    }

    /// Returns the settings before the first section, without those whose value names a variable.
    private func settings(of content: Secret) -> [Setting] {
        var settings: [Setting] = []
        for line in content.lines {
            let text = content[line].trimmed
            if isHeader(text) { break }
            guard !text.hasPrefix(";"), !text.hasPrefix("#"),
                let equals = text.first(where: { $0 == UInt8(ascii: "=") }),
                let key = Text(copying: text[0..<equals].trimmed),
                let value = value(text[equals + 1..<text.count].trimmed), !value.isEmpty
            else { continue }
            let words = key.string
            let colon = words.lastIndex(of: ":")
            let isScoped = words.hasPrefix("//") && colon != nil
            let name = isScoped ? String(words[words.index(after: colon!)...]) : words
            var address = isScoped ? String(words[..<colon!].dropFirst(2)) : ""
            if address.hasSuffix("/") { address.removeLast() }
            settings.append(
                Setting(
                    line: line, address: isScoped ? Text(address) : nil, name: Text(name) ?? "",
                    value: value))
        }
        return settings
    }

    /// Returns the value that npm reads from the text of a value; nil if it names a variable.
    private func value(_ written: Secret) -> Secret? {
        let isQuoted = ["\"", "'"].contains { quote in
            written.count > 1 && written.hasPrefix(quote) && written.ends(with: quote.utf8.first!)
        }
        if isQuoted { return withoutVariables(written[1..<written.count - 1]) }
        // After a backslash, another one and `;` and `#` are part of the value; else `;` and `#`
        // end it.
        var (isEscaping, hasEnded) = (false, false)
        let plain = Secret(converting: written, growth: 2) { byte, output in
            if hasEnded { return }
            if isEscaping, byte.map({ "\\;#".utf8.contains($0) }) != true {
                output.append(UInt8(ascii: "\\"))
            }
            guard let byte else { return }
            if !isEscaping, byte == UInt8(ascii: "\\") { return isEscaping = true }
            hasEnded = !isEscaping && ";#".utf8.contains(byte)
            if !hasEnded { output.append(byte) }
            isEscaping = false
        }
        return withoutVariables(plain.trimmed)
    }

    private func withoutVariables(_ value: Secret) -> Secret? {
        (0..<value.count).contains { value.holds(Array("${".utf8), at: $0) } ? nil : value
    }
}
