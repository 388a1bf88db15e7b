import Foundation
import Sandbox
import Testing

/// Tokens are asked for once, used while they live, and nowhere in the clear.
///
/// Where the tests are root, each has a user of its own: the kernel keeps keys for a user, and other
/// tests remove them.
@Suite struct TokenTests {
    private static let server = "registry.example.com"
    /// A token that lives for an hour, and is another one each time.
    private static let script = #"""
        sleep 0.3
        echo "{\"t\": \"token-$(wc -l <"$HOME/../calls-mint")-$AWS_PROFILE\", \"e\": $(($(date +%s) + 3600))}"
        """#
    private static let route = #"""
        {"match": "registry.example.com", "command": ["mint"], "username": "u", "secret": "/t",
         "expires": "/e"}
        """#

    private static func home(
        _ route: String = route, _ script: String = script
    ) throws -> RoutedHome {
        let home = try RoutedHome(route, asUserOfItsOwn: true)
        try home.script("mint", script)
        return home
    }

    @Test func aTokenIsAskedForOnceHoweverManyAskAtOnce() throws {
        let home = try TokenTests.home()
        let outcomes = try home.together(64, "get", TokenTests.server)
        #expect(Set(outcomes.map(\.output)).count == 1)
        #expect(outcomes.filter { !$0.succeeded }.isEmpty, "\(outcomes)")
        #expect(home.calls("mint") == 1)
        #expect(try home.login("https://\(TokenTests.server)/v1/") == ["u", "token-1-"])
        #expect(home.calls("mint") == 1)
    }

    /// Who waits for a token that nobody may use later is given that one.
    @Test(arguments: ["0", "1420070400", "$(($(date +%s) + 50))", "null"])
    func aTokenThatMayNotBeUsedLaterIsNot(end: String) throws {
        let home = try TokenTests.home(
            TokenTests.route,
            #"sleep 1; echo "{\"t\": \"token-$(wc -l <"$HOME/../calls-mint")\", \"e\": \#(end)}""#)
        #expect(try home.login(TokenTests.server) == ["u", "token-1"])
        #expect(try home.login(TokenTests.server) == ["u", "token-2"])
        let outcomes = try home.together(16, "get", TokenTests.server)
        #expect(outcomes.filter { !$0.succeeded }.isEmpty, "\(outcomes)")
        #expect(home.calls("mint") <= 4)
        #expect(try home.helper("list").output == "{}\n")
    }

    @Test func aLifetimeThatTheRouteNamesIsKept() throws {
        let home = try TokenTests.home(
            #"{"match": "\#(TokenTests.server)", "command": ["mint"], "username": "u", "lifetime": "3s"}"#,
            #"wc -l <"$HOME/../calls-mint""#)
        #expect(try home.login(TokenTests.server) == ["u", "1"])
        #expect(try home.login(TokenTests.server) == ["u", "1"])
        sleep(4)
        #expect(try home.login(TokenTests.server) == ["u", "2"])
    }

    @Test func anotherProfileHasAnotherToken() throws {
        let home = try TokenTests.home()
        func login(_ profile: String) throws -> [String] {
            try home.login(TokenTests.server, environment: ["AWS_PROFILE": profile])
        }
        #expect(try login("a") == ["u", "token-1-a"])
        #expect(try login("b") == ["u", "token-2-b"])
        #expect(try login("a") == ["u", "token-1-a"])
        #expect(try login("b") == ["u", "token-2-b"])
        // What the route itself names.
        try home.configure(
            TokenTests.route.replacing("}", with: #", "varies": ["TEAM"]}"#))
        #expect(try home.login(TokenTests.server, environment: ["TEAM": "1"]) == ["u", "token-3-"])
        #expect(try home.login(TokenTests.server, environment: ["TEAM": "2"]) == ["u", "token-4-"])
        #expect(try home.login(TokenTests.server, environment: ["TEAM": "1"]) == ["u", "token-3-"])
    }

    @Test func anEraseEmptiesTheCache() throws {
        let home = try TokenTests.home()
        #expect(try home.login(TokenTests.server) == ["u", "token-1-"])
        #expect(try home.helper("list").output == "{\"\(TokenTests.server)\":\"u\"}\n")
        let listed = try home.sandbox.run("keyfob", "list")
        #expect(listed.output.contains("cache"), "\(listed)")
        #expect(try home.helper("erase", "https://\(TokenTests.server)").succeeded)
        #expect(try home.helper("list").output == "{}\n")
        #expect(try home.login(TokenTests.server) == ["u", "token-2-"])

        let logout = try home.sandbox.run("keyfob", "logout", TokenTests.server)
        #expect(logout.succeeded, "\(logout)")
        #expect(logout.output.contains("cache: removed"), "\(logout)")
        #expect(logout.errors.contains("can make another login"), "\(logout)")
        #expect(try home.helper("list").output == "{}\n")
        #expect(try home.login(TokenTests.server) == ["u", "token-3-"])
        let all = try home.sandbox.run("keyfob", "logout", "--all", "--non-interactive")
        #expect(all.succeeded, "\(all)")
        #expect(try home.helper("list").output == "{}\n")
    }

    @Test func aCacheThatNothingOpensIsBegunAnew() throws {
        let home = try TokenTests.home()
        #expect(try home.login(TokenTests.server) == ["u", "token-1-"])
        let file = "run/keyfob/tokens/credentials"
        let size = try #require(home.sandbox.read(file)).count
        try home.sandbox.write(String(repeating: "x", count: size), to: file)
        #expect(try home.login(TokenTests.server) == ["u", "token-2-"])
        #expect(try home.login(TokenTests.server) == ["u", "token-2-"])
        try home.sandbox.write("", to: file)
        #expect(try home.helper("erase", TokenTests.server).succeeded)
        #expect(try home.login(TokenTests.server) == ["u", "token-3-"])
    }

    /// A file that can be neither read nor removed, with its key and without it.
    @Test(arguments: [true, false])
    func aCacheThatRemainsIsToldAtLogout(hasKey: Bool) throws {
        let home = try TokenTests.home()
        #expect(try home.login(TokenTests.server) == ["u", "token-1-"])
        let folder = home.sandbox.file("run/keyfob/tokens")
        if !hasKey {
            let lock = try home.sandbox.run("keyfob", "lock")
            #expect(lock.succeeded, "\(lock)")
        }
        unsafe chmod(folder + "/credentials", 0)
        unsafe chmod(folder, 0o500)
        let list = try home.helper("list")
        #expect(list.errors.contains(folder) == hasKey, "\(list)")
        let commands = [[TokenTests.server], ["--all", "--non-interactive"]]
        for command in commands {
            let logout = try home.sandbox.program(["keyfob", "logout", "--json"] + command).run()
            #expect(logout.status == 1 && logout.output.contains("\"login-remains\""), "\(logout)")
        }
        #expect(try home.helper("erase", TokenTests.server).status == 1)

        unsafe chmod(folder, 0o700)
        for command in commands {
            let logout = try home.sandbox.program(["keyfob", "logout", "--force"] + command).run()
            #expect(logout.succeeded, "\(logout)")
        }
        #expect(home.sandbox.read("run/keyfob/tokens/credentials") == nil)
        #expect(try home.helper("erase", TokenTests.server).succeeded)
    }

    @Test func withoutARuntimeFolderTheCacheFolderServes() throws {
        let home = try TokenTests.home()
        let environment: [String: String?] = ["XDG_RUNTIME_DIR": nil]
        #expect(try home.login(TokenTests.server, environment: environment) == ["u", "token-1-"])
        #expect(try home.login(TokenTests.server, environment: environment) == ["u", "token-1-"])
        #expect(home.sandbox.read("home/.cache/keyfob/tokens/credentials") != nil)
    }

    /// Killed at any moment of it.
    @Test func aTokenIsNowhereInTheClear() throws {
        let home = try TokenTests.home(
            TokenTests.route,
            #"echo "{\"t\": \"$(cat "$HOME/secret")\", \"e\": $(($(date +%s) + 3600))}""#)
        let secret = UUID().uuidString
        let rounds = Sandbox.isSoak ? 100 : 20
        try home.sandbox.write(secret, to: "home/secret")
        for round in 0..<rounds {
            let running = try home.sandbox.program(
                ["docker-credential-keyfob", "get"], input: Array(TokenTests.server.utf8)
            ).start()
            usleep(UInt32(round * 60_000 / rounds))
            running.signal(SIGKILL)
            _ = try running.finish()
            if round % 3 == 0 { try home.helper("erase", TokenTests.server) }
        }
        #expect(try home.login(TokenTests.server) == ["u", secret])
        #expect(home.sandbox.read("run/keyfob/tokens/credentials") != nil)
        try FileManager.default.removeItem(atPath: home.sandbox.file("home/secret"))
        // The sandbox has the home, the runtime folder and the folder for temporary files.
        #expect(try home.file(with: secret, in: [home.sandbox.path, "/tmp"]) == nil)
        // It lies there, and is found if it is in the clear.
        try home.sandbox.write(secret, to: "tmp/planted")
        #expect(try home.file(with: secret, in: [home.sandbox.path]) != nil)
    }
}
