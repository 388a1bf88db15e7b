internal import ArgumentParser
internal import CPlatform
internal import Credentials
internal import Glibc
internal import Settings

/// The command for people. Each of its subcommands is a file of its own.
///
/// Its exit status is 0 when all was done, 1 when something was not, and 2 when it was not called
/// as it must be.
@main
struct Keyfob: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keyfob",
        abstract: "Look after the logins that the credential helpers of Keyfob keep.",
        discussion: """
            They are kept in your keyring, and in an encrypted file where there is no keyring.
            docker, podman, cargo, git and terraform reach them through helpers of their own; \
            this command is for you.
            """,
        version: "keyfob \(Version.current)",
        subcommands: [
            Exec.self, Export.self, Import.self, List.self, Login.self, Logout.self, Move.self,
            Passphrase.self, Setup.self, Status.self, Token.self,
        ])

    static func main() {
        guard platform_harden() else { _exit(1) }
        sayLastWords()
        let console = Console()
        guard !platform_has_borrowed_rights() else {
            console.report(
                StoreError(
                    .borrowedRights,
                    "refusing to run set-user-ID, set-group-ID or with capabilities"))
            _exit(1)
        }
        do {
            var command = try parseAsRoot()
            try command.run()
            _exit(0)
        } catch {
            _exit(status(of: error, to: console))
        }
    }

    /// What is said when a crash ends the process.
    private static func sayLastWords() {
        let (start, end): (StaticString, StaticString) = ("keyfob: error: ", "\n")
        unsafe platform_set_last_words(
            PlatformLastWords(
                answer_start: nil, answer_end: nil,
                complaint_start: UnsafeRawPointer(start.utf8Start)
                    .assumingMemoryBound(to: CChar.self),
                complaint_end: UnsafeRawPointer(end.utf8Start).assumingMemoryBound(to: CChar.self)))
    }

    /// Tells the user of the error, unless that has been done, and gives the exit status.
    private static func status(of error: any Error, to console: Console) -> Int32 {
        switch error {
        case let error as StoreError:
            console.report(error)
            return 1
        case let status as ExitCode:
            return status.rawValue
        default:
            if exitCode(for: error) == .success {
                console.print(lines: answer(fullMessage(for: error)))
                return 0
            }
            console.report(
                StoreError(.usage, message(for: error).asOneLine, hint: "see: \(help)"))
            return 2
        }
    }

    /// What ArgumentParser answers itself: help, the version, what completes a command line.
    private static func answer(_ text: String) -> [String] {
        CompletionScript.corrected(text)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// The subcommand that was typed; nil if there is none of that name.
    static var subcommand: String? {
        let typed = CommandLine.arguments.dropFirst().first
        return configuration.subcommands.map { $0._commandName }.first { $0 == typed }
    }

    /// How to ask for the help that belongs to what was typed.
    private static var help: String {
        ["keyfob", subcommand, "--help"].compactMap(\.self).joined(separator: " ")
    }
}

extension String {
    /// As a message of ours: one line, in lower case where it begins, without a full stop; a list
    /// below the first line follows it.
    fileprivate var asOneLine: String {
        let lines = split(whereSeparator: \.isNewline)
        var line = String(lines.first ?? "")
        let list = lines.dropFirst().map { $0.drop { $0 == " " || $0 == "-" } }
        if !list.isEmpty { line += " " + list.joined(separator: ", ") }
        if line.hasSuffix(".") { line.removeLast() }
        return line.prefix(1).lowercased() + line.dropFirst()
    }
}
