import Sandbox
import Testing

/// The built helper with a locked gnome-keyring and no display: what a person sees who logs in
/// by SSH key.
@Suite struct HelperWithLockedKeyringTests {
    /// In seconds: far more than it takes, and less than any deadline that it could run into.
    private static let patience = 4.0

    let desk: Desk

    init() throws { desk = try Desk() }

    @Test(arguments: LockForm.allCases) func aStoredLoginIsLocked(form: LockForm) throws {
        let keyring = try desk.startKeyring()
        #expect(try run("store", login).succeeded)
        let locked = try desk.lock(keyring, form)

        try expectLocked(run("get", "h.example"))
        try expectLocked(run("get", "https://H.example:443/v2/"))
        try expectLocked(run("erase", "h.example"))
        try expectLocked(run("store", login))
        #expect(desk.sandbox.read("home/.local/share/keyfob/credentials") == nil)

        let other = try run("get", "other.example")
        #expect(other.status == 1)
        #expect(other.output == "credentials not found in native keychain\n")
        #expect(other.errors.isEmpty)
        #expect(try run("erase", "other.example").succeeded)

        let list = try run("list", "")
        switch form {
        case .byItsOwner:
            #expect(list.status == 0)
            #expect(list.output == #"{"h.example":"u"}"# + "\n")
            #expect(
                list.errors
                    == "keyfob: warning: the keyring is locked: some logins may not be listed\n")
        case .neverUnlocked:
            expectLocked(list)
        }

        try locked.stop()
        _ = try desk.startKeyring()
        #expect(
            try run("get", "h.example").output
                == #"{"ServerURL":"h.example","Username":"u","Secret":"s"}"# + "\n")
        #expect(try run("erase", "h.example").succeeded)
        #expect(try run("list", "").output == "{}\n")
    }

    @Test(arguments: LockForm.allCases)
    func anEmptyLockedKeyringTakesNothingAndHasNothing(form: LockForm) throws {
        _ = try desk.lock(try desk.startKeyring(), form)
        try expectLocked(run("store", login))
        #expect(desk.sandbox.read("home/.local/share/keyfob/credentials") == nil)
        let get = try run("get", "h.example")
        #expect(get.status == 1)
        #expect(get.output == "credentials not found in native keychain\n")
        #expect(get.errors.isEmpty)
        #expect(try run("erase", "h.example").succeeded)
        #expect(try run("list", "").output == "{}\n")
    }

    private let login = #"{"ServerURL":"h.example","Username":"u","Secret":"s"}"#

    private func run(_ action: String, _ input: String) throws -> Outcome {
        try desk.sandbox.run("docker-credential-keyfob", action, input: input)
    }

    private func expectLocked(
        _ outcome: Outcome, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let line = Sentence.expanding("<keyring-locked>\n")
        #expect(outcome.status == 1, sourceLocation: sourceLocation)
        #expect(outcome.output == line, sourceLocation: sourceLocation)
        #expect(outcome.errors.hasPrefix(line), sourceLocation: sourceLocation)
        #expect(outcome.errors.contains("KEYFOB_STORE=file"), sourceLocation: sourceLocation)
        #expect(outcome.seconds < Self.patience, sourceLocation: sourceLocation)
    }
}
