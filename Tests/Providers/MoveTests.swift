import Foundation
import Sandbox
import Testing

/// `keyfob move` between a real gnome-keyring and the file.
@Suite struct MoveTests {
    let desk: Desk

    init() throws { desk = try Desk() }

    @Test func loginsGoToTheFileAndComeBack() throws {
        let keyring = try desk.startKeyring()
        let servers = ["a.example", "b.example", "docker.io"]
        for server in servers { try store(server, "secret of \(server)", in: "secret-service") }

        let preview = try keyfob("move", "--to", "file", "--dry-run")
        #expect(preview.output.split(separator: "\n").count == 3)
        #expect(try keyring.items().count == 3)

        let away = try keyfob("move", "--to", "file")
        #expect(away.succeeded, "\(away)")
        #expect(try keyring.items().isEmpty)
        for server in servers { #expect(try secret(server, in: "file") == "secret of \(server)\n") }

        let back = try keyfob("move", "--to", "keyring", "--json", "A.example")
        #expect(
            back.output
                == #"{"version":1,"dryRun":false,"done":true,"to":"keyring","results":[{"client":"docker","server":"a.example","username":"u","account":null,"place":"file","result":"moved","error":null}],"error":null}"#
                + "\n")
        #expect(try keyring.items().count == 1)
        #expect(try secret("a.example", in: "secret-service") == "secret of a.example\n")
        #expect(try secret("a.example", in: "file") == "")
        #expect(try keyfob("move", "--to", "keyring").succeeded)
        #expect(try keyring.items().count == 3)
        #expect(
            try keyfob("move", "--to", "keyring").errors == "keyfob: nothing to move\n")
    }

    @Test func theNewerOfTwoLoginsIsKept() throws {
        _ = try desk.startKeyring()
        try store("a.example", "old", in: "file")
        // Times are told in seconds.
        Thread.sleep(forTimeInterval: 1.1)
        try store("a.example", "new", in: "secret-service")
        #expect(try keyfob("move", "--to", "keyring").succeeded)
        #expect(try secret("a.example", in: "secret-service") == "new\n")
        #expect(try secret("a.example", in: "file") == "")

        try store("a.example", "newest", in: "file")
        Thread.sleep(forTimeInterval: 1.1)
        try store("a.example", "newest of all", in: "secret-service")
        #expect(try keyfob("move", "--to", "file").succeeded)
        #expect(try secret("a.example", in: "file") == "newest of all\n")
    }

    @Test func anotherItemOfTheSameLoginGoesWithIt() throws {
        let keyring = try desk.startKeyring()
        try store("a.example", "s", in: "secret-service")
        try plant("https://a.example/v1/", "u", "s")
        #expect(try keyring.items().count == 2)
        let move = try keyfob("move", "--to", "file", "a.example")
        #expect(move.succeeded, "\(move)")
        #expect(move.output.split(separator: "\n").count == 1)
        #expect(try keyring.items().isEmpty)
    }

    /// Another helper has stored a login beside it, which is never lost unsaid.
    @Test(arguments: [
        ("a.example", "https://a.example"), ("https://a.example", "https://a.example:443/v2/"),
        ("https://a.example", "a.example"), ("a.example", "a.example"),
    ])
    func anotherLoginOfTheSameServerStaysAndIsNamed(first: String, second: String) throws {
        let keyring = try desk.startKeyring()
        try plant(first, "bob", "of bob")
        try plant(second, "carol", "of carol")
        let given =
            try desk.sandbox.run(
                "docker-credential-keyfob", "get", input: "a.example"
            ).output.contains("bob") ? "bob" : "carol"
        let other = given == "bob" ? "carol" : "bob"

        let backup = try desk.sandbox.program(
            ["keyfob", "backup", "--stdin", desk.sandbox.file("home/backup")],
            input: Array("p\n".utf8)
        ).run()
        let export = try keyfob("export", "--client", "docker", "--plain-text", "a.example")
        let preview = try keyfob("move", "--to", "file", "--dry-run")
        let move = try keyfob("move", "--to", "file")
        for (outcome, done, left) in [
            (backup, "wrote", "left out"), (export, "exported", "did not export"),
            (preview, "would move", "would not move"), (move, "moved", "did not move"),
        ] {
            #expect(outcome.status == 1, "\(outcome)")
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.count == 2, "\(outcome)")
            #expect(lines[0].contains(done) && lines[0].contains(given), "\(outcome)")
            #expect(lines[1].contains(left) && lines[1].contains(other), "\(outcome)")
        }
        let kept = try desk.sandbox.run(
            "docker-credential-keyfob", "get", input: "a.example",
            environment: ["KEYFOB_STORE": "file"])
        #expect(kept.output.contains("of \(given)"), "\(kept)")
        #expect(try keyring.items().count == 1)
        let rest = try desk.sandbox.run(
            "keyfob", "list", environment: ["KEYFOB_STORE": "secret-service"])
        #expect(rest.output.contains(other) && !rest.output.contains(given), "\(rest)")
    }

    @Test func aLockedKeyringGivesNothingAwayAndLosesNothing() throws {
        let keyring = try desk.startKeyring()
        try store("a.example", "s", in: "secret-service")
        try keyring.lock()
        let outcome = try keyfob("move", "--to", "file")
        #expect(outcome.status == 4)
        #expect(
            outcome.errors.hasPrefix(
                Sentence.expanding("keyfob: error: <keyring-locked>\n")))
        #expect(try keyring.items().count == 1)
        #expect(try secret("a.example", in: "file") == "")
    }

    /// Killed at any moment, and run again.
    @Test func aMoveThatIsKilledLosesNothingAndIsFinishedByTheNext() throws {
        let keyring = try desk.startKeyring()
        let servers = (0..<8).map { "host\($0).example" }
        for server in servers { try store(server, server, in: "file") }
        for pause in stride(from: 10, through: 130, by: 20) {
            let move = try desk.sandbox.program(["keyfob", "move", "--to", "keyring"]).start()
            usleep(UInt32(pause) * 1000)
            move.signal(SIGKILL)
            _ = try move.finish()
            for server in servers { #expect(try secret(server, in: "auto") == server + "\n") }
        }
        #expect(try keyfob("move", "--to", "keyring").succeeded)
        #expect(try keyring.items().count == servers.count)
        for server in servers {
            #expect(try secret(server, in: "secret-service") == server + "\n")
            #expect(try secret(server, in: "file") == "")
        }
    }

    /// Stores a login as docker-credential-secretservice does, beside others.
    private func plant(_ server: String, _ user: String, _ secret: String) throws {
        let planted = try desk.sandbox.run(
            "secret-tool", "store", "--label=\(server)", "xdg:schema", "io.docker.Credentials",
            "server", server, "docker_cli", "1", "label", "Docker Credentials",
            "username", user, input: secret)
        try #require(planted.succeeded)
    }

    private func store(_ server: String, _ secret: String, in policy: String) throws {
        let stored = try desk.sandbox.run(
            "docker-credential-keyfob", "store",
            input: #"{"ServerURL":"\#(server)","Username":"u","Secret":"\#(secret)"}"#,
            environment: ["KEYFOB_STORE": policy])
        try #require(stored.succeeded)
    }

    private func secret(_ server: String, in policy: String) throws -> String {
        try desk.sandbox.run("keyfob", "token", server, environment: ["KEYFOB_STORE": policy])
            .output
    }

    private func keyfob(_ arguments: String...) throws -> Outcome {
        try desk.sandbox.program(["keyfob"] + arguments).run()
    }
}
