import Foundation
import Sandbox
import Testing

/// `keyfob check`, a real docker-registry, and servers that write down what they are shown.
@Suite struct CheckTests {
    private let machine: Machine
    private var sandbox: Sandbox { machine.sandbox }

    init() throws { machine = try Machine(.server) }

    @Test(arguments: Machine.Kind.allCases)
    func aRegistryAcceptsItsLoginAndRefusesAnother(_ kind: Machine.Kind) throws {
        let machine = try Machine(kind)
        let registry = try Registry(in: machine.sandbox)
        try machine.store(registry.host, Registry.user, Registry.password)
        let good = try machine.sandbox.run("keyfob", "check")
        #expect(good.output == "docker \(registry.host) (alice): accepted\n")
        #expect(good.status == 0, "\(good)")

        try machine.store(registry.host, Registry.user, "another")
        let bad = try machine.sandbox.run("keyfob", "check", registry.host)
        #expect(bad.output == "docker \(registry.host) (alice): refused\n")
        #expect(bad.status == 1)
        #expect(try machine.get(registry.host) == Login(Registry.user, "another"))
    }

    @Test func eachServerHasItsWordAndIsShownItsOwnSecretAlone() throws {
        let certificate = try Certificate(in: sandbox)
        let elsewhere = try Witness("basic", "e:x", in: sandbox)
        let tokens = try Witness("token", "alice:s-bearer", in: sandbox)
        let docker: [(witness: Witness, secret: String, word: String)] = [
            (try Witness("basic", "alice:s-basic", in: sandbox), "s-basic", "accepted"),
            (try Witness("basic", "alice:other", in: sandbox), "s-refused", "refused"),
            (try Witness("bearer", tokens.address, in: sandbox), "s-bearer", "accepted"),
            (try Witness("redirect", elsewhere.address, in: sandbox), "s-redirect", "unclear"),
            (try Witness("open", in: sandbox), "s-open", "not-checked"),
            (
                try Witness("basic", "alice:s-tls", certificate: certificate, in: sandbox), "s-tls",
                "untrusted"
            ),
            (try Witness("hang", in: sandbox), "s-hang", "unreachable"),
        ]
        for (witness, secret, _) in docker { try machine.store(witness.host, "alice", secret) }
        let cargo = try Witness("cargo", "s-cargo", in: sandbox)
        let git = try Witness("git", "alice:s-git", in: sandbox)
        let cargoServer = "sparse+\(cargo.address)/index/"
        let gitServer = "\(git.address)/team/repo.git"
        try login("s-cargo", "--client", "cargo", cargoServer)
        try login("s-git", "--client", "git", "-u", "alice", gitServer)
        try login("s-path", "--client", "git", "-u", "alice", git.address)
        try login("s-npm", "--client", "npm", "registry.npmjs.org")
        let expired = "e.\(Data(#"{"exp":1500000000}"#.utf8).base64EncodedString()).s"
        try machine.store("expired.example", "alice", expired)

        let before = sandbox.read("home/.local/share/keyfob/credentials")
        let (status, found) = try check()
        #expect(sandbox.read("home/.local/share/keyfob/credentials") == before)
        #expect(status == 1)
        var wanted: [String: String] = [
            cargoServer: "accepted", gitServer: "accepted", git.address: "not-checked",
            "registry.npmjs.org": "not-checked", "expired.example": "expired",
        ]
        for (witness, _, word) in docker { wanted[witness.host] = word }
        #expect(found == wanted)

        let shown: [(Witness, [String])] =
            docker.map { witness, secret, word in
                let isShown = ["accepted", "refused", "unclear"].contains(word)
                let own = secret == "s-bearer" ? "Bearer t1" : "alice:\(secret)"
                return (witness, isShown ? [own] : [])
            } + [
                (tokens, ["alice:s-bearer"]), (elsewhere, []), (cargo, ["s-cargo"]),
                (git, ["alice:s-git"]),
            ]
        for (witness, secrets) in shown { #expect(witness.shown == secrets) }
    }

    @Test func aTerraformHostIsAskedForTheAccount() throws {
        let certificate = try Certificate(in: sandbox)
        sandbox.setEnvironment("SSL_CERT_FILE", to: certificate.path)
        let host = try Witness("terraform", "s-tf", certificate: certificate, in: sandbox)
        try login("s-tf", "--client", "terraform", host.host)
        #expect(try check() == (0, [host.host: "accepted"]))
        #expect(host.shown == ["Bearer s-tf"])
        try login("s-other", "--client", "terraform", host.host)
        #expect(try check() == (1, [host.host: "refused"]))
    }

    /// It is the address that is not safe: nobody has asked for a password.
    @Test func aServerWithoutTLSIsSentNothing() throws {
        try login("s-git", "--client", "git", "-u", "alice", "http://git.example/team/repo.git")
        let outcome = try sandbox.run("keyfob", "check")
        #expect(outcome.status == 1)
        #expect(
            outcome.output
                == Sentence.expanding(
                    "git http://git.example/team/repo.git (alice): untrusted: "
                        + "<registry-is-unsafe.http|http://git.example>\n"))
    }

    @Test func fourAreAskedAtOnceAndProgressIsShown() throws {
        let hanging = try (0..<4).map { _ in try Witness("hang", in: sandbox) }
        for witness in hanging { try machine.store(witness.host, "alice", "s") }
        let terminal = try PseudoTerminal()
        let began = ContinuousClock.now
        var program = sandbox.program(
            ["sh", "-c", "exec keyfob check 2>/dev/tty"], deadline: .seconds(90))
        program.terminal = terminal
        let outcome = try program.run()
        #expect(outcome.status == 6, "\(outcome)")
        // One after the other they would take four times 15 seconds.
        #expect(ContinuousClock.now - began < .seconds(40))
        #expect(terminal.screen.contains("keyfob: 1 of 4"), "\(terminal.screen)")
    }

    @Test func aServerThatHasNoLoginIsAnError() throws {
        let outcome = try sandbox.run("keyfob", "check", "nobody.example")
        #expect(outcome.status == 3)
        #expect(try sandbox.run("keyfob", "check").status == 0)
    }

    // MARK: -

    private func login(_ secret: String, _ words: String...) throws {
        let outcome = try sandbox.program(
            ["keyfob", "login", "--password-stdin"] + words, input: Array(secret.utf8)
        ).run()
        try #require(outcome.succeeded, "\(outcome)")
    }

    /// The exit status, and the result for each server.
    private func check() throws -> (Int32, [String: String]) {
        let outcome = try sandbox.run("keyfob", "check", "--json", deadline: .seconds(90))
        struct Answer: Decodable {
            struct Check: Decodable {
                let server: String
                let result: String
            }

            let checks: [Check]
        }
        let answer = try JSONDecoder().decode(Answer.self, from: Data(outcome.outputBytes))
        return (
            outcome.status,
            Dictionary(uniqueKeysWithValues: answer.checks.map { ($0.server, $0.result) })
        )
    }
}
