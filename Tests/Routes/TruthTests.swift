import Foundation
import Sandbox
import Testing

/// A routed server has the route's login or its failure: never "not found", and never another login.
@Suite struct TruthTests {
    private static let server = "registry.example.com"

    // MARK: What is given

    @Test(
        arguments: [
            (#""command": ["mint"], "username": "me""#, "printf 'tok en\\n'", "me", "tok en"),
            (
                #""command": ["mint"], "username": "me""#, "printf '<&\"\\\\>\\r\\n'", "me",
                #"<&"\>"#
            ),
            (
                #""command": ["mint"], "username": "/u", "secret": "/a~1b/0/s""#,
                #"echo '{"u": "you", "a/b": [{"s": "p\u00e4ss"}]}'"#, "you", "p\u{E4}ss"
            ),
            (
                #""command": ["mint"], "basic": "/data/0/token""#,
                #"echo '{"data": [{"token": "QVdTOnNlOmNyZXQ="}]}'"#, "AWS", "se:cret"
            ),
            (
                #""helper": "mint""#, #"cat >/dev/null; echo '{"Username": "u", "Secret": "s"}'"#,
                "u", "s"
            ),
            (
                #""helper": "mint", "username": "me""#,
                #"read -r host; echo "{\"Username\": \"u\", \"Secret\": \"$1 $host\"}""#,
                "u", "get registry.example.com"
            ),
            (#""command": ["mint"], "username": "me""#, "sleep 1000 & echo token", "me", "token"),
            (
                #""helper": "mint""#, #"echo '{"username": "u", "SECRET": "s", "ServerURL": ""}'"#,
                "u", "s"
            ),
        ])
    func aLoginIsGiven(route: String, script: String, user: String, secret: String) throws {
        let home = try RoutedHome(#"{"match": "\#(TruthTests.server)", \#(route)}"#)
        try home.script("mint", script)
        try home.script("docker-credential-mint", script)
        #expect(try home.login(TruthTests.server) == [user, secret])
        #expect(try home.login("https://\(TruthTests.server)/v2/") == [user, secret])
        #expect(try home.get("other.example.com").output == RoutedHome.notFound)
        #expect(try home.get("http://\(TruthTests.server)").output == RoutedHome.notFound)
    }

    @Test func theLabelsAndTheHostAreGivenToACommand() throws {
        let home = try RoutedHome(
            #"""
            {"match": ["*.dkr.ecr.*.example.com:5000", "*.a.*.example.com"], "username": "AWS",
             "command": ["mint", "--region={2}", "{1}/{host}", "{}{3", "{Host}"]}
            """#)
        try home.script("mint", #"echo "$*""#)
        #expect(
            try home.login("12.dkr.ecr.eu-1.example.com:5000")
                == ["AWS", "--region=eu-1 12/12.dkr.ecr.eu-1.example.com:5000 {}{3 {Host}"])
        // A label that would be taken for an option.
        try home.configure(
            #"{"match": "*.example.com", "username": "u", "command": ["mint", "{1}"]}"#)
        let refused = try home.get("--exec.example.com")
        #expect(refused.status == 1 && refused.output.contains("cannot name"), "\(refused)")
        #expect(home.calls("mint") == 1)
    }

    @Test func theEnvironmentIsGivenAndNotCached() throws {
        let home = try RoutedHome(
            #"""
            {"match": "a.example.com", "environment": {"username": "U", "secret": "S"}},
            {"match": "b.example.com", "environment": {"secret": "S"}, "username": "ci"}
            """#)
        let variables = ["U": "me", "S": "one"]
        #expect(try home.login("a.example.com", environment: variables) == ["me", "one"])
        #expect(try home.login("b.example.com", environment: ["S": "two"]) == ["ci", "two"])
        for missing in ["U", "S"] {
            var less: [String: String?] = variables
            less[missing] = ""
            let failed = try home.get("a.example.com", environment: less)
            #expect(
                failed.output
                    == sentence("a.example.com", "the variable \(missing) is not set"))
        }
    }

    @Test func theFirstRouteThatMatchesAnswers() throws {
        let home = try RoutedHome(
            #"""
            {"match": "a.example.com", "command": ["echo", "narrow"], "username": "u"},
            {"match": "*.example.com", "command": ["echo", "wide"], "username": "u"}
            """#)
        #expect(try home.login("a.example.com") == ["u", "narrow"])
        #expect(try home.login("b.example.com") == ["u", "wide"])
    }

    // MARK: What fails

    struct Failure: Sendable, CustomTestStringConvertible {
        var script: String
        var cause: String
        var route = #""command": ["mint"], "username": "u", "secret": "/token""#

        var testDescription: String { cause }
    }

    static let failures: [Failure] = [
        Failure(script: "exit 7", cause: "mint ended with status 7"),
        Failure(script: "echo hunter2; exit 1", cause: "mint ended with status 1"),
        Failure(script: "kill -9 $$", cause: "mint was ended by a signal"),
        Failure(script: "head -c 2097152 /dev/zero", cause: "mint printed more than 256 KiB"),
        Failure(script: "exit 0", cause: "what mint printed is empty"),
        Failure(script: "echo", cause: "what mint printed is empty"),
        Failure(
            script: "echo '{\"hunter2'",
            cause: "what mint printed is not JSON: it has a syntax error, at byte 9"),
        Failure(script: "echo '{}'", cause: "what mint printed has no text at /token"),
        Failure(script: "echo '{\"token\": 5}'", cause: "what mint printed has no text at /token"),
        Failure(
            script: "echo '{\"token\": \"\"}'", cause: "what mint printed has no text at /token"),
        Failure(
            script: "printf 'one\\ntwo\\n'", cause: "what mint printed is more than one line",
            route: #""command": ["mint"], "username": "u""#),
        Failure(
            script: "echo", cause: "what mint printed is empty",
            route: #""command": ["mint"], "username": "u""#),
        Failure(
            script: "echo '   '", cause: "what mint printed is empty",
            route: #""command": ["mint"], "username": "u""#),
        Failure(
            script: #"echo '{"token": " "}'"#, cause: "what mint printed has no secret"),
        Failure(
            script: "printf 'hunter2\\377\\n'",
            cause: "what mint printed has a secret that is not UTF-8",
            route: #""command": ["mint"], "username": "u", "lifetime": "1h""#),
        Failure(
            script: "echo '{\"b\": \"aHVudGVyMg==\"}'",
            cause: "what mint printed has no base64 of USER:SECRET at /b",
            route: #""command": ["mint"], "basic": "/b""#),
        Failure(
            script: "", cause: "nosuch cannot be run: no such file or directory",
            route: #""command": ["nosuch"], "username": "u""#),
        Failure(
            script: "", cause: "docker-credential-nosuch cannot be run: no such file or directory",
            route: #""helper": "nosuch""#),
        Failure(
            script: "echo credentials not found in native keychain; exit 1",
            cause:
                "docker-credential-mint says: credentials not found in native keychain",
            route: #""helper": "mint""#),
        Failure(
            script: "echo '{\"Secret\":\"hunter2\"}'; exit 1",
            cause: "docker-credential-mint failed",
            route: #""helper": "mint""#),
        Failure(
            script: "echo '{\"Username\":\"\",\"Secret\":\"hunter2\"}'",
            cause: "what docker-credential-mint printed has no text at /Username",
            route: #""helper": "mint""#),
    ]

    @Test(arguments: failures, [false, true])
    func aFailureNamesRouteAndCause(failure: Failure, isOptional: Bool) throws {
        let optional = isOptional ? #", "optional": true"# : ""
        let home = try RoutedHome(
            #"{"match": "\#(TruthTests.server)", \#(failure.route)\#(optional)}"#)
        // A login that was stored before there was a route for its server.
        let login = #"{"ServerURL":"\#(TruthTests.server)","Username":"old","Secret":"stored"}"#
        let store = try home.sandbox.run(
            "docker-credential-keyfob", "store", input: login,
            environment: ["XDG_CONFIG_HOME": home.sandbox.file("none")])
        #expect(store.succeeded, "\(store)")
        try home.script("mint", failure.script)
        try home.script("docker-credential-mint", failure.script)

        let outcome = try home.get(TruthTests.server)
        let line = sentence(TruthTests.server, failure.cause)
        #expect(outcome.status == 1)
        #expect(outcome.output == (isOptional ? RoutedHome.notFound : line))
        #expect(outcome.errors.contains(line.dropLast()))
        #expect(!outcome.output.contains("hunter2") && !outcome.errors.contains("hunter2"))
        #expect(outcome.seconds < 20)
    }

    @Test(arguments: [
        "exec sleep 1000", "sleep 1000 & sleep 1000", "trap '' TERM; while :; do :; done",
    ])
    func whatHangsIsEndedInTimeAndNamed(script: String) throws {
        let home = try RoutedHome(
            #"{"match": "\#(TruthTests.server)", "command": ["mint"], "username": "u"}"#)
        try home.script("mint", script)
        let outcome = try home.get(TruthTests.server)
        #expect(
            outcome.output == sentence(TruthTests.server, "mint did not end in time", "timed-out"))
        #expect(outcome.status == 1 && outcome.seconds < 20)
    }

    /// What waits for the one that asks must have an answer in time as well.
    @Test func manyThatWaitForWhatHangsAreToldInTime() throws {
        let home = try RoutedHome(
            #"{"match": "\#(TruthTests.server)", "command": ["mint"], "username": "u", "lifetime": "1h"}"#
        )
        try home.script("mint", "exec sleep 1000")
        let outcomes = try home.together(8, "get", TruthTests.server)
        for outcome in outcomes {
            #expect(outcome.status == 1 && outcome.seconds < 20, "\(outcome)")
            #expect(outcome.output.hasPrefix("the route \(TruthTests.server) failed: "))
        }
    }

    // MARK: What is refused

    @Test func aRouteThatLeadsBackToKeyfobIsRefusedAtOnce() throws {
        let home = try RoutedHome(
            #"""
            {"match": "a.example.com", "helper": "keyfob-podman"},
            {"match": "b.example.com", "helper": "loop"},
            {"match": "c.example.com", "command": ["docker-credential-loop"], "username": "u"}
            """#)
        try home.script(
            "docker-credential-loop", "echo b.example.com | docker-credential-keyfob get")
        let direct = try home.get("a.example.com")
        #expect(direct.output.contains("it leads back to keyfob"), "\(direct)")
        for server in ["b.example.com", "c.example.com"] {
            let start = ContinuousClock.now
            let outcome = try home.get(server)
            #expect(ContinuousClock.now - start < .seconds(2))
            #expect(outcome.status == 1)
            #expect(
                outcome.errors.contains(
                    Sentence.expanding("<route-loop|b.example.com|\(server)>")), "\(outcome)")
        }
        #expect(home.calls("docker-credential-loop") == 2)
    }

    @Test func nothingIsStoredForARoutedServer() throws {
        let home = try RoutedHome(
            #"{"match": "*.example.com", "command": ["echo", "minted"], "username": "u"}"#)
        let login = #"{"ServerURL":"https://a.example.com/v1/","Username":"u","Secret":"s"}"#
        let refusal = Sentence.expanding("<served-by-route|a.example.com|*.example.com>")
        #expect(try home.helper("store", login).output == refusal + "\n")
        let command = try home.sandbox.run(
            "keyfob", "login", "-u", "u", "--password-stdin", "--no-verify", "a.example.com",
            input: "s")
        #expect(command.status == 1 && command.errors.contains(refusal), "\(command)")
        try home.sandbox.write(
            #"{"auths": {"a.example.com": {"auth": "dTpz"}, "b.example": {"auth": "dTpz"}}}"#,
            to: "home/.docker/config.json")
        let imported = try home.sandbox.run("keyfob", "import")
        #expect(imported.status == 1 && imported.output.contains(refusal), "\(imported)")
        #expect(home.sandbox.text("home/.docker/config.json")?.contains("a.example.com") == true)
        #expect(try home.login("b.example") == ["u", "s"])
        #expect(try home.login("a.example.com") == ["u", "minted"])
    }

    /// A list has no login that get would not give.
    @Test func anEraseRemovesAlsoWhatWasStoredBefore() throws {
        let home = try RoutedHome("")
        let login = #"{"ServerURL":"\#(TruthTests.server)","Username":"old","Secret":"stored"}"#
        #expect(try home.helper("store", login).succeeded)
        try home.configure(
            #"{"match": "\#(TruthTests.server)", "command": ["echo", "t"], "username": "u"}"#)
        #expect(try home.helper("list").output == "{}\n")
        #expect(try home.helper("erase", TruthTests.server).succeeded)
        try home.configure("")
        #expect(try home.get(TruthTests.server).output == RoutedHome.notFound)
    }

    @Test(
        arguments: [
            #"{"match": "*.example.com", "command": ["mint"], "username": "u", "colour": 1}"#,
            #"{"match": "*.example.com", "command": "mint", "username": "u"}"#,
            #"{"match": "*.example.com", "command": ["mint"]}"#,
            #"{"match": "*.example.com", "command": ["mint"], "helper": "x", "username": "u"}"#,
            #"{"match": "*.example.com", "helper": "../x"}"#,
            #"{"match": "*.example.com", "command": ["mint", "{2}"], "username": "u"}"#,
            #"{"match": "*.example.com", "command": ["mint"], "username": "u", "lifetime": "1w"}"#,
            #"{"match": "*.example.com", "command": ["mint"], "username": "u", "secret": "token"}"#,
            #"{"match": ["*.example.com", "*"], "command": ["mint"], "username": "u"}"#,
            #"{"match": [5, "*.example.com"], "command": ["mint"], "username": "u"}"#,
            #"{"match": "*.example.com", "match": "x.example", "command": ["mint"], "username": "u"}"#,
            #"{"match": "*.example.com", "command": ["x"], "command": ["mint"], "username": "u"}"#,
            #"{"match": "*.example.com", "command": ["./mint"], "username": "u"}"#,
            #"{"match": "*.example.com", "command": ["bin/mint"], "username": "u"}"#,
            #"{"match": "*.example.com", "command": ["mint"], "username": "u", "staleFor": "1m"}"#,
            #"{"match": "*.example.com", "helper": "mint", "secret": "/s"}"#,
            #"{"match": "*.example.com", "helper": "mint", "username": "/s"}"#,
            #"{"match": "*.example.com", "environment": {"secret": "S"}, "username": "u", "lifetime": "1h"}"#,
            #"{"match": "*.example.com", "vault": "secret/data/a b"}"#,
            #"{"match": "*.example.com", "vault": "secret/data/{HOST}"}"#,
        ])
    func whatIsNotUnderstoodIsNoOtherLogin(route: String) throws {
        let home = try RoutedHome(route)
        try home.script("mint", "echo token")
        let outcome = try home.get("a.example.com")
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("route 1 of"), "\(outcome)")
        #expect(try home.get("a.example.org").output == RoutedHome.notFound)
        let store = try home.helper(
            "store", #"{"ServerURL":"a.example.org","Username":"u","Secret":"s"}"#)
        #expect(store.status == 1 && store.output.contains("route 1 of"))
        #expect(home.calls("mint") == 0)
    }

    /// Which servers have a route is not known then.
    @Test(arguments: ["g+w", "o+w", "broken"])
    func noServerIsAskedAboutByAConfigurationThatCannotBeTrusted(fault: String) throws {
        let home = try RoutedHome(
            #"{"match": "a.example.com", "command": ["mint"], "username": "u"}"#)
        try home.script("mint", "echo token")
        let config = home.sandbox.file("home/.config/keyfob/config.json")
        if fault == "broken" {
            try home.sandbox.write(#"{"routes": ["#, to: "home/.config/keyfob/config.json")
        } else {
            #expect(try home.sandbox.run("chmod", fault, config).succeeded)
        }
        for server in ["a.example.com", "b.example.com"] {
            let outcome = try home.get(server)
            #expect(outcome.status == 1)
            #expect(
                outcome.output.hasPrefix("the config file has routes, and they cannot be used: "))
        }
        #expect(home.calls("mint") == 0)
        #expect(try home.sandbox.run("keyfob", "status").output.contains("config.json"))
    }

    /// A config file that cannot be read, or in which it is not said which servers have a route.
    @Test(arguments: [
        #"{"routes": {"match": "a.example.com", "command": ["mint"], "username": "u"}}"#,
        #"{"routes": null}"#, #"{"routes": "x"}"#, #"{"routes": ["x"]}"#, #"{"rou\u0074es": ["#,
        #"{"routes": [{"match": "*.com", "command": ["mint"], "username": "u"}]}"#,
        #"{"routes": [], "routes": []}"#, "{routes: []}", "UTF-16", "no permission", "no target",
        "pipe", "folder", "way",
    ])
    func noServerIsAskedAboutWhileItsRouteIsNotKnown(fault: String) throws {
        let home = try RoutedHome("", asUserOfItsOwn: true)
        let sandbox = home.sandbox
        let login = #"{"ServerURL":"a.example.com","Username":"old","Secret":"stored"}"#
        #expect(try home.helper("store", login).succeeded)
        let (folder, file) = (
            "home/.config/keyfob", sandbox.file("home/.config/keyfob/config.json")
        )
        let remove = { try FileManager.default.removeItem(atPath: file) }
        switch fault {
        case "UTF-16":
            try Data(#"{"routes": []}"#.data(using: .utf16) ?? Data())
                .write(to: URL(fileURLWithPath: file))
        case "no permission": unsafe chmod(file, 0)
        case "no target":
            try remove()
            try FileManager.default.createSymbolicLink(
                atPath: file, withDestinationPath: "/nonexistent/file")
        case "pipe":
            try remove()
            unsafe mkfifo(file, 0o600)
        case "folder":
            try remove()
            try sandbox.makeFolder(folder + "/config.json")
        case "way": unsafe chmod(sandbox.file(folder), 0)
        default: try sandbox.write(fault, to: folder + "/config.json")
        }
        defer { unsafe chmod(sandbox.file(folder), 0o700) }
        let outcome = try home.get("a.example.com")
        #expect(outcome.status == 1)
        #expect(outcome.output.hasPrefix("the config file "), "\(outcome)")
        // Routes are for docker's servers alone.
        let git = try sandbox.run(
            "git-credential-keyfob", "get", input: "protocol=https\nhost=a.example.com\n\n")
        #expect(git.succeeded, "\(git)")
        #expect(try sandbox.run("keyfob", "status").status == 1)
    }

    @Test(arguments: [nil, "{}", #"{"store": "file", "colour": 1}"#, "{"] as [String?])
    func whereNoRouteIsNamedThereIsNone(config: String?) throws {
        let home = try RoutedHome("", asUserOfItsOwn: true)
        let file = home.sandbox.file("home/.config/keyfob/config.json")
        try FileManager.default.removeItem(atPath: file)
        if let config { try home.sandbox.write(config, to: "home/.config/keyfob/config.json") }
        #expect(try home.get("a.example.com").output == RoutedHome.notFound)
    }

    /// What the client's own folder holds is not run.
    @Test(arguments: [":", ".:", "tmp:"]) func aProgramInTheCurrentFolderIsNotRun(start: String)
        throws
    {
        let home = try RoutedHome(
            #"{"match": "a.example.com", "command": ["mint"], "username": "u"}"#)
        let sandbox = home.sandbox
        try sandbox.writeScript("#!/bin/sh\necho evil\n", as: "../tmp/mint")
        let outcome = try sandbox.run(
            "sh", "-c",
            "cd \(sandbox.file("tmp")); ln -s . tmp; helper=$(command -v docker-credential-keyfob); "
                + "echo a.example.com | PATH=\(start)$PATH $helper get")
        #expect(
            outcome.output
                == sentence("a.example.com", "mint cannot be run: no such file or directory"))
    }

    // MARK: Clients

    @Test func clientsShowTheFailure() throws {
        let home = try RoutedHome(
            #"{"match": "127.0.0.1:1", "command": ["mint"], "username": "u"}"#)
        try home.script("mint", "exit 3")
        let sandbox = home.sandbox
        try sandbox.write(
            #"credential-helpers = ["keyfob-podman"]"#,
            to: "home/.config/containers/registries.conf")
        try sandbox.write(#"{"credsStore": "keyfob"}"#, to: "home/.docker/config.json")
        let cause = "the route 127.0.0.1:1 failed: mint ended with status 3"
        for client in [
            ["skopeo", "inspect", "--tls-verify=false", "docker://127.0.0.1:1/a"],
            ["podman", "login", "--get-login", "127.0.0.1:1"],
            ["docker", "login", "127.0.0.1:1"],
        ] {
            let outcome = try sandbox.program(client).run()
            #expect(!outcome.succeeded)
            #expect((outcome.output + outcome.errors).contains(cause), "\(client) \(outcome)")
        }
    }

    private func sentence(_ route: String, _ cause: String, _ code: String = "failed") -> String {
        Sentence.expanding("<route-\(code)|\(route)|\(cause)>") + "\n"
    }
}
