import Foundation
import Sandbox
import Testing

/// The built program at a terminal, where it asks for the passphrase of the file.
@Suite struct PassphrasePromptTests {
    private static let store = "home/.local/share/keyfob/credentials"

    let sandbox: Sandbox
    let terminal: PseudoTerminal

    init() throws {
        sandbox = try Sandbox()
        terminal = try PseudoTerminal()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        let stored = try sandbox.run(
            "docker-credential-keyfob", "store",
            input: #"{"ServerURL":"h.example","Username":"u","Secret":"s"}"#,
            environment: ["KEYFOB_PASSPHRASE": "a passphrase"])
        try #require(stored.succeeded)
    }

    @Test func aPassphraseIsTypedUnseen() throws {
        let program = try start("get", "h.example")
        try waitForQuestion()
        terminal.type("a passphrase\n")
        let outcome = try program.finish()
        #expect(
            outcome.output == #"{"ServerURL":"h.example","Username":"u","Secret":"s"}"# + "\n")
        #expect(outcome.errors.isEmpty)
        #expect(!terminal.screen.contains("a passphrase\n"))
        #expect(terminal.screen.hasSuffix("credentials: \r\n"))
        #expect(terminal.echoes)
    }

    @Test func aWrongPassphraseIsNotAskedForAgain() throws {
        let program = try start("get", "h.example")
        try waitForQuestion()
        terminal.type("wrong\n")
        let outcome = try program.finish()
        #expect(outcome.status == 1)
        #expect(
            outcome.output
                == "the passphrase that was typed is not the key of \(sandbox.file(Self.store))\n")
        #expect(terminal.echoes)
    }

    @Test(arguments: [(SIGINT, "\u{3}"), (SIGQUIT, "\u{1C}"), (SIGTERM, nil), (SIGHUP, nil)])
    func whateverEndsTheQuestionTheTerminalIsAsBefore(signal: Int32, key: String?) throws {
        let before = sandbox.read(Self.store)
        let program = try start(
            "store", #"{"ServerURL":"h.example","Username":"u","Secret":"new"}"#)
        try waitForQuestion()
        if let key { terminal.type(key) } else { program.signal(signal) }
        let outcome = try program.finish()
        #expect(outcome.status == 128 + signal)
        #expect(terminal.echoes)
        #expect(sandbox.read(Self.store) == before)
    }

    @Test func aQuestionThatNobodyAnswersEnds() throws {
        let outcome = try start("get", "h.example", ["KEYFOB_PROMPT_TIMEOUT": "1"]).finish()
        #expect(outcome.status == 1)
        #expect(outcome.output == "no passphrase was typed within 1 s\n")
        #expect(terminal.echoes)
    }

    @Test func noPassphraseIsDeclining() throws {
        let program = try start("erase", "h.example")
        try waitForQuestion()
        terminal.type("\n")
        #expect(try program.finish().output == "no passphrase was typed\n")
    }

    @Test(arguments: [("get", "other.example"), ("erase", "other.example"), ("list", "")])
    func nobodyIsAskedForWhatNeedsNoPassphrase(action: String, input: String) throws {
        _ = try start(action, input).finish()
        #expect(terminal.screen.isEmpty)
    }

    @Test func nobodyIsAskedWhereThatIsNotWanted() throws {
        let outcome = try start("get", "h.example", ["KEYFOB_PROMPT": "never"]).finish()
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("is protected by a passphrase"))
        #expect(terminal.screen.isEmpty)
    }

    /// Returns when the program waits for the answer, with the echo off.
    private func waitForQuestion() throws {
        try terminal.wait(for: "passphrase for \(sandbox.file(Self.store)): ")
        #expect(!terminal.echoes)
    }

    private func start(
        _ action: String, _ input: String, _ environment: [String: String] = [:]
    ) throws -> RunningProgram {
        var program = sandbox.program(
            ["docker-credential-keyfob", action], input: Array(input.utf8),
            environment: environment)
        program.terminal = terminal
        return try program.start()
    }
}
