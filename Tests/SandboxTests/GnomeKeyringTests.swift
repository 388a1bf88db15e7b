import Sandbox
import Testing

/// That a keyring in a sandbox is in the state that a test asks for.
@Suite struct GnomeKeyringTests {
    let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    @Test func anUnlockedKeyringKeepsWhatIsStoredInIt() throws {
        let bus = try PrivateBus(in: sandbox)
        let keyring = try GnomeKeyring(on: bus)
        #expect(try keyring.defaultCollection() == GnomeKeyring.login)
        #expect(try keyring.isLocked() == false)
        #expect(try keyring.items().isEmpty)
        try store()
        #expect(try keyring.items().count == 1)
        #expect(try lookUp().output == "word")
    }

    @Test func aKeyringCanBeLockedAndUnlockedByStartingItAgain() throws {
        let bus = try PrivateBus(in: sandbox)
        let keyring = try GnomeKeyring(on: bus)
        try store()
        try keyring.lock()
        #expect(try keyring.isLocked() == true)
        #expect(try keyring.items().count == 1)
        #expect(try lookUp().output.isEmpty)

        try keyring.stop()
        let again = try GnomeKeyring(on: bus)
        #expect(try again.isLocked() == false)
        #expect(try lookUp().output == "word")
    }

    @Test func aKeyringThatWasNeverUnlockedIsLockedFromItsStart() throws {
        let bus = try PrivateBus(in: sandbox)
        let before = try GnomeKeyring(on: bus)
        try store()
        try before.stop()

        let keyring = try GnomeKeyring(on: bus, isUnlocked: false)
        #expect(try keyring.defaultCollection() == GnomeKeyring.login)
        #expect(try keyring.isLocked() == true)
        #expect(try keyring.items().count == 1)
        #expect(try lookUp().output.isEmpty)
    }

    @Test func aKeyringWithNoDefaultCollectionHasNone() throws {
        let bus = try PrivateBus(in: sandbox)
        let keyring = try GnomeKeyring(on: bus, isUnlocked: false)
        #expect(try keyring.defaultCollection() == "/")
        #expect(try keyring.isLocked() == nil)
    }

    @Test func nothingIsActivatedOnAPrivateBus() throws {
        let bus = try PrivateBus(in: sandbox)
        #expect(try !bus.hasOwner("org.freedesktop.secrets"))
        let outcome = try lookUp()
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("not provided by any .service files"))
        #expect(outcome.seconds < 10)
    }

    @Test func aPrivateBusActivatesWhatATestSays() throws {
        _ = try PrivateBus(in: sandbox, activating: ["org.freedesktop.secrets": "/bin/false"])
        let outcome = try lookUp()
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("exited with status 1"))
    }

    private func store() throws {
        let outcome = try sandbox.run(
            "secret-tool", "store", "--label=thing", "kind", "test", input: "word")
        try #require(outcome.succeeded, "\(outcome.errors)")
    }

    private func lookUp() throws -> Outcome {
        try sandbox.run("secret-tool", "lookup", "kind", "test")
    }
}
