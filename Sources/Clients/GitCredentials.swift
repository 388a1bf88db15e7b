package import Credentials
package import Files
package import TextEditing

/// `.git-credentials`, in which git's helper `store` keeps passwords in plain text: one URL a line,
/// `PROTOCOL://USER:PASSWORD@HOST[/PATH]`, each part percent-encoded (git-credential-store(1)).
package struct GitCredentials: PlaintextTarget {
    /// The use that git makes of the file for a login.
    package struct Use: Sendable {
        /// The reason why git will not ask Keyfob for the login; nil if it will.
        var refusal: String?
        /// The reason why git may not read the file for it; nil if it does.
        var disuse: String?
        /// The files in which git looks for it first.
        var earlier: [ClientFile] = []
    }

    package let file: ClientFile
    var use: @Sendable (Entry) -> Use = { _ in Use() }

    package var client: any Client { Git() }

    package func contents(of content: Secret) throws(StoreError) -> PlaintextContents {
        PlaintextContents(logins: logins(of: content).map(\.login))
    }

    /// A new line is inserted as the first one, as git does. Another one is moved before those that
    /// git would take instead: it uses the first line that fits.
    package func adding(_ login: Credential, to content: Secret) throws(StoreError) -> Secret {
        let line = try line(of: login)
        let (entry, all) = (login.entry, logins(of: content))
        let others = all.filter { $0.login.entry.identity == entry.identity }
        let first = all.first { _, other in
            other.entry.place == entry.place
                && (entry["object"] == nil || other.entry["object"] == entry["object"])
        }
        let isFirst = first?.login.entry.identity == entry.identity
        if isFirst, others.allSatisfy({ $0.login.secret == login.secret }) { return content }
        var edits = Edits()
        let start = others.isEmpty ? 0 : first?.line.lowerBound ?? 0
        edits.replace(isFirst ? others[0].line : start..<start, with: line)
        for other in others.dropFirst(isFirst ? 1 : 0) { edits.replace(other.line) }
        return edits.applied(to: content)
    }

    private func line(of login: Credential) throws(StoreError) -> Secret {
        let secret = GitSecret(stored: login.secret)
        guard let scheme = login["protocol"], let server = login["server"],
            let user = secret.token ?? login["user"]?.secret
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
            scheme.secret.percentEncoded(), "://".secret, user.percentEncoded(), ":".secret,
            password.percentEncoded(), "@".secret, host.secret.percentEncoded(),
        ]
        if let path = login["object"] {
            guard path.bytes.first != UInt8(ascii: "/") else {
                throw StoreError(.unfitForFile, "git does not find a path in it that begins with /")
            }
            parts += ["/".secret, path.secret.percentEncoded(except: "!*'();:@&=+$,/?#[]")]
        }
        return Secret(joining: parts + ["\n".secret])
    }

    package func cut(
        where isMeant: LoginTest, of content: Secret, in edits: inout Edits, keepsMarks: Bool
    ) throws(StoreError) -> [Entry] {
        let meant = logins(of: content).filter { isMeant($0.login) }
        for (line, _) in meant { edits.replace(line) }
        return meant.map(\.login.entry)
    }

    private func logins(of content: Secret) -> [(line: Range<Int>, login: PlaintextLogin)] {
        var earlier: [ClientFile: Lines] = [:]
        var lines = Lines()
        return content.lines.compactMap { line in
            guard var login = login(content[line]) else { return nil }
            let use = use(login.entry)
            if let disuse = use.disuse {
                login.obstacle = disuse
                login.isShadowed = true
                return (line, login)
            }
            for file in use.earlier {
                if earlier[file] == nil { earlier[file] = Lines(of: file) }
                earlier[file]?.judge(&login)
            }
            lines.judge(&login)
            lines.add(login)
            if login.obstacle == nil { login.obstacle = use.refusal }
            return (line, login)
        }
    }

    /// The lines in which git looks for a login before it comes to another line: it uses the first
    /// one that fits.
    private struct Lines {
        private var first: [Place: PlaintextLogin] = [:]
        private var ofPaths: Set<Place> = []
        /// The places with a login that no store can have.
        private var staying: Set<Place> = []

        init() {}

        init(of file: ClientFile) {
            guard let content = try? file.read() else { return }
            for (_, login) in GitCredentials(file: file).logins(of: content) { add(login) }
        }

        mutating func add(_ login: PlaintextLogin) {
            if let place = login.entry.identity, login.obstacle == nil {
                first[place] = first[place] ?? login
            }
            guard let host = login.entry.place, !login.isShadowed else { return }
            if login.entry["object"] != nil {
                ofPaths.insert(host)
            } else if login.obstacle != nil {
                staying.insert(host)
            }
        }

        /// Gives a login of a later line the reason why it must stay, if there is one.
        func judge(_ login: inout PlaintextLogin) {
            guard login.obstacle == nil, let place = login.entry.identity else { return }
            if let other = first[place], !other.isSame(as: login.credential) {
                login.obstacle = "an earlier line has another password for it"
                login.isShadowed = true
            } else if login.entry["object"] == nil, let host = login.entry.place {
                // If git asks without a path, it uses that line; a store would return this one.
                if ofPaths.contains(host) {
                    login.obstacle = "git uses an earlier line, which is for a single path"
                } else if staying.contains(host) {
                    login.obstacle = "git uses an earlier line, which stays"
                }
            }
        }
    }

    /// Returns the login in a line; nil if git finds none in it (credential.c, credential_from_url;
    /// credential-store.c, parse_credential_file).
    private func login(_ line: Secret) -> PlaintextLogin? {
        let isWhole = line.ends(with: 0x0A)
        // For git a line ends at a NUL.
        let end = line.first { $0 == 0 } ?? line.count - (isWhole ? 1 : 0)
        let text = line[0..<end]
        let endsInCR = text.ends(with: 0x0D)
        guard let parts = GitURL(text[0..<text.count - (endsInCR ? 1 : 0)]),
            let user = parts.user, let password = parts.password,
            !parts.host.isEmpty || !parts.path.isEmpty,
            // git ignores a line whose decoded parts contain a line feed.
            ![user, password, parts.host, parts.path].contains(where: { $0.contains(0x0A) }),
            let scheme = Text(copying: parts.scheme), scheme.isGitProtocol,
            let host = Text(copying: parts.host)
        else { return nil }
        let address = host.serverAndPort
        let (name, path) = (Text(copying: user), Text(copying: parts.path))
        let entry = Entry.git(
            protocol: scheme, server: address?.server ?? host, port: address?.port,
            object: path?.isEmpty == true ? nil : path, user: name ?? "?")
        var obstacle: String?
        if name == nil || path == nil { obstacle = "its user name or path is not UTF-8" }
        if address == nil { obstacle = "its port is not valid" }
        if endsInCR { obstacle = "git reads no line that ends with a carriage return" }
        if parts.hasSeveralAts { obstacle = "git finds no host in a line with an @ too many" }
        var secret = GitSecret()
        secret.password = password
        if !secret.isOfLines { obstacle = "its password contains a carriage return or a NUL" }
        var login = PlaintextLogin(.git(entry, secret), obstacle: obstacle)
        login.isShadowed = endsInCR || parts.hasSeveralAts
        return login
    }
}
