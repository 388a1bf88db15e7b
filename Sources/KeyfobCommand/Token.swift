internal import ArgumentParser
internal import Credentials
internal import Glibc

/// `keyfob token`: the secret of one login, for scripts.
struct Token: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the secret of a login, and nothing else.",
        discussion: """
            It serves cargo as well: credential-provider = ["cargo:token-from-stdout", "keyfob", \
            "token", "{index_url}"].
            """)

    @Argument(help: "The server, as `keyfob list` prints it.", completion: Completion.servers)
    var server: String

    @Option(help: "The client whose login it is; by default any.")
    var client: Client?

    func run() throws {
        let session = try Session()
        session.console.printBytes(of: try session.login(for: server, of: client).token())
    }
}

extension Credential {
    /// What alone logs in: of a git login the password or the credential, without what else is
    /// stored with it. Throws `failed` if it has expired, or if there is nothing.
    func token() throws(StoreError) -> Secret {
        guard entry.realm == .git else { return secret }
        let parts = GitSecret(stored: secret)
        guard !parts.hasExpired(at: UInt64(max(time(nil), 0))) else {
            throw StoreError(
                .failed, "the login for \(entry.serverName) has expired",
                hint: "git renews it, or log in again: keyfob login --client git "
                    + entry.serverNameWithUser.shellArgument)
        }
        guard let token = parts.alone(for: entry.username) else {
            throw StoreError(.failed, "the login for \(entry.serverName) has no password")
        }
        return token
    }

    /// As it is stored: a git login with what the front-end of git's protocol would make of it.
    var asStored: Credential {
        guard entry.realm == .git else { return self }
        var parts = GitSecret()
        parts.password = secret
        return .git(entry, parts)
    }
}

extension String {
    /// As an argument of a command that a person pastes: a word of the shell, and no option.
    var shellArgument: String { (hasPrefix("-") ? "-- " : "") + shellWord }
}
