import Credentials
import Foundation
import Sandbox
import Stores
import Testing

/// A locked keyring, no display, and a person at a terminal: what is had over SSH.
@Suite struct UnlockKeyringTests {
    private static let question = "Keyfob: password of the keyring "

    let sandbox: Sandbox
    let bus: PrivateBus
    let terminal: PseudoTerminal

    /// Not root's: `keyfob lock` ends all keys of its user.
    init() throws {
        sandbox = try Sandbox(unprivileged: true)
        bus = try PrivateBus(in: sandbox)
        terminal = try PseudoTerminal()
        if geteuid() == 0 { try #require(unsafe chmod(terminal.path, 0o666) == 0) }
    }

    @Test(arguments: LockForm.allCases)
    func thePasswordUnlocksItInItsPlace(form: LockForm) throws {
        let keyring = try lockedKeyring(form)
        let settings = terminal.settings
        let unlock = try start()
        try terminal.wait(for: Self.question)
        #expect(!terminal.echoes)
        terminal.type(GnomeKeyring.password + "\n")
        let outcome = try unlock.finish()
        #expect(outcome.succeeded && outcome.output == "the keyring is unlocked\n", "\(outcome)")
        #expect(terminal.settings == settings)
        #expect(!terminal.screen.contains(GnomeKeyring.password))
        let get = try sandbox.run("docker-credential-keyfob", "get", input: "h.example")
        #expect(get.output == answer)
        #expect(try keyring.isLocked() == false)
        // It asks for nothing now.
        let again = try sandbox.run("keyfob", "unlock")
        #expect(again.succeeded && again.output.hasPrefix("nothing here asks"))

        let lock = try sandbox.run("keyfob", "lock", "--keyring")
        #expect(lock.output == "no encrypted file is unlocked\nthe keyring is locked\n", "\(lock)")
        #expect(try keyring.isLocked() == true)
    }

    @Test(arguments: LockForm.allCases) func aWrongPasswordIsTold(form: LockForm) throws {
        let keyring = try lockedKeyring(form)
        let unlock = try start()
        for number in 1...3 {
            try terminal.wait(for: Self.question, times: number)
            terminal.type("battery staple\n")
        }
        let outcome = try unlock.finish()
        #expect(outcome.status == 4)
        #expect(outcome.errors.hasPrefix(Sentence.expanding("keyfob: error: <wrong-password>\n")))
        #expect(terminal.screen.count(of: "Keyfob: wrong password, try again") == 2)
        #expect(!terminal.screen.contains("staple") && terminal.echoes)
        #expect(try keyring.isLocked() == true)
    }

    @Test func theRightPasswordAfterAWrongOneUnlocks() throws {
        let keyring = try lockedKeyring(.neverUnlocked)
        let unlock = try start()
        try terminal.wait(for: Self.question)
        terminal.type("battery staple\n")
        try terminal.wait(for: Self.question, times: 2)
        terminal.type(GnomeKeyring.password + "\n")
        #expect(try unlock.finish().succeeded)
        #expect(try keyring.isLocked() == false)
    }

    @Test func controlCLeavesAllAsItWas() throws {
        let keyring = try lockedKeyring(.byItsOwner)
        let settings = terminal.settings
        let unlock = try start()
        try terminal.wait(for: Self.question)
        terminal.type("half a passw\u{3}")
        #expect(try unlock.finish().status == 128 + SIGINT)
        #expect(terminal.settings == settings)
        #expect(try keyring.isLocked() == true)
    }

    @Test func aScriptGivesThePasswordOnStandardInput() throws {
        let keyring = try lockedKeyring(.byItsOwner)
        let wrong = try sandbox.run("keyfob", "unlock", "--password-stdin", input: "wrong\n")
        #expect(wrong.status == 4 && wrong.output.isEmpty)
        let nobody = try sandbox.run("setsid", "-w", "keyfob", "unlock")
        #expect(nobody.status == 4)
        #expect(
            nobody.errors.hasPrefix(Sentence.expanding("keyfob: error: <no-terminal|password>\n")))
        let right = try sandbox.run(
            "keyfob", "unlock", "--password-stdin", "--json", input: GnomeKeyring.password)
        #expect(
            right.output == #"{"version":1,"keyring":{"locked":false},"file":null,"error":null}"#
                + "\n")
        #expect(try keyring.isLocked() == false)
    }

    /// The hint of every error that a locked keyring causes.
    @Test func theHintOfALockedKeyringNamesTheCommand() throws {
        _ = try lockedKeyring(.byItsOwner)
        for (action, input) in [("get", "h.example"), ("erase", "h.example"), ("store", json)] {
            let outcome = try sandbox.run("docker-credential-keyfob", action, input: input)
            #expect(outcome.errors.contains("keyfob: hint: at a terminal: keyfob unlock"))
        }
        #expect(try sandbox.run("keyfob", "status").output.contains("    keyfob unlock, or"))
    }

    @Test func whoWaitedForAnotherQuestionIsNotAsked() throws {
        _ = try lockedKeyring(.byItsOwner)
        let first = try start()
        try terminal.wait(for: Self.question)
        let other = try PseudoTerminal()
        if geteuid() == 0 { try #require(unsafe chmod(other.path, 0o666) == 0) }
        var program = sandbox.program(["keyfob", "unlock"])
        program.terminal = other
        let second = try program.start()
        sleep(1)
        terminal.type(GnomeKeyring.password + "\n")
        #expect(try first.finish().succeeded)
        let outcome = try second.finish()
        #expect(outcome.succeeded && other.screen.isEmpty, "\(outcome)")
    }

    @Test func theSettingThatForbidsPromptsForbidsThisOne() throws {
        _ = try lockedKeyring(.byItsOwner)
        sandbox.setEnvironment("KEYFOB_PROMPT", to: "never")
        let outcome = try start().finish()
        #expect(outcome.status == 4 && terminal.screen.isEmpty)
        #expect(outcome.errors.contains("keyfob unlock --password-stdin"), "\(outcome)")
        let get = try sandbox.run("docker-credential-keyfob", "get", input: "h.example")
        #expect(get.errors.contains("keyfob: hint: keyfob unlock --password-stdin; or"))
        let right = try sandbox.run(
            "keyfob", "unlock", "--password-stdin", input: GnomeKeyring.password)
        #expect(right.succeeded)
    }

    /// The file is unlocked all the same.
    @Test func aKeyringThatFailsIsToldAndTheFileIsUnlocked() throws {
        let stored = try sandbox.run(
            "docker-credential-keyfob", "store", input: json,
            environment: ["KEYFOB_STORE": "file", "KEYFOB_PASSPHRASE": "open sesame"])
        #expect(stored.succeeded)
        sandbox.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: "nonsense")
        let unlock = try sandbox.run(
            "keyfob", "unlock", "--password-stdin", "--for", "60s", input: "open sesame\n")
        #expect(unlock.status != 0 && unlock.errors.contains("keyfob: error: "))
        #expect(unlock.output.hasPrefix("the encrypted file is unlocked"), "\(unlock)")
        _ = try sandbox.run("keyfob", "lock")
    }

    @Test func aFileAndAKeyringAreAskedForOneAfterTheOther() throws {
        let keyring = try lockedKeyring(.byItsOwner)
        let stored = try sandbox.run(
            "docker-credential-keyfob", "store",
            input: json.replacing("h.example", with: "f.example"),
            environment: ["KEYFOB_STORE": "file", "KEYFOB_PASSPHRASE": "open sesame"])
        #expect(stored.succeeded)
        let both = try sandbox.run("keyfob", "unlock", "--password-stdin", input: "open sesame\n")
        #expect(both.status == 2)
        let unlock = try start()
        try terminal.wait(for: Self.question)
        terminal.type(GnomeKeyring.password + "\n")
        try terminal.wait(for: "Keyfob: passphrase for keyfob unlock: ")
        terminal.type("open sesame\n")
        let outcome = try unlock.finish()
        #expect(
            outcome.output.hasPrefix("the keyring is unlocked\nthe encrypted file is unlocked"))
        #expect(try keyring.isLocked() == false)
        let get = try sandbox.run("docker-credential-keyfob", "get", input: "f.example")
        #expect(get.succeeded)
        #expect(try sandbox.run("keyfob", "lock").succeeded)
    }

    /// It takes its password from nobody but a person at its own window, and there is none.
    @Test func anotherKeyringSaysHowItIsUnlocked() throws {
        let desk = try Desk()
        let keyring = try KeePassXC(on: desk.bus)
        try desk.store { $0.mayPrompt = true }.save(login("h.example", "u", "s"))
        try keyring.lock()
        let outcome = try desk.sandbox.run("keyfob", "unlock", "--password-stdin", input: "x\n")
        #expect(outcome.status == 4)
        #expect(
            outcome.errors.hasPrefix(
                Sentence.expanding("keyfob: error: <keyring-takes-no-password|KeePassXC>\n")))
        // Nor does another error name the command, which cannot unlock it.
        let store = try desk.sandbox.run("docker-credential-keyfob", "store", input: json)
        #expect(store.errors.contains("keyfob: hint: unlock it at the desktop; or"), "\(store)")
        #expect(try keyring.isLocked() == true)
    }

    @Test(arguments: ["silent", "exit", "wrong-type", "error org.freedesktop.DBus.Error.Failed"])
    func aProviderThatDoesNotAnswerIsNotWaitedForLong(fault: String) throws {
        let trial = try Trial()
        trial.sandbox.setEnvironment("DISPLAY", to: nil)
        try trial.service.begin(
            .init(locked: true, faults: ["gnome", "\(fault) UnlockWithMasterPassword"]))
        let outcome = try trial.sandbox.run(
            "keyfob", "unlock", "--password-stdin", input: "a password\n")
        #expect(outcome.status != 0 && outcome.output.isEmpty)
        #expect(outcome.seconds < 10)
        #expect(outcome.errors.hasPrefix("keyfob: error: the "))
    }

    // MARK: How

    private let json = #"{"ServerURL":"h.example","Username":"u","Secret":"s"}"#
    private var answer: String { json + "\n" }

    private func lockedKeyring(_ form: LockForm) throws -> GnomeKeyring {
        let keyring = try GnomeKeyring(on: bus)
        let stored = try sandbox.run("docker-credential-keyfob", "store", input: json)
        try #require(stored.succeeded, "\(stored)")
        switch form {
        case .byItsOwner:
            try keyring.lock()
            return keyring
        case .neverUnlocked:
            try keyring.stop()
            return try GnomeKeyring(on: bus, isUnlocked: false)
        }
    }

    private func start() throws -> RunningProgram {
        var program = sandbox.program(["keyfob", "unlock"])
        program.terminal = terminal
        return try program.start()
    }
}
