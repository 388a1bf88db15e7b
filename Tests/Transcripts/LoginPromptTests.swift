import Sandbox
import Testing

/// `keyfob login` at a terminal.
@Suite struct LoginPromptTests {
    private static let password = "password of alice for h.example: "
    private static let store = "home/.local/share/keyfob/credentials"

    let sandbox: Sandbox
    let terminal: PseudoTerminal

    init() throws {
        sandbox = try Sandbox()
        terminal = try PseudoTerminal()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
    }

    @Test func aUserNameIsTypedSeenAndAPasswordUnseen() throws {
        let login = try start("h.example")
        try terminal.wait(for: "user name for h.example: ")
        #expect(terminal.echoes)
        terminal.type("alice\n")
        try waitForPassword()
        terminal.type("a secret\n")
        let outcome = try login.finish()
        #expect(outcome.output == "stored a login for h.example as alice, kept in the file\n")
        #expect(terminal.screen.contains("h.example: alice\r\n"))
        #expect(!terminal.screen.contains("secret"))
        #expect(terminal.echoes)
        #expect(try sandbox.run("keyfob", "token", "h.example").output == "a secret\n")
    }

    @Test func aTokenIsTypedUnseen() throws {
        let login = try start("--client", "terraform", "tf.example")
        try terminal.wait(for: "token for tf.example: ")
        #expect(!terminal.echoes)
        terminal.type("a secret\n")
        #expect(try login.finish().succeeded)
        #expect(!terminal.screen.contains("secret"))
        #expect(terminal.echoes)
        #expect(try sandbox.run("keyfob", "token", "tf.example").output == "a secret\n")
    }

    @Test(arguments: [(2, "\u{3}"), (3, "\u{1C}"), (15, nil), (1, nil)] as [(Int32, String?)])
    func whoeverInterruptsTheQuestionForThePasswordStoresNothing(
        signal: Int32, key: String?
    ) throws {
        let login = try start("-u", "alice", "h.example")
        try waitForPassword()
        terminal.type("half a sec")
        if let key { terminal.type(key) } else { login.signal(signal) }
        #expect(try login.finish().status == 128 + signal)
        try expectNothing()
    }

    @Test func whoeverInterruptsTheQuestionForTheUserStoresNothing() throws {
        let login = try start("h.example")
        try terminal.wait(for: "user name for h.example: ")
        terminal.type("\u{3}")
        #expect(try login.finish().status == 128 + 2)
        try expectNothing()
    }

    @Test func noPasswordIsDeclining() throws {
        let login = try start("-u", "alice", "h.example")
        try waitForPassword()
        terminal.type("\n")
        let outcome = try login.finish()
        #expect(outcome.status == 5)
        #expect(outcome.errors == "keyfob: error: no password was typed\n")
        try expectNothing()
    }

    @Test func noUserNameIsNone() throws {
        let login = try start("h.example")
        try terminal.wait(for: "user name for h.example: ")
        terminal.type("\n")
        let outcome = try login.finish()
        #expect(outcome.status == 5)
        #expect(outcome.errors == "keyfob: error: no user name was typed\n")
        try expectNothing()
    }

    @Test func aQuestionThatNobodyAnswersEnds() throws {
        sandbox.setEnvironment("KEYFOB_PROMPT_TIMEOUT", to: "1")
        let outcome = try start("-u", "alice", "h.example").finish()
        #expect(outcome.status == 4)
        #expect(outcome.errors == "keyfob: error: no password was typed within 1 s\n")
        try expectNothing()
    }

    /// Returns when the password is waited for, with the echo off.
    private func waitForPassword() throws {
        try terminal.wait(for: Self.password)
        #expect(!terminal.echoes)
    }

    private func expectNothing(sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(terminal.echoes, sourceLocation: sourceLocation)
        #expect(!terminal.screen.contains("half"), sourceLocation: sourceLocation)
        #expect(sandbox.read(Self.store) == nil, sourceLocation: sourceLocation)
    }

    private func start(_ arguments: String...) throws -> RunningProgram {
        var program = sandbox.program(["keyfob", "login", "--no-verify"] + arguments)
        program.terminal = terminal
        return try program.start()
    }
}
