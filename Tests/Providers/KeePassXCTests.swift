import Credentials
import Sandbox
import StoreContract
import Stores
import Testing

/// The keyring store with a real KeePassXC.
///
/// It makes and deletes an item by way of a prompt, even where it asks nobody: the store must be
/// allowed to show one.
@Suite struct KeePassXCTests {
    let desk: Desk

    init() throws { desk = try Desk() }

    private static let limitations: [StoreContract.Limitation: String] = [
        .binarySecret: "it keeps a secret of the type text/plain as text",
        .byteOrderMarkInSecret: "it takes the mark off",
        .placeholderInSecret: "it gives a secret with its placeholders and references resolved",
    ]

    @Test(arguments: StoreContract.cases)
    func keepsTheContract(_ contract: StoreContract) throws {
        _ = try KeePassXC(on: desk.bus)
        try contract.check(limitations: KeePassXCTests.limitations) { store() }
    }

    /// It shows nothing of a locked database, so only a login that is marked is known to be there.
    @Test func aLoginInALockedDatabaseIsLockedWithNobodyToAsk() throws {
        let keyring = try KeePassXC(on: desk.bus)
        try store().save(login("h.example", "u", "s"))
        try keyring.lock()
        let silent = desk.store()
        let locked = StoreError.Outcome.locked
        #expect(outcome { try silent.find(query("h.example")) } == locked)
        #expect(outcome { try silent.save(login("h.example", "u", "new")) } == locked)
        #expect(outcome { try silent.remove([query("h.example")]) } == locked)
        #expect(try silent.find(query("other.example")).isEmpty)
        try silent.remove([query("other.example")])
        #expect(
            try silent.list(.docker).warnings
                == ["the keyring is locked: some logins may not be listed"])
        #expect(try keyring.isLocked() == true)
    }

    @Test func aLockedDatabaseThatNobodyUnlocksEndsInTime() throws {
        let keyring = try KeePassXC(on: desk.bus)
        try store().save(login("h.example", "u", "s"))
        try keyring.lock()
        let timedOut = StoreError.Outcome.timedOut
        #expect(outcome { try store(seconds: 1).find(query("h.example")) } == timedOut)
        #expect(outcome { try store(seconds: 1).remove([query("h.example")]) } == timedOut)
        #expect(try keyring.isLocked() == true)
    }

    /// A person must allow every program that asks, and every run of a helper is another one.
    @Test func anAccessThatNobodyConfirmsIsNoLoginAndNoLogout() throws {
        let keyring = try KeePassXC(on: desk.bus, confirmsAccess: true)
        // What a program has made itself it may see.
        try store().save(login("h.example", "u", "s"))
        let (asking, silent) = (store(seconds: 1), desk.store())
        for (store, expected) in [(asking, StoreError.Outcome.timedOut), (silent, .locked)] {
            #expect(outcome { try store.find(query("h.example")) } == expected)
            #expect(outcome { try store.save(login("h.example", "u", "new")) } == expected)
            #expect(outcome { try store.remove([query("h.example")]) } == expected)
            #expect(try store.find(query("other.example")).isEmpty)
            #expect(try store.list(.docker).entries.map(\.label) == ["h.example"])
        }
        #expect(try keyring.items().count == 1)
    }

    /// How the request ends; nil if it succeeds.
    private func outcome<Answer>(_ request: () throws -> Answer) -> StoreError.Outcome? {
        do {
            _ = try request()
            return nil
        } catch {
            return (error as? StoreError)?.outcome
        }
    }

    private func store(seconds: Int = 5) -> KeyringStore {
        desk.store {
            $0.mayPrompt = true
            $0.promptTimeout = seconds
        }
    }
}
