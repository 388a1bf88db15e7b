import Foundation
import Sandbox
import Testing

/// pip and uv, which run the command `keyring` that `keyfob setup pip` makes.
@Suite struct PipTests {
    private static let login = (user: "alice", password: "p/:% word")

    /// Where pip and uv are, in the newest versions that pip can get; nil where it can get none.
    private static let programs: String? = {
        let folder = NSTemporaryDirectory() + "keyfob-pip-\(getpid())"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "python3", "-m", "pip", "install", "--quiet", "--target", folder, "pip", "uv",
        ]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        process.waitUntilExit()
        atexit { try? FileManager.default.removeItem(atPath: PipTests.folder) }
        return process.terminationStatus == 0 ? folder : nil
    }()

    private static let folder = NSTemporaryDirectory() + "keyfob-pip-\(getpid())"

    private let machine: Machine
    private var sandbox: Sandbox { machine.sandbox }

    init() throws {
        machine = try Machine(.server)
        machine.sandbox.putFirstOnPath("home/.local/bin")
    }

    enum Way: CaseIterable {
        /// A login of pip's, one of docker's for the same host, and a route.
        case login, docker, route
    }

    @Test(arguments: Way.allCases) func anIndexThatWantsAPasswordServesThem(_ way: Way) throws {
        guard let programs = PipTests.programs else {
            print("PipTests: pip and uv could not be installed from the package index: not tried")
            return
        }
        let index = try startIndex()
        #expect(try sandbox.run("keyfob", "setup", "pip").succeeded)
        let without = try install(with: .pip, from: index, programs)
        #expect(!without.succeeded)
        try store(way, index)
        for tool in Tool.allCases {
            let outcome = try install(with: tool, from: index, programs)
            #expect(outcome.succeeded, "\(tool): \(outcome)")
            let said = outcome.output + outcome.errors
            #expect(!said.contains(Self.login.password))
        }
    }

    @Test func getSetAndDelAreThoseOfKeyring() throws {
        #expect(try sandbox.run("keyfob", "setup", "pip").succeeded)
        let url = "https://pypi.example.com/simple/"
        let set = try sandbox.run("keyring", "set", url, "alice", input: "secret\n")
        #expect(set.succeeded, "\(set)")
        #expect(try sandbox.run("keyring", "get", url, "alice").output == "secret\n")
        #expect(try sandbox.run("keyring", "get", url + "x/y", "alice").output == "secret\n")
        #expect(try sandbox.run("keyring", "get", url, "bob").status == 1)
        let creds = ["--mode=creds", "--output=json", "get", url]
        let json = try sandbox.program(["keyring"] + creds).run()
        #expect(json.output == #"{"username":"alice","password":"secret"}"# + "\n")
        let plain = try sandbox.run("keyring", "get", url, "--mode", "creds")
        #expect(plain.output == "alice\nsecret\n")
        // No other host, port or scheme, and no host alone: that would be asked for http, too.
        for other in [
            "http://pypi.example.com/simple/", "https://pypi.example.com:8443/simple/",
            "https://example.com/simple/", "https://pypi.example.com/", "pypi.example.com",
        ] {
            let outcome = try sandbox.run("keyring", "get", other, "alice")
            #expect(outcome.status == 1)
            #expect(outcome.output.isEmpty && outcome.errors.isEmpty, "\(outcome)")
        }
        #expect(try sandbox.run("keyring", "del", url, "bob").status == 3)
        #expect(try sandbox.run("keyring", "del", url, "alice").succeeded)
        #expect(try sandbox.run("keyring", "get", url, "alice").status == 1)
    }

    @Test func theLinkIsMadeOnceAndTakenBack() throws {
        let link = sandbox.file("home/.local/bin/keyring")
        let setup = try sandbox.run("keyfob", "setup", "pip")
        #expect(setup.output == "\(link): is now a link to keyfob\n", "\(setup)")
        #expect(try sandbox.run("keyfob", "setup", "pip").succeeded)
        #expect(try sandbox.run("keyfob", "setup", "--undo", "pip").succeeded)
        #expect(try sandbox.run("test", "-L", link).status == 1)

        // The real keyring is left where it is.
        try sandbox.writeScript("#!/bin/sh\n", as: "keyring")
        let refused = try sandbox.run("keyfob", "setup", "pip")
        #expect(refused.status == 1)
        #expect(refused.output.contains("is another program"), "\(refused)")
        #expect(try sandbox.run("test", "-e", link).status == 1)
    }

    /// What the user has in the link's place is neither taken for it, nor replaced, nor removed.
    @Test(arguments: [
        "mkdir \"$0\"", "ln -s note \"$0\"", "echo mine >\"$0\"", "ln -s gone \"$0\"",
    ])
    func whatIsTheUsersStays(_ command: String) throws {
        let link = sandbox.file("home/.local/bin/keyring")
        try sandbox.write("mine", to: "home/.local/bin/note")
        func state() throws -> String {
            try sandbox.run("sh", "-c", "ls -ld --time-style=full-iso \"$0\"", link).output
        }
        try #require(try sandbox.run("sh", "-c", command, link).succeeded)
        let before = try state()
        #expect(try sandbox.run("keyfob", "setup", "pip", "--dry-run").status == 1)
        let setup = try sandbox.run("keyfob", "setup", "pip", "--json")
        #expect(setup.status == 1)
        #expect(setup.output.contains(#""code":"wrong-kind-of-file""#), "\(setup)")
        #expect(try state() == before)
        #expect(try !sandbox.run("keyfob", "setup", "--undo").output.contains("removed"))
        #expect(try state() == before)
    }

    @Test(arguments: ["--undo", "uninstall"])
    func whatTookTheLinksPlaceStays(_ word: String) throws {
        let link = sandbox.file("home/.local/bin/keyring")
        let command = word == "--undo" ? ["keyfob", "setup", word] : ["keyfob", word]
        for others in ["echo mine >\"$0\"", "ln -s /etc/passwd \"$0\""] {
            try #require(try sandbox.run("keyfob", "setup", "pip").succeeded)
            try #require(try sandbox.run("sh", "-c", "rm \"$0\"; \(others)", link).succeeded)
            let undo = try sandbox.program(command + ["--json"]).run()
            #expect(undo.status == 0)
            #expect(undo.output.contains(#""result":"unchanged""#), "\(undo)")
            #expect(try sandbox.run("rm", link).succeeded)
            #expect(try sandbox.run("keyfob", "setup", "--undo").output.isEmpty)
        }
    }

    @Test func anAccountIsRefusedAndNotPassedOver() throws {
        let setup = try sandbox.run("keyfob", "setup", "pip", "--account", "work", "--json")
        #expect(setup.status == 1)
        #expect(setup.output.contains(#""code":"not-supported""#), "\(setup)")
    }

    @Test func aSetThatReplacesAnothersLoginSaysSo() throws {
        #expect(try sandbox.run("keyfob", "setup", "pip").succeeded)
        let url = "https://pypi.example.com/simple/"
        #expect(try sandbox.run("keyring", "set", url, "joe", input: "one\n").errors.count > 0)
        #expect(try sandbox.run("keyring", "set", url, "joe", input: "two\n").errors.isEmpty)
        let set = try sandbox.run("keyring", "set", url, "jane", input: "three\n")
        #expect(set.succeeded)
        #expect(set.errors.contains("joe"), "\(set)")
        #expect(try sandbox.run("keyring", "get", url, "joe").status == 1)
        #expect(try sandbox.run("keyring", "get", url, "jane").output == "three\n")
    }

    @Test func aStoreThatCannotBeReadIsAnErrorAndNotNothing() throws {
        #expect(try sandbox.run("keyfob", "setup", "pip").succeeded)
        try sandbox.run("keyring", "set", "https://a.example", "alice", input: "secret\n")
        try sandbox.write("damaged", to: "home/.local/share/keyfob/credentials")
        let outcome = try sandbox.run("keyring", "get", "https://a.example", "alice")
        #expect(outcome.status == 1)
        #expect(outcome.errors.hasPrefix("keyfob: error:"), "\(outcome)")
    }

    // MARK: -

    private enum Tool: CaseIterable {
        case pip, uv
    }

    private func startIndex(beside file: String = #filePath) throws -> String {
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent().path
        let index = try sandbox.startDaemon([
            "/usr/bin/python3", "-B", "\(folder)/package-index.py",
            "\(Self.login.user):\(Self.login.password)",
        ])
        return try index.wait(for: "address") {
            index.log.split(separator: "\n").first { $0.hasPrefix("http://") }.map(String.init)
        }
    }

    private func store(_ way: Way, _ index: String) throws {
        let host = index.components(separatedBy: "//")[1]
        switch way {
        case .login:
            let outcome = try sandbox.run(
                "keyfob", "login", "--client", "pip", "-u", Self.login.user, "--password-stdin",
                "\(index)/simple/", input: Self.login.password)
            #expect(outcome.succeeded, "\(outcome)")
        case .docker: try machine.store(host, Self.login.user, Self.login.password)
        case .route:
            sandbox.setEnvironment("INDEX_USER", to: Self.login.user)
            sandbox.setEnvironment("INDEX_PASSWORD", to: Self.login.password)
            try sandbox.write(
                """
                {"routes": [{"match": "\(host)", "environment":
                 {"username": "INDEX_USER", "secret": "INDEX_PASSWORD"}}]}
                """, to: "home/.config/keyfob/config.json")
        }
    }

    private func install(
        with tool: Tool, from index: String, _ programs: String
    ) throws -> Outcome {
        let url = index.replacingOccurrences(of: "//", with: "//\(Self.login.user)@") + "/simple/"
        let target = sandbox.file(sandbox.uniqueName("installed"))
        let words =
            switch tool {
            case .pip:
                [
                    "python3", "-m", "pip", "install", "--no-input", "--no-cache-dir",
                    "--keyring-provider", "subprocess", "--index-url", url,
                ]
            case .uv:
                [
                    "\(programs)/bin/uv", "pip", "install", "--no-cache", "--keyring-provider",
                    "subprocess", "--default-index", url,
                ]
            }
        let outcome = try sandbox.program(
            words + ["--target", target, "keyfob-greeting"],
            environment: ["PYTHONPATH": programs, "PIP_CONFIG_FILE": "/dev/null"],
            deadline: .seconds(120)
        ).run()
        if outcome.succeeded {
            let module = "\(target)/keyfob_greeting.py"
            #expect(FileManager.default.fileExists(atPath: module))
        }
        return outcome
    }
}
