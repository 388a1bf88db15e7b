import Foundation
import Sandbox
import Testing

/// The built program at a terminal, where it asks for the passphrase of the file.
@Suite struct PassphrasePromptTests {
    private static let store = "home/.local/share/keyfob/credentials"

    let sandbox: Sandbox
    let terminal: PseudoTerminal

    init() throws {
        sandbox = try Sandbox.withFile(passphrase: "a passphrase")
        terminal = try PseudoTerminal()
    }

    @Test func aPassphraseIsTypedUnseen() throws {
        let program = try start("get", "h.example")
        try waitForQuestion()
        terminal.type("a passphrase\n")
        let outcome = try program.finish()
        #expect(
            outcome.output == #"{"ServerURL":"h.example","Username":"u","Secret":"s"}"# + "\n")
        // It is said once.
        #expect(outcome.errors == "keyfob: to be asked once, and not each time: keyfob unlock\n")
        #expect(!terminal.screen.contains("a passphrase\n"))
        #expect(terminal.screen.hasSuffix("h.example: \r\n"))
        #expect(terminal.echoes)
        let second = try start("get", "h.example")
        try waitForQuestion(2)
        terminal.type("a passphrase\n")
        #expect(try second.finish().errors.isEmpty)
    }

    /// What the setting says is kept, once the passphrase is right.
    @Test func aTypedPassphraseIsKeptAsLongAsTheSettingSays() throws {
        let setting = ["KEYFOB_UNLOCK_FOR": "5s"]
        let first = try start("get", "h.example", setting)
        try waitForQuestion()
        terminal.type("a passphrase\n")
        let outcome = try first.finish()
        #expect(outcome.succeeded && outcome.errors.isEmpty)
        let unlocked = try start("get", "h.example").finish()
        #expect(unlocked.output == outcome.output)
        sleep(6)
        let last = try start("get", "h.example", setting)
        try waitForQuestion(2)
        terminal.type("\n")
        #expect(try last.finish().status == 1)
    }

    @Test(arguments: 0...3)
    func aPassphraseIsAskedForThreeTimes(wrong: Int) throws {
        let program = try start("get", "h.example")
        for attempt in 0..<min(wrong + 1, 3) {
            try waitForQuestion(attempt + 1)
            terminal.type(attempt < wrong ? "battery staple\n" : "a passphrase\n")
        }
        let outcome = try program.finish()
        #expect(outcome.succeeded == (wrong < 3))
        if wrong == 3 {
            #expect(outcome.output == "wrong passphrase for \(sandbox.file(Self.store))\n")
            #expect(!outcome.errors.contains("move"))
        }
        #expect(terminal.screen.count(of: "wrong passphrase") == min(wrong, 2))
        #expect(!terminal.screen.contains("staple"))
        #expect(!terminal.screen.contains("a passphrase\r"))
        #expect(terminal.echoes)
    }

    @Test(
        arguments: [
            (SIGINT, "\u{3}"), (SIGQUIT, "\u{1C}"), (SIGTERM, nil), (SIGHUP, nil), (SIGUSR1, nil),
            (SIGUSR2, nil), (SIGALRM, nil), (SIGXCPU, nil), (SIGABRT, nil), (SIGSEGV, nil),
            (SIGBUS, nil), (SIGILL, nil), (SIGFPE, nil), (SIGTRAP, nil),
        ])
    func whateverEndsTheQuestionTheTerminalIsAsBefore(signal: Int32, key: String?) throws {
        let before = sandbox.read(Self.store)
        let settings = terminal.settings
        let program = try start(
            "store", #"{"ServerURL":"h.example","Username":"u","Secret":"new"}"#)
        try waitForQuestion()
        terminal.type("half a passph")
        if let key { terminal.type(key) } else { program.signal(signal) }
        let outcome = try program.finish()
        // The watchdog ends the process with an answer; a fault of its own may too.
        #expect(outcome.status == 128 + signal || outcome.status == 1)
        #expect(terminal.settings == settings)
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

    @Test func nobodyIsAskedForALoginThatIsNotThere() throws {
        let outcome = try start("get", "other.example").finish()
        #expect(outcome.output == "credentials not found in native keychain\n")
        #expect(terminal.screen.isEmpty)
    }

    /// A classic docker build and podman's `logout --all` ask for the list.
    @Test func aListIsAskedFor() throws {
        let program = try start("list", "")
        try terminal.wait(for: "Keyfob: passphrase for all logins: ")
        terminal.type("a passphrase\n")
        #expect(try program.finish().output == #"{"h.example":"u"}"# + "\n")
    }

    /// A tag may have been taken out by somebody who has no key.
    @Test func anEraseOfWhatSeemsNotToBeThereIsAskedFor() throws {
        let program = try start("erase", "other.example")
        try terminal.wait(for: "Keyfob: passphrase for other.example: ")
        terminal.type("a passphrase\n")
        #expect(try program.finish().succeeded)
    }

    @Test func nobodyIsAskedWhereThatIsNotWanted() throws {
        let outcome = try start("get", "h.example", ["KEYFOB_PROMPT": "never"]).finish()
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("needs its passphrase"))
        #expect(terminal.screen.isEmpty)
    }

    /// Returns when the program waits for the answer, with the echo off.
    private func waitForQuestion(_ number: Int = 1) throws {
        try terminal.wait(for: "Keyfob: passphrase for h.example: ", times: number)
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
