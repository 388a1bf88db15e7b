import Sandbox
import Testing

/// Many helpers at once, as `docker compose` and build farms start them.
@Suite struct ParallelTests {
    private static let count = 32

    @Test(arguments: Machine.Kind.allCases)
    func loginsForDifferentServersThatAreStoredAtOnceAreAllThere(
        _ kind: Machine.Kind
    ) throws {
        let machine = try Machine(kind)
        try storeAtOnce(machine) { (server: "registry-\($0).example.com", user: "user-\($0)") }

        let list = try machine.list()
        #expect(list.count == ParallelTests.count)
        for number in 0..<ParallelTests.count {
            #expect(
                try machine.get("registry-\(number).example.com")
                    == Login("user-\(number)", "secret-\(number)"))
        }
    }

    @Test(arguments: Machine.Kind.allCases)
    func ofLoginsForOneServerThatAreStoredAtOnceExactlyOneIsLeftAndWhole(
        _ kind: Machine.Kind
    ) throws {
        let machine = try Machine(kind)
        try storeAtOnce(machine) { (server: "registry.example.com", user: "user-\($0)") }

        let login = try #require(try machine.get("registry.example.com"))
        #expect(
            login.username.split(separator: "-").last == login.secret.split(separator: "-").last)
        #expect(try machine.list() == ["registry.example.com": login.username])
        if let keyring = machine.keyring {
            #expect(try keyring.items().count == 1)
        }
        try machine.erase("registry.example.com")
        try machine.expectNothing()
    }

    private func storeAtOnce(
        _ machine: Machine, _ login: (Int) -> (server: String, user: String)
    ) throws {
        let running = try (0..<ParallelTests.count).map { number in
            let (server, user) = login(number)
            return try machine.sandbox.program(
                ["docker-credential-keyfob", "store"],
                input: Array(try Machine.login(server, user, "secret-\(number)").utf8)
            ).start()
        }
        for program in running {
            let outcome = try program.finish()
            #expect(outcome.succeeded)
        }
    }
}
