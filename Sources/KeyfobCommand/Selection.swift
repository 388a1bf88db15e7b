internal import ArgumentParser
internal import Clients
internal import Credentials

/// The client and the account whose logins a command works with, as they are named on the command
/// line.
struct Selection: ParsableArguments {
    @Option(name: .customLong("client"), help: "The client of the logins.")
    var named: ClientOption?

    @Option(help: "The account of the logins.", completion: Completion.accounts)
    var account: AccountName?

    /// The named client, by default docker.
    var client: any Client { named?.client ?? Docker() }

    /// The named client, by default all.
    var clients: [any Client] { named.map { [$0.client] } ?? Clients.each }

    /// Returns true if no account is named, or if the client's files belong to that account: only
    /// those of the named client, by default docker, do.
    func covers(_ client: any Client) -> Bool {
        account == nil || client.name == self.client.name
    }
}

/// The options that name one login.
struct LoginOptions: ParsableArguments {
    @Argument(help: "The server, as `keyfob list` prints it.", completion: Completion.servers)
    var server: String

    @OptionGroup var selection: Selection
}

/// The one of two logins for the same server that is kept.
enum Preference: String, CaseIterable, ExpressibleByArgument {
    case stored, found
}

extension AccountName? {
    /// The option as it is typed behind a command, with a space before it; empty if there is no
    /// account.
    var option: String { map { " --account \($0)" } ?? "" }
}

extension AccountName: ExpressibleByArgument {
    package init?(argument: String) { self.init(argument) }
}
