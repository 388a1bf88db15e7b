internal import ArgumentParser
internal import Credentials

/// What a shell completes a word with.
enum Completion {
    /// The servers that there are logins for. Nothing is unlocked, nobody is asked, and nothing is
    /// said of what cannot be read.
    static let servers = CompletionKind.custom { _, _, _ in
        guard let session = try? Session(warns: false) else { return [] }
        let servers = Set(session.inventory().logins.map(\.server)).sorted()
        // zsh takes what follows a colon for a description.
        guard CompletionShell.requesting == .zsh else { return servers }
        return servers.map { $0.replacing(":", with: "\\:") }
    }
}
