package import Credentials

// The words by which the user knows a login, and the part of it that logs in.

extension Schema {
    /// True if a place may have several logins.
    package var hasAccounts: Bool { !accountNames.isEmpty }
}

extension Entry {
    /// The name of the login's client in `--client`; podman's logins are docker's.
    package var clientName: String {
        self["client"]?.string
            ?? Clients.all.first { $0.schema.family == schema.family }?.name.string
            ?? schema.rawValue
    }

    /// The server of the login, as the user would type it.
    package var serverName: String {
        switch schema.family {
        case .docker: self["server"].map { ServerKey($0).listed.string } ?? ""
        case .cargo: shownIndex
        case .token: self["key"]?.string ?? ""
        case .git: GitAddress(attributes).url(withUser: false)
        }
    }

    /// The URL of cargo's index. If that contains a password or a token, it is cargo's name for it,
    /// or the URL without them.
    private var shownIndex: String {
        let url = self["url"]?.string ?? ""
        let shown = url.shownAddress
        return shown == url ? url : cargoName?.string ?? shown
    }

    /// The server of the login, as it is spelled in the store.
    package var spelling: String { self["server"].map(\.string) ?? serverName }

    /// The query by which its client asks for the login: docker asks by the host. Nil if it does
    /// not name its server.
    package var askedQuery: Query? {
        let key = self["server"].map { ServerKey($0) }
        guard schema.family == .docker, let key,
            case let asked = key.isHub ? ServerKey.hub.spelling : key.spelling.dockerHost,
            ServerKey(asked).normalForm == key.normalForm
        else { return Query(replacedBy: self) }
        return Query(replacedBy: .docker(server: asked, username: "").in(schema.account))
    }

    /// The word by which the user can name the login: for git a URL with the user, else the server.
    package var accountName: String {
        schema.family == .git ? GitAddress(attributes).url(withUser: shownUser != nil) : serverName
    }

    /// The user name as it is shown. Nil if there is none or it is empty, or if it is a token,
    /// which is a secret.
    package var shownUser: String? {
        username.flatMap { $0.isEmpty || $0.looksLikeToken ? nil : $0.string }
    }

    package var username: Text? { attributes[schema.family == .git ? "user" : "username"] }

    /// `docker registry.example.com (alice)`
    package var description: String {
        "\(clientName) \(serverName)" + (shownUser.map { " (\($0))" } ?? "")
            + (schema.account.map { " of the account \($0)" } ?? "")
    }
}

extension Credential {
    /// Returns true if both have the same user and the same secret.
    package func isSame(as other: Credential) -> Bool {
        entry.username == other.entry.username && secret == other.secret
    }

    /// The part of a secret that logs in by itself.
    package enum Alone {
        case secret(Secret), expired, nothing
    }

    /// Returns the part of the secret that logs in by itself: of a git login the password or the
    /// credential, without the other fields that are stored with it. `now` is in seconds since
    /// 1970.
    package func alone(at now: UInt64) -> Alone {
        guard entry.schema.family == .git else { return .secret(secret) }
        let parts = GitSecret(stored: secret)
        if parts.hasExpired(at: now) { return .expired }
        return parts.alone(for: entry.username).map { .secret($0) } ?? .nothing
    }

    /// The login as it is stored: a git login has the form in which the front-end of git's protocol
    /// stores it.
    package var asStored: Credential {
        guard entry.schema.family == .git else { return self }
        var parts = GitSecret()
        parts.password = secret
        return .git(entry, parts)
    }
}
