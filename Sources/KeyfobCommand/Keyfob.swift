internal import ArgumentParser
internal import CPlatform
internal import Credentials
internal import Files
internal import JSON
internal import Settings

/// The `keyfob` command. Each of its subcommands is a file of its own.
@main
struct Keyfob: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keyfob",
        abstract: "Manage logins stored in your keyring, or in an encrypted file.",
        version: "keyfob \(Version.current)",
        subcommands: [
            Status.self, Setup.self, Import.self, Login.self, List.self, Logout.self, Check.self,
            Token.self, Keyring.self, Exec.self, RouteCommand.self, Passphrase.self, Unlock.self,
            Lock.self, Move.self,
            BackupCommand.self, Restore.self, Export.self,
            Uninstall.self,
        ])

    /// The arguments of the command line. If the program is called as `keyring`, by a link, they
    /// begin with that subcommand.
    private static let words: [String] = {
        let words = Array(CommandLine.arguments.dropFirst())
        let name = CommandLine.arguments.first?.split(separator: "/").last
        return name == "keyring" ? ["keyring"] + words : words
    }()

    static func main() {
        guard platform_harden() else { System.exit(1) }
        // The error that is printed if a crash ends the process.
        System.setLastWords(answer: nil, complaint: ("keyfob: error: ", "\n"))
        let console = Console()
        guard !platform_has_borrowed_rights() else {
            console.report(
                StoreError(
                    .borrowedRights,
                    "refusing to run set-user-ID, set-group-ID or with capabilities"))
            System.exit(1)
        }
        do {
            guard areUTF8 else {
                throw StoreError(.usage, "an argument is not UTF-8", hint: "see: \(help)")
            }
            var command = try parseAsRoot(words)
            try command.run()
            System.exit(0)
        } catch {
            System.exit(status(of: error, to: console))
        }
    }

    /// True if all arguments are UTF-8. Others would stand for bytes that were not typed.
    private static var areUTF8: Bool {
        (0..<Int(CommandLine.argc)).allSatisfy { index in
            unsafe CommandLine.unsafeArgv[index].map { unsafe String(validatingCString: $0) != nil }
                ?? true
        }
    }

    /// Reports the error, unless that has been done. Returns the exit status.
    private static func status(of error: any Error, to console: Console) -> Int32 {
        switch error {
        case let error as StoreError:
            report(error, to: console)
            return error.exitStatus.rawValue
        case let status as ExitCode:
            return status.rawValue
        default:
            let isOfUnknown = words.first == "help" && unknownCommand != nil
            if exitCode(for: error) == .success, !isOfUnknown {
                console.print(lines: answer(fullMessage(for: error)))
                return 0
            }
            report(unknownCommand ?? misuse(error), to: console)
            return ExitStatus.usage.rawValue
        }
    }

    /// Reports the error on standard error, and with `--json` as the answer too.
    private static func report(_ error: StoreError, to console: Console) {
        let words = words.prefix { $0 != "--" }
        if words.contains("--json") { try? console.print(Output.object([:], error: error)) }
        console.report(error)
    }

    /// Returns the lines of ArgumentParser's own answers: the help, the version, and everything for
    /// completion.
    private static func answer(_ text: String) -> [String] {
        var text = CompletionScript.corrected(text)
        // The list of commands fits a screen without the options, which every command has.
        if let options = text.firstRange(of: "OPTIONS:\n"),
            let commands = text.firstRange(of: "SUBCOMMANDS:\n  status")
        {
            text.removeSubrange(options.lowerBound..<commands.lowerBound)
        }
        return
            text
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    private static func misuse(_ error: any Error) -> StoreError {
        StoreError(.usage, message(for: error).asOneLine, hint: "see: \(help)")
    }

    /// The error for an unknown command; nil if the first argument is a command or an option.
    private static var unknownCommand: StoreError? {
        let names = configuration.subcommands.map { $0._commandName }
        guard let typed = words.first(where: { $0 != "help" }), !typed.hasPrefix("-"),
            !names.contains(typed)
        else { return nil }
        let meant = Suggestion.command(for: typed, among: names)
        return StoreError(
            .usage, "there is no command \"\(typed)\"",
            hint: meant.map { "did you mean: keyfob \($0)" } ?? "see: keyfob --help")
    }

    /// The subcommand that was typed; nil if there is none with that name.
    static var subcommand: String? {
        let typed = words.first
        return configuration.subcommands.map { $0._commandName }.first { $0 == typed }
    }

    /// The command that prints the help for what was typed.
    private static var help: String {
        var (path, commands) = (["keyfob"], configuration.subcommands)
        for word in words {
            guard let command = commands.first(where: { $0._commandName == word }) else { break }
            path.append(word)
            commands = command.configuration.subcommands
        }
        return (path + ["--help"]).joined(separator: " ")
    }
}

extension String {
    /// The message in the form of Keyfob's own: one line, which begins in lower case and has no
    /// full stop. A list below the first line is appended to it.
    fileprivate var asOneLine: String {
        let lines = split(whereSeparator: \.isNewline)
        var line = String(lines.first ?? "")
        let list = lines.dropFirst().map { $0.drop { $0 == " " || $0 == "-" } }
        if !list.isEmpty { line += " " + list.joined(separator: ", ") }
        // A flag that removes more, or asks less, is not suggested.
        for flag in ["all", "force"] {
            line = line.replacing(" Did you mean '--\(flag)'?", with: "")
        }
        if line.hasSuffix(".") { line.removeLast() }
        return line.prefix(1).lowercased() + line.dropFirst()
    }
}
