import Foundation
import Sandbox
import Testing

/// Accounts: logins for the same servers that have nothing to do with each other.
@Suite struct AccountTests {
    private static let helper = "docker-credential-keyfob"
    /// The names of the helper: outside every account, and in two of them.
    private static let helpers = [helper, "\(helper)-work", "\(helper)-home"]

    private static func machine(_ kind: Machine.Kind) throws -> Machine {
        let machine = try Machine(kind)
        for name in helpers.dropFirst() { try machine.sandbox.install(helper, as: name) }
        return machine
    }

    // MARK: A model

    /// What a helper may be asked, and what comes of it.
    private struct Model {
        /// The logins by the helper's name and the server's host.
        var logins: [String: [String: Login]] = [:]
    }

    /// How the keyring is while a step is made.
    private enum Weather: CaseIterable {
        case fair, locked, noBus
    }

    @Test(arguments: Machine.Kind.allCases)
    func twoHundredStepsMixNothing(_ kind: Machine.Kind) throws {
        let machine = try Self.machine(kind)
        var keyring = machine.keyring
        var random = SeededGenerator(seed: kind == .desktop ? 7 : 8)
        var model = Model()
        for step in 0..<200 {
            let isFair = keyring == nil || step % 10 != 9
            let weather = isFair ? .fair : random.pick([Weather.locked, .noBus])
            if weather == .locked { try keyring?.lock() }
            let name = random.pick(Self.helpers)
            let host = random.pick(["a.example", "b.example:5000", "https://c.example"])
            try make(step, on: machine, name, host, weather, &random, &model)
            if weather == .locked, let locked = keyring {
                try locked.stop()
                keyring = try GnomeKeyring(on: locked.bus)
            }
        }
        for name in Self.helpers {
            let users = try machine.list(as: name)
            #expect(users == (model.logins[name] ?? [:]).mapValues(\.username))
            for host in ["a.example", "b.example:5000", "https://c.example"] {
                #expect(try machine.get(host, as: name) == model.logins[name]?[host])
            }
        }
    }

    /// Makes one step, and compares what comes of it with the model.
    private func make(
        _ step: Int, on machine: Machine, _ name: String, _ host: String, _ weather: Weather,
        _ random: inout SeededGenerator, _ model: inout Model
    ) throws {
        let known = model.logins[name]?[host]
        let sandbox = machine.sandbox
        func run(_ action: String, _ input: String) throws -> Outcome {
            try sandbox.run(
                name, action, input: input,
                environment: weather == .noBus ? ["DBUS_SESSION_BUS_ADDRESS": ""] : [:])
        }
        let notFound = "credentials not found in native keychain\n"
        switch (random.pick(["store", "store", "get", "get", "get", "erase", "list"]), weather) {
        case ("store", .fair):
            let login = Login("user-\(step)", "secret-\(step)")
            try machine.store(host, login.username, login.secret, as: name)
            model.logins[name, default: [:]][host] = login
        case ("get", .fair):
            #expect(try machine.get(host, as: name) == known, "step \(step)")
        case ("erase", .fair):
            try machine.erase(host, as: name)
            model.logins[name]?[host] = nil
        case ("list", .fair):
            let users = (model.logins[name] ?? [:]).mapValues(\.username)
            #expect(try machine.list(as: name) == users, "step \(step)")
        case ("erase", _):
            let outcome = try run("erase", host)
            #expect(outcome.succeeded == (known == nil), "step \(step): \(outcome)")
        default:
            let outcome = try run("get", host)
            #expect(outcome.status == 1)
            #expect((outcome.output == notFound) == (known == nil), "step \(step): \(outcome)")
        }
    }

    // MARK: Other helpers

    @Test func anotherHelperNeitherSeesNorErasesThem() throws {
        let machine = try Self.machine(.desktop)
        let theirs = "docker-credential-secretservice"
        let server = "https://registry.example.com/v1/"
        try machine.store(server, "alice", "secret", as: Self.helpers[1])
        #expect(try machine.list(as: theirs).isEmpty)
        #expect(try machine.get(server, as: theirs) == nil)
        try machine.erase(server, as: theirs)
        #expect(try machine.get(server, as: Self.helpers[1]) == Login("alice", "secret"))
        #expect(try machine.get(server) == nil)
        #expect(try machine.get(server, as: Self.helpers[2]) == nil)

        try machine.store(server, "bob", "other", as: theirs)
        #expect(try machine.get(server) == Login("bob", "other"))
        #expect(try machine.get(server, as: Self.helpers[1]) == Login("alice", "secret"))
        try machine.erase(server, as: Self.helpers[1])
        #expect(try machine.get(server, as: theirs) == Login("bob", "other"))
    }

    // MARK: docker and podman

    @Test(arguments: Machine.Kind.allCases)
    func twoConfigurationsOfDockerHaveTwoLogins(_ kind: Machine.Kind) throws {
        let machine = try Machine(kind)
        let sandbox = machine.sandbox
        let registry = try Registry(in: sandbox, authentication: .none)
        let work = ["DOCKER_CONFIG": sandbox.file("home/.docker-work") as String?]
        sandbox.putFirstOnPath("home/.local/bin")

        // What stands there in plain text goes into the account of that configuration.
        let auth = Data("bob:old".utf8).base64EncodedString()
        let plain = #"{"auths":{"old.example":{"auth":"\#(auth)"}}}"#
        try sandbox.write(plain, to: "home/.docker-work/config.json")
        try machine.store("old.example", "alice", "kept")
        let setup = try sandbox.run(
            "keyfob", "setup", "docker", "--account", "work", environment: work)
        #expect(setup.succeeded, "\(setup)")
        #expect(setup.output.contains(".local/bin/\(Self.helpers[1]): is now a link"))
        #expect(try sandbox.run("keyfob", "import", environment: work).succeeded)
        #expect(try machine.get("old.example") == Login("alice", "kept"))
        #expect(try machine.get("old.example", as: Self.helpers[1]) == Login("bob", "old"))

        #expect(try sandbox.run("keyfob", "setup", "docker").succeeded)
        try login("alice", "one", registry, sandbox, [:])
        try login("bob", "two", registry, sandbox, work)
        #expect(try machine.get(registry.host) == Login("alice", "one"))
        #expect(try machine.get(registry.host, as: Self.helpers[1]) == Login("bob", "two"))

        try sandbox.write(
            #"credential-helpers = ["keyfob-work"]"# + "\n", to: "home/podman.conf")
        let podman = try sandbox.run(
            "podman", "login", "--get-login", registry.host,
            environment: ["CONTAINERS_REGISTRIES_CONF": sandbox.file("home/podman.conf")])
        #expect(podman.output == "bob\n", "\(podman)")

        #expect(try sandbox.run("docker", "logout", registry.host, environment: work).succeeded)
        #expect(try machine.get(registry.host, as: Self.helpers[1]) == nil)
        #expect(try machine.get(registry.host) == Login("alice", "one"))

        // The whole of it is taken back.
        #expect(try sandbox.run("keyfob", "setup", "--undo").succeeded)
        #expect(
            !FileManager.default.fileExists(
                atPath: sandbox.file("home/.local/bin/\(Self.helpers[1])")))
    }

    private func login(
        _ user: String, _ password: String, _ registry: Registry, _ sandbox: Sandbox,
        _ environment: [String: String?]
    ) throws {
        let outcome = try sandbox.run(
            "docker", "login", "-u", user, "--password-stdin", registry.host, input: password,
            environment: environment)
        try #require(outcome.succeeded, "\(outcome)")
    }

    // MARK: keyfob

    @Test(arguments: Machine.Kind.allCases)
    func allCommandsKeepThemApart(_ kind: Machine.Kind) throws {
        let machine = try Machine(kind)
        let sandbox = machine.sandbox
        for (account, secret) in [(nil, "zero"), ("work", "one"), ("home", "two")] {
            let option = account.map { ["--account", $0] } ?? []
            let login = try sandbox.program(
                ["keyfob", "login", "--no-verify", "-u", "alice", "--password-stdin", "r.example"]
                    + option, input: Array(secret.utf8)
            ).run()
            #expect(login.succeeded, "\(login)")
            let token = try sandbox.program(["keyfob", "token", "r.example"] + option).run()
            #expect(token.output == "\(secret)\n")
        }
        sandbox.setEnvironment("KEYFOB_ACCOUNT", to: "home")
        #expect(try sandbox.run("keyfob", "token", "r.example").output == "two\n")
        #expect(try machine.get("r.example") == Login("alice", "two"))
        sandbox.setEnvironment("KEYFOB_ACCOUNT", to: nil)

        let list = try sandbox.run("keyfob", "list", "--json").output
        #expect(list.components(separatedBy: #""account":"work""#).count == 2)
        #expect(list.components(separatedBy: #""account":null"#).count == 2)
        #expect(try sandbox.run("keyfob", "status").output.contains("accounts"))

        let backup = try sandbox.run(
            "keyfob", "backup", "--stdin", sandbox.file("backup"), input: "p\n")
        #expect(backup.succeeded, "\(backup)")

        let logout = try sandbox.run("keyfob", "logout", "--all", "--account", "work")
        #expect(logout.succeeded, "\(logout)")
        #expect(try sandbox.run("keyfob", "token", "--account", "work", "r.example").status == 3)
        #expect(try sandbox.run("keyfob", "token", "--account", "home", "r.example").succeeded)
        let rest = try sandbox.run("keyfob", "logout", "--all")
        #expect(rest.succeeded)
        #expect(rest.errors.contains("logins of the account home remain"), "\(rest)")

        let restore = try sandbox.run(
            "keyfob", "restore", "--stdin", sandbox.file("backup"), input: "p\n")
        #expect(restore.succeeded, "\(restore)")
        for (option, secret) in [([], "zero"), (["--account", "work"], "one")] {
            let token = try sandbox.program(["keyfob", "token", "r.example"] + option).run()
            #expect(token.output == "\(secret)\n")
        }
    }

    /// Another account's logins must never be taken for those of a name that is none.
    @Test(arguments: [
        "podman", "podman-x", "a/b", "-a", "a b", "é", String(repeating: "a", count: 65),
    ])
    func whatIsNoNameIsAnError(name: String) throws {
        let machine = try Machine(.server)
        try machine.store("r.example", "alice", "secret")
        machine.sandbox.setEnvironment("KEYFOB_ACCOUNT", to: name)
        for action in ["get", "erase", "list"] {
            let outcome = try machine.helper(action, "r.example")
            #expect(outcome.status == 1)
            #expect(outcome.output == Sentence.expanding("<bad-account>\n"), "\(outcome)")
        }
        #expect(try machine.sandbox.run("keyfob", "list").status == 1)
        #expect(try machine.sandbox.run("keyfob", "list", "--account", name).status == 2)
        machine.sandbox.setEnvironment("KEYFOB_ACCOUNT", to: nil)
        #expect(try machine.get("r.example") == Login("alice", "secret"))
    }
}
