import Foundation
import Sandbox
import Testing

/// After `keyfob setup` the real clients keep their logins where it says.
@Suite struct SetupTests {
    @Test(arguments: Machine.Kind.allCases)
    func dockerAndPodmanUseTheStoreUntilItIsUndone(_ kind: Machine.Kind) throws {
        let clients = try PlainClients(on: try Machine(kind))
        let sandbox = clients.sandbox
        #expect(try sandbox.run("keyfob", "setup", "docker", "podman").succeeded)

        try clients.loginDocker()
        #expect(
            try clients.machine.get(clients.registry.host)
                == Login(Registry.user, Registry.password))
        #expect(try sandbox.run("docker", "logout", clients.registry.host).succeeded)
        try clients.machine.expectNothing()

        try clients.loginPodman()
        #expect(
            try clients.machine.get(clients.registry.host)
                == Login(Registry.user, Registry.password))
        #expect(try clients.filesWithSecrets().isEmpty)
        #expect(try clients.podmanHasLogin())

        #expect(try sandbox.run("keyfob", "setup", "--undo", "docker", "podman").succeeded)
        #expect(try !clients.podmanHasLogin())
        try clients.loginPodman()
        #expect(try clients.filesWithSecrets().count == 1)
    }

    /// Each is recorded, so that each can be undone.
    @Test func setupsAtTheSameTimeAreAllUndone() throws {
        let sandbox = try Sandbox()
        for _ in 0..<5 {
            let setups = try sandbox.run(
                "sh", "-c",
                "for c in docker git cargo podman terraform; do keyfob setup $c || echo no & done; wait"
            )
            #expect(!setups.output.contains("no\n"), "\(setups)")
            #expect(try sandbox.run("keyfob", "setup", "--undo").succeeded)
            let left = try sandbox.run(
                "grep", "-rl", "--exclude-dir=.local", "keyfob", sandbox.file("home"))
            #expect(left.output.isEmpty, "\(left)")
        }
    }

    /// docker has written the file anew in the meantime.
    @Test func whatDockerHasAddedStaysWhenASetupIsUndone() throws {
        let clients = try PlainClients(on: try Machine(.server))
        let sandbox = clients.sandbox
        try sandbox.write(
            #"{"detachKeys":"ctrl-e,e","credsStore":"none"}"#, to: "home/.docker/config.json")
        #expect(try sandbox.run("keyfob", "setup", "docker").succeeded)
        try clients.loginDocker()
        #expect(sandbox.text("home/.docker/config.json")?.contains(clients.registry.host) == true)
        #expect(try sandbox.run("keyfob", "setup", "docker", "--undo").succeeded)
        let text = try #require(sandbox.text("home/.docker/config.json"))
        let config = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        #expect(config?["credsStore"] as? String == "none")
        #expect(config?["detachKeys"] as? String == "ctrl-e,e")
        #expect((config?["auths"] as? [String: Any])?.count == 1)
    }

    /// A link that cannot be removed is told, and the next undo removes it.
    @Test(
        arguments: [
            (["terraform"], "home/.terraform.d/plugins", "terraform-credentials-keyfob"),
            (["docker", "--account", "work"], "home/.local/bin", "docker-credential-keyfob-work"),
        ])
    func anUndoThatLeavesALinkFails(command: [String], folder: String, link: String) throws {
        let sandbox = try Sandbox(unprivileged: true)
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        sandbox.setEnvironment(
            "PATH", to: "\(sandbox.environment["PATH"] ?? ""):\(sandbox.file("home/.local/bin"))")
        let setup = try sandbox.program(["keyfob", "setup"] + command).run()
        #expect(setup.succeeded, "\(setup)")
        let path = sandbox.file("\(folder)/\(link)")
        let undo = ["keyfob", "setup", "--undo", "--json"] + command
        unsafe chmod(sandbox.file(folder), 0o500)
        let failed = try sandbox.program(undo).run()
        #expect(!failed.succeeded, "\(failed)")
        #expect((try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil)
        unsafe chmod(sandbox.file(folder), 0o700)
        let undone = try sandbox.program(undo).run()
        #expect(undone.succeeded, "\(undone)")
        #expect((try? FileManager.default.destinationOfSymbolicLink(atPath: path)) == nil)
    }

    /// From a plaintext login to nothing in plain text, as the README has it.
    @Test(arguments: Machine.Kind.allCases)
    func nothingIsInPlainTextAfterThreeCommands(_ kind: Machine.Kind) throws {
        let clients = try PlainClients(on: try Machine(kind))
        try clients.loginDocker()
        #expect(try clients.filesWithSecrets().count == 1)
        #expect(try clients.sandbox.run("keyfob", "setup", "docker").succeeded)
        #expect(try clients.sandbox.run("keyfob", "import").succeeded)
        #expect(try clients.filesWithSecrets().isEmpty)
        let again = try clients.sandbox.run("docker", "login", clients.registry.host)
        // There is no daemon to ask the registry; docker has found the login.
        let words = again.output + again.errors
        #expect(words.contains("Authenticating with existing credentials"), "\(again)")
    }
}
