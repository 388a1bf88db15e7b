internal import ArgumentParser
internal import Clients
internal import Credentials

/// The words that a shell offers to complete a command line.
enum Completion {
    /// The servers of the stored logins: of the client that `--client` names, or of all clients, and
    /// of the account that `--account` names.
    ///
    /// It unlocks nothing, asks for nothing, runs no command, and reports no error. It leaves out
    /// names that the shell would send to the terminal with control characters or take for an
    /// option; in fish also those that begin with `~`, which fish does not quote.
    static let servers = CompletionKind.custom { words, _, _ in
        guard var invocation = try? Invocation(warns: false).runsNothing else { return [] }
        if let name = value(of: "--account", in: words) {
            guard let account = AccountName(name) else { return [] }
            invocation = invocation.in(account)
        }
        let client = value(of: "--client", in: words).flatMap { Clients.named($0) }
        let logins = invocation.inventory().logins
        return offered(logins.filter { client?.owns($0.entry) ?? true }.map(\.entry.serverName))
    }

    /// The accounts that have a login.
    static let accounts = CompletionKind.custom { _, _, _ in
        guard let invocation = try? Invocation(warns: false).runsNothing else { return [] }
        let entries = invocation.ofAllAccounts.inventory().logins.map(\.entry)
        return offered(entries.compactMap(\.schema.account?.string))
    }

    /// Returns the value of an option; nil if it is not there.
    private static func value(of option: String, in words: [String]) -> String? {
        for (word, value) in zip(words, words.dropFirst()) where word == option { return value }
        let named = words.first { $0.hasPrefix(option + "=") }
        return named.map { String($0.dropFirst(option.count + 1)) }
    }

    private static func offered(_ names: [String]) -> [String] {
        Set(names).filter(isOffered).sorted().map(\.asCandidate)
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
