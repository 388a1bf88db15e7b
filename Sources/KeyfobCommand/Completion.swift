internal import ArgumentParser
internal import Clients
internal import Credentials

/// The words that a shell offers to complete a command line.
enum Completion {
    /// The servers of the stored logins: of the client that `--client` names, or of all clients.
    ///
    /// It unlocks nothing, asks for nothing, runs no command, and reports no error. It leaves out
    /// names that the shell would send to the terminal with control characters or take for an
    /// option; in fish also those that begin with `~`, which fish does not quote.
    static let servers = CompletionKind.custom { words, _, _ in
        guard let invocation = try? Invocation(warns: false).runsNothing else { return [] }
        let client = Completion.client(in: words)
        let logins = invocation.inventory().logins
        let servers = logins.filter { client?.owns($0.entry) ?? true }.map(\.server)
        return Set(servers).filter(isOffered).sorted().map(\.asCandidate)
    }

    /// The client that `--client` names; nil if none is named.
    private static func client(in words: [String]) -> (any Client)? {
        for (option, value) in zip(words, words.dropFirst()) where option == "--client" {
            return Clients.named(value)
        }
        let named = words.first { $0.hasPrefix("--client=") }
        return named.flatMap { Clients.named(String($0.dropFirst("--client=".count))) }
    }

    private static func isOffered(_ server: String) -> Bool {
        !server.isEmpty && !server.hasPrefix("-")
            && !(CompletionShell.requesting == .fish && server.hasPrefix("~"))
            && !server.unicodeScalars.contains(where: \.isUnprintable)
    }
}

extension String {
    /// zsh takes what follows a colon for a description, and a backslash for a quote.
    fileprivate var asCandidate: String {
        guard CompletionShell.requesting == .zsh else { return self }
        return replacing("\\", with: "\\\\").replacing(":", with: "\\:")
    }
}
