internal import Credentials

/// git's credential helper protocol (gitcredentials(7), git-credential(1)), which also serves git
/// LFS, Go and every other program that asks git.
///
/// git ignores a helper's exit status, and takes a line that it does not understand for the end of
/// the answer. So nothing but an answer is printed, and every failure is reported on standard
/// error, which git passes on. An answer never names a protocol, a host or a path: git would use
/// these instead of its own.
package struct GitFrontend: Frontend {
    /// The longest input, in bytes.
    package static let inputLimit = 1 << 20

    private let program: Program
    private let now: () -> UInt64

    /// Makes a front-end; `now` returns the time in seconds since 1970.
    package init(_ program: Program, now: @escaping () -> UInt64) {
        self.program = program
        self.now = now
    }

    package func serve(_ arguments: [String], over channel: any Channel) -> ExitStatus {
        do throws(Refusal) {
            return channel.answer(try answer(to: arguments, over: channel))
        } catch {
            guard case .refused(let error) = error else { return channel.answer(nil) }
            return channel.fail("\(program.name): \(error.message)", hint: error.hint, to: .person)
        }
    }

    private func answer(
        to arguments: [String], over channel: any Channel
    ) throws(Refusal) -> Secret? {
        // Arguments from git's configuration come before the action, and are ignored.
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
            return program.versionLine
        case nil:
            throw .refused(
                .usage, "usage: \(program.name) <get|store|erase|capability>",
                hint: "git runs it; to set it up: keyfob setup git")
        default:
            // git may have more actions one day, which a helper must ignore.
            return nil
        }
    }

    private func description(from channel: any Channel) throws(Refusal) -> GitDescription {
        try GitDescription(try channel.input(atMost: GitFrontend.inputLimit))
    }

    /// A login that was found. A login that cannot be given to git is not found: a control
    /// character in a user name, which another program may have stored, would end a line of the
    /// answer.
    private struct Login {
        let entry: Entry
        let secret: GitSecret

        init?(_ found: Credential) {
            entry = found.entry
            secret = GitSecret(stored: found.secret)
            guard secret.isOfLines, user?.hasControlCharacter != true else { return nil }
        }

        /// The user name, from the secret or from the attributes.
        var user: Text? { secret.token.flatMap { Text(copying: $0) } ?? entry["user"] }
    }

    /// Returns the logins that match, the best one first.
    private func find(_ wanted: GitDescription) throws(Refusal) -> [Login] {
        let found = try program.find(wanted.query).compactMap { Login($0) }
        guard found.isEmpty, let username = wanted.username else { return found }
        // The user name may be a token that is kept with the secret.
        return try program.find(wanted.queryForAnyUser)
            .compactMap { Login($0) }.filter { $0.user == username }
    }

    private func get(_ wanted: GitDescription) throws(Refusal) -> Secret? {
        let found = try find(wanted).filter { login in
            login.secret.isWhole(for: login.user)
                && (login.secret.credential == nil || wanted.knowsAuthtype)
        }
        let time = now()
        // A request for a whole host prefers logins that belong to no path.
        let ofPlace = found.filter { $0.entry["object"] == wanted.facts["object"] }
        let ordered = ofPlace + found
        if let login = ordered.first(where: { !$0.secret.hasExpired(at: time) }) {
            return GitFrontend.answer(login)
        }
        // git makes a new password from it, through a helper that can do so.
        let renewable = ordered.first { $0.secret.refreshToken != nil }
        return renewable.map { GitFrontend.answerOfExpired($0) }
    }

    private static func answer(_ login: Login) -> Secret {
        let secret = login.secret
        var lines: [Secret] = []
        if let credential = secret.credential, let authtype = secret.authtype {
            lines += ["capability[]=authtype\n".secret, "authtype=\(authtype)\n".secret]
            lines += ["credential=".secret, credential]
        } else {
            lines += ["username=\(login.user ?? "")\npassword=".secret]
            lines += [secret.password ?? "".secret]
        }
        if let expiry = secret.expiry { lines += ["\npassword_expiry_utc=\(expiry)".secret] }
        if let token = secret.refreshToken { lines += ["\noauth_refresh_token=".secret, token] }
        return Secret(joining: lines)
    }

    /// Returns an answer without the password: git before 2.40 does not know that it has expired.
    private static func answerOfExpired(_ login: Login) -> Secret {
        var lines: [Secret] = []
        if let user = login.user { lines += ["username=\(user)\n".secret] }
        lines += ["oauth_refresh_token=".secret, login.secret.refreshToken ?? "".secret]
        return Secret(joining: lines)
    }

    private func save(_ wanted: GitDescription) throws(Refusal) {
        if wanted.isEphemeral { return }
        guard wanted.secret.isWhole(for: wanted.username) else {
            throw .refused(
                .badInput,
                "there is neither a user with a password nor an authtype with a credential")
        }
        let (login, new) = (wanted.login, GitSecret(stored: wanted.login.secret))
        let found = try find(wanted)
        let time = now()
        // git stores a login after every success, and older git (2.39) then leaves out parts that
        // it does not know. Such a login is nothing new: the stored one stays, unless it has
        // expired.
        let isKnown = found.contains { other in
            other.entry.identity == login.entry.identity && other.secret.isSame(as: new)
                && !other.secret.hasExpired(at: time)
                && (new.expiry == nil || new.expiry == other.secret.expiry)
                && (new.refreshToken == nil || new.refreshToken == other.secret.refreshToken)
        }
        if isKnown { return }
        try program.save(login)
        guard login.entry["user"] != wanted.username else { return }
        // The user name is a secret now, but an earlier login has it as an attribute.
        let inTheOpen = found.filter { $0.entry.identity == wanted.entry.identity }.map { $0.entry }
        try remove(inTheOpen.compactMap { Query(replacedBy: $0) })
    }

    /// Removes only the login that the server refused: one with another password was stored since,
    /// or is another user's.
    private func erase(_ wanted: GitDescription) throws(Refusal) {
        let found = try find(wanted)
        guard wanted.secret.password != nil || wanted.secret.credential != nil else {
            let hidden = found.filter { $0.secret.token != nil }.map { $0.entry }
            return try remove([wanted.query] + hidden.compactMap { Query(replacedBy: $0) })
        }
        let refused = found.filter { login in
            var given = wanted.secret
            given.token = login.secret.token
            return login.secret.isSame(as: given)
        }.map { $0.entry }
        let ofPlace = refused.filter { $0["object"] == wanted.facts["object"] }
        try remove((ofPlace.isEmpty ? refused : ofPlace).compactMap { Query(replacedBy: $0) })
    }

    private func remove(_ queries: [Query]) throws(Refusal) {
        if !queries.isEmpty { try program.remove(queries) }
    }
}
