import Foundation
import Sandbox
import Testing

/// The manual page of `keyfob` and what the program says of itself are the same.
@Suite struct ManualTests {
    /// A command as `--experimental-dump-help` of ArgumentParser 1.8 tells of it.
    private struct Command: Decodable {
        struct Argument: Decodable {
            struct Name: Decodable {
                let name: String
            }

            let names: [Name]?
            let valueName: String?
            let kind: String
            let shouldDisplay: Bool
        }

        let commandName: String
        let subcommands: [Command]?
        let arguments: [Argument]?

        /// The options of each command that does something, by its name.
        func options(after path: String = "") -> [String: Set<String>] {
            let own = (subcommands ?? []).filter { $0.commandName != "help" }
            guard own.isEmpty else {
                return own.reduce(into: [:]) { all, command in
                    let name = path.isEmpty ? command.commandName : "\(path) \(command.commandName)"
                    all.merge(command.options(after: name)) { $1 }
                }
            }
            let shown = (arguments ?? []).filter(\.shouldDisplay)
            let names = shown.flatMap { $0.names ?? [] }.map(\.name)
            let positional = shown.filter { $0.kind == "positional" }
                .compactMap(\.valueName)
            return [path: Set(names + positional).subtracting(["help", "h", "version"])]
        }
    }

    private struct Help: Decodable {
        let command: Command
    }

    @Test func everyOptionIsInTheManualPageAndTheOtherWayRound() throws {
        let sandbox = try Sandbox()
        let dump = try sandbox.run("keyfob", "--experimental-dump-help")
        let help = try JSONDecoder().decode(Help.self, from: Data(dump.outputBytes))
        #expect(help.command.options() == (try manual("keyfob.1")))
    }

    /// A screen is 80 columns and 24 lines, and a prompt below.
    @Test func everyHelpFitsAScreen() throws {
        let sandbox = try Sandbox()
        let dump = try sandbox.run("keyfob", "--experimental-dump-help")
        let help = try JSONDecoder().decode(Help.self, from: Data(dump.outputBytes))
        let commands = [""] + help.command.options().keys + ["passphrase"]
        #expect(commands.count > 15)
        for command in commands {
            let words = command.split(separator: " ").map(String.init)
            let shown = try sandbox.program(["keyfob"] + words + ["--help"]).run()
            let lines = shown.output.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.allSatisfy { $0.count <= 80 }, "\(command)")
            #expect(lines.count <= 26, "\(command) has \(lines.count) lines")
        }
    }

    @Test func everyPageIsWellFormed() throws {
        let folder = ManualTests.root.appendingPathComponent("packaging/man").path
        let pages = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(pages.count >= 7)
        for page in pages {
            let sandbox = try Sandbox()
            let lint = try sandbox.run(
                "mandoc", "-T", "lint", "-W", "warning", "\(folder)/\(page)")
            #expect(lint.succeeded && lint.output.isEmpty, "\(lint)")
            let shown = try sandbox.run("man", "--warnings", "--local-file", "\(folder)/\(page)")
            #expect(shown.succeeded && shown.errors.isEmpty, "\(shown)")
        }
    }

    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// The options of each command, by its name: what stands after `.It Cm`.
    private func manual(
        _ page: String
    ) throws -> [String: Set<String>] {
        let text = try String(
            contentsOf: ManualTests.root.appendingPathComponent("packaging/man/\(page)"),
            encoding: .utf8)
        var commands: [String: Set<String>] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix(".It Cm ") {
            let words = line.split(separator: " ").dropFirst(2)
            let path = words.prefix { $0.first?.isLowercase == true }
            let options = zip(words, words.dropFirst()).compactMap { macro, word in
                switch macro {
                case "Fl": String(word.first == "-" ? word.dropFirst() : word)
                case "Ar": String(word)
                default: nil
                }
            }
            commands[path.joined(separator: " ")] = Set(options)
        }
        return commands
    }
}
