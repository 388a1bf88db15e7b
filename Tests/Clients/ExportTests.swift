import Foundation
import Sandbox
import Testing

/// `keyfob export` into the files of the real clients.
@Suite struct ExportTests {
    /// What an import has taken out of the files that the clients have written is put back byte for
    /// byte, and they find it.
    @Test(arguments: Machine.Kind.allCases)
    func filesAreAsTheirClientsHadWrittenThem(_ kind: Machine.Kind) throws {
        let clients = try PlainClients(on: try Machine(kind))
        let sandbox = clients.sandbox
        try clients.loginDocker()
        try clients.loginPodman()
        try clients.loginCargo()
        try clients.loginTerraform()
        let paths = try clients.filesWithSecrets()
        #expect(paths.count == 4)
        let before = paths.map { FileManager.default.contents(atPath: $0) }
        try #require(try sandbox.run("keyfob", "import").succeeded)
        #expect(try clients.filesWithSecrets().isEmpty)

        for client in ["docker", "podman", "cargo", "terraform"] {
            let refused = try sandbox.run("keyfob", "export", "--client", client)
            #expect(refused.status == 1)
            #expect(try clients.filesWithSecrets().isEmpty)
            try export(client, in: sandbox)
            try sandbox.run("keyfob", "import", "--client", client)
            #expect(try clients.filesWithSecrets().isEmpty)
        }
        for client in ["docker", "podman", "cargo", "terraform"] { try export(client, in: sandbox) }
        #expect(try clients.filesWithSecrets() == paths)
        #expect(paths.map { FileManager.default.contents(atPath: $0) } == before)

        let host = clients.registry.host
        #expect(try clients.podmanHasLogin())
        #expect(try sandbox.run("podman", "logout", host).succeeded)
        #expect(try sandbox.run("docker", "logout", host).succeeded)
        if PlainClients.cargo != nil {
            let logout = try clients.cargo("logout", "--registry", "loop")
            #expect(logout.errors.contains("token for `loop` has been removed"), "\(logout)")
        }
        let rest = try clients.filesWithSecrets().map { ($0 as NSString).lastPathComponent }
        #expect(Set(rest).isSubset(of: ["credentials.tfrc.json"]), "\(rest)")
    }

    @Test func gitFindsWhatIsExported() throws {
        let sandbox = try Sandbox()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        let password = #"p<&>"'\ ä:=@/%"#
        let login = "protocol=https\nhost=git.example:8443\nusername=al@ice\n"
        try sandbox.run(
            "git-credential-keyfob", "store", input: login + "password=\(password)\n")
        try export("git", in: sandbox)
        let found = try sandbox.program(
            ["git", "-c", "credential.helper=store", "credential", "fill"],
            input: Array(login.utf8),
            environment: ["GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1"]
        ).run()
        #expect(found.output.contains("\npassword=\(password)\n"), "\(found)")

        // git's own helper writes the very same line.
        let own = try #require(sandbox.text("home/.git-credentials"))
        try FileManager.default.removeItem(atPath: sandbox.file("home/.git-credentials"))
        try sandbox.run(
            "git", "credential-store", "store", input: login + "password=\(password)\n")
        #expect(sandbox.text("home/.git-credentials") == own)
    }

    @Test func aLockedKeyringGivesNothingAway() throws {
        let machine = try Machine(.desktop)
        try machine.store("a.example", "alice", "one")
        try machine.keyring?.lock()
        let export = try machine.sandbox.run(
            "keyfob", "export", "--client", "docker", "--plain-text")
        #expect(export.status == 4)
        #expect(export.errors.hasPrefix("keyfob: error: the keyring is locked"), "\(export)")
        #expect(machine.sandbox.text("home/.docker/config.json") == nil)
    }

    private func export(_ client: String, in sandbox: Sandbox) throws {
        let export = try sandbox.run("keyfob", "export", "--client", client, "--plain-text")
        #expect(export.succeeded, "\(export)")
        #expect(export.errors.hasPrefix("keyfob: warning: "), "\(export)")
    }
}
