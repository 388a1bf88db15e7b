internal import ArgumentParser
internal import Credentials

/// The account whose logins a command works with, as it is named on the command line.
struct AccountOption: ParsableArguments {
    @Option(help: "The account whose logins are meant.", completion: Completion.accounts)
    var account: AccountName?
}

extension AccountName: ExpressibleByArgument {
    package init?(argument: String) { self.init(argument) }
}
