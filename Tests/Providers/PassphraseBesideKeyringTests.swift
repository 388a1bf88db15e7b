import Sandbox
import Testing

/// A file under a passphrase that is typed, beside a keyring that serves: when its passphrase is
/// asked for.
@Suite struct PassphraseBesideKeyringTests {
    private static let login = #"{"ServerURL":"h.example","Username":"u","Secret":"s"}"#

    let desk: Desk
    let terminal: PseudoTerminal

    init() throws {
        desk = try Desk()
        terminal = try PseudoTerminal()
        _ = try desk.startKeyring()
    }

    @Test(arguments: [true, false])
    func settingOneSaysThatLoginsInTheKeyringAreNotUnderIt(hasLogins: Bool) throws {
        if hasLogins { try expectStored("secret-service") }
        let set = try desk.sandbox.run(
            "keyfob", "passphrase", "set", "--stdin", input: "correct horse\n")
        #expect(set.succeeded)
        #expect(set.errors.contains("logins in the keyring") == hasLogins)
    }

    /// A login is stored in the keyring, and the file seems to have no copy: nobody is asked for it.
    @Test func whatTheKeyringDoesAsksForNoPassphrase() throws {
        try protectFile()
        let store = try start(["docker-credential-keyfob", "store"], input: Self.login).finish()
        #expect(store.succeeded)
        #expect(store.errors.isEmpty)
        let get = try start(["docker-credential-keyfob", "get"], input: "h.example").finish()
        #expect(get.output == Self.login + "\n")
        // The file's logins may be missing, which is said; the keyring's are there.
        let list = try start(["docker-credential-keyfob", "list"]).finish()
        #expect(list.output == #"{"h.example":"u"}"# + "\n")
        #expect(terminal.screen.isEmpty)
    }

    @Test func aListWhereTheKeyringHasNothingAsks() throws {
        try protectFile()
        let list = try start(["docker-credential-keyfob", "list"])
        try terminal.wait(for: "Keyfob: passphrase for all logins: ")
        terminal.type("correct horse\n")
        #expect(try list.finish().output == #"{"in-file.example":"u"}"# + "\n")
    }

    @Test(arguments: ["keyring", "file"])
    func aMoveAsksOnce(target: String) throws {
        try protectFile()
        try expectStored("secret-service")
        let move = try start(["keyfob", "move", "--to", target])
        try terminal.wait(for: "Keyfob: passphrase for keyfob move: ")
        terminal.type("correct horse\n")
        #expect(try move.finish().succeeded)
        #expect(terminal.screen.count(of: "passphrase for ") == 1)
        let moved = target == "keyring" ? "in-file.example" : "h.example"
        let token = try desk.sandbox.run(
            "keyfob", "token", moved,
            environment: [
                "KEYFOB_STORE": target == "keyring" ? "secret-service" : "file",
                "KEYFOB_PASSPHRASE": "correct horse",
            ])
        #expect(token.output == "s\n")
    }

    // MARK: Helpers

    /// A file with a login, under the passphrase `correct horse`.
    private func protectFile() throws {
        let stored = try desk.sandbox.run(
            "docker-credential-keyfob", "store",
            input: Self.login.replacing("h.example", with: "in-file.example"),
            environment: ["KEYFOB_STORE": "file", "KEYFOB_PASSPHRASE": "correct horse"])
        try #require(stored.succeeded)
    }

    private func expectStored(_ policy: String) throws {
        let stored = try desk.sandbox.run(
            "docker-credential-keyfob", "store", input: Self.login,
            environment: ["KEYFOB_STORE": policy])
        try #require(stored.succeeded)
    }

    private func start(_ words: [String], input: String = "") throws -> RunningProgram {
        var program = desk.sandbox.program(words, input: Array(input.utf8))
        program.terminal = terminal
        return try program.start()
    }
}
