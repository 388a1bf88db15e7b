import Foundation
import Sandbox
import Testing

/// Logins of a fleet's engine: each of its answers is told as it is, and nothing of it is quoted.
@Suite struct EngineTests {
    private let home: RoutedHome
    private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("engine.py").path

    init() throws {
        home = try RoutedHome(
            #"{"match": "*.example.com", "vault": "secret/data/registries/{1}"}"#,
            asUserOfItsOwn: true)
        try home.sandbox.write("one", to: "password")
        home.sandbox.setEnvironment("VAULT_TOKEN", to: "s.token")
    }

    private func start(
        port: String = "0", certificate: Certificate? = nil
    ) throws -> (engine: Daemon, port: String) {
        // The sources may lie where an ordinary user cannot look.
        let script = try home.sandbox.write(
            String(contentsOfFile: EngineTests.script, encoding: .utf8), to: "engine.py")
        let tls = certificate.map { [$0.path, $0.key] } ?? []
        let engine = try home.sandbox.startDaemon(
            ["/usr/bin/python3", script, port, home.sandbox.file("password")] + tls)
        let told = try engine.wait(for: "port") {
            engine.log.firstMatch(of: /port ([0-9]+)/).map { String($0.1) }
        }
        let scheme = certificate == nil ? "http" : "https"
        home.sandbox.setEnvironment("VAULT_ADDR", to: "\(scheme)://127.0.0.1:\(told)")
        return (engine, told)
    }

    /// Starts an engine, and reads a login that may be used for long once the engine is out of reach.
    private func startWithStaleLogin() throws -> Daemon {
        try home.configure(
            #"""
            {"match": "*.example.com", "vault": "secret/data/registries/{1}", "lifetime": "1s",
             "staleFor": "10m"}
            """#)
        let (engine, _) = try start()
        #expect(try home.login("a.example.com") == ["fleet", "one"])
        return engine
    }

    @Test func aLoginIsReadAndCached() throws {
        let (engine, _) = try start()
        #expect(try home.login("a.example.com") == ["fleet", "one"])
        try home.sandbox.write("two", to: "password")
        #expect(try home.login("a.example.com") == ["fleet", "one"])
        #expect(try home.helper("erase", "a.example.com").succeeded)
        #expect(try home.login("a.example.com") == ["fleet", "two"])
        #expect(engine.log.split(separator: "\n").filter { $0.hasPrefix("asked") }.count == 2)
        try home.configure(
            #"""
            {"match": "*.example.com:5000", "vault": "secret/data/registries/{host}",
             "username": "/other/name", "secret": "/other/key"},
            {"match": "b.example.com", "vault": "secret/data/registries/b", "username": "me"}
            """#)
        #expect(try home.login("a.example.com:5000") == ["o", "k"])
        #expect(engine.log.contains("/registries/a.example.com%3A5000"), "\(engine.log)")
        #expect(try home.login("b.example.com") == ["me", "two"])
    }

    @Test(arguments: ["absent", "deleted", "erased", "bare"])
    func whatIsNotThereIsNotFound(name: String) throws {
        _ = try start()
        let outcome = try home.get("\(name).example.com")
        #expect(outcome.output == RoutedHome.notFound && outcome.errors.isEmpty, "\(outcome)")
    }

    @Test(
        arguments: [
            ("forbidden", "ORIGIN denies the permission, or the token has expired (403)"),
            ("bad", "ORIGIN does not accept the request (400)"),
            ("sealed", "ORIGIN is sealed, or is down (503)"),
            ("broken", "ORIGIN answers with status 500"),
            ("moved", "ORIGIN answers with status 307"),
            ("text", "ORIGIN does not answer as a key-value store does"),
            (
                "empty",
                "what is stored at ORIGIN/v1/secret/data/registries/empty has no text at /username"
            ),
            ("mountless", "ORIGIN knows no such mount or namespace, or is no engine (404)"),
            ("proxied", "ORIGIN knows no such mount or namespace, or is no engine (404)"),
            ("foreign", "ORIGIN knows no such mount or namespace, or is no engine (404)"),
            ("long", "ORIGIN gives a very long answer"), ("hangs", "ORIGIN cannot be reached: "),
        ])
    func aFailureIsToldAndNotQuoted(name: String, cause: String) throws {
        let (_, port) = try start()
        let outcome = try home.get("\(name).example.com")
        let words = cause.replacing("ORIGIN", with: "http://127.0.0.1:\(port)")
        #expect(outcome.status == 1)
        #expect(outcome.output.hasPrefix("the route *.example.com failed: \(words)"), "\(outcome)")
        #expect(!(outcome.output + outcome.errors).contains("hunter2"))
        #expect(outcome.seconds < 20)
    }

    @Test func whatItsToolsReadIsRead() throws {
        let (_, port) = try start()
        let origin = "http://127.0.0.1:\(port)"
        func cause(_ environment: [String: String?]) throws -> String {
            let outcome = try home.get("a.example.com", environment: environment)
            return outcome.output.replacing("the route *.example.com failed: ", with: "")
        }
        #expect(try cause(["VAULT_TOKEN": nil]).hasPrefix("there is no token"))
        try home.sandbox.write("s.token\n", to: "home/.vault-token")
        let file: [String: String?] = ["VAULT_TOKEN": nil]
        #expect(try home.login("a.example.com", environment: file) == ["fleet", "one"])
        #expect(
            try home.sandbox.run("chmod", "644", home.sandbox.file("home/.vault-token")).succeeded)
        #expect(
            try cause(["VAULT_TOKEN": nil, "VAULT_NAMESPACE": "team"]).contains("open to other"))
        // An empty BAO_… wins, and counts as none.
        #expect(try cause(["BAO_TOKEN": "wrong"]).contains("(403)"))
        #expect(try cause(["BAO_ADDR": "http://registry.example.com"]).contains("is not https"))
        #expect(try cause(["BAO_ADDR": "nonsense"]).contains("is no address"))
        #expect(try cause(["BAO_TOKEN": "a b"]).contains("has a character that none may have"))
        #expect(try cause(["BAO_ADDR": "https://127.0.0.1:\(port)"]).contains("127.0.0.1"))
        #expect(try cause(["VAULT_NAMESPACE": "other"]).contains("(404)"))
        let empty: [String: String?] = ["VAULT_TOKEN": nil, "BAO_TOKEN_PATH": ""]
        #expect(try cause(empty).contains(".vault-token"))
        let team: [String: String?] = ["BAO_NAMESPACE": "team", "VAULT_NAMESPACE": "other"]
        #expect(try home.login("a.example.com", environment: team) == ["fleet", "one"])
        #expect(!origin.isEmpty)
    }

    @Test func anEngineIsTrustedByItsCertificate() throws {
        let certificate = try Certificate(in: home.sandbox)
        _ = try start(certificate: certificate)
        let refused = try home.get("a.example.com")
        #expect(refused.output.contains("is not trusted"), "\(refused)")
        home.sandbox.setEnvironment("VAULT_CACERT", to: certificate.path)
        #expect(try home.login("a.example.com") == ["fleet", "one"])
    }

    /// Two hundred reads through an outage, at whose end there is another password.
    @Test(arguments: [true, false]) func anOutageIsServedAsLongAsTheRouteLets(staleFor: Bool) throws
    {
        let rule = staleFor ? #", "staleFor": "10m""# : ""
        try home.configure(
            #"{"match": "a.example.com", "vault": "secret/data/registries/a", "lifetime": "2s"\#(rule)}"#
        )
        let outage = Sandbox.isSoak ? 30.0 : 6.0
        let (engine, port) = try start()
        #expect(try home.login("a.example.com") == ["fleet", "one"])
        engine.stop()
        let start = ContinuousClock.now
        func elapsed() -> Double { start.duration(to: .now) / .seconds(1) }
        var outcomes: [(time: Double, outcome: Outcome)] = []
        while elapsed() < outage {
            let time = elapsed()
            outcomes += try home.together(20, "get", "a.example.com").map { (time, $0) }
            usleep(300_000)
        }
        try home.sandbox.write("two", to: "password")
        _ = try self.start(port: port)
        // Until what is cached, and the time for which the engine is left alone, are over.
        sleep(6)
        let after = try home.together(20, "get", "a.example.com")
        #expect(after.filter { !$0.output.contains("two") }.isEmpty, "\(after[0])")
        #expect(outcomes.count + after.count >= 200 || !Sandbox.isSoak)
        for (time, outcome) in outcomes {
            if outcome.succeeded {
                #expect(outcome.output.contains("one"))
                #expect(staleFor || time <= 3)
                if time > 2.5 { #expect(outcome.errors.contains("seconds ago"), "\(outcome)") }
            } else {
                #expect(!staleFor, "\(outcome)")
                #expect(outcome.output.contains("cannot be reached"), "\(outcome)")
            }
        }
    }

    /// Also of one that may be used only while its engine cannot be reached.
    @Test(arguments: [
        ["keyfob", "logout", "--all", "--non-interactive"],
        ["keyfob", "route", "remove", "a.example.com"], ["docker-credential-keyfob", "erase"],
    ])
    func aLogoutIsTrueOfAStaleLogin(command: [String]) throws {
        let route = #"""
            {"match": "a.example.com", "vault": "secret/data/registries/a", "lifetime": "1s",
             "staleFor": "10m"}
            """#
        try home.configure(route)
        let (engine, _) = try start()
        #expect(try home.login("a.example.com") == ["fleet", "one"])
        engine.stop()
        sleep(2)
        #expect(try home.helper("list").output == "{\"a.example.com\":\"fleet\"}\n")
        let outcome = try home.sandbox.program(command, input: Array("a.example.com".utf8)).run()
        #expect(outcome.succeeded, "\(outcome)")
        if command[0] == "keyfob" {
            #expect(outcome.output.contains("cache: removed"), "\(outcome)")
        }
        try home.configure(route)
        #expect(try home.get("a.example.com").output.contains("cannot be reached"))
    }

    /// A failure of the engine's answer says nothing of the login that is known.
    @Test func aMountThatIsGoneEndsNoLogin() throws {
        let engine = try startWithStaleLogin()
        try home.sandbox.write("no mount", to: "password")
        sleep(2)
        #expect(try home.get("a.example.com").output.contains("(404)"))
        engine.stop()
        #expect(try home.login("a.example.com") == ["fleet", "one"])
    }

    /// Also where the cache can be read and not written.
    @Test(arguments: [false, true]) func aLoginThatIsGoneIsNotServedLater(isReadOnly: Bool) throws {
        let engine = try startWithStaleLogin()
        let folder = home.sandbox.file("run/keyfob/tokens")
        if isReadOnly { unsafe chmod(folder, 0o500) }
        defer { unsafe chmod(folder, 0o700) }
        try home.sandbox.write("no login", to: "password")
        sleep(2)
        #expect(try home.get("a.example.com").output == RoutedHome.notFound)
        engine.stop()
        #expect(try home.get("a.example.com").output.contains("cannot be reached"))
    }

    @Test func staleLoginsHaveAnEnd() throws {
        try home.configure(
            #"""
            {"match": "a.example.com", "vault": "secret/data/registries/a", "lifetime": "1s",
             "staleFor": "2s"}
            """#)
        let (engine, _) = try start()
        #expect(try home.login("a.example.com") == ["fleet", "one"])
        engine.stop()
        sleep(4)
        #expect(try home.get("a.example.com").output.contains("cannot be reached"))
    }
}
