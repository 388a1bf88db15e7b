import Foundation
import Sandbox
import Testing

/// `keyfob logout --files` after logins by the real clients.
@Suite struct LogoutFilesTests {
    /// Logins in the store, and copies in plain text of all the clients.
    @Test(arguments: Machine.Kind.allCases)
    func nothingOfALoginIsLeftAnywhere(_ kind: Machine.Kind) throws {
        let clients = try PlainClients(on: try Machine(kind))
        let sandbox = clients.sandbox
        try sandbox.write(
            #"{"detachKeys":"ctrl-e,e","HttpHeaders":{"X":"y"},"credHelpers":{"x.example":"x"}}"#,
            to: "home/.docker/config.json")
        try clients.loginDocker()
        try clients.loginPodman()
        try clients.loginPodman("--authfile", sandbox.file("home/.config/containers/auth.json"))
        try clients.loginCargo()
        try clients.loginTerraform()
        try clients.loginPulumi()
        for (server, secret) in [(clients.registry.host, Registry.password), ("x.example", "x")] {
            try clients.machine.store(server, Registry.user, secret)
        }
        #expect(try clients.filesWithSecrets().count == 6)
        let before = try copies(in: sandbox)

        let logout = try sandbox.run("keyfob", "logout", "--all", "--files", "--non-interactive")
        #expect(logout.succeeded, "\(logout)")
        #expect(try clients.filesWithSecrets().isEmpty)
        try clients.machine.expectNothing()
        #expect(try !clients.podmanHasLogin())

        // All else is as it was: what is missing is lines of the logins, and nothing is new but
        // the comma or the brackets that they leave.
        for (path, text) in before {
            let after = try #require(sandbox.text(path))
            #expect(after != text)
            let lines = Set(text.split(separator: "\n").map(String.init))
            for line in after.split(separator: "\n") where !lines.contains(String(line)) {
                let isRest =
                    line.hasSuffix("{}") || line.hasSuffix("{},")
                    || line == "    \"current\": \"\"," || lines.contains(line + ",")
                #expect(isRest, "\(path): \(line)")
            }
        }
        let config = try #require(sandbox.text("home/.docker/config.json"))
        for key in ["detachKeys", "HttpHeaders", "\"x.example\": \"x\""] {
            #expect(config.contains(key))
        }
        #expect(sandbox.text("home/.pulumi/credentials.json")?.contains("\"file://~\": {") == true)
    }

    /// What cannot be looked at is not said to be gone.
    @Test func aFolderThatCannotBeEnteredMayHoldALogin() throws {
        let sandbox = try Sandbox(unprivileged: true)
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        let file = try sandbox.write(
            #"{"auths":{"a.example":{"auth":"dTpw"}}}"#, to: "home/.docker/config.json")
        unsafe chmod(sandbox.file("home/.docker"), 0)
        let logout = try sandbox.run("keyfob", "logout", "--files", "--force", "a.example")
        #expect(logout.status == 1)
        #expect(logout.output.contains("\(file): may still be there: cannot open"), "\(logout)")
        #expect(try sandbox.run("keyfob", "import").status == 1)
        unsafe chmod(sandbox.file("home/.docker"), 0o700)
    }

    /// A configuration that git cannot read may name a file with logins.
    @Test func aConfigurationThatCannotBeReadMayNameALogin() throws {
        let sandbox = try Sandbox()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        let named = try sandbox.write("https://u:p@a.example\n", to: "home/named")
        let helper = "[credential]\n\thelper = store --file \(named)\n"
        let config = try sandbox.write(helper + "[broken\n", to: "home/.gitconfig")
        let command = ["keyfob", "logout", "--files", "--force", "https://a.example"]
        let logout = try sandbox.program(command).run()
        #expect(logout.status == 1)
        #expect(logout.output.contains("\(config): may still be there: "), "\(logout)")
        #expect(try sandbox.run("keyfob", "import").status == 1)
        try sandbox.write(helper, to: "home/.gitconfig")
        #expect(try sandbox.program(command).run().succeeded)
        #expect(sandbox.text("home/named") == "")
    }

    /// A netrc file is never changed, and is named if it cannot be looked at.
    @Test func aNetrcThatCannotBeReadIsNamed() throws {
        let sandbox = try Sandbox(unprivileged: true)
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        let file = try sandbox.write("machine a.example password p\n", to: "home/.netrc")
        for mode: mode_t in [0o600, 0] {
            unsafe chmod(file, mode)
            let logout = try sandbox.run("keyfob", "logout", "--files", "--force", "a.example")
            #expect(logout.succeeded && logout.errors.contains(file), "\(logout)")
        }
    }

    /// podman removes a login from one file, and finds it in another one.
    @Test func podmanSaysRemovedWhereALoginIsLeftAndKeyfobDoesNot() throws {
        let clients = try PlainClients(on: try Machine(.server))
        let sandbox = clients.sandbox
        let named = sandbox.file("home/named.json")
        for arguments in [[], ["--authfile", sandbox.file("home/.config/containers/auth.json")]] {
            arguments.isEmpty
                ? try clients.loginPodman() : try clients.loginPodman(arguments[0], arguments[1])
        }
        let logout = try sandbox.run("podman", "logout", clients.registry.host)
        #expect(logout.output == "Removed login credentials for \(clients.registry.host)\n")
        #expect(try clients.podmanHasLogin())

        #expect(try sandbox.run("podman", "logout", "--all").succeeded)
        #expect(try clients.podmanHasLogin())

        try clients.loginPodman("--authfile", named)
        let ours = try sandbox.run("keyfob", "logout", "--all", "--files", "--authfile", named)
        #expect(ours.succeeded, "\(ours)")
        #expect(try !clients.podmanHasLogin())
        #expect(try clients.filesWithSecrets().isEmpty)

        // Debian's podman 4.3.1 does not know --compat-auth-file; the file is docker's.
        try clients.loginDocker()
        let compat = try sandbox.run(
            "keyfob", "logout", "--compat-auth-file", sandbox.file("home/.docker/config.json"),
            clients.registry.host)
        #expect(compat.succeeded, "\(compat)")
        #expect(try clients.filesWithSecrets().isEmpty)
    }

    /// docker's logout is silent and successful where every erase has failed.
    @Test func dockerIsSilentWhereALoginIsLeftAndKeyfobIsNot() throws {
        let machine = try Machine(.desktop)
        let registry = try Registry(in: machine.sandbox)
        try machine.sandbox.write(#"{"credsStore":"keyfob"}"#, to: "home/.docker/config.json")
        let login = try machine.sandbox.run(
            "docker", "login", "-u", Registry.user, "--password-stdin", registry.host,
            input: Registry.password)
        try #require(login.succeeded)
        try machine.keyring?.lock()

        let theirs = try machine.sandbox.run("docker", "logout", registry.host)
        #expect(theirs.succeeded)
        #expect(!theirs.output.contains("WARNING"))
        #expect(try machine.keyring?.items().count == 1)

        let ours = try machine.sandbox.run("keyfob", "logout", registry.host)
        #expect(ours.status == 4)
        #expect(ours.output.contains("keyring: still there: the keyring is locked"))
    }

    /// cargo's own provider says nothing, and is successful, where a locked keyring keeps the token;
    /// and a copy in credentials.toml outlives it.
    @Test(.enabled(if: PlainClients.cargo != nil, "there is no cargo on the PATH"))
    func cargoIsSilentWhereATokenIsLeftAndKeyfobIsNot() throws {
        let clients = try PlainClients(on: try Machine(.desktop))
        let sandbox = clients.sandbox
        try clients.loginCargo()
        let config = try #require(sandbox.text("home/.cargo/config.toml"))
        try sandbox.write(
            config
                + "[registry]\nglobal-credential-providers = [\"cargo:token\", \"cargo:libsecret\"]\n",
            to: "home/.cargo/config.toml")
        let login = try clients.cargo(
            "login", "--registry", "loop", input: PlainClients.cargoToken + "\n")
        try #require(login.succeeded, "\(login)")
        try clients.machine.keyring?.lock()

        let theirs = try clients.cargo("logout", "--registry", "loop")
        #expect(theirs.succeeded)
        #expect(theirs.errors.isEmpty, "\(theirs)")
        #expect(try clients.machine.keyring?.items().count == 1)
        #expect(try !clients.filesWithSecrets().isEmpty)

        let ours = try sandbox.run("keyfob", "logout", "--files", "--client", "cargo", "loop")
        #expect(ours.status == 4)
        #expect(ours.errors.contains("the keyring is locked"), "\(ours)")
    }

    /// Every file that a client has written, by its path in the sandbox.
    private func copies(in sandbox: Sandbox) throws -> [String: String] {
        let paths = [
            "home/.docker/config.json", "run/containers/auth.json",
            "home/.config/containers/auth.json", "home/.cargo/credentials.toml",
            "home/.terraform.d/credentials.tfrc.json", "home/.pulumi/credentials.json",
        ]
        return try Dictionary(
            uniqueKeysWithValues: paths.map { ($0, try #require(sandbox.text($0))) })
    }
}
