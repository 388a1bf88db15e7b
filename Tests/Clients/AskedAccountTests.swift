import Foundation
import Sandbox
import Testing

/// The account that a client's own configuration names for a server: what import, logout, setup and
/// their hints make of it.
@Suite struct AskedAccountTests {
    private let machine: Machine
    private var sandbox: Sandbox { machine.sandbox }

    init() throws {
        machine = try Machine(.server)
        machine.sandbox.putFirstOnPath("home/.local/bin")
        for name in ["docker-credential-keyfob-work", "docker-credential-keyfob-home"] {
            try machine.sandbox.install("docker-credential-keyfob", as: name)
        }
    }

    private static let auths =
        #""auths":{"one.example":{"auth":"dTpvbmU="},"two.example":{"auth":"dTp0d28="}}"#

    // MARK: Import

    /// A client whose configuration asks the account work for the first server, and another one,
    /// or none, for the second.
    struct Setting: CustomTestStringConvertible {
        let client: String
        /// The files in the home, and what is in them.
        let files: [String: String]
        /// The servers, as `keyfob token` takes them.
        let servers: [String]
        /// The account of the second.
        let second: String?

        var testDescription: String { "\(client), then \(second ?? "no account")" }
    }

    private static let settings = [
        Setting(
            client: "docker",
            files: [
                ".docker/config.json":
                    "{\(auths),\"credHelpers\":{\"one.example\":\"keyfob-work\"}}"
            ],
            servers: ["one.example", "two.example"], second: nil),
        Setting(
            client: "docker",
            files: [
                ".docker/config.json":
                    "{\(auths),\"credHelpers\":{\"two.example\":\"keyfob\"},\"credsStore\":\"keyfob-work\"}"
            ],
            servers: ["one.example", "two.example"], second: nil),
        Setting(
            client: "podman",
            files: [
                ".config/containers/auth.json":
                    "{\(auths),\"credHelpers\":{\"one.example\":\"keyfob-work\",\"two.example\":\"keyfob-home\"}}"
            ],
            servers: ["one.example", "two.example"], second: "home"),
        Setting(
            client: "podman",
            files: [
                ".config/containers/auth.json": "{\(auths)}",
                ".config/containers/registries.conf":
                    "credential-helpers = [\"keyfob-podman-work\", \"containers-auth.json\"]\n",
            ],
            servers: ["one.example", "two.example"], second: "work"),
        Setting(
            client: "git",
            files: [
                ".git-credentials": "https://u:one@one.example\nhttps://u:two@two.example\n",
                ".gitconfig":
                    "[credential]\n\thelper = keyfob-home\n[credential \"https://one.example\"]\n"
                    + "\thelper =\n\thelper = keyfob-work\n",
            ],
            servers: ["https://one.example", "https://two.example"], second: "home"),
        Setting(
            client: "cargo",
            files: [
                ".cargo/credentials.toml":
                    "[registries]\none = { token = \"one\" }\ntwo = { token = \"two\" }\n",
                ".cargo/config.toml":
                    "[registries]\none = { index = \"sparse+https://one.example/\", "
                    + "credential-provider = [\"cargo-credential-keyfob-work\"] }\n"
                    + "two = { index = \"sparse+https://two.example/\" }\n"
                    + "[registry]\nglobal-credential-providers = "
                    + "[\"cargo:token\", \"cargo-credential-keyfob-home\"]\n",
            ],
            servers: ["sparse+https://one.example/", "sparse+https://two.example/"],
            second: "home"),
        Setting(
            client: "terraform",
            files: [
                ".terraformrc":
                    "credentials \"one.example\" {\n  token = \"one\"\n}\n"
                    + "credentials \"two.example\" {\n  token = \"two\"\n}\n"
                    + "credentials_helper \"keyfob-work\" {}\n"
            ],
            servers: ["one.example", "two.example"], second: "work"),
    ]

    @Test(arguments: settings)
    func aLoginGoesIntoTheAccountThatItsClientAsksFor(_ setting: Setting) throws {
        for (path, text) in setting.files { try write(text, to: path) }
        let outcome = try sandbox.run("keyfob", "import")
        #expect(outcome.succeeded, "\(outcome)")
        let accounts: [String?] = [nil, "work", "home"]
        for (server, (secret, wanted)) in zip(
            setting.servers, [("one", "work"), ("two", setting.second)])
        {
            for account in accounts {
                let option = account.map { ["--account", $0] } ?? []
                let token = try sandbox.program(["keyfob", "token", server] + option).run()
                let isHere = account == wanted
                #expect(
                    token.output == (isHere ? "\(secret)\n" : ""),
                    "\(server) in \(account ?? "none")")
            }
        }
        let again = try sandbox.run("keyfob", "import")
        #expect(again.errors == "keyfob: nothing to import\n", "\(again)")
    }

    /// What docker would not get from that account stays, and is named.
    @Test func aLoginOfAnotherAccountThanTheNamedOneStays() throws {
        let config = "{\(Self.auths),\"credHelpers\":{\"one.example\":\"keyfob-home\"}}"
        try write(config, to: ".docker/config.json")
        let preview = try sandbox.run("keyfob", "import", "--account", "work", "--dry-run")
        #expect(preview.status == 1)
        let outcome = try sandbox.run("keyfob", "import", "--account", "work", "--json")
        #expect(outcome.status == 1)
        #expect(outcome.output.contains(#""code":"not-importable""#), "\(outcome)")
        #expect(outcome.output.contains(#""account":"home""#), "\(outcome)")
        #expect(try machine.list(as: "docker-credential-keyfob-work") == ["two.example": "u"])
        #expect(try machine.list(as: "docker-credential-keyfob-home").isEmpty)
        #expect(sandbox.text("home/.docker/config.json")?.contains("dTpvbmU=") == true)
    }

    /// The environment decides where the configuration names no account.
    @Test func theEnvironmentsAccountIsThatOfAHelperWithoutOne() throws {
        try write("{\(Self.auths),\"credsStore\":\"keyfob\"}", to: ".docker/config.json")
        let outcome = try sandbox.run("keyfob", "import", environment: ["KEYFOB_ACCOUNT": "work"])
        #expect(outcome.succeeded, "\(outcome)")
        #expect(try machine.list(as: "docker-credential-keyfob-work").count == 2)
        #expect(try machine.list().isEmpty)
    }

    @Test func aPreviewForeseesThatARouteRefuses() throws {
        try write("{\(Self.auths)}", to: ".docker/config.json")
        try write(
            #"{"routes":[{"match":"one.example","environment":{"username":"USER_OF_ONE","secret":"ONE"}}]}"#,
            to: ".config/keyfob/config.json")
        for options in [["--dry-run"], []] {
            let outcome = try sandbox.program(["keyfob", "import", "--json"] + options).run()
            #expect(outcome.status == 1)
            #expect(
                outcome.output.components(separatedBy: #""code":"served-by-route""#).count == 2,
                "\(outcome)")
        }
    }

    // MARK: Logout

    /// Another account's copy is not erased with this one's, and the logout does not say that docker
    /// gets nothing any more.
    @Test func aCopyThatIsAnotherAccountsStaysAndIsNamed() throws {
        try write("{\(Self.auths),\"credsStore\":\"keyfob-work\"}", to: ".docker/config.json")
        try machine.store("one.example", "u", "own")
        let config = sandbox.text("home/.docker/config.json")
        for option in ["--dry-run", "--non-interactive"] {
            let outcome = try sandbox.run(
                "keyfob", "logout", "--files", "--json", option, "one.example")
            #expect(outcome.status == 1)
            #expect(outcome.output.contains(#""account":"work""#), "\(outcome)")
            #expect(outcome.output.contains(#""code":"login-remains""#), "\(outcome)")
            #expect(sandbox.text("home/.docker/config.json") == config)
        }
        #expect(try machine.get("one.example") == nil)

        let outcome = try sandbox.run("keyfob", "logout", "--files", "one.example", "--force")
        #expect(try follow(outcome, "keyfob logout").succeeded)
        let rest = try #require(sandbox.text("home/.docker/config.json"))
        #expect(!rest.contains("one.example") && rest.contains("two.example"))
        // A file that is named is meant whatever it says.
        let named = try sandbox.run(
            "keyfob", "logout", "two.example", "--compat-auth-file",
            sandbox.file("home/.docker/config.json"))
        #expect(named.succeeded, "\(named)")
        #expect(sandbox.text("home/.docker/config.json")?.contains("two.example") == false)
    }

    @Test func aStoredLoginThatDockerStillGetsIsNamed() throws {
        try write(#"{"credsStore":"keyfob-work"}"#, to: ".docker/config.json")
        try machine.store("one.example", "u", "own")
        try machine.store("one.example", "u", "work's", as: "docker-credential-keyfob-work")
        try machine.store("one.example", "u", "home's", as: "docker-credential-keyfob-home")
        let outcome = try sandbox.run("keyfob", "logout", "--files", "one.example")
        #expect(outcome.status == 1)
        #expect(try machine.get("one.example") == nil)
        #expect(try machine.list(as: "docker-credential-keyfob-work").count == 1)
        #expect(try follow(outcome, "keyfob logout").succeeded)
        #expect(try machine.list(as: "docker-credential-keyfob-work").isEmpty)
        #expect(try machine.list(as: "docker-credential-keyfob-home").count == 1)
    }

    // MARK: Setup

    @Test func anUndoOfAnAccountLeavesTheOtherSetups() throws {
        let work = ["DOCKER_CONFIG": sandbox.file("home/.docker-work") as String?]
        try write("{}", to: ".docker/config.json")
        try write("{}", to: ".docker-work/config.json")
        func helper(_ folder: String) -> String? {
            let text = sandbox.text("home/\(folder)/config.json") ?? ""
            let object = try? JSONSerialization.jsonObject(with: Data(text.utf8))
            return (object as? [String: String])?["credsStore"]
        }
        for words in [["docker"], ["docker", "--account", "work"]] {
            let setup = try sandbox.program(
                ["keyfob", "setup"] + words, environment: words.count > 1 ? work : [:]
            ).run()
            #expect(setup.succeeded, "\(setup)")
        }
        let undo = try sandbox.run(
            "keyfob", "setup", "--undo", "docker", "--account", "work", environment: work)
        #expect(undo.succeeded, "\(undo)")
        #expect(helper(".docker") == "keyfob")
        #expect(helper(".docker-work") == nil)

        #expect(
            try sandbox.run(
                "keyfob", "setup", "docker", "--account", "work", environment: work
            ).succeeded)
        let other = try sandbox.run("keyfob", "setup", "--undo", "docker")
        #expect(helper(".docker") == nil)
        #expect(helper(".docker-work") == "keyfob-work")
        #expect(try follow(other, "keyfob setup").succeeded)
        #expect(helper(".docker-work") == nil)
    }

    /// The earlier of two changes of one setting cannot be taken back alone.
    @Test func anUndoBelowAnotherAccountsSetupIsRefused() throws {
        try write(#"{"n":1}"#, to: ".docker/config.json")
        #expect(try sandbox.run("keyfob", "setup", "docker").succeeded)
        #expect(try sandbox.run("keyfob", "setup", "docker", "--account", "work").succeeded)
        let config = sandbox.text("home/.docker/config.json")
        let undo = try sandbox.run("keyfob", "setup", "--undo", "docker", "--json")
        #expect(undo.status == 1)
        #expect(undo.output.contains(#""code":"setting-overridden""#), "\(undo)")
        #expect(sandbox.text("home/.docker/config.json") == config)
        #expect(try follow(undo, "keyfob setup").succeeded)
        #expect(try sandbox.run("keyfob", "setup", "--undo", "docker").succeeded)
        #expect(sandbox.text("home/.docker/config.json") == #"{"n":1}"#)
    }

    // MARK: Hints

    /// Who follows the hint of an export loses the account's login and no other.
    @Test func theHintsOfAnAccountAreAboutIt() throws {
        for name in ["docker-credential-keyfob", "docker-credential-keyfob-work"] {
            try machine.store("one.example", "u", name, as: name)
        }
        let refused = try sandbox.run("keyfob", "export", "--client", "docker", "--account", "work")
        let export = try follow(refused, "keyfob export")
        #expect(export.succeeded, "\(export)")
        let logout = try follow(export, "keyfob logout", "--non-interactive")
        #expect(logout.succeeded, "\(logout)")
        #expect(try machine.list(as: "docker-credential-keyfob-work").isEmpty)
        #expect(try machine.list() == ["one.example": "u"])

        // The imported login is got by what the hint sets up.
        let imported = try sandbox.run("keyfob", "import", "--account", "work")
        #expect(imported.succeeded)
        #expect(try follow(imported, "keyfob setup").succeeded)
        #expect(sandbox.text("home/.docker/config.json")?.contains(#""keyfob-work""#) == true)
    }

    @Test func anUninstallNamesTheLogoutOfEachAccount() throws {
        try machine.store("one.example", "u", "s")
        try machine.store("one.example", "u", "s", as: "docker-credential-keyfob-work")
        let hint = try #require(
            sandbox.run("keyfob", "uninstall").errors.components(separatedBy: "remove them: ").last)
        for command in hint.split(separator: "\n")[0].components(separatedBy: ", and ") {
            let words = command.split(separator: " ").map(String.init) + ["--non-interactive"]
            #expect(try sandbox.program(words).run().succeeded, "\(words)")
        }
        #expect(try sandbox.run("keyfob", "list", "--json").output.contains(#""logins":[]"#))
    }

    // MARK: -

    private func write(_ text: String, to path: String) throws {
        try sandbox.write(text, to: "home/\(path)")
    }

    /// Runs the command that a hint ends with and that begins so.
    private func follow(
        _ outcome: Outcome, _ beginning: String, _ more: String...
    ) throws -> Outcome {
        let hint = try #require(
            outcome.errors.split(separator: "\n").last {
                $0.hasPrefix("keyfob: hint:") && $0.contains(": \(beginning) ")
            }, "\(outcome)")
        let start = try #require(hint.range(of: beginning + " ")).lowerBound
        let command = ([String(hint[start...])] + more).joined(separator: " ")
        return try sandbox.run("sh", "-c", command)
    }
}
