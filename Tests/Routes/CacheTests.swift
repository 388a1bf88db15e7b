import Foundation
import Sandbox
import Testing

/// A logout is true of every cached token, wherever it is; and a token is never another identity's.
@Suite struct CacheTests {
    private static let server = "registry.example.com"
    private static let route =
        #"{"match": "*.example.com", "command": ["mint", "{host}"], "username": "u", "lifetime": "1h"}"#
    /// As in cron.
    private static let elsewhere: [String: String?] = ["XDG_RUNTIME_DIR": nil]
    private let home: RoutedHome

    init() throws {
        home = try RoutedHome(CacheTests.route, asUserOfItsOwn: true)
        try home.script("mint", #"wc -l <"$HOME/../calls-mint""#)
    }

    private func login(_ environment: [String: String?] = [:]) throws -> String {
        try home.login(CacheTests.server, environment: environment).last ?? ""
    }

    /// Also of one in a folder that the one who logs out does not see, and of a copy of the file.
    @Test(
        arguments: [
            ["docker-credential-keyfob", "erase"], ["keyfob", "logout", server],
            ["keyfob", "logout", "--all", "--non-interactive"],
            ["keyfob", "route", "remove", server],
        ])
    func aLogoutIsTrueOfEveryCopy(command: [String]) throws {
        let file = home.sandbox.file("run/keyfob/tokens/credentials")
        let (copy, hidden) = (home.sandbox.file("tmp/copy"), home.sandbox.file("tmp/hidden"))
        #expect(try login() == "1")
        #expect(try login(["XDG_RUNTIME_DIR": nil, "XDG_CACHE_HOME": hidden]) == "2")
        #expect(try home.sandbox.run("cp", "-p", file, copy).succeeded)
        let outcome = try home.sandbox.program(command, input: Array(CacheTests.server.utf8)).run()
        #expect(outcome.succeeded, "\(outcome)")
        try home.configure(CacheTests.route)
        #expect(try login(["XDG_RUNTIME_DIR": nil, "XDG_CACHE_HOME": hidden]) == "3")
        #expect(try home.sandbox.run("cp", "-p", copy, file).succeeded)
        #expect(try login() == "4")
    }

    @Test func aTokenInTheOtherFolderIsListed() throws {
        #expect(try login(CacheTests.elsewhere) == "1")
        #expect(try home.helper("list").output == "{\"\(CacheTests.server)\":\"u\"}\n")
        let logout = try home.sandbox.run("keyfob", "logout", "--all", "--non-interactive")
        #expect(logout.succeeded && logout.output.contains("cache: removed"), "\(logout)")
        #expect(logout.errors.contains("keyfob route list"), "\(logout)")
        #expect(try login(CacheTests.elsewhere) == "2")
    }

    /// What concerns no route leaves the tokens.
    @Test func anotherServersLogoutLeavesThem() throws {
        #expect(try login() == "1")
        #expect(try home.helper("erase", "registry.example.org").succeeded)
        let logout = try home.sandbox.run(
            "keyfob", "logout", "--all", "--client", "cargo", "--non-interactive", "--force")
        #expect(logout.succeeded, "\(logout)")
        #expect(try login() == "1")
    }

    @Test func anEraseIsNotUndoneByOneThatIsAsking() throws {
        let (begun, go) = (home.sandbox.file("tmp/begun"), home.sandbox.file("tmp/go"))
        try home.script(
            "mint",
            "touch \(begun); while [ ! -e \(go) ]; do sleep 0.05; done; "
                + #"wc -l <"$HOME/../calls-mint""#)
        let running = try home.sandbox.program(
            ["docker-credential-keyfob", "get"], input: Array(CacheTests.server.utf8)
        ).start()
        while !FileManager.default.fileExists(atPath: begun) { usleep(10_000) }
        #expect(try home.helper("erase", CacheTests.server).succeeded)
        try home.sandbox.write("", to: "tmp/go")
        let outcome = try running.finish()
        #expect(outcome.succeeded, "\(outcome)")
        #expect(try home.helper("list").output == "{}\n")
        #expect(try login() == "2")
        #expect(try login() == "2")
    }

    // MARK: Identities

    @Test(arguments: [
        "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_ROLE_SESSION_NAME",
        "AWS_ENDPOINT_URL_ECR", "AWS_SECRET_ACCESS_KEY", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT", "GH_ENTERPRISE_TOKEN", "VAULT_CAPATH",
        "GITHUB_ENTERPRISE_TOKEN", "AZURE_CLIENT_ID", "DOCKER_CONFIG",
    ])
    func anotherIdentityHasAnotherToken(variable: String) throws {
        #expect(try login([variable: "a"]) == "1")
        #expect(try login([variable: "b"]) == "2")
        #expect(try login([variable: "a"]) == "1")
        #expect(try login() == "3")
    }

    /// Of what differs in each shell or job nothing depends.
    @Test(arguments: ["GITHUB_RUN_ID", "CI_JOB_ID", "PWD", "SHLVL", "WINDOWID", "SSH_AUTH_SOCK"])
    func theSameIdentityHasTheSame(variable: String) throws {
        #expect(try login([variable: "1"]) == "1")
        #expect(try login([variable: "2"]) == "1")
    }

    @Test func anotherProgramOfThatNameHasAnotherToken() throws {
        #expect(try login() == "1")
        try home.sandbox.writeScript("#!/bin/sh\necho other\n", as: "../tmp/mint")
        let path = "\(home.sandbox.file("tmp")):\(home.sandbox.environment["PATH"] ?? "")"
        #expect(try login(["PATH": path]) == "other")
        #expect(try login() == "1")
    }

    @Test func aListHasEachServerOnce() throws {
        for profile in ["a", "b", "c"] { _ = try login(["AWS_PROFILE": profile]) }
        #expect(try home.helper("list").output == "{\"\(CacheTests.server)\":\"u\"}\n")
    }

    // MARK: Waiting

    @Test func oneServersProgramKeepsNoOtherServerWaiting() throws {
        let (begun, go) = (home.sandbox.file("tmp/begun"), home.sandbox.file("tmp/go"))
        try home.script(
            "mint",
            "[ $1 != \(CacheTests.server) ] || "
                + "{ touch \(begun); while [ ! -e \(go) ]; do sleep 0.05; done; }; echo token")
        let running = try home.sandbox.program(
            ["docker-credential-keyfob", "get"], input: Array(CacheTests.server.utf8)
        ).start()
        while !FileManager.default.fileExists(atPath: begun) { usleep(10_000) }
        for number in 0..<24 {
            let outcome = try home.get("\(number).example.com")
            #expect(outcome.succeeded && outcome.seconds < 5, "\(outcome)")
        }
        try home.sandbox.write("", to: "tmp/go")
        #expect(try running.finish().succeeded)
    }

    @Test func whereNothingCanBeWrittenTheRouteIsAskedOnce() throws {
        #expect(try login() == "1")
        let folders = ["run", "home"].map { home.sandbox.file($0) }
        try FileManager.default.removeItem(atPath: home.sandbox.file("run/keyfob"))
        for folder in folders { unsafe chmod(folder, 0o500) }
        defer { for folder in folders { unsafe chmod(folder, 0o700) } }
        #expect(try login() == "2")
        #expect(home.calls("mint") == 2)
    }
}
