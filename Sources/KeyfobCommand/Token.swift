internal import ArgumentParser
internal import Clients
internal import Credentials
internal import Files
internal import Settings

/// `keyfob token`: prints the secret of one login, for scripts.
struct Token: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Print the secret of one login.",
        discussion: """
            For cargo without a helper: credential-provider = ["cargo:token-from-stdout", "keyfob", \
            "token", "{index_url}"].
            """)

    @OptionGroup var wanted: LoginOptions

    func run() throws {
        let invocation = try Invocation(Console(), wanted.selection.account)
        let login = try invocation.login(for: wanted)
        invocation.console.printBytes(of: try login.token(in: invocation.choice.account))
    }
}

extension Credential {
    /// Returns the part of the secret that logs in by itself. `account` is the login's.
    func token(in account: AccountName?) throws(StoreError) -> Secret {
        switch alone(at: System.seconds) {
        case .secret(let secret): return secret
        case .expired:
            throw StoreError(
                .loginExpired, "the login for \(entry.serverName) has expired",
                hint: "\(entry.clientName) renews it, or log in again: keyfob login --client "
                    + "\(entry.clientName)\(account.option) \(entry.accountName.shellArgument)")
        case .nothing:
            throw StoreError(.noPassword, "the login for \(entry.serverName) has no password")
        }
    }
}

extension String {
    /// The string as an argument of a command to paste: one word of the shell that is not an
    /// option.
    var shellArgument: String { (hasPrefix("-") ? "-- " : "") + shellWord }
}
