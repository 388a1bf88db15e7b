import Foundation
import Sandbox
import Testing

/// What `--json` prints is what keyfob-json(5) says, member by member.
@Suite struct JSONAnswerTests {
    private let sandbox: Sandbox

    private init(in sandbox: Sandbox) {
        self.sandbox = sandbox
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
    }

    init() throws {
        sandbox = try Sandbox()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        try write(
            #"{"auths":{"a.example":{"auth":"dTpw"},"b.example":{"registrytoken":"x"}}}"#,
            to: ".docker/config.json")
    }

    @Test func statusIsAsItsManualSays() throws {
        try check("status", exits: 1)
        #expect(try sandbox.run("keyfob", "import").status == 1)
        try check("status", exits: 1)
        try write("no JSON", to: ".config/keyfob/config.json")
        try check("status", exits: 1)
    }

    @Test func everyStoreIsAsTheManualSays() throws {
        for policy in ["auto", "secret-service", "file"] {
            sandbox.setEnvironment("KEYFOB_STORE", to: policy)
            let answer = try answer("status")
            try check(answer, of: "status")
            #expect(answer["policy"] as? String == policy)
        }
        try write("damaged", to: ".local/share/keyfob/credentials")
        try check("status", exits: 1)
        try check("list", exits: 1)
    }

    @Test func importExportAndLogoutAreAsTheirManualSays() throws {
        try check("import", "--dry-run", exits: 1)
        try check("import", exits: 1)
        try check("list", exits: 0)
        try check("export", "--client", "docker", exits: 1)
        try check("export", "--client", "docker", "--dry-run", exits: 0)
        try check("export", "--client", "docker", "--plain-text", exits: 0)
        try check("logout", "a.example", "--dry-run", exits: 0)
        try check("logout", "a.example", exits: 0)
        try check("logout", "a.example", exits: 3)
        try check("logout", "a.example", "--all", exits: 2)
        try check("list", exits: 0)
    }

    /// Each login is shown with its account, whichever command names it.
    @Test func theAccountIsInEveryAnswer() throws {
        let login = ["login", "a.example", "-u", "u", "--password-stdin", "--no-verify"]
        try check(login + ["--account", "work"], input: "secret", exits: 0)
        let file = sandbox.file("home/backup")
        try check(["backup", "--stdin", file], input: "p\n", exits: 0)
        for (words, input) in [
            (["check", "--account", "work"], ""), (["uninstall"], ""),
            (["export", "--account", "work", "--client", "docker", "--dry-run"], ""),
            (["restore", "--stdin", file], "p\n"),
            (["logout", "--account", "work", "a.example", "--dry-run"], ""),
            (["logout", "--account", "work", "a.example"], ""),
            (["import", "--account", "work", "--dry-run"], ""),
        ] {
            let outcome = try run(words, input: input)
            let answer = try #require(
                JSONSerialization.jsonObject(with: Data(outcome.outputBytes)) as? [String: Any])
            try check(answer, of: words[0])
            let results = (answer["results"] ?? answer["checks"]) as? [[String: Any]]
            let mine = try #require(results?.first { $0["server"] as? String == "a.example" })
            #expect(mine["account"] as? String == "work", "\(words): \(outcome)")
        }
    }

    @Test func setupIsAsItsManualSays() throws {
        try check("setup", "docker", "--dry-run", exits: 0)
        try check("setup", "docker", "pulumi", exits: 1)
        try check("status", exits: 1)
        try check("setup", "--undo", exits: 0)
        try check("setup", exits: 2)
    }

    @Test func backupRestoreAndUninstallAreAsTheirManualSays() throws {
        let file = sandbox.file("home/backup")
        try check("import", exits: 1)
        try check(["backup", "--stdin", "--dry-run", file], input: "p\n", exits: 0)
        try check(["backup", "--stdin", file], input: "p\n", exits: 0)
        try check(["backup", "--stdin", file], input: "p\n", exits: 1)
        try check(["restore", "--stdin", file], input: "p\n", exits: 0)
        try check(["restore", "--stdin", file], input: "q\n", exits: 4)
        try check("uninstall", "--dry-run", exits: 0)
        try check("uninstall", exits: 0)
    }

    @Test func moveIsAsItsManualSays() throws {
        try check("move", "--to", "keyring", exits: 1)
        sandbox.setEnvironment("KEYFOB_STORE", to: "auto")
        try check("move", "--to", "keyring", "--dry-run", exits: 0)
        #expect(try sandbox.run("keyfob", "import").status == 1)
        try check("move", "--to", "keyring", exits: 6)
    }

    @Test func loginAndPassphraseAreAsTheirManualSays() throws {
        let login = ["login", "c.example", "-u", "u", "--password-stdin", "--no-verify"]
        try check(login, input: "secret", exits: 0)
        try check(login, input: "", exits: 1)
        try check(["passphrase", "set", "--stdin"], input: "a passphrase\n", exits: 0)
        try check(["passphrase", "set", "--stdin"], input: "another\n", exits: 1)
        try check("list", exits: 4)
        try check("status", exits: 1)
        let unlock = ["unlock", "--password-stdin", "--for", "1m"]
        try check(unlock, input: "another\n", exits: 4)
        try check(unlock, input: "a passphrase\n", exits: 0)
        try check("status", exits: 1)
        sandbox.setEnvironment("KEYFOB_PASSPHRASE", to: "a passphrase")
        try check("passphrase", "remove", exits: 0)
    }

    @Test func checkIsAsItsManualSays() throws {
        try check("check", exits: 0)
        let login = ["login", "127.0.0.1:1", "-u", "u", "--password-stdin", "--no-verify"]
        try check(login, input: "secret", exits: 0)
        try check("check", exits: 6)
        try check("check", "nobody.example", exits: 3)
    }

    /// Of a user whom nobody else is: all keys of the user end.
    @Test(.enabled(if: geteuid() == 0, "only root can be another user"))
    func lockIsAsItsManualSays() throws {
        let other = try JSONAnswerTests(
            in: Sandbox(unprivileged: true, as: .random(in: 1_000_000...2_000_000_000)))
        try other.check("lock", exits: 0)
        try other.check("lock", "--keyring", exits: 1)
    }

    @Test func routesAreAsTheirManualSays() throws {
        try check("route", "list", exits: 0)
        try check("route", "add", "gitlab-ci", "--no-verify", "--dry-run", exits: 0)
        try check("route", "add", "gitlab-ci", "--no-verify", exits: 0)
        try check("route", "list", exits: 0)
        try check("route", "test", "registry.gitlab.com", exits: 1)
        sandbox.setEnvironment("CI_JOB_TOKEN", to: "token")
        try check("route", "test", "registry.gitlab.com", exits: 0)
        try check("route", "add", "gitlab-ci", "--match", "*.com", exits: 1)
        try check("status", exits: 1)
        try check("route", "remove", "registry.gitlab.com", exits: 0)
        try check("route", "remove", "registry.gitlab.com", exits: 3)
    }

    @Test func whatIsNoAnswerIsOneToo() throws {
        try check("list", "--nonsense", exits: 2)
        try check("passphrase", "nonsense", exits: 2)
        try check("token", "a.example", exits: 2)
    }

    // MARK: How it is compared

    private func write(_ text: String, to path: String) throws {
        let file = URL(fileURLWithPath: sandbox.file("home") + "/" + path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
    }

    private func check(
        _ words: String..., exits status: Int32, at location: SourceLocation = #_sourceLocation
    ) throws {
        try check(words, exits: status, at: location)
    }

    private func check(
        _ words: [String], input: String = "", exits status: Int32,
        at location: SourceLocation = #_sourceLocation
    ) throws {
        let outcome = try run(words, input: input)
        #expect(outcome.status == status, "\(words): \(outcome)", sourceLocation: location)
        let answer = try #require(
            JSONSerialization.jsonObject(with: Data(outcome.outputBytes)) as? [String: Any],
            "\(words): \(outcome)", sourceLocation: location)
        let isRefused = Set(answer.keys) == ["version", "error"]
        #expect(!isRefused || status != 0, sourceLocation: location)
        try check(answer, of: isRefused ? nil : JSONAnswerTests.name(words), at: location)
    }

    /// The command, as the manual names it.
    private static func name(_ words: [String]) -> String {
        words[0] == "route" ? words.prefix(2).joined(separator: " ") : words[0]
    }

    private func run(_ words: [String], input: String = "") throws -> Outcome {
        try sandbox.program(["keyfob"] + words + ["--json"], input: Array(input.utf8)).run()
    }

    private func answer(_ words: String...) throws -> [String: Any] {
        let outcome = try run(words)
        return try #require(
            JSONSerialization.jsonObject(with: Data(outcome.outputBytes)) as? [String: Any])
    }

    private func check(
        _ answer: [String: Any], of command: String?,
        at location: SourceLocation = #_sourceLocation
    ) throws {
        let schema = try Schema(of: command)
        let problems = schema.problems(of: answer)
        #expect(problems.isEmpty, "\(problems.sorted())", sourceLocation: location)
    }
}

/// The members that keyfob-json(5) lists for a command.
private struct Schema {
    /// The types by paths, as `results[].error.code`.
    private var types: [String: Set<String>] = [:]

    /// Of every command if it is nil.
    init(of command: String?) throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../packaging/man/keyfob-json.5")
        var isMeant = false
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            if line.hasPrefix(".Ss ") {
                let names = line.dropFirst(4).components(separatedBy: ", ")
                isMeant = names == ["Every command"] || command.map(names.contains) ?? false
            }
            guard isMeant, line.hasPrefix(".It Va ") else { continue }
            let words = line.dropFirst(7).components(separatedBy: " Pq ")
            types[words[0]] = Set(
                words[1].replacingOccurrences(of: " or ", with: ", ")
                    .components(separatedBy: ", "))
        }
    }

    /// What is there and not listed, not there and listed, or of another type.
    func problems(of answer: [String: Any]) -> Set<String> {
        var problems: Set<String> = []
        look(at: answer, "", &problems)
        return problems
    }

    private func look(at object: [String: Any], _ path: String, _ problems: inout Set<String>) {
        for (name, value) in object { look(at: value, path + name, &problems) }
        for listed in types.keys where listed.hasPrefix(path) {
            let name = listed.dropFirst(path.count).prefix { $0 != "." && $0 != "[" }
            if object[String(name)] == nil { problems.insert("\(listed) is missing") }
        }
    }

    private func look(at value: Any, _ path: String, _ problems: inout Set<String>) {
        if let array = value as? [Any] {
            if types["\(path)[]"] == nil { problems.insert("\(path)[] is not listed") }
            for element in array { look(at: element, "\(path)[]", &problems) }
            return
        }
        // An error has the same members wherever it is.
        let inError = path.range(of: ".error.").map { "error." + path[$0.upperBound...] }
        guard let listed = types[path] ?? inError.flatMap({ types[$0] }) else {
            return _ = problems.insert("\(path) is not listed")
        }
        let kind = Schema.kind(of: value)
        let isListed =
            listed.contains(kind)
            || kind == "string" && listed.contains(value as? String ?? "")
        if !isListed { problems.insert("\(path) is \(kind)") }
        if let object = value as? [String: Any] { look(at: object, "\(path).", &problems) }
    }

    private static func kind(of value: Any) -> String {
        switch value {
        case is NSNull: "null"
        case is [String: Any]: "object"
        case is String: "string"
        case let number as NSNumber:
            // What JSONSerialization makes of true and false.
            ["c", "B"].contains(unsafe String(cString: number.objCType)) ? "boolean" : "integer"
        default: "something else"
        }
    }
}
