import Sandbox
import Testing

/// `keyfob passphrase` at a terminal.
@Suite struct PassphraseCommandTests {
    private static let store = "home/.local/share/keyfob/credentials"

    let sandbox: Sandbox
    let terminal: PseudoTerminal

    init() throws {
        sandbox = try Sandbox.withFile()
        terminal = try PseudoTerminal()
    }

    @Test func aNewPassphraseIsTypedTwiceUnseenAndThenChanged() throws {
        let set = try start("set")
        try answer("new passphrase: ", "number one")
        try answer("new passphrase again: ", "number one")
        #expect(try set.finish().succeeded)
        #expect(!terminal.screen.contains("number"))

        let second = try PseudoTerminal()
        let change = try start("change", at: second)
        try answer("Keyfob: passphrase for keyfob passphrase: ", "number one", at: second)
        try answer("Keyfob: new passphrase: ", "number two", at: second)
        try answer("Keyfob: new passphrase again: ", "number two", at: second)
        #expect(try change.finish().succeeded)
        #expect(!second.screen.contains("number"))
        #expect(second.echoes)

        let token = try sandbox.run(
            "keyfob", "token", "h.example", environment: ["KEYFOB_PASSPHRASE": "number two"])
        #expect(token.output == "s\n")
    }

    @Test func twoThatDifferChangeNothing() throws {
        let before = sandbox.read(Self.store)
        let set = try start("set")
        try answer("new passphrase: ", "one")
        try answer("new passphrase again: ", "other")
        let outcome = try set.finish()
        #expect(outcome.status == 5)
        #expect(
            outcome.errors == Sentence.expanding("keyfob: error: <passphrases-differ>\n")
                + "keyfob: hint: try again\n")
        #expect(sandbox.read(Self.store) == before)
    }

    @Test(arguments: ["new passphrase: ", "new passphrase again: "])
    func whoInterruptsTheQuestionChangesNothing(question: String) throws {
        let before = sandbox.read(Self.store)
        let set = try start("set")
        if question != "new passphrase: " { try answer("new passphrase: ", "one") }
        try terminal.wait(for: question)
        #expect(!terminal.echoes)
        terminal.type("\u{3}")
        #expect(try set.finish().status == 128 + 2)
        #expect(terminal.echoes)
        #expect(sandbox.read(Self.store) == before)
    }

    private func answer(
        _ question: String, _ answer: String, at terminal: PseudoTerminal? = nil
    ) throws {
        let terminal = terminal ?? self.terminal
        try terminal.wait(for: question)
        #expect(!terminal.echoes)
        terminal.type(answer + "\n")
    }

    private func start(
        _ action: String, at terminal: PseudoTerminal? = nil
    ) throws -> RunningProgram {
        var program = sandbox.program(["keyfob", "passphrase", action])
        program.terminal = terminal ?? self.terminal
        return try program.start()
    }
}
