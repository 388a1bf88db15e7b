import Foundation
import Sandbox
import Testing

/// The real cargo, with a registry on loopback that wants a token for everything. Debian's own is
/// too old for credential providers (0.66): where there is no newer one on the `PATH`, that is
/// printed and these tests are not run.
@Suite(.enabled(if: isInstalled)) struct CargoTests {
    private static let token = #"Bearer tok-123<&>"q""#

    @Test(arguments: Machine.Kind.allCases)
    func aTokenServesEveryOperationUntilLogout(_ kind: Machine.Kind) throws {
        let machine = try Machine(kind)
        let registry = try configure(machine)
        #expect(try !cargo(machine, "fetch").succeeded)

        let login = try cargo(machine, "login", "--registry", "loop", input: Self.token + "\n")
        #expect(login.succeeded, "\(login)")
        #expect(try machine.list().isEmpty)
        for arguments in [
            ["fetch"], ["publish", "--registry", "loop", "--no-verify", "--allow-dirty"],
            ["yank", "--registry", "loop", "--version", "0.1.0", "loopdep"],
        ] {
            let outcome = try cargo(machine, arguments)
            #expect(outcome.succeeded, "\(outcome)")
        }
        for line in ["fetched loopdep", "published mine", "yanked loopdep"] {
            #expect(registry.log.contains(line))
        }
        #expect(try machine.sandbox.run("keyfob", "token", "loop").output == Self.token + "\n")

        let logout = try cargo(machine, "logout", "--registry", "loop")
        #expect(logout.succeeded && logout.errors.isEmpty, "\(logout)")
        let again = try cargo(machine, "logout", "--registry", "loop")
        #expect(again.succeeded, "\(again)")
        #expect(again.errors.contains("not currently logged in"))
        try machine.expectNothing()
        #expect(try machine.sandbox.run("keyfob", "list").output.isEmpty)
    }

    @Test(arguments: Machine.Kind.allCases)
    func aPersonTypesTheTokenAtTheTerminal(_ kind: Machine.Kind) throws {
        let machine = try Machine(kind)
        _ = try configure(machine)
        // A registry that asks for a token before cargo may read where to log in.
        let terminal = try PseudoTerminal()
        let run = try start(machine, "login --registry loop", at: terminal)
        try terminal.wait(for: "token for loop")
        #expect(!terminal.echoes)
        terminal.type(Self.token + "\n")
        let outcome = try run.finish()
        #expect(outcome.succeeded, "\(terminal.screen)")
        #expect(!terminal.screen.contains(Self.token))
        #expect(terminal.echoes)
        #expect(try cargo(machine, "fetch").succeeded)
    }

    @Test(arguments: Machine.Kind.allCases)
    func anInterruptedQuestionStoresNothing(_ kind: Machine.Kind) throws {
        let machine = try Machine(kind)
        _ = try configure(machine)
        let terminal = try PseudoTerminal()
        let run = try start(machine, "login --registry loop", at: terminal)
        try terminal.wait(for: "token for loop")
        terminal.type("half\u{3}")
        #expect(try !run.finish().succeeded)
        // cargo does not wait for its provider, which puts the terminal right.
        let end = ContinuousClock.now + .seconds(10)
        while !terminal.echoes, ContinuousClock.now < end { usleep(1000) }
        #expect(terminal.echoes)
        #expect(try machine.sandbox.run("keyfob", "list").output.isEmpty)
    }

    /// cargo's own provider and this one share their items.
    @Test func tokensAreSharedWithCargosOwnProvider() throws {
        let machine = try Machine(.desktop)
        _ = try configure(machine)
        let theirs = ["--config", #"registry.global-credential-providers=["cargo:libsecret"]"#]
        let stored = try cargo(
            machine, theirs + ["login", "--registry", "loop"], input: Self.token + "\n")
        try #require(stored.succeeded, "\(stored)")
        #expect(try cargo(machine, "fetch").succeeded)
        #expect(try cargo(machine, "logout", "--registry", "loop").errors.isEmpty)
        #expect(try machine.keyring?.items().isEmpty == true)

        try login(machine)
        let config = #"registries.loop.credential-provider=["cargo:libsecret"]"#
        let fetch = try cargo(machine, "--config", config, "fetch")
        #expect(fetch.succeeded, "\(fetch)")
        #expect(
            try cargo(machine, "--config", config, "logout", "--registry", "loop").succeeded)
        #expect(try machine.keyring?.items().isEmpty == true)
        #expect(
            try cargo(machine, "logout", "--registry", "loop").errors
                .contains("not currently logged in"))
    }

    /// Both forms of a locked keyring: a logout fails aloud, and the token is still there.
    @Test(arguments: [false, true])
    func aLogoutOfALockedKeyringFailsAloud(wasNeverUnlocked: Bool) throws {
        let machine = try Machine(.desktop)
        _ = try configure(machine)
        try login(machine)
        var keyring = try #require(machine.keyring)
        if wasNeverUnlocked {
            try keyring.stop()
            keyring = try GnomeKeyring(on: keyring.bus, isUnlocked: false)
        } else {
            try keyring.lock()
        }
        let logout = try cargo(machine, "logout", "--registry", "loop")
        #expect(!logout.succeeded)
        #expect(logout.errors.contains("the keyring is locked"), "\(logout)")
        #expect(logout.errors.contains("keyfob status"))
        let fetch = try cargo(machine, "fetch")
        #expect(!fetch.succeeded)
        #expect(fetch.errors.contains("the keyring is locked"), "\(fetch)")

        try keyring.stop()
        let unlocked = try GnomeKeyring(on: keyring.bus)
        #expect(try unlocked.items().count == 1)
        #expect(try cargo(machine, "fetch").succeeded)
    }

    /// `keyfob token` as cargo's provider of one line.
    @Test func keyfobTokenServesCargo() throws {
        let machine = try Machine(.server)
        _ = try configure(machine)
        try login(machine)
        let config =
            #"registries.loop.credential-provider=["cargo:token-from-stdout", "keyfob", "token", "{index_url}"]"#
        let fetch = try cargo(machine, "--config", config, "fetch")
        #expect(fetch.succeeded, "\(fetch)")
    }

    /// A logout of all of podman's reaches no other client's login.
    @Test func podmanLogoutOfAllLeavesCargosTokens() throws {
        let machine = try Machine(.desktop)
        _ = try configure(machine)
        try login(machine)
        try machine.store("a.example.com", "alice", "one")
        #expect(try machine.sandbox.run("keyfob", "setup", "podman").succeeded)
        #expect(try machine.list() == ["a.example.com": "alice"])
        #expect(try machine.sandbox.run("podman", "logout", "--all").succeeded)
        #expect(try machine.list().isEmpty)
        #expect(try machine.sandbox.run("keyfob", "token", "loop").output == Self.token + "\n")
    }

    // MARK: Running it

    private func login(_ machine: Machine) throws {
        let login = try cargo(machine, "login", "--registry", "loop", input: Self.token + "\n")
        try #require(login.succeeded, "\(login)")
    }

    private func cargo(
        _ machine: Machine, _ arguments: String..., input: String = ""
    ) throws -> Outcome {
        try cargo(machine, arguments, input: input)
    }

    private func cargo(
        _ machine: Machine, _ arguments: [String], input: String = ""
    ) throws -> Outcome {
        try machine.sandbox.program(
            [
                "sh", "-c", #"cd "$0" && exec cargo "$@""#, machine.sandbox.file("project"),
            ] + arguments, input: Array(input.utf8),
            environment: ["RUSTUP_HOME": PlainClients.rustup]
        ).run()
    }

    private func start(
        _ machine: Machine, _ arguments: String, at terminal: PseudoTerminal
    ) throws -> RunningProgram {
        try machine.sandbox.program(
            [
                "sh", "-c",
                "cd \(machine.sandbox.file("project")) && "
                    + "exec setsid -cw cargo \(arguments) <$0 >$0 2>&1", terminal.path,
            ], environment: ["RUSTUP_HOME": PlainClients.rustup]
        ).start()
    }

    /// A registry that wants the token, a project that has a crate of it, and keyfob set up.
    private func configure(_ machine: Machine, beside file: String = #filePath) throws -> Daemon {
        let sandbox = machine.sandbox
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent().path
        let registry = try sandbox.startDaemon([
            "/usr/bin/python3", "-B", "\(folder)/crate-registry.py",
            try sandbox.write(Self.token, to: "token"),
        ])
        let address = try registry.wait(for: "address") {
            registry.log.split(separator: "\n").first { $0.hasPrefix("http://") }
        }
        try sandbox.write(
            "[registries.loop]\nindex = \"sparse+\(address)/index/\"\n[net]\nretry = 0\n",
            to: "home/.cargo/config.toml")
        let setup = try sandbox.run("keyfob", "setup", "cargo")
        try #require(setup.succeeded, "\(setup)")
        try sandbox.write(
            """
            [package]
            name = "mine"
            version = "0.1.0"
            edition = "2021"
            description = "mine"
            license = "MIT"
            publish = ["loop"]
            [dependencies]
            loopdep = { version = "0.1", registry = "loop" }
            """, to: "project/Cargo.toml")
        try sandbox.write("", to: "project/src/lib.rs")
        return registry
    }
}

private let isInstalled: Bool = {
    if PlainClients.cargo == nil {
        print("CargoTests: not run, for there is no cargo on the PATH")
    }
    return PlainClients.cargo != nil
}()
