import Foundation
import Sandbox
import Testing

/// The real docker CLI, which needs no daemon to log in and out.
@Suite struct DockerTests {
    @Test(arguments: Machine.Kind.allCases)
    func dockerLoginKeepsThePasswordInTheStoreAloneAndLogoutRemovesIt(
        _ kind: Machine.Kind
    ) throws {
        let machine = try Machine(kind)
        let registry = try Registry(in: machine.sandbox)
        try configure(machine)

        let login = try docker(
            machine, "login", "-u", Registry.user, "--password-stdin", registry.host,
            input: Registry.password)
        #expect(login.succeeded)
        #expect(login.output.contains("Login Succeeded"))
        #expect(try configuration(machine).contains(registry.host))
        #expect(try !configuration(machine).contains(#""auth":"#))
        #expect(try machine.list() == [registry.host: Registry.user])
        #expect(try machine.get(registry.host) == Login(Registry.user, Registry.password))
        if let keyring = machine.keyring {
            #expect(try keyring.items().count == 1)
        }

        let logout = try docker(machine, "logout", registry.host)
        #expect(logout.succeeded)
        #expect(logout.errors.isEmpty)
        #expect(try !configuration(machine).contains(registry.host))
        try machine.expectNothing()
    }

    @Test(arguments: Machine.Kind.allCases)
    func dockerLoginWithAWrongPasswordStoresNothing(_ kind: Machine.Kind) throws {
        let machine = try Machine(kind)
        let registry = try Registry(in: machine.sandbox)
        try configure(machine)

        let login = try docker(
            machine, "login", "-u", Registry.user, "--password-stdin", registry.host,
            input: "wrong")
        #expect(!login.succeeded)
        try machine.expectNothing()
    }

    @Test(arguments: Machine.Kind.allCases)
    func dockerLoginAsAnotherUserReplacesTheLogin(_ kind: Machine.Kind) throws {
        let machine = try Machine(kind)
        let registry = try Registry(in: machine.sandbox)
        try configure(machine)
        try machine.store("https://\(registry.host)/v2/", "bob", "old")

        let login = try docker(
            machine, "login", "-u", Registry.user, "--password-stdin", registry.host,
            input: Registry.password)
        #expect(login.succeeded)
        #expect(try machine.list() == [registry.host: Registry.user])
    }

    /// `docker logout docker.io` itself asks only for spellings of `docker.io`; `docker logout`
    /// only for the URL.
    @Test(arguments: Machine.Kind.allCases, [["logout", "docker.io"], ["logout"]])
    func dockerLogoutOfDockerHubRemovesTheLoginAndBothItsTokens(
        _ kind: Machine.Kind, _ command: [String]
    ) throws {
        let machine = try Machine(kind)
        try configure(machine)
        try machine.store("https://index.docker.io/v1/access-token", "alice", "access")
        try machine.store("https://index.docker.io/v1/refresh-token", "alice", "refresh..client")
        try machine.store("https://index.docker.io/v1/", "alice", "password")
        #expect(try machine.list().count == 3)

        let logout = try machine.sandbox.program(["docker"] + command).run()
        #expect(logout.succeeded)
        try machine.expectNothing()
    }

    @Test(arguments: Machine.Kind.allCases)
    func dockerHubIsFoundHoweverItIsSpelled(_ kind: Machine.Kind) throws {
        let machine = try Machine(kind)
        try machine.store("https://index.docker.io/v1/", "alice", "password")
        for spelling in ["https://index.docker.io/v1", "docker.io", "registry-1.docker.io\n"] {
            #expect(try machine.get(spelling) == Login("alice", "password"))
        }
        #expect(try machine.get("http://docker.io") == nil)
    }

    private func docker(
        _ machine: Machine, _ arguments: String..., input: String = ""
    ) throws -> Outcome {
        try machine.sandbox.program(["docker"] + arguments, input: Array(input.utf8)).run()
    }

    private func configure(_ machine: Machine) throws {
        try machine.sandbox.write(
            #"{"credsStore": "keyfob"}"#, to: "home/.docker/config.json")
    }

    private func configuration(_ machine: Machine) throws -> String {
        try #require(machine.sandbox.text("home/.docker/config.json"))
    }
}
