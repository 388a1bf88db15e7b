package import Credentials
internal import Glibc

/// git's credential helper protocol (gitcredentials(7), git-credential(1)), which serves git LFS, Go
/// and whoever else asks git.
///
/// git ignores a helper's exit status, and takes a line that it does not understand for the end of
/// the answer. So nothing is printed but an answer, and every failure speaks on standard error, which
/// git passes on. An answer never names a protocol, a host or a path: git would follow it there.
package struct GitFrontend: Frontend {
    /// The longest input, in bytes.
    package static let inputLimit = 1 << 20

    private let program: String
    private let version: String
    private let now: () -> UInt64
    private let store: () throws(StoreError) -> any CredentialStore

    /// `store` is called once and only by a request that needs it. `now` is in seconds since 1970.
    package init(
        program: String, version: String, now: (() -> UInt64)? = nil,
        store: @escaping () throws(StoreError) -> any CredentialStore
    ) {
        self.program = program
        self.version = version
        self.now = now ?? { UInt64(max(time(nil), 0)) }
        self.store = store
    }

    package func serve(_ arguments: [String], over channel: any Channel) -> ExitStatus {
        do throws(Refusal) {
            return channel.answer(try answer(to: arguments, over: channel))
        } catch {
            guard case .refused(let message, let hint) = error else { return channel.answer(nil) }
            channel.complain("\(program): \(message)")
            if let hint { channel.hint(hint) }
            return .failure
        }
    }

    private func answer(
        to arguments: [String], over channel: any Channel
    ) throws(Refusal) -> Secret? {
        // What the configuration names comes first, and is nothing to us.
        switch arguments.last {
        case "get":
            return try get(try description(from: channel))
        case "store":
            let login = try description(from: channel)
            channel.willChangeStore()
            try save(login)
            return nil
        case "erase":
            let login = try description(from: channel)
            channel.willChangeStore()
            try erase(login)
            return nil
        case "capability":
            return "version 0\ncapability authtype".secret
        case "--version", "version":
            return versionLine(of: program, version)
        case nil:
            throw .refused(
                "usage: \(program) <get|store|erase|capability>",
                hint: "git calls it: git config --global credential.helper keyfob")
        default:
            // git may have more actions one day, which a helper must pass over.
            return nil
        }
    }

    private func description(from channel: any Channel) throws(Refusal) -> GitDescription {
        try GitDescription(try channel.input(atMost: GitFrontend.inputLimit))
    }

    private func find(
        _ wanted: GitDescription
    ) throws(Refusal) -> [(entry: Entry, secret: GitSecret)] {
        let query = wanted.query
        let found = try ask(store) { store throws(StoreError) in try store.find(query) }
        return found.map { ($0.entry, GitSecret(stored: $0.secret)) }
    }

    private func get(_ wanted: GitDescription) throws(Refusal) -> Secret? {
        let found = try find(wanted).filter { entry, secret in
            guard secret.isWhole(for: entry.attributes["user"]) else { return false }
            guard secret.credential == nil || wanted.knowsAuthtype else { return false }
            return !hasEnded(secret)
        }
        // Who asks about a whole host is not given what belongs to one path of it, if there is other.
        let best = found.first { $0.entry.attributes["object"] == wanted.facts["object"] }
        guard let (entry, secret) = best ?? found.first else { return nil }
        var lines: [Secret] = []
        if let credential = secret.credential, let authtype = secret.authtype {
            lines += ["capability[]=authtype\n".secret, "authtype=\(authtype)\n".secret]
            lines += ["credential=".secret, credential]
        } else {
            let username = entry.attributes["user"] ?? ""
            lines += ["username=\(username)\npassword=".secret]
            lines += [secret.password ?? "".secret]
        }
        if let expiry = secret.expiry { lines += ["\npassword_expiry_utc=\(expiry)".secret] }
        if let token = secret.refreshToken { lines += ["\noauth_refresh_token=".secret, token] }
        return Secret(joining: lines)
    }

    private func hasEnded(_ secret: GitSecret) -> Bool {
        secret.expiry.map { $0 <= now() } ?? false
    }

    private func save(_ login: GitDescription) throws(Refusal) {
        if login.isEphemeral { return }
        guard login.secret.isWhole(for: login.username) else {
            throw .refused("there is no user with a password, and no authtype with a credential")
        }
        let entry = login.entry
        // git stores after every success, and older git (2.39) without what it does not know of the
        // login: then there is nothing new, and what is there stays, unless it has ended.
        let isKnown = try find(login).contains { other, secret in
            other.login == entry.login && secret.isSame(as: login.secret) && !hasEnded(secret)
                && (login.secret.expiry == nil || login.secret.expiry == secret.expiry)
                && (login.secret.refreshToken == nil
                    || login.secret.refreshToken == secret.refreshToken)
        }
        if isKnown { return }
        try ask(store) { store throws(StoreError) in
            try store.save(Credential(entry, secret: login.secret.stored))
        }
    }

    /// Removes the login that the server refused, and no other: one with another password was
    /// stored since, or is another user's.
    private func erase(_ login: GitDescription) throws(Refusal) {
        var queries = [login.query]
        if login.secret.password != nil || login.secret.credential != nil {
            let refused = try find(login).filter { $0.secret.isSame(as: login.secret) }
                .map(\.entry)
            let ofPlace = refused.filter { $0.attributes["object"] == login.facts["object"] }
            queries = (ofPlace.isEmpty ? refused : ofPlace).compactMap { Query(replacedBy: $0) }
        }
        if queries.isEmpty { return }
        _ = try ask(store) { store throws(StoreError) in try store.remove(queries) }
    }
}
