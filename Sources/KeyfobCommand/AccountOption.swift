internal import ArgumentParser
internal import Clients
internal import Credentials

/// The account whose logins a command works with, as it is named on the command line.
struct AccountOption: ParsableArguments {
    @Option(help: "The account whose logins are meant.", completion: Completion.accounts)
    var account: AccountName?

    /// Returns true if it names no account, or if the client's files belong to that account: only
    /// those of the named client, by default docker, do.
    func covers(_ client: any Client, named: ClientOption?) -> Bool {
        account == nil || client.name == (named?.client ?? Docker()).name
    }
}

extension AccountName? {
    /// The option as it is typed behind a command, with a space before it; empty if there is no
    /// account.
    var option: String { map { " --account \($0)" } ?? "" }
}

extension AccountName: ExpressibleByArgument {
    package init?(argument: String) { self.init(argument) }
}
