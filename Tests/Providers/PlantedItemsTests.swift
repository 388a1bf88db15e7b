import Foundation
import Sandbox
import Testing

/// What other programs have put into a keyring: names that a terminal would obey, that would be
/// lines of an answer, or commands, or tokens.
@Suite struct PlantedItemsTests {
    private let desk: Desk

    init() throws {
        desk = try Desk()
        _ = try desk.startKeyring()
    }

    /// A line of ours, CSI, OSC and ST of both kinds, DEL, and marks that change the direction.
    private static let hostile =
        "x (a)\nkeyring: removed\r\u{9B}2J\u{9D}52;c;eA==\u{9C}\u{1B}[31m\u{7F}\u{61C}\u{200F}"
        + "\u{202E}\u{2066}\u{2028}.example"

    private static let commands = [
        ["keyfob", "list"], ["keyfob", "list", "--json"], ["keyfob", "status"],
        ["keyfob", "status", "--json"], ["keyfob", "logout", "--all", "--dry-run"],
        ["keyfob", "logout", "--all", "--dry-run", "--json"],
        ["keyfob", "move", "--to", "file", "--dry-run"],
        ["keyfob", "move", "--to", "file", "--dry-run", "--json"],
        ["keyfob", "logout", "--all", "--non-interactive"],
        ["keyfob", "logout", "--all", "--non-interactive", "--json"],
        ["docker-credential-keyfob", "list"],
    ]

    @Test(arguments: commands) func nothingIsSentThatATerminalObeys(command: [String]) throws {
        try plant(docker: Self.hostile, user: Self.hostile)
        try plant(docker: Self.hostile, user: "another")
        try plant(git: "git.example", user: Self.hostile, "secret")
        let outcome = try desk.sandbox.program(command).run()
        for text in [outcome.output, outcome.errors] {
            for scalar in text.unicodeScalars where scalar != "\n" {
                #expect(!isObeyed(scalar), "\(command): U+\(String(scalar.value, radix: 16))")
            }
        }
        // Each login is one line, or a part of one.
        if command == ["keyfob", "list"] { #expect(lines(outcome.output) == 4) }
        if command == ["keyfob", "logout", "--all", "--dry-run"] {
            #expect(lines(outcome.output) == 3)
        }
        if command.contains("--json") || command[0].hasPrefix("docker") {
            #expect(lines(outcome.output) == 1)
        }
    }

    /// git takes each line for a fact, and goes where it is told.
    @Test func gitIsGivenNoLoginThatWouldBeMoreLines() throws {
        let get = { () throws -> String in
            try desk.sandbox.run(
                "git-credential-keyfob", "get", input: "protocol=https\nhost=git.example\n"
            ).output
        }
        let evil = "alice\nhost=evil.example\nurl=https://evil.example"
        try plant(git: "git.example", user: evil, "secret")
        try plant(git: "git.example", user: "alice\rbob", "secret")
        try plant(git: "git.example", user: "carol\u{9B}2J", "secret")
        try plant(git: "git.example", user: "dave", "se\rcret")
        try plant(git: "git.example", user: "erin", "secret\noauth_refresh_token=a\rb")
        #expect(try get() == "")
        try plant(git: "git.example", user: "frank", "secret")
        #expect(try get() == "username=frank\npassword=secret\n")
    }

    /// `keyfob status` proposes to log out of a server that has two logins.
    @Test func whatAHintProposesRunsNothingOfAName() throws {
        for name in [
            "x;touch made", "$(touch made).example", "'; touch made; '", "\\'; touch made #",
        ] {
            try plant(docker: name, user: "alice")
            try plant(docker: name, user: "bob")
        }
        struct Report: Decodable {
            struct Finding: Decodable {
                let code: String
                let hint: String?
            }
            let findings: [Finding]
        }
        let status = try desk.sandbox.run("keyfob", "status", "--json")
        let report = try JSONDecoder().decode(Report.self, from: Data(status.outputBytes))
        let hints = report.findings.filter { $0.code == "stale-login" }.compactMap(\.hint)
        #expect(hints.count == 4)
        try desk.sandbox.makeFolder("work")
        for hint in hints {
            // A person pastes what stands before the comma of "then log in again".
            let command = try #require(hint.range(of: ", then").map { hint[..<$0.lowerBound] })
            for shell in ["sh", "bash", "zsh", "fish"] {
                let outcome = try desk.sandbox.run(
                    shell, "-c", "cd \(desk.sandbox.file("work")) && \(command) --dry-run")
                #expect(outcome.succeeded && lines(outcome.output) == 2, "\(shell): \(outcome)")
            }
        }
        let made = try FileManager.default.contentsOfDirectory(
            atPath: desk.sandbox.file("work"))
        #expect(made.isEmpty)
    }

    /// A token that git is given for a user name is no attribute, which the keyring does not treat as
    /// secret.
    @Test(arguments: [
        "ghp_0123456789abcdefghij:x-oauth-basic", "no-known-form:x-oauth-basic",
        "no-known-form:", "no-known-form:x-access-token", "glpat-0123456789abcdefghij:glpat-0123",
    ]) func aTokenForAUserNameIsNoAttribute(login: String) throws {
        let parts = login.split(separator: ":", omittingEmptySubsequences: false)
        let (token, password) = (String(parts[0]), String(parts[1]))
        let description =
            "protocol=https\nhost=git.example\nusername=\(token)\npassword=\(password)\n"
        // As another helper, or an older Keyfob, has stored it.
        try plant(git: "git.example", user: token, password)
        #expect(
            try desk.sandbox.run("git-credential-keyfob", "store", input: description).succeeded)
        let attributes = try desk.sandbox.run(
            "secret-tool", "search", "--all", "protocol", "https")
        #expect(attributes.errors.contains("attribute.server = git.example"))
        #expect(
            !attributes.errors.contains(token) && !attributes.output.contains("label = \(token)"))
        let got = try desk.sandbox.run(
            "git-credential-keyfob", "get",
            input: "protocol=https\nhost=git.example\nusername=\(token)\n")
        #expect(got.output == "username=\(token)\npassword=\(password)\n")
        for command in Self.commands {
            let outcome = try desk.sandbox.program(command).run()
            #expect(!(outcome.output + outcome.errors).contains(token), "\(command)")
        }
    }

    /// One that stands there in the open is not shown, if it begins as tokens do.
    @Test(arguments: commands) func aTokenThatIsAnAttributeIsNotShown(command: [String]) throws {
        let token = "ghp_0123456789abcdefghij"
        try plant(git: "git.example", user: token, "x-oauth-basic")
        let outcome = try desk.sandbox.program(command).run()
        #expect(!(outcome.output + outcome.errors).contains("ghp_"), "\(outcome)")
    }

    // MARK: Planting

    private func plant(docker server: String, user: String) throws {
        try plant(
            "secret", ["xdg:schema", "io.docker.Credentials", "label", "Docker Credentials"],
            ["docker_cli", "1", "server", server, "username", user])
    }

    private func plant(git server: String, user: String, _ secret: String) throws {
        try plant(
            secret, ["xdg:schema", "org.git.Password", "protocol", "https"],
            ["server", server, "user", user])
    }

    private func plant(_ secret: String, _ schema: [String], _ attributes: [String]) throws {
        let stored = try desk.sandbox.program(
            ["secret-tool", "store", "--label=planted"] + schema + attributes,
            input: Array(secret.utf8)
        ).run()
        try #require(stored.succeeded, "\(stored)")
    }

    private func lines(_ text: String) -> Int { text.split(separator: "\n").count }

    private func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F, 0x61C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
