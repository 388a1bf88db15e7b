package import Credentials
package import Files
package import TextEditing

/// `.npmrc`, in which npm keeps its settings, one a line (the package `ini`), with the tokens of
/// its registries.
package struct NpmSettings: PlaintextTarget {
    package let file: ClientFile
    /// The names of the variables that are set.
    var variables: [String] = []
    /// The reason why no login of the file can be imported; nil if one can.
    var obstacle: String?
    /// The files that npm reads, the one that it prefers first; this one alone if it names none.
    var files: [ClientFile] = []

    package var client: any Client { Npm() }

    package func contents(of content: Secret) throws(StoreError) -> PlaintextContents {
        var contents = PlaintextContents(logins: logins(of: content).map(\.login))
        for setting in settings(of: content) where NpmSettings.kinds.contains(setting.name) {
            guard let variable = setting.variable, variables.contains(variable) else { continue }
            contents.references.append((variable, login(setting.address, nil, nil, nil)))
        }
        return contents
    }

    /// npm uses the login of a shorter address. The value of a variable is not known, so the address
    /// may be that of any server that begins as it does.
    package func isUsed(_ login: PlaintextLogin, for server: Text) -> Bool {
        guard let address = login.entry["key"]?.string, let key = Npm.key(server)?.string
        else { return false }
        guard let variable = address.firstRange(of: "${")?.lowerBound else {
            return key.hasPrefix(address + "/")
        }
        return key.hasPrefix(address[..<variable]) || address.hasPrefix(key + "/")
    }

    package func cut(
        where isMeant: LoginTest, of content: Secret, in edits: inout Edits, keepsMarks: Bool
    ) throws(StoreError) -> [Entry] {
        let meant = logins(of: content).filter { isMeant($0.login) }
        for line in meant.flatMap(\.lines) { edits.replace(line) }
        return meant.map(\.login.entry)
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

    private struct Setting {
        let line: Range<Int>
        /// The part of the address that it is for, as it is written; nil if it names none.
        let address: Text?
        /// True if the address has a slash at its end: npm tries that one first.
        let hasSlash: Bool
        let name: Text
        let value: Secret
        var isList = false

        func isFor(_ other: Setting) -> Bool {
            address == other.address && hasSlash == other.hasSlash
        }

        /// The variable that is the whole value; nil if it is anything else.
        var variable: String? {
            guard value.hasPrefix("${"), value.ends(with: UInt8(ascii: "}")) else { return nil }
            let name = value[2..<value.count - 1]
            return name.contains { "${}".utf8.contains($0) } ? nil : name.publicString
        }
    }

    /// Returns the value of a setting that is not a login's; nil if it is not set.
    func value(of name: Text) -> String? {
        guard let content = try? file.read() else { return nil }
        return settings(of: content).last { $0.address == nil && $0.name == name }?.value
            .publicString
    }

    /// Returns true if npm takes a token for the registry from this file's lines of this form.
    func holdsToken(for key: Text) -> Bool {
        let content = (try? file.read()) ?? .empty
        return settings(of: content).contains {
            $0.address == key && $0.hasSlash && $0.name == "_authToken"
        }
    }

    private typealias Found = (lines: [Range<Int>], login: PlaintextLogin)

    /// A setting, and the file that it is in.
    private typealias Placed = (setting: Setting, file: ClientFile)

    /// Returns the logins with their lines.
    private func logins(of content: Secret) -> [Found] {
        let own = settings(of: content)
        let all: [Placed] = (files.isEmpty ? [file] : files).flatMap { other in
            let found = other == file ? own : (try? other.read()).map(settings)
            return (found ?? []).reversed().map { ($0, other) }
        }
        let inAddresses = own.compactMap { loginInAddress($0, of: content) }
        let addresses = own.enumerated().filter { index, setting in
            own.firstIndex(where: setting.isFor) == index
        }
        // Of several lines with one name the last one counts.
        let logins: [Found] = addresses.flatMap { _, address in
            NpmSettings.kinds.compactMap { kind in
                own.last { $0.isFor(address) && $0.name == kind && $0.variable == nil }
                    .map { found($0, among: own, all) }
            }
        }
        return inAddresses + logins
    }

    /// Returns the login of a setting that has a secret, with the lines that make it.
    private func found(_ setting: Setting, among own: [Setting], _ all: [Placed]) -> Found {
        let name = NpmSettings.name(beside: setting, among: all.map(\.setting))
        let lines = own.filter {
            $0.isFor(setting) && $0.variable == nil
                && ($0.name == setting.name || name != nil && $0.name == "username")
        }
        let part = NpmSettings.part(setting, name)
        var login = login(
            setting.address, part.username, part.secret,
            obstacle(of: [setting, name].compactMap(\.self)) ?? part.obstacle ?? obstacle)
        if login.obstacle == nil, let (used, place) = NpmSettings.used(setting, among: all),
            place != file || used.line != setting.line,
            used.name != setting.name || used.value != setting.value
        {
            login.obstacle = "npm uses another line for it, in \(place.path)"
            login.isShadowed = true
        }
        return (lines.map(\.line), login)
    }

    /// Returns the setting with a secret that npm uses for the address of one. It prefers the
    /// address with a slash at its end; then a token to a name and password in one value, and that
    /// to both in values of their own.
    private static func used(_ setting: Setting, among all: [Placed]) -> Placed? {
        for hasSlash in [true, false] {
            for kind in kinds {
                let found = all.first {
                    $0.setting.address == setting.address && $0.setting.hasSlash == hasSlash
                        && $0.setting.name == kind
                }
                guard let found,
                    kind != "_password"
                        || name(beside: found.setting, among: all.map(\.setting)) != nil
                else { continue }
                return found
            }
        }
        return nil
    }

    /// Returns the user name that npm joins with a password, which may be in another file.
    private static func name(beside setting: Setting, among all: [Setting]) -> Setting? {
        guard setting.name == "_password" else { return nil }
        return all.first { $0.isFor(setting) && $0.name == "username" }
    }

    /// Returns the login that a setting has, and why it cannot be used, or nil.
    private static func part(
        _ setting: Setting, _ name: Setting?
    ) -> (username: Text?, secret: Secret?, obstacle: String?) {
        switch setting.name {
        case "_authToken": return (nil, setting.value, nil)
        case "_auth":
            let halves = Secret(base64: setting.value).flatMap(split)
            return (
                halves?.username, halves?.password,
                halves == nil ? "it is not a name and a password in base64" : nil
            )
        default:
            let secret = Secret(base64: setting.value)
            let obstacle =
                name == nil
                ? "it has no user name"
                : secret == nil
                    ? "it is not base64"
                    : secret?.isUTF8 == false ? "its password is not UTF-8" : nil
            return (name.flatMap { Text(copying: $0.value) }, secret, obstacle)
        }
    }

    private func obstacle(of settings: [Setting]) -> String? {
        if settings.contains(where: { $0.value.holds("${") }) {
            return "its value contains a variable"
        }
        return settings.contains(where: \.isList) ? "its value is a list" : nil
    }

    /// The names of the settings that have a secret, in the order in which npm prefers them.
    private static let kinds: [Text] = ["_authToken", "_auth", "_password"]
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
        if address?.string.contains("${") == true { obstacle = "its address contains a variable" }
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

    /// Returns the login in the address of a registry, and its place there; nil if there is none.
    private func loginInAddress(_ setting: Setting, of content: Secret) -> Found? {
        guard setting.address == nil,
            setting.name == "registry" || setting.name.string.hasSuffix(":registry"),
            let url = GitURL(setting.value),
            let user = url.user, !user.isEmpty || url.password != nil,
            let start = setting.line.first(where: { content.holds(Array("://".utf8), at: $0) })
        else { return nil }
        let line = content[start + 3..<setting.line.upperBound]
        guard let end = line[0..<line.pathStart].last(where: { $0 == UInt8(ascii: "@") }) else {
            return nil
        }
        let path = url.path.isEmpty ? [] : ["/".secret, url.path]
        let address = Text(copying: Secret(joining: [url.host] + path))
        // A user name alone is a token.
        let login = login(
            address, url.password == nil ? nil : Text(copying: user), url.password ?? user,
            "it is in the address of a registry")
        return ([start + 3..<start + 3 + end + 1], login)
    }

    private static func split(_ pair: Secret) -> (username: Text, password: Secret)? {
        guard let colon = pair.first(where: { $0 == UInt8(ascii: ":") }),
            let username = Text(copying: pair[0..<colon]), !username.isEmpty
        else {
            return nil
        }
        return (username, pair[colon + 1..<pair.count])
    }

    private func hasSection(_ content: Secret) -> Bool {
        lines(of: content).contains { isHeader(content[$0]) }
    }

    private func isHeader(_ line: Secret) -> Bool {
        let text = NpmSettings.trimmed(line)
        return line.hasPrefix("[")
            && text.first { $0 == UInt8(ascii: "]") } == text.count - 1
    }

    /// Returns the lines, each of which ends at a line feed, a carriage return, or both.
    private func lines(of content: Secret) -> [Range<Int>] {
        content.lines.flatMap { line in
            var lines: [Range<Int>] = []
            var start = line.lowerBound
            let end = line.lowerBound + content[line].withoutLineEnd.count
            while let mark = content[start..<end].first(where: { $0 == 0x0D }) {
                lines.append(start..<start + mark + 1)
                start += mark + 1
            }
            return lines + [start..<line.upperBound]
        }
    }

    /// Returns the settings before the first section.
    private func settings(of content: Secret) -> [Setting] {
        var settings: [Setting] = []
        for line in lines(of: content) {
            if isHeader(content[line]) { break }
            let text = NpmSettings.trimmed(content[line])
            guard !text.isEmpty, !text.hasPrefix(";"), !text.hasPrefix("#"), !text.hasPrefix("=")
            else { continue }
            let equals = text.first { $0 == UInt8(ascii: "=") }
            // A name alone is true.
            let value =
                equals.map { self.value(NpmSettings.trimmed(text[$0 + 1..<text.count])) }
                ?? "true".secret
            guard
                var words = Text(
                    copying: self.value(NpmSettings.trimmed(text[0..<(equals ?? text.count)])))?
                    .string,
                !value.isEmpty,
                !["false", "null", "undefined"].contains(where: { value == $0.secret })
            else { continue }
            let isList = words.hasSuffix("[]")
            if isList { words.removeLast(2) }
            let colon = words.lastIndex(of: ":")
            let isScoped = words.hasPrefix("//") && colon != nil
            var name = isScoped ? String(words[words.index(after: colon!)...]) : words
            var address = isScoped ? String(words[..<colon!].dropFirst(2)) : nil
            let hasSlash = address?.hasSuffix("/") == true
            if hasSlash { address?.removeLast() }
            // Through a variable it may be a login.
            if isScoped
                ? name.contains("${") : name.hasPrefix("${") && !name.hasSuffix(":registry")
            {
                (address, name) = (String(words.dropFirst(isScoped ? 2 : 0)), "_authToken")
            }
            settings.append(
                Setting(
                    line: line, address: address.flatMap { Text($0) }, hasSlash: hasSlash,
                    name: Text(name) ?? "", value: value, isList: isList))
        }
        return settings
    }

    /// Returns the name or the value that npm reads from its text (the package `ini`, `unsafe`).
    private func value(_ written: Secret) -> Secret {
        if written.count > 1, written.hasPrefix("\""), written.ends(with: UInt8(ascii: "\"")) {
            return (try? JSONText(written))?.root?.secret ?? written
        }
        if written.count > 1, written.hasPrefix("'"), written.ends(with: UInt8(ascii: "'")) {
            return written[1..<written.count - 1]
        }
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
        return NpmSettings.trimmed(plain)
    }

    /// The white space beyond ASCII that JavaScript trims. A byte order mark belongs to it.
    private static let spaces =
        ([0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF] + Array(0x2000...0x200A))
        .compactMap(Unicode.Scalar.init).map { Array(String($0).utf8) }

    private static func trimmed(_ text: Secret) -> Secret {
        var text = text.trimmed
        while let space = spaces.first(where: { text.holds($0) }) {
            text = text[space.count..<text.count].trimmed
        }
        while let space = spaces.first(where: {
            text.count >= $0.count && text.holds($0, at: text.count - $0.count)
        }) {
            text = text[0..<text.count - space.count].trimmed
        }
        return text
    }
}

extension Secret {
    /// Returns true if the text is anywhere in it.
    func holds(_ text: String) -> Bool {
        (0..<count).contains { holds(Array(text.utf8), at: $0) }
    }
}
