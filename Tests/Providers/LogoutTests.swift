import Credentials
import Sandbox
import Stores
import Testing

/// `keyfob logout` with a real gnome-keyring: what it says of each place is what is there.
@Suite struct LogoutTests {
    let desk: Desk

    init() throws { desk = try Desk() }

    @Test func aLoginInBothPlacesIsRemovedFromBoth() throws {
        let keyring = try desk.startKeyring()
        try store(in: "file")
        try store(in: "secret-service")
        let logout = try keyfob("logout", "h.example")
        #expect(
            logout.output == "keyring: removed docker h.example (u)\n"
                + "file: removed docker h.example (u)\n")
        #expect(logout.succeeded)
        #expect(try keyring.items().isEmpty)
        #expect(try keyfob("list").output.isEmpty)
    }

    @Test(arguments: LockForm.allCases, ["h.example", "--all"])
    func aLockedKeyringKeepsTheLoginAndThatIsSaid(form: LockForm, what: String) throws {
        let keyring = try desk.startKeyring()
        try store(in: "secret-service")
        let locked = try desk.lock(keyring, form)

        let logout = try keyfob("logout", "--non-interactive", what)
        #expect(logout.status == 4)
        let why = Sentence.expanding("<keyring-locked>\n")
        if what == "--all" {
            #expect(logout.output.isEmpty)
            #expect(logout.errors.hasPrefix("keyfob: error: " + why))
        } else {
            #expect(logout.output == "keyring: still there: \(why)file: was not there\n")
        }
        #expect(logout.errors.contains("keyfob: hint: at a terminal: keyfob unlock; or"))
        #expect(try locked.items().count == 1)

        try locked.stop()
        let unlocked = try desk.startKeyring()
        #expect(try keyfob("logout", "--non-interactive", what).succeeded)
        #expect(try unlocked.items().isEmpty)
    }

    /// cargo's registries go by names, which only the labels of their items tell.
    @Test(arguments: LockForm.allCases)
    func aLoginThatOnlyItsLabelNamesIsNotSaidToBeGone(form: LockForm) throws {
        let keyring = try desk.startKeyring()
        let entry = Entry(
            schema: .cargo, attributes: ["url": "sparse+https://h.example/"],
            label: "cargo-registry:loop")
        try desk.store().save(Credential(entry, secret: "s"))
        #expect(try keyfob("token", "loop").output == "s\n")
        let locked = try desk.lock(keyring, form)

        for arguments in [
            ["token"], ["logout", "--force"], ["logout", "--force", "--client", "cargo"],
        ] {
            let outcome = try desk.sandbox.program(["keyfob"] + arguments + ["loop"]).run()
            #expect(outcome.status == 4)
            #expect(outcome.output.isEmpty)
            #expect(outcome.errors.contains("the keyring is locked"), "\(outcome)")
        }
        #expect(try locked.items().count == 1)

        try locked.stop()
        let unlocked = try desk.startKeyring()
        #expect(
            try keyfob("logout", "loop").output
                == "keyring: removed cargo sparse+https://h.example/\nfile: was not there\n")
        #expect(try unlocked.items().isEmpty)
    }

    @Test func withoutABusALoginThatWasStoredInAKeyringMayRemain() throws {
        _ = try desk.startKeyring()
        try store(in: "secret-service")
        let noBus: [String: String?] = ["DBUS_SESSION_BUS_ADDRESS": nil]
        let logout = try keyfob("logout", "h.example", environment: noBus)
        #expect(logout.status == 1)
        #expect(
            logout.output
                == "keyring: may still be there: it was stored there, and there is no session bus\n"
                + "file: was not there\n")

        let all = try keyfob("logout", "--all", "--force", environment: noBus)
        #expect(all.status == 1)
        #expect(
            all.output
                == "keyring: may still be there: logins were stored there, and there is no session "
                + "bus\nfile: was not there\n")

        let other = try keyfob("logout", "--force", "other.example", environment: noBus)
        #expect(other.succeeded)
        #expect(other.output == "keyring: was not there\nfile: was not there\n")

        #expect(try keyfob("logout", "h.example").succeeded)
        #expect(try keyfob("logout", "--force", "h.example", environment: noBus).succeeded)
        #expect(try keyfob("logout", "--all", "--force", environment: noBus).succeeded)
    }

    /// git's own helper before git 2.41 stores by another schema, and gives what it has stored.
    enum FormerLogin: CaseIterable {
        case plain, withPort, withPath, besideOurs

        var attributes: [String] {
            switch self {
            case .plain, .besideOurs: []
            case .withPort: ["port", "8443"]
            case .withPath: ["object", "team/app.git"]
            }
        }

        var server: String {
            switch self {
            case .plain, .besideOurs: "https://h.example"
            case .withPort: "https://h.example:8443"
            case .withPath: "https://h.example/team/app.git"
            }
        }
    }

    @Test(arguments: FormerLogin.allCases, [false, true])
    func aLoginOfAFormerSchemaIsSaidToBeThere(former: FormerLogin, ofAll: Bool) throws {
        let keyring = try desk.startKeyring()
        try storeFormer(["protocol", "https", "server", "h.example"] + former.attributes)
        if former == .besideOurs {
            let stored = try desk.sandbox.run(
                "git-credential-keyfob", "store",
                input: "protocol=https\nhost=h.example\nusername=u\npassword=s\n\n")
            try #require(stored.succeeded)
        }
        let what = ofAll ? ["--all", "--non-interactive"] : ["--client", "git", former.server]
        let preview = try desk.sandbox.program(["keyfob", "logout", "--dry-run"] + what).run()
        #expect(preview.errors.contains("would remain: git https://h.example"), "\(preview)")
        for force in [[], ["--force"]] {
            let logout = try desk.sandbox.program(["keyfob", "logout"] + force + what).run()
            #expect(logout.status == 1)
            #expect(
                logout.output.contains("keyring: still there: git \(former.server) (u): git-"))
            #expect(
                logout.output.contains("keyring: removed")
                    == (former == .besideOurs && force.isEmpty))
        }
        let json = try desk.sandbox.program(["keyfob", "logout", "--json"] + what).run()
        #expect(json.status == 1 && json.output.contains(#""done":false"#), "\(json)")
        #expect(json.output.contains(#""result":"remains""#), "\(json)")
        #expect(try keyring.items().count == 1)
    }

    /// Another place's, another client's or a file share's is not.
    @Test func aLoginOfAFormerSchemaThatIsNotMeantIsNotNamed() throws {
        _ = try desk.startKeyring()
        try storeFormer(["protocol", "https", "server", "h.example"])
        for arguments in [
            ["--client", "git", "https://o.example"], ["--client", "git", "http://h.example"],
            ["--client", "docker", "h.example"], ["--client", "cargo", "--all"],
        ] {
            let logout = try desk.sandbox.program(["keyfob", "logout", "--force"] + arguments).run()
            #expect(logout.succeeded, "\(arguments): \(logout)")
        }
        let cleared = try desk.sandbox.run("secret-tool", "clear", "server", "h.example")
        try #require(cleared.succeeded)
        try storeFormer(["protocol", "smb", "server", "h.example"])
        #expect(try keyfob("logout", "--force", "--all").succeeded)
    }

    private func storeFormer(_ attributes: [String]) throws {
        let stored = try desk.sandbox.program(
            ["secret-tool", "store", "--label=git", "xdg:schema"]
                + ["org.gnome.keyring.NetworkPassword", "user", "u"] + attributes,
            input: Array("s".utf8)
        ).run()
        try #require(stored.succeeded)
    }

    @Test(arguments: [("y\n", true), ("\n", false), ("no\n", false)])
    func aPersonIsAskedOnceWhetherAllLoginsAreMeant(answer: String, isYes: Bool) throws {
        let keyring = try desk.startKeyring()
        try store(in: "secret-service")
        try store(in: "secret-service", server: "other.example")
        let terminal = try PseudoTerminal()
        var program = desk.sandbox.program(["keyfob", "logout", "--all"])
        program.terminal = terminal
        let running = try program.start()
        try terminal.wait(for: "Remove 2 logins? [y/N] ")
        terminal.type(answer)
        let outcome = try running.finish()
        #expect(outcome.succeeded == isYes)
        #expect(try keyring.items().isEmpty == isYes)
        let named = "keyfob: docker h.example (u)\nkeyfob: docker other.example (u)\n"
        #expect(outcome.errors.hasPrefix(named), "\(outcome)")
        if !isYes { #expect(outcome.errors == named + "keyfob: error: nothing was removed\n") }
    }

    @Test func aPersonWhoInterruptsTheQuestionRemovesNothing() throws {
        let keyring = try desk.startKeyring()
        try store(in: "secret-service")
        let terminal = try PseudoTerminal()
        var program = desk.sandbox.program(["keyfob", "logout", "--all"])
        program.terminal = terminal
        let running = try program.start()
        try terminal.wait(for: "Remove 1 login? [y/N] ")
        terminal.type("\u{3}")
        #expect(try running.finish().status == 128 + 2)
        #expect(terminal.echoes)
        #expect(try keyring.items().count == 1)
    }

    private func store(in policy: String, server: String = "h.example") throws {
        let stored = try desk.sandbox.run(
            "docker-credential-keyfob", "store",
            input: #"{"ServerURL":"\#(server)","Username":"u","Secret":"s"}"#,
            environment: ["KEYFOB_STORE": policy])
        try #require(stored.succeeded)
    }

    private func keyfob(
        _ arguments: String..., environment: [String: String?] = [:]
    ) throws -> Outcome {
        try desk.sandbox.program(["keyfob"] + arguments, environment: environment).run()
    }
}
