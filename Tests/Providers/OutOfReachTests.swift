import Foundation
import Sandbox
import Testing

/// A login that is in the keyring, asked for where the keyring cannot be reached: in a cron job, after
/// `su`, in a system service. It is not "not found".
@Suite struct OutOfReachTests {
    enum Lack: CaseIterable {
        case bus, aBusThatIsWanted, aBusThatLives, provider, libsecret
    }

    private let sandbox: Sandbox
    private let bus: PrivateBus
    private let keyring: GnomeKeyring

    private static let answer = Sentence.expanding("<keyring-out-of-reach|>")
    private static let warning = "1 login is in the keyring, which cannot be reached here: "

    init() throws {
        sandbox = try Sandbox()
        bus = try PrivateBus(in: sandbox)
        keyring = try GnomeKeyring(on: bus)
    }

    @Test(arguments: Lack.allCases) func aDockerLoginIsAnErrorThatSaysWhy(lack: Lack) throws {
        try run(["docker-credential-keyfob", "store"], Request.update.input).expectSuccess()
        let prefix = try arrange(lack)
        let get = try run(prefix + ["docker-credential-keyfob", "get"], "https://h.example/v1/")
        #expect(get.status == 1)
        #expect(get.output.hasPrefix(Self.answer), "\(get)")
        #expect(get.errors.hasPrefix(get.output + "keyfob: hint: "), "\(get)")

        let other = try run(prefix + ["docker-credential-keyfob", "get"], "other.example")
        #expect(Trial.isAnswer(other, .notFound) && other.errors.isEmpty, "\(other)")

        let list = try run(prefix + ["docker-credential-keyfob", "list"])
        #expect(Trial.isAnswer(list, .nothingListed))
        #expect(list.errors.hasPrefix("keyfob: warning: " + Self.warning), "\(list)")

        // The file serves what is stored now.
        try run(prefix + ["docker-credential-keyfob", "store"], Request.replace.input)
            .expectSuccess()
        let stored = try run(prefix + ["docker-credential-keyfob", "get"], "h.example")
        #expect(Trial.isAnswer(stored, .login(user: "other", secret: "new")), "\(stored)")
    }

    @Test(arguments: Lack.allCases) func theCommandSaysSoToo(lack: Lack) throws {
        try run(["docker-credential-keyfob", "store"], Request.update.input).expectSuccess()
        let prefix = try arrange(lack)
        for command in [["token", "h.example"], ["exec", "h.example", "--env", "T", "--", "env"]] {
            let outcome = try run(prefix + ["keyfob"] + command)
            #expect(outcome.status == 6 && outcome.output.isEmpty, "\(outcome)")
            #expect(outcome.errors.hasPrefix("keyfob: error: " + Self.answer), "\(outcome)")
        }
        let list = try run(prefix + ["keyfob", "list"])
        #expect(list.succeeded && list.output.isEmpty)
        #expect(list.errors.hasPrefix("keyfob: warning: " + Self.warning), "\(list)")
        let json = try run(prefix + ["keyfob", "list", "--json"])
        #expect(json.output.contains(#""logins":[],"warnings":["\#(Self.warning)"#), "\(json)")
        let status = try run(prefix + ["keyfob", "status"])
        #expect(status.status == 1 && status.output.contains("attention: " + Self.warning))
    }

    @Test func noCommandSaysThatThereIsNoLogin() throws {
        try run(["docker-credential-keyfob", "store"], Request.update.input).expectSuccess()
        _ = try arrange(.bus)
        let reason = "there is no session bus"
        for (words, status) in [
            (["check"], 6), (["check", "h.example"], 6), (["uninstall"], 6),
            (["export", "--client", "docker", "--plain-text", "h.example"], 6),
            (["backup", "--stdin", sandbox.file("backup")], 6),
            (["logout"], 1), (["logout", "--force"], 1), (["logout", "--all"], 1),
        ] {
            let outcome = try run(["keyfob"] + words + ["--json"])
            #expect(outcome.status == status, "\(words): \(outcome)")
            #expect(outcome.output.contains(reason), "\(words): \(outcome)")
            #expect(!outcome.output.contains(#""done":true"#), "\(words): \(outcome)")
            #expect(!outcome.errors.contains("there are no logins"), "\(words): \(outcome)")
        }
        let logout = try run(["keyfob", "logout"])
        #expect(logout.output.contains("keyring: may still be there"), "\(logout)")
        #expect(try !run(["keyfob", "list"]).errors.contains("no logins yet"))
    }

    @Test func loginsOfOtherClientsAreErrorsToo() throws {
        let (git, cargo, terraform) = (
            "protocol=https\nhost=h.example\nusername=u\npassword=s\n\n",
            #"{"v":1,"registry":{"index-url":"sparse+https://h.example/"},"kind":"login","token":"s"}"#,
            #"{"token":"s"}"#
        )
        try run(["git-credential-keyfob", "store"], git).expectSuccess()
        try run(["cargo-credential-keyfob", "--cargo-plugin"], cargo + "\n").expectSuccess()
        try run(["terraform-credentials-keyfob", "store", "h.example"], terraform).expectSuccess()
        _ = try arrange(.bus)

        let asked = "protocol=https\nhost=h.example\n\n"
        let password = try run(["git-credential-keyfob", "get"], asked)
        #expect(!password.succeeded && password.output.isEmpty)
        #expect(password.errors.contains(Self.answer), "\(password)")
        let token = try run(
            ["cargo-credential-keyfob", "--cargo-plugin"],
            #"{"v":1,"registry":{"index-url":"sparse+https://h.example/"},"kind":"get","operation":"read"}"#
                + "\n")
        #expect(token.output.contains(#""kind":"other""#), "\(token)")
        #expect(token.output.contains(Self.answer), "\(token)")
        let host = try run(["terraform-credentials-keyfob", "get", "h.example"])
        #expect(host.status == 1 && host.errors.contains(Self.answer), "\(host)")

        // What is stored for none of them is not found, as before.
        let none = try run(["git-credential-keyfob", "get"], "protocol=https\nhost=o.example\n\n")
        #expect(none.succeeded && none.output.isEmpty && none.errors.isEmpty, "\(none)")
        let list = try run(["keyfob", "list"])
        #expect(list.errors.contains("3 logins are in the keyring"), "\(list)")
    }

    /// A fixed policy speaks for its own store alone, and that one is not empty where it is absent.
    @Test func aFixedPolicySpeaksForItsOwnStore() throws {
        try run(["docker-credential-keyfob", "store"], Request.update.input).expectSuccess()
        _ = try arrange(.bus)
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        let get = try run(["docker-credential-keyfob", "get"], "h.example")
        #expect(Trial.isAnswer(get, .notFound) && get.errors.isEmpty)
        #expect(try run(["keyfob", "list", "--quiet"]).errors.isEmpty)

        sandbox.setEnvironment("KEYFOB_STORE", to: "secret-service")
        for command in [
            ["list"], ["token", "h.example"], ["logout", "--force", "h.example"],
            ["logout", "--force", "--all"],
        ] {
            let outcome = try run(["keyfob"] + command)
            #expect(outcome.status == 6, "\(command): \(outcome)")
            let said = outcome.output + outcome.errors
            #expect(said.contains("there is no session bus"), "\(command): \(outcome)")
        }
    }

    // MARK: The bus that nobody names

    @Test(arguments: [
        ["-u", "XDG_RUNTIME_DIR"], ["XDG_RUNTIME_DIR=/run/user/12345"], ["XDG_RUNTIME_DIR="],
    ])
    func theUsersBusIsFoundWhereTheVariablesAreMissing(variable: [String]) throws {
        let stored = try inSession(variable, "docker-credential-keyfob", "store")
        #expect(stored.succeeded, "\(stored)")
        #expect(try keyring.items().count == 1)
        #expect(sandbox.read("home/.local/share/keyfob/credentials") == nil)
    }

    /// Who names a place of their own, or says that there is no bus, gets that.
    @Test(arguments: [
        ["XDG_RUNTIME_DIR"], ["-u", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS="],
    ])
    func theUsersBusIsNotTakenInPlaceOfAnother(variable: [String]) throws {
        let own =
            variable == ["XDG_RUNTIME_DIR"] ? ["XDG_RUNTIME_DIR=\(sandbox.file("run"))"] : variable
        let stored = try inSession(own, "docker-credential-keyfob", "store")
        #expect(stored.succeeded, "\(stored)")
        #expect(try keyring.items().isEmpty)
    }

    @Test(
        .enabled(if: geteuid() == 0, "only root can give a folder away"),
        arguments: ["/run/user/0", "/run/user/0/bus"])
    func aBusInAPlaceOfAnotherUserIsNotTaken(path: String) throws {
        let stored = try inSession(
            ["-u", "XDG_RUNTIME_DIR"], "docker-credential-keyfob", "store",
            after: "chown 65534 \(path)")
        #expect(stored.succeeded, "\(stored)")
        #expect(try keyring.items().isEmpty)
    }

    /// Runs a program where `/run/user/UID/bus` is the bus, and with these words to `env`.
    private func inSession(
        _ variables: [String], _ command: String..., after preparation: String = ":"
    ) throws -> Outcome {
        let socket = try #require(bus.address.split(separator: ",").first).dropFirst(
            "unix:path=".count)
        let script = """
            mount -t tmpfs none /run/user
            mkdir -m 700 /run/user/0
            : >/run/user/0/bus
            mount --bind \(socket) /run/user/0/bus
            \(preparation)
            exec "$@"
            """
        let user = geteuid() == 0 ? [] : ["--map-root-user"]
        return try run(
            ["unshare"] + user + ["--mount", "sh", "-ec", script, "sh", "env", "-u"]
                + ["DBUS_SESSION_BUS_ADDRESS"] + variables + command, Request.update.input)
    }

    private func run(_ arguments: [String], _ input: String = "") throws -> Outcome {
        try sandbox.program(arguments, input: Array(input.utf8)).run()
    }

    /// Brings the lack about, and gives what a command line must begin with.
    private func arrange(_ lack: Lack) throws -> [String] {
        switch lack {
        case .bus: sandbox.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: nil)
        case .aBusThatIsWanted: sandbox.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: "")
        case .aBusThatLives: bus.stop()
        case .provider: try keyring.stop()
        case .libsecret: return Sandbox.hiding("libsecret-1.so.0")
        }
        return []
    }
}

extension Outcome {
    fileprivate func expectSuccess(sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(succeeded, "\(self)", sourceLocation: sourceLocation)
    }
}
