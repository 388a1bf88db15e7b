internal import ArgumentParser
internal import Clients
internal import Credentials

/// A client as it is named on the command line.
struct ClientOption: ExpressibleByArgument, Sendable {
    let client: any Client

    init?(argument: String) {
        guard let client = Clients.named(argument) else { return nil }
        self.client = client
    }

    static var allValueStrings: [String] { Clients.all.map(\.name.string) }

    static var defaultCompletionKind: CompletionKind { .list(allValueStrings) }
}
