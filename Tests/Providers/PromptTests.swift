import Sandbox
import Testing

/// The built helper with a locked gnome-keyring and a person who answers its own prompter.
@Suite struct PromptTests {
    private static let window = "gcr-prompter"

    let sandbox: Sandbox
    let screen: Screen
    let bus: PrivateBus

    init() throws {
        sandbox = try Sandbox()
        screen = try Screen(in: sandbox)
        bus = try PrivateBus(
            in: sandbox,
            activating: ["org.gnome.keyring.SystemPrompter": "/usr/libexec/gcr-prompter"])
    }

    @Test(arguments: LockForm.allCases)
    func aGetGivesTheLoginOnceThePersonHasUnlockedTheKeyring(form: LockForm) throws {
        let keyring = try lockedKeyring(form)
        let outcome = try answered("get", "h.example")
        #expect(outcome.output == login + "\n")
        #expect(outcome.errors.isEmpty)
        #expect(try keyring.isLocked() == false)
    }

    @Test(arguments: LockForm.allCases)
    func aStoreReplacesTheLoginOnceThePersonHasUnlockedTheKeyring(form: LockForm) throws {
        let keyring = try lockedKeyring(form)
        let outcome = try answered(
            "store", #"{"ServerURL":"https://h.example/v2/","Username":"other","Secret":"new"}"#)
        #expect(outcome.succeeded, "\(outcome)")
        #expect(try keyring.items().count == 1)
        #expect(
            try run("get", "h.example").output
                == #"{"ServerURL":"h.example","Username":"other","Secret":"new"}"# + "\n")
    }

    @Test(arguments: LockForm.allCases)
    func anEraseRemovesTheLoginOnceThePersonHasUnlockedTheKeyring(form: LockForm) throws {
        let keyring = try lockedKeyring(form)
        #expect(try answered("erase", "h.example").succeeded)
        #expect(try keyring.items().isEmpty)
    }

    @Test(arguments: ["get", "store", "erase"])
    func aPersonWhoCancelsDeclines(action: String) throws {
        let keyring = try lockedKeyring(.byItsOwner)
        let program = try start(action, action == "store" ? login : "h.example")
        try screen.wait(forWindowOf: Self.window)
        try screen.press("Escape")
        try expectDeclined(program.finish(), keyring)
    }

    @Test func aWrongPasswordUnlocksNothing() throws {
        let keyring = try lockedKeyring(.neverUnlocked)
        let program = try start("erase", "h.example")
        try screen.wait(forWindowOf: Self.window)
        try screen.type("wrong")
        try screen.press("Return")
        // It asks again.
        try screen.press("Escape")
        try expectDeclined(program.finish(), keyring)
    }

    private let login = #"{"ServerURL":"h.example","Username":"u","Secret":"s"}"#

    /// What the helper says when the person gives the right password.
    private func answered(_ action: String, _ input: String) throws -> Outcome {
        let program = try start(action, input)
        try screen.wait(forWindowOf: Self.window)
        try screen.type(GnomeKeyring.password)
        try screen.press("Return")
        return try program.finish()
    }

    private func expectDeclined(
        _ outcome: Outcome, _ keyring: GnomeKeyring,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let line = "the prompt of the keyring was declined\n"
        #expect(outcome.status == 1, sourceLocation: sourceLocation)
        #expect(outcome.output == line, sourceLocation: sourceLocation)
        #expect(outcome.errors.hasPrefix(line), sourceLocation: sourceLocation)
        #expect(try keyring.isLocked() == true, sourceLocation: sourceLocation)
        try keyring.stop()
        _ = try GnomeKeyring(on: bus)
        #expect(try run("get", "h.example").output == login + "\n", sourceLocation: sourceLocation)
    }

    private func lockedKeyring(_ form: LockForm) throws -> GnomeKeyring {
        let keyring = try GnomeKeyring(on: bus)
        try #require(run("store", login).succeeded)
        switch form {
        case .byItsOwner:
            try keyring.lock()
            return keyring
        case .neverUnlocked:
            try keyring.stop()
            return try GnomeKeyring(on: bus, isUnlocked: false)
        }
    }

    private func run(_ action: String, _ input: String) throws -> Outcome {
        try sandbox.run("docker-credential-keyfob", action, input: input)
    }

    private func start(_ action: String, _ input: String) throws -> RunningProgram {
        try sandbox.program(["docker-credential-keyfob", action], input: Array(input.utf8)).start()
    }
}
