import Foundation
import Sandbox
import Testing

/// Which requests ask for the passphrase of the file: each that needs it, once, where there is a
/// terminal; and what those say that cannot ask.
@Suite struct AskingTests {
    private static let passphrase = "correct horse"
    private static let store = "home/.local/share/keyfob/credentials"

    let sandbox: Sandbox

    init() throws {
        sandbox = try Sandbox()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        for server in ["a.example", "b.example"] {
            let stored = try sandbox.run(
                "docker-credential-keyfob", "store",
                input: #"{"ServerURL":"\#(server)","Username":"u","Secret":"the secret"}"#,
                environment: ["KEYFOB_PASSPHRASE": Self.passphrase])
            try #require(stored.succeeded)
        }
    }

    /// A request, and what it prints of what it found.
    struct Request: CustomTestStringConvertible {
        let words: [String]
        var input = ""
        var output = "a.example"

        var testDescription: String { words.joined(separator: " ") }
    }

    private static let requests = [
        Request(words: ["docker-credential-keyfob", "get"], input: "a.example"),
        Request(words: ["docker-credential-keyfob", "list"]),
        Request(words: ["docker-credential-keyfob-podman", "list"]),
        Request(words: ["docker-credential-keyfob", "erase"], input: "a.example", output: ""),
        Request(
            words: ["docker-credential-keyfob", "store"],
            input: #"{"ServerURL":"a.example","Username":"v","Secret":"t"}"#, output: ""),
        Request(words: ["keyfob", "list"]),
        Request(words: ["keyfob", "list", "--json"]),
        Request(words: ["keyfob", "token", "a.example"], output: "the secret"),
        Request(
            words: ["keyfob", "exec", "a.example", "--env", "TOKEN", "--", "printenv", "TOKEN"],
            output: "the secret"),
        Request(words: ["keyfob", "logout", "a.example"]),
        Request(words: ["keyfob", "logout", "a.example", "--dry-run"]),
        Request(words: ["keyfob", "logout", "--all", "--dry-run"]),
        Request(words: ["keyfob", "export", "--client", "docker", "--plain-text"]),
        Request(words: ["keyfob", "export", "--client", "docker", "--dry-run"]),
        Request(words: ["keyfob", "import"], output: "c.example"),
        Request(
            words: [
                "keyfob", "login", "--no-verify", "-u", "w", "--password-stdin", "a.example",
            ], input: "pw", output: "a.example"),
        Request(words: ["keyfob", "passphrase", "rekey"], output: "new data key"),
        Request(words: ["keyfob", "passphrase", "remove"], output: "with a key"),
    ]

    @Test(arguments: requests)
    func aRequestAsksOnceAndSaysForWhat(request: Request) throws {
        try prepare()
        let terminal = try PseudoTerminal()
        let running = try start(request, at: terminal)
        try terminal.wait(for: "Keyfob: passphrase for ")
        terminal.type(Self.passphrase + "\n")
        let outcome = try running.finish()
        #expect(outcome.succeeded, "\(outcome)")
        #expect(request.output.isEmpty || outcome.output.contains(request.output))
        #expect(terminal.screen.count(of: "passphrase for ") == 1)
        let subject =
            request.words[0] == "keyfob"
            ? "keyfob \(request.words[1])"
            : request.input.isEmpty ? "all logins" : "a.example"
        #expect(terminal.screen.hasPrefix("Keyfob: passphrase for \(subject): "))
        #expect(!terminal.screen.contains("horse"))
        #expect(terminal.echoes)
    }

    @Test(arguments: requests)
    func whoIsRefusedThePassphraseAsksNoSecondTime(request: Request) throws {
        try prepare()
        let before = sandbox.read(Self.store)
        let terminal = try PseudoTerminal()
        let running = try start(request, at: terminal)
        try terminal.wait(for: "Keyfob: passphrase for ")
        terminal.type("\n")
        let outcome = try running.finish()
        // keyfob tells that somebody declined; a helper's protocol knows one failure.
        #expect(outcome.status == (request.words[0] == "keyfob" ? 5 : 1))
        #expect(terminal.screen.count(of: "passphrase for ") == 1)
        #expect(!outcome.errors.contains("move"))
        #expect(sandbox.read(Self.store) == before)
    }

    @Test(arguments: requests)
    func withoutATerminalItIsAnError(request: Request) throws {
        try prepare()
        let before = sandbox.read(Self.store)
        let outcome = try sandbox.program(request.words, input: Array(request.input.utf8)).run()
        #expect(outcome.status == (request.words[0] == "keyfob" ? 4 : 1))
        #expect((outcome.output + outcome.errors).contains("needs its passphrase"))
        #expect(!outcome.output.contains("nothing to remove"))
        #expect(sandbox.read(Self.store) == before)
    }

    @Test func logoutOfAllAsksForThePassphraseAndWhetherItIsMeant() throws {
        let terminal = try PseudoTerminal()
        let running = try start(Request(words: ["keyfob", "logout", "--all"]), at: terminal)
        try terminal.wait(for: "Keyfob: passphrase for keyfob logout: ")
        terminal.type(Self.passphrase + "\n")
        try terminal.wait(for: "Remove 2 logins? [y/N] ")
        #expect(terminal.echoes)
        terminal.type("y\n")
        #expect(try running.finish().succeeded)
        #expect(terminal.screen.count(of: "passphrase for ") == 1)
        #expect(terminal.screen.contains("[y/N] y"))
        let left = try sandbox.run(
            "docker-credential-keyfob", "list", environment: ["KEYFOB_PASSPHRASE": Self.passphrase])
        #expect(left.output == "{}\n")
    }

    /// It had no end: a question whose answer is shown is a question too.
    @Test(arguments: [["logout", "--all"], ["login", "--no-verify", "new.example"]])
    func aQuestionWhoseAnswerIsShownHasADeadlineToo(words: [String]) throws {
        sandbox.setEnvironment("KEYFOB_PASSPHRASE", to: Self.passphrase)
        sandbox.setEnvironment("KEYFOB_PROMPT_TIMEOUT", to: "1")
        let before = sandbox.read(Self.store)
        let terminal = try PseudoTerminal()
        let settings = terminal.settings
        let outcome = try start(Request(words: ["keyfob"] + words), at: terminal).finish()
        #expect(outcome.status == 4)
        #expect(outcome.seconds < 15)
        #expect(terminal.settings == settings)
        #expect(sandbox.read(Self.store) == before)
    }

    @Test(
        arguments: [
            ["keyfob", "status"], ["keyfob", "logout", "--all", "--non-interactive"],
            ["keyfob", "---completion", "logout", "--", "positional@0", "0", "0"],
        ])
    func whoSaysThatNobodyIsAskedAsksNobody(words: [String]) throws {
        let terminal = try PseudoTerminal()
        _ = try start(Request(words: words), at: terminal).finish()
        #expect(terminal.screen.isEmpty)
    }

    @Test(arguments: [[], ["--all"], ["a.example"], ["a.example", "--files"]])
    func aDryRunSaysWhereItCouldNotLook(words: [String]) throws {
        let outcome = try sandbox.program(
            ["keyfob", "logout", "--dry-run", "--json"] + words
        ).run()
        #expect(outcome.status == 4)
        #expect(!outcome.output.contains(#""result":"absent""#))
        let inWords = try sandbox.program(["keyfob", "logout", "--dry-run"] + words).run()
        #expect(inWords.status == 4)
        #expect(!inWords.output.contains("nothing to remove"))
    }

    // MARK: Helpers

    /// A login that is not stored yet.
    private func prepare() throws {
        try sandbox.makeFolder("home/.docker")
        try sandbox.write(
            #"{"auths":{"c.example":{"auth":"dTpw"}}}"#, to: "home/.docker/config.json")
    }

    private func start(_ request: Request, at terminal: PseudoTerminal) throws -> RunningProgram {
        var program = sandbox.program(request.words, input: Array(request.input.utf8))
        program.terminal = terminal
        return try program.start()
    }
}
