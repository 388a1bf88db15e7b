import Foundation
import Sandbox
import Testing

/// `keyfob login` and the real docker-registry.
@Suite struct LoginTests {
    private static let refusal = """
        keyfob: error: the registry refused the user name or password
        keyfob: hint: nothing was stored

        """

    // MARK: A password

    @Test(arguments: Machine.Kind.allCases)
    func whatIsStoredServesTheClientsUntilTheyLogOut(_ kind: Machine.Kind) throws {
        let machine = try Machine(kind)
        let sandbox = machine.sandbox
        let registry = try Registry(in: sandbox)
        try machine.store(registry.host, "bob", "old")

        let login = try login(machine, "http://\(registry.host)/v2/", Registry.password + "\n")
        let store = machine.keyring == nil ? "file" : "keyring"
        #expect(
            login.output
                == "logged in to \(registry.host) as \(Registry.user), kept in the \(store)\n")
        #expect(login.errors.hasPrefix("keyfob: error") == false, "\(login)")
        #expect(try machine.list() == [registry.host: Registry.user])
        #expect(try machine.get(registry.host) == Login(Registry.user, Registry.password))

        try sandbox.write(
            #"credential-helpers = ["keyfob-podman"]"# + "\n",
            to: "home/.config/containers/registries.conf")
        let push = try push(to: registry, sandbox)
        #expect(push.succeeded, "\(push)")

        try sandbox.write(#"{"credsStore": "keyfob"}"#, to: "home/.docker/config.json")
        #expect(try sandbox.run("docker", "logout", registry.host).succeeded)
        try machine.expectNothing()
        #expect(try !self.push(to: registry, sandbox).succeeded)
    }

    @Test(arguments: Machine.Kind.allCases)
    func aWrongPasswordStoresNothingAndLeavesWhatWasThere(_ kind: Machine.Kind) throws {
        let machine = try Machine(kind)
        let registry = try Registry(in: machine.sandbox)
        #expect(try login(machine, registry.host, "a-wrong-one").errors == Self.refusal)
        try machine.expectNothing()

        try machine.store(registry.host, "bob", "old")
        let again = try login(machine, registry.host, "a-wrong-one")
        #expect(again.status == 5)
        #expect(again.output.isEmpty)
        #expect(again.errors == Self.refusal)
        #expect(try machine.get(registry.host) == Login("bob", "old"))
    }

    @Test func aRegistryThatAsksNobodyIsSaidToDoSo() throws {
        let machine = try Machine(.server)
        let registry = try Registry(in: machine.sandbox, authentication: .none)
        let login = try login(machine, registry.host, "any")
        #expect(login.succeeded)
        #expect(login.errors.contains("the registry requires no login"))
        #expect(try machine.get(registry.host) == Login(Registry.user, "any"))
    }

    @Test func aLockedKeyringKeepsNothingAndSaysSo() throws {
        let machine = try Machine(.desktop)
        let registry = try Registry(in: machine.sandbox)
        try machine.keyring?.lock()
        let login = try login(machine, registry.host, Registry.password)
        #expect(login.status == 4)
        #expect(login.output.isEmpty)
        #expect(login.errors.contains("the keyring is locked"), "\(login)")
        #expect(try machine.keyring?.items().isEmpty == true)
    }

    @Test func thePasswordIsReadOnceAndSentOnceAndIsNoArgumentOfAnyProgram() throws {
        let machine = try Machine(.server)
        let sandbox = machine.sandbox
        let registry = try Registry(in: sandbox)
        let password = Registry.password
        let outcome = try sandbox.run(
            "strace", "-f", "-v", "-x", "-s", "2097152", "-o", sandbox.file("trace"),
            "keyfob", "login", "-u", Registry.user, "--password-stdin", registry.host,
            input: password)
        #expect(outcome.succeeded, "\(outcome)")
        let lines = try #require(sandbox.text("trace")).split(separator: "\n")
        #expect(lines.count { $0.contains("execve(") } == 1)
        // strace writes bytes that are no ASCII as \xHH, and escapes quotes and backslashes.
        let traced = password.utf8.map { byte in
            switch byte {
            case 0x80...: "\\x" + String(byte, radix: 16)
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): "\\" + String(UnicodeScalar(byte))
            default: String(UnicodeScalar(byte))
            }
        }.joined()
        let whole = password.utf8.map { "\\x" + String($0, radix: 16) }.joined()
        let header = Data("\(Registry.user):\(password)".utf8).base64EncodedString()
        let calls = lines.filter { line in
            [traced, whole, header].contains { line.contains($0) }
        }.map { line in line.drop { $0.isNumber || $0 == " " }.prefix { $0 != "(" } }
        #expect(calls == ["read", "sendto"])
    }

    // MARK: TLS

    @Test func aRegistryThatCannotShowWhoItIsIsShownNothing() throws {
        let machine = try Machine(.server)
        let certificate = try Certificate(in: machine.sandbox)
        let registry = try Registry(in: machine.sandbox, certificate: certificate)
        let login = try login(machine, registry.host, Registry.password)
        #expect(login.status == 1)
        #expect(
            login.errors.hasPrefix(
                "keyfob: error: https://\(registry.host) is not trusted: "), "\(login)")
        #expect(login.errors.contains("--ca-file"))
        try machine.expectNothing()

        machine.sandbox.setEnvironment("SSL_CERT_FILE", to: certificate.path)
        #expect(try self.login(machine, registry.host, "wrong").errors == Self.refusal)
        #expect(try self.login(machine, registry.host, Registry.password).succeeded)
        #expect(try machine.get(registry.host) == Login(Registry.user, Registry.password))
    }

    @Test(arguments: ["containers", "docker"])
    func theCertificatesOfDockerAndPodmanAreTrusted(client: String) throws {
        let machine = try Machine(.server)
        let certificate = try Certificate(in: machine.sandbox)
        let registry = try Registry(in: machine.sandbox, certificate: certificate)
        let folder = "home/.config/\(client)/certs.d/\(registry.host)"
        try machine.sandbox.write("no certificate", to: "\(folder)/another.crt")
        #expect(try login(machine, registry.host, Registry.password).status == 1)
        let text = try String(contentsOfFile: certificate.path, encoding: .utf8)
        try machine.sandbox.write(text, to: "\(folder)/ca.crt")
        #expect(try login(machine, registry.host, Registry.password).succeeded)
        #expect(try machine.sandbox.run("keyfob", "check").output.hasSuffix(": accepted\n"))
    }

    @Test func aRegistryThatWantsAClientCertificateIsShownIt() throws {
        let machine = try Machine(.server)
        let sandbox = machine.sandbox
        let certificate = try Certificate(in: sandbox)
        let own = try Certificate(in: sandbox)
        let witness = try Witness(
            "basic", "alice:secret", "--ca", own.path, certificate: certificate, in: sandbox)
        let login = {
            try self.login(machine, witness.host, "secret", with: ["--ca-file", certificate.path])
        }
        #expect(try !login().succeeded)
        #expect(witness.shown.isEmpty)
        let folder = "home/.config/docker/certs.d/\(witness.host)"
        for (path, name) in [(own.path, "client.cert"), (own.key, "client.key")] {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            try sandbox.write(text, to: "\(folder)/\(name)")
        }
        let outcome = try login()
        #expect(outcome.succeeded, "\(outcome)")
        #expect(witness.shown == ["alice:secret"])
    }

    @Test func aFileOfCertificatesIsTrusted() throws {
        let machine = try Machine(.server)
        let certificate = try Certificate(in: machine.sandbox)
        let registry = try Registry(in: machine.sandbox, certificate: certificate)
        let missing = try login(
            machine, registry.host, Registry.password, with: ["--ca-file", "/nowhere"])
        #expect(missing.status == 3)
        let outcome = try login(
            machine, registry.host, Registry.password, with: ["--ca-file", certificate.path])
        #expect(outcome.succeeded, "\(outcome)")
    }

    @Test func anInsecureRegistryIsTheNamedOneAlone() throws {
        let machine = try Machine(.server)
        let sandbox = machine.sandbox
        // A name that is not this machine's for keyfob, and leads there.
        let certificate = try Certificate(in: sandbox, for: "DNS:elsewhere.example")
        let registry = try Registry(in: sandbox, certificate: certificate)
        let outcome = try login(machine, registry.host, Registry.password, with: ["--insecure"])
        #expect(outcome.succeeded, "\(outcome)")
        #expect(outcome.errors.contains("is not verified (--insecure)"))
        #expect(try sandbox.run("keyfob", "login", "--insecure", "-u", "a").status == 2)

        let tokens = try Witness("token", "alice:s", certificate: certificate, in: sandbox)
        let realm = tokens.address.replacingOccurrences(of: "127.0.0.1", with: "localhost")
        let bearer = try Witness("bearer", realm, in: sandbox)
        let other = try login(machine, bearer.host, "s", with: ["--insecure"])
        #expect(other.status == 1, "\(other)")
        #expect(tokens.shown.isEmpty)
    }

    // MARK: What is said

    @Test func whoIsReplacedAndWhatIsDroppedIsSaid() throws {
        let machine = try Machine(.server)
        let registry = try Registry(in: machine.sandbox)
        try machine.store(registry.host, "bob", "old")
        let outcome = try login(machine, "\(registry.host)/team/app", Registry.password)
        #expect(outcome.succeeded)
        #expect(outcome.errors.contains("/team/app is dropped"))
        #expect(outcome.errors.contains("this replaced the login of bob"))
        let again = try login(machine, "\(registry.host)/v2/", Registry.password)
        #expect(again.succeeded)
        #expect(again.errors.isEmpty, "\(again)")
    }

    @Test func aRegistryIsAskedBeforeAPersonIs() throws {
        let machine = try Machine(.server)
        let terminal = try PseudoTerminal()
        var unreachable = machine.sandbox.program(["keyfob", "login", "127.0.0.1:1"])
        unreachable.terminal = terminal
        #expect(try unreachable.run().status == 6)
        #expect(!terminal.screen.contains("user name"))

        let registry = try Registry(in: machine.sandbox)
        var reachable = machine.sandbox.program(["keyfob", "login", registry.host])
        reachable.terminal = terminal
        let login = try reachable.start()
        try terminal.wait(for: "user name for")
        terminal.type("alice\n")
        try terminal.wait(for: "password of alice")
        terminal.type(Registry.password + "\n")
        #expect(try login.finish().succeeded)
    }

    @Test func aProxyIsNotAskedForThisMachine() throws {
        let machine = try Machine(.server)
        let registry = try Registry(in: machine.sandbox)
        for name in ["http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY"] {
            machine.sandbox.setEnvironment(name, to: "http://127.0.0.1:1")
        }
        #expect(try login(machine, registry.host, Registry.password).succeeded)
    }

    // MARK: Tokens

    @Test func aTokenServersTokenOpensTheRegistry() throws {
        let machine = try Machine(.server)
        let (registry, server) = try tokenRegistry(machine)
        #expect(try login(machine, registry.host, "a-wrong-one").errors == Self.refusal)
        try machine.expectNothing()

        #expect(try login(machine, registry.host, Registry.password).succeeded)
        #expect(try machine.get(registry.host) == Login(Registry.user, Registry.password))
        #expect(server.log.hasSuffix("GET 401\nGET 200\n"), "\(server.log)")

        try machine.sandbox.write(
            #"credential-helpers = ["keyfob-podman"]"# + "\n",
            to: "home/.config/containers/registries.conf")
        let push = try push(to: registry, machine.sandbox)
        #expect(push.succeeded, "\(push)")
    }

    @Test func anIdentityTokenIsKeptInPlaceOfThePassword() throws {
        let machine = try Machine(.server)
        let identity = "an identity/token&=é"
        let (registry, server) = try tokenRegistry(machine, giving: identity)
        let login = try login(machine, registry.host, Registry.password)
        #expect(login.succeeded, "\(login)")
        #expect(login.errors.contains("an identity token"))
        #expect(login.output.contains(" as \(Registry.user), "))
        #expect(try machine.get(registry.host) == Login("<token>", identity))

        // It logs in itself, as docker uses it, and another one does not.
        let again = try self.login(machine, registry.host, identity, as: "<token>")
        #expect(again.succeeded, "\(again)")
        #expect(try self.login(machine, registry.host, "another", as: "<token>").status == 5)
        #expect(try machine.get(registry.host) == Login("<token>", identity))
        #expect(server.log.hasSuffix("GET 200\nPOST 200\nPOST 400\n"), "\(server.log)")
    }

    @Test(arguments: ["http://auth.example.com/token", "http://user@127.0.0.1:5000/token"])
    func aPasswordIsNotSentWhereItIsNotSafe(realm: String) throws {
        let machine = try Machine(.server)
        let registry = try Registry(
            in: machine.sandbox,
            authentication: .token(realm: realm, Certificate(in: machine.sandbox)))
        let login = try login(machine, registry.host, Registry.password)
        #expect(login.status == 1)
        #expect(
            login.errors == """
                keyfob: error: the registry wants the password sent to \(realm), which is \
                not safe
                keyfob: hint: nothing was stored

                """)
        try machine.expectNothing()
    }

    // MARK: -

    private func login(
        _ machine: Machine, _ server: String, _ password: String, as user: String = Registry.user,
        with options: [String] = []
    ) throws -> Outcome {
        let words = ["keyfob", "login", "--username", user, "--password-stdin", server]
        let outcome = try machine.sandbox.program(
            words + options, input: Array(password.utf8)
        ).run()
        let said = outcome.output + outcome.errors
        let holdsIt = said.contains(password.trimmingCharacters(in: .newlines))
        #expect(!holdsIt || ["any", "s", "secret"].contains(password))
        return outcome
    }

    private func push(to registry: Registry, _ sandbox: Sandbox) throws -> Outcome {
        try sandbox.run(
            "skopeo", "copy", "--dest-tls-verify=false",
            "docker-archive:\(Image(in: sandbox).archive)", "docker://\(registry.host)/greeting:1")
    }

    /// A registry that wants tokens, and the server that gives them.
    private func tokenRegistry(
        _ machine: Machine, giving identity: String? = nil, beside file: String = #filePath
    ) throws -> (Registry, Daemon) {
        let sandbox = machine.sandbox
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent().path
        let certificate = try Certificate(in: sandbox)
        let account = try sandbox.write(
            "\(Registry.user):\(Registry.password)", to: "account")
        let identity = try identity.map { [try sandbox.write($0, to: "identity")] } ?? []
        let server = try sandbox.startDaemon(
            [
                "/usr/bin/python3", "-B", "\(folder)/token-server.py", certificate.path,
                certificate.key, account, Registry.service,
            ] + identity)
        let realm = try server.wait(for: "address") {
            server.log.split(separator: "\n").first { $0.hasPrefix("http://") }
        }
        let registry = try Registry(
            in: sandbox, authentication: .token(realm: String(realm), certificate))
        return (registry, server)
    }
}
