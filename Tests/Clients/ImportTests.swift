import Foundation
import Sandbox
import Testing

/// `keyfob import` of what the real clients and the real docker-credential-pass have kept.
@Suite struct ImportTests {
    @Test(arguments: Machine.Kind.allCases)
    func whatClientsHaveWrittenIsInTheStoreAndNowhereElse(_ kind: Machine.Kind) throws {
        let clients = try PlainClients(on: try Machine(kind))
        let sandbox = clients.sandbox
        try clients.loginDocker()
        try clients.loginPodman()
        try clients.loginCargo()
        try clients.loginTerraform()
        try clients.loginPulumi()
        #expect(try clients.filesWithSecrets().count == 5)

        let preview = try sandbox.run("keyfob", "import", "--dry-run")
        #expect(preview.output.split(separator: "\n").count == 5, "\(preview)")
        #expect(try clients.filesWithSecrets().count == 5)
        let outcome = try sandbox.run("keyfob", "import")
        #expect(outcome.succeeded, "\(outcome)")
        #expect(try clients.filesWithSecrets().isEmpty)
        let host = clients.registry.host
        #expect(try clients.machine.get(host) == Login(Registry.user, Registry.password))
        for (server, token) in [
            ("loop", PlainClients.cargoToken),
            (PlainClients.terraformHost, PlainClients.terraformToken),
            ("https://api.pulumi.com", PlainClients.pulumiToken),
        ] {
            #expect(try sandbox.run("keyfob", "token", server).output == token + "\n")
        }
        #expect(
            try sandbox.run("keyfob", "import").errors == "keyfob: nothing to import\n")
    }

    @Test func aLockedKeyringLosesNothing() throws {
        let clients = try PlainClients(on: try Machine(.desktop))
        try clients.loginDocker()
        try clients.machine.store("other.example", "u", "p")
        let before = clients.sandbox.text("home/.docker/config.json")
        try clients.machine.keyring?.lock()
        let outcome = try clients.sandbox.run("keyfob", "import")
        #expect(outcome.status == 4)
        #expect(outcome.errors.hasPrefix("keyfob: error: the keyring is locked"), "\(outcome)")
        #expect(clients.sandbox.text("home/.docker/config.json") == before)
    }

    @Test(arguments: Machine.Kind.allCases)
    func loginsOfPassAreMoved(_ kind: Machine.Kind) throws {
        let machine = try Machine(kind)
        let sandbox = machine.sandbox
        try sandbox.makeFolder("home/.gnupg")
        let key = try sandbox.run(
            "gpg", "--batch", "--passphrase", "", "--quick-generate-key", "keyfob@example.com")
        try #require(key.succeeded, "\(key)")
        try #require(try sandbox.run("pass", "init", "keyfob@example.com").succeeded)
        let logins = ["a.example": "one", "https://index.docker.io/v1/": "two"]
        for (server, secret) in logins {
            try machine.store(server, "alice", secret, as: "docker-credential-pass")
        }

        let outcome = try sandbox.run("keyfob", "import", "--from-helper", "pass")
        #expect(outcome.succeeded, "\(outcome)")
        for (server, secret) in logins {
            #expect(try machine.get(server) == Login("alice", secret))
        }
        #expect(try machine.list(as: "docker-credential-pass").isEmpty)
        #expect(try machine.list().count == 2)
        _ = try sandbox.run("gpgconf", "--kill", "gpg-agent")
    }

    /// It keeps its logins in the very same items: what it erased would be gone from Keyfob.
    @Test func aHelperThatSharesTheKeyringIsNotImportedFrom() throws {
        let machine = try Machine(.desktop)
        try machine.store("a.example", "alice", "one", as: "docker-credential-secretservice")
        for command in ["import --from-helper", "export --to-helper"] {
            let words = command.split(separator: " ").map(String.init)
            let preview = try machine.sandbox.program(
                ["keyfob"] + words + ["secretservice", "--dry-run"]
            ).run()
            #expect(preview.status == 1, "\(preview)")
        }
        let setup = try machine.sandbox.run("keyfob", "setup", "docker")
        #expect(setup.succeeded && !setup.errors.contains("secretservice"), "\(setup)")
        let outcome = try machine.sandbox.run("keyfob", "import", "--from-helper", "secretservice")
        #expect(outcome.status == 1)
        #expect(
            outcome.errors.hasPrefix(
                Sentence.expanding("keyfob: error: <same-store|docker-credential-secretservice>\n")
            ))
        #expect(try machine.get("a.example") == Login("alice", "one"))
        #expect(try machine.list().count == 1)
    }

    /// Killed at any moment, and run again, every login is in exactly one place, and works.
    @Test(arguments: Machine.Kind.allCases)
    func anImportThatIsKilledLosesNothing(_ kind: Machine.Kind) throws {
        let isLong = Sandbox.isSoak
        let (count, kills) = isLong ? (100, 20) : (20, 6)
        let machine = try Machine(kind)
        let servers = (0..<count).map { "host\($0).example" }
        func write() throws {
            let auths = servers.map { server in
                "\t\t\"\(server)\": {\n\t\t\t\"auth\": \""
                    + Data("alice:\(server)".utf8).base64EncodedString() + "\"\n\t\t}"
            }
            try machine.sandbox.write(
                "{\n\t\"auths\": {\n" + auths.joined(separator: ",\n") + "\n\t},\n\t\"n\": 1.50\n}",
                to: "home/.docker/config.json")
        }
        // How long a whole one takes tells when to kill.
        try write()
        let start = ContinuousClock.now
        let whole = try machine.sandbox.run("keyfob", "import")
        try #require(whole.succeeded, "\(whole)")
        let micros = (ContinuousClock.now - start) / .microseconds(1)
        try machine.sandbox.run("keyfob", "logout", "--all", "--non-interactive")

        var interrupted = 0
        for _ in 0..<kills {
            try write()
            let run = try machine.sandbox.program(["keyfob", "import"]).start()
            usleep(UInt32(Double.random(in: 0.02...0.98) * micros))
            run.signal(SIGKILL)
            if try run.finish().status != 0 { interrupted += 1 }
            // Nothing is lost: what is not stored yet is in the file.
            let file = machine.sandbox.text("home/.docker/config.json") ?? ""
            let stored = try machine.list()
            for server in servers where stored[server] == nil {
                #expect(
                    file.contains(Data("alice:\(server)".utf8).base64EncodedString()), "\(server)")
            }

            let again = try machine.sandbox.run("keyfob", "import")
            #expect(again.succeeded, "\(again)")
            let rest = machine.sandbox.text("home/.docker/config.json") ?? ""
            #expect(!rest.contains("\"auth\""))
            #expect(rest.hasSuffix("},\n\t\"n\": 1.50\n}"))
            #expect(try machine.list().count == count)
            for server in servers.shuffled().prefix(isLong ? count : 5) {
                #expect(try machine.get(server) == Login("alice", server))
            }
            let names = try FileManager.default.contentsOfDirectory(
                atPath: machine.sandbox.file("home/.docker"))
            #expect(names == ["config.json"])
            let logout = try machine.sandbox.run("keyfob", "logout", "--all", "--non-interactive")
            #expect(logout.succeeded, "\(logout)")
        }
        print("ImportTests: \(kind.testDescription), \(interrupted) of \(kills) were interrupted")
        #expect(interrupted > 0)
    }
}
