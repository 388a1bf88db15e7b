package import Credentials
package import Files
internal import TextEditing

/// `.git-credentials`, in which git's helper `store` keeps passwords in plain text: one URL a line,
/// `PROTOCOL://USER:PASSWORD@HOST[/PATH]`, each part percent-encoded (git-credential-store(1)).
package struct GitCredentials: PlaintextTarget {
    package let file: ClientFile
    /// Returns why git will not ask Keyfob for a login; nil if it will.
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

    /// A new line is inserted as the first one, as git does.
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

    @discardableResult
    package func remove(where isMeant: LoginTest) throws(StoreError) -> [Entry] {
        try edit { content, edits in
            let meant = logins(of: content).filter { isMeant($0.login) }
            for (line, _) in meant { edits.replace(line) }
            return meant.map(\.login.entry)
        }
    }

    private func logins(of content: Secret) -> [(line: Range<Int>, login: PlaintextLogin)] {
        // Of two lines for the same login, git uses the first.
        var first: [Place: PlaintextLogin] = [:]
        var ofPaths: Set<Place> = []
        return content.lines.compactMap { line in
            guard var login = login(content[line]) else { return nil }
            let host = login.entry.place
            let isOfPath = login.entry["object"] != nil
            if let place = login.entry.identity, login.obstacle == nil {
                if let other = first[place], !other.isSame(as: login.credential) {
                    login.obstacle = "an earlier line has another password for it"
                    login.isShadowed = true
                } else if !isOfPath, let host, ofPaths.contains(host) {
                    // If git asks without a path, it uses that line; a store would return this one.
                    login.obstacle = "git uses an earlier line, which is for a single path"
                }
                first[place] = first[place] ?? login
            }
            if isOfPath, let host { ofPaths.insert(host) }
            return (line, login)
        }
    }

    /// Returns the login in a line; nil if git finds none in it (credential.c, credential_from_url;
    /// credential-store.c, parse_credential_file).
    private func login(_ line: Secret) -> PlaintextLogin? {
        let isWhole = line.ends(with: 0x0A)
        let text = line[0..<line.count - (isWhole ? 1 : 0)]
        let endsInCR = text.ends(with: 0x0D)
        guard let parts = GitURL(text[0..<text.count - (endsInCR ? 1 : 0)]),
            let user = parts.user, let password = parts.password,
            !parts.host.isEmpty || !parts.path.isEmpty,
            // git ignores a line whose decoded parts contain a line feed.
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
