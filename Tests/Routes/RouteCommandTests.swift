import Foundation
import Sandbox
import Testing

/// `keyfob route`: what it does to the config file, and what it says.
@Suite struct RouteCommandTests {
    private static let config = "home/.config/keyfob/config.json"
    private let home: RoutedHome

    init() throws { home = try RoutedHome("", asUserOfItsOwn: true) }

    private func keyfob(_ words: String...) throws -> Outcome {
        try home.sandbox.program(["keyfob", "route"] + words).run()
    }

    private var text: String { home.sandbox.text(RouteCommandTests.config) ?? "" }

    /// All else stays byte for byte, and what was added can be removed again.
    @Test(
        arguments: [
            "{ \"store\" : \"file\" ,\n\t\"promptTimeout\": 5 }\n",
            "{\n  \"routes\": [\n    {\"match\": \"a.example\", \"helper\": \"x\"}\n  ],\n  \"store\": \"file\"\n}\n",
            "{\"routes\":[ ]}", "{\"routes\":[{\"match\":[\"a.example\"],\"helper\":\"x\"}]}",
            "{}", nil,
        ])
    func aRouteIsAddedAndRemovedAndAllElseStays(file: String?) throws {
        let before = file ?? ""
        if let file {
            try home.sandbox.write(file, to: RouteCommandTests.config)
        } else {
            try FileManager.default.removeItem(atPath: home.sandbox.file(RouteCommandTests.config))
        }
        #expect(try keyfob("add", "aws", "--match", "*.dkr.ecr.eu-1.example.com").succeeded)
        let added = text
        let value = try #require(
            try JSONSerialization.jsonObject(with: Data(added.utf8)) as? [String: Any])
        let routes = try #require(value["routes"] as? [[String: Any]])
        #expect(routes.last?["match"] as? String == "*.dkr.ecr.eu-1.example.com")
        #expect((routes.last?["command"] as? [String])?.contains("eu-1") == true)
        for piece in before.split(whereSeparator: { "{}[]\n".contains($0) }) {
            let kept = piece.trimmingCharacters(in: .whitespaces.union([","]))
            #expect(kept.isEmpty || added.contains(kept), "\(added)")
        }
        #expect(try keyfob("remove", "1.dkr.ecr.eu-1.example.com").succeeded)
        #expect(!text.contains("eu-1"))
        if before.contains("a.example") { #expect(text == before) }
        #expect(try keyfob("remove", "1.dkr.ecr.eu-1.example.com").status == 3)
    }

    @Test(
        arguments: [
            ("aws", ["*.dkr.ecr.*.amazonaws.com"], ["--region", "{2}"]),
            ("aws", ["1.dkr.ecr.*.amazonaws.com"], ["--region", "{1}"]),
            ("azure", ["*.azurecr.io"], ["--name", "{1}"]),
            ("azure", ["team.azurecr.io"], ["--name", "team"]),
            ("google", ["eu-docker.pkg.dev", "gcr.io"], ["config-helper", "--format=json"]),
            ("github", ["ghcr.io"], ["auth", "token"]),
        ])
    func eachKindHasItsCommand(kind: String, match: [String], words: [String]) throws {
        let options = match.flatMap { ["--match", $0] } + ["--no-verify"]
        let outcome = try home.sandbox.program(["keyfob", "route", "add", kind] + options).run()
        #expect(outcome.succeeded, "\(outcome)")
        let all = words.map { "\"\($0)\"" }.joined(separator: ",")
        #expect(text.contains(all), "\(text)")
        #expect(try keyfob("list").output.contains(match[0]))
    }

    @Test func aRouteThatFailsIsNotAdded() throws {
        let before = text
        try home.script("gh", "exit 4")
        let failed = try keyfob("add", "github")
        #expect(failed.status == 1)
        #expect(failed.errors.contains("gh ended with status 4"), "\(failed)")
        #expect(text == before && home.calls("gh") == 1)
        try home.script("gh", "echo gho_token")
        #expect(try keyfob("add", "github").succeeded)
        #expect(try home.login("ghcr.io") == ["x-access-token", "gho_token"])
        let test = try keyfob("test", "ghcr.io")
        #expect(test.output == "ghcr.io: command gh gives a login of x-access-token\n")
        #expect(!test.output.contains("gho_token") && !test.errors.contains("gho_token"))
    }

    @Test(arguments: ["*.io", "*", "https://ghcr.io", "ghcr.io:*"])
    func aPatternThatIsTooWideIsNotAdded(pattern: String) throws {
        let before = text
        let outcome = try keyfob("add", "github", "--match", pattern, "--no-verify")
        #expect(outcome.status == 1, "\(outcome)")
        #expect(text == before)
    }

    /// Those that are installed as examples.
    @Test func everyExampleIsValid() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../packaging/examples/routes")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(names.count == 6)
        for name in names {
            let example = try String(
                contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
            try home.sandbox.write(example, to: RouteCommandTests.config)
            let list = try keyfob("list")
            #expect(!list.output.contains("invalid") && !list.errors.contains("warning"), "\(list)")
            #expect(list.output.split(separator: "\n").count > 1)
        }
    }

    @Test func removingARouteRemovesItsTokens() throws {
        try home.configure(
            #"""
            {"match": "a.example.com", "command": ["mint"], "username": "u", "lifetime": "1h"},
            {"match": "b.example.com", "command": ["mint"], "username": "u", "lifetime": "1h"}
            """#)
        try home.script("mint", "echo token")
        _ = try (home.login("a.example.com"), home.login("b.example.com"))
        let removed = try keyfob("remove", "a.example.com")
        #expect(removed.output.contains("cache: removed"), "\(removed)")
        // The key of all tokens is removed; those of other servers are asked for again.
        #expect(!removed.output.contains("b.example.com"), "\(removed)")
        #expect(try home.helper("list").output == "{}\n")
        #expect(try home.get("a.example.com").output == RoutedHome.notFound)
        #expect(try home.login("b.example.com") == ["u", "token"])
    }

    /// What an earlier route answers for, whose pattern may be wider.
    @Test(arguments: ["ghcr.io", "*.ghcr.example.com", "*.pkg.ghcr.example.com"])
    func aRouteThatWouldNotBeAskedIsNotAdded(pattern: String) throws {
        let other = pattern == "ghcr.io" ? pattern : "*.*.example.com"
        try home.configure(
            #"{"match": ["a.example", "\#(other)", "*.ghcr.example.com"], "helper": "x"}"#)
        let before = text
        let outcome = try keyfob("add", "github", "--match", pattern, "--no-verify")
        if pattern == "*.pkg.ghcr.example.com" {
            #expect(outcome.succeeded, "\(outcome)")
        } else {
            #expect(
                outcome.errors.contains(
                    Sentence.expanding(
                        "<served-by-route.add|\(pattern)|a.example, \(other), *.ghcr.example.com>")),
                "\(outcome)")
            #expect(outcome.status == 1 && text == before)
        }
    }

    /// A pattern that is narrower than the new one hides only some of its servers.
    @Test func aRouteForMoreServersThanAnEarlierOneIsAdded() throws {
        try home.configure(#"{"match": "a*.example.com", "helper": "x"}"#)
        #expect(try keyfob("add", "github", "--match", "*.example.com", "--no-verify").succeeded)
    }

    @Test func anOptionalRouteThatFailsIsAskedOnce() throws {
        try home.configure(
            #"{"match": "a.example.com", "command": ["mint"], "username": "u", "optional": true}"#)
        try home.script("mint", "exit 3")
        let token = try home.sandbox.run("keyfob", "token", "a.example.com")
        #expect(token.status == 3, "\(token)")
        #expect(home.calls("mint") == 1)
    }

    /// One of which no pattern is understood, and one whose program is not there.
    @Test(arguments: [
        #"{"match": "*.com", "command": ["sh"], "username": "u"}"#,
        #"{"match": [5], "command": ["sh"], "username": "u"}"#,
        #"{"match": "a.example.com", "command": ["/nonexistent/sh"], "username": "u"}"#,
        #"{"match": "a.example.com", "command": ["/etc"], "username": "u"}"#,
    ])
    func whatCannotWorkIsListedAsThat(route: String) throws {
        try home.configure(route)
        let list = try keyfob("list", "--json")
        #expect(list.status == 1, "\(list)")
        let answer = try JSONSerialization.jsonObject(with: Data(list.outputBytes))
        let routes = try #require((answer as? [String: Any])?["routes"] as? [[String: Any]])
        #expect(routes.count == 1 && routes[0]["error"] is [String: Any], "\(list)")
        #expect(try home.sandbox.run("keyfob", "status").status == 1)
    }

    @Test func statusNamesRoutesAndTheirProblems() throws {
        try home.configure(
            #"""
            {"match": "a.example.com", "helper": "nosuch"},
            {"match": "b.example.com", "command": ["mint"], "username": "u", "colour": 1}
            """#)
        let status = try home.sandbox.run("keyfob", "status")
        #expect(status.status == 1)
        #expect(status.output.contains("routes     2, cached logins: 0"), "\(status)")
        #expect(status.output.contains("docker-credential-nosuch is not on the PATH"))
        #expect(status.output.contains("unknown key \"colour\""))
        #expect(home.sandbox.read("run/keyfob/tokens/key.lock") == nil)
        let list = try keyfob("list")
        #expect(list.status == 1 && list.output.contains("docker-credential-nosuch"))
    }
}
