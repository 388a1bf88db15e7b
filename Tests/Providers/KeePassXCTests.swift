import Credentials
import Sandbox
import StoreContract
import Stores
import Testing

/// The keyring store with a real KeePassXC.
///
/// It makes and deletes an item by way of a prompt, even where it asks nobody. With a display the
/// store shows it; without one it lets KeePassXC answer it, as over SSH.
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

    @Test(arguments: StoreContract.cases)
    func keepsTheContractWithoutADisplay(_ contract: StoreContract) throws {
        _ = try KeePassXC(on: desk.bus)
        try contract.check(limitations: KeePassXCTests.limitations) { unseen }
    }

    /// Every client's login is stored, replaced and erased by a helper without a display.
    @Test func helpersStoreAndEraseWithoutADisplay() throws {
        let keyring = try KeePassXC(on: desk.bus)
        let git = "protocol=https\nhost=h.example\nusername=u\n"
        for (helper, store, erase) in [
            (["docker-credential-keyfob"], Request.update.input, "h.example"),
            (["docker-credential-keyfob"], Request.replace.input, "h.example"),
            (["git-credential-keyfob"], git + "password=s\n\n", git + "\n"),
        ] {
            let stored = try run(helper + ["store"], store)
            #expect(stored.succeeded, "\(stored)")
            #expect(try keyring.items().count == 1)
            guard store != Request.update.input else { continue }
            let erased = try run(helper + ["erase"], erase)
            #expect(erased.succeeded, "\(erased)")
            #expect(try keyring.items().isEmpty)
        }
        let token = try run(
            [
                "keyfob", "login", "--no-verify", "--client", "token", "--password-stdin", "-u",
                "u", "k",
            ],
            "s")
        #expect(token.succeeded, "\(token)")
        #expect(try run(["keyfob", "logout", "--client", "token", "k"]).succeeded)
        #expect(try keyring.items().isEmpty)
        #expect(desk.sandbox.read("home/.local/share/keyfob/credentials") == nil)
    }

    /// Who wants no prompt gets none.
    @Test func noPromptIsAnsweredUnseenWhereNoneIsWanted() throws {
        let keyring = try KeePassXC(on: desk.bus)
        desk.sandbox.setEnvironment("KEYFOB_PROMPT", to: "never")
        let stored = try run(["docker-credential-keyfob", "store"], Request.update.input)
        #expect(stored.status == 1 && stored.output.contains("confirmation"), "\(stored)")
        #expect(try keyring.items().isEmpty)
    }

    /// A person must allow each deletion, and is not there.
    @Test func aDeletionThatNobodyConfirmsIsNoLogout() throws {
        let keyring = try KeePassXC(on: desk.bus, confirmsDeletion: true)
        try unseen.save(login("h.example", "u", "s"))
        for (arguments, input, status) in [
            (["docker-credential-keyfob", "erase"], "h.example", 1),
            (["docker-credential-keyfob", "store"], Request.replace.input, 1),
            (["keyfob", "logout", "h.example"], "", 4),
        ] as [([String], String, Int32)] {
            let outcome = try run(arguments, input)
            #expect(outcome.status == status, "\(outcome)")
            #expect(outcome.output.contains("KeePassXC asks for a confirmation"), "\(outcome)")
            #expect(outcome.seconds < 15)
        }
        #expect(try secret(unseen, "h.example") != nil)
        #expect(try !keyring.items().isEmpty)
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
        for (store, expected) in [
            (asking, StoreError.Outcome.timedOut), (silent, .locked), (unseen, .locked),
        ] {
            #expect(outcome { try store.find(query("h.example")) } == expected)
            #expect(outcome { try store.save(login("h.example", "u", "new")) } == expected)
            #expect(outcome { try store.remove([query("h.example")]) } == expected)
            #expect(try store.find(query("other.example")).isEmpty)
            #expect(try store.list(.docker).entries.map(\.label) == ["h.example"])
        }
        #expect(try keyring.items().count == 1)
        let get = try run(["docker-credential-keyfob", "get"], "h.example")
        #expect(
            get.status == 1 && get.output.contains("KeePassXC asks for a confirmation"), "\(get)")
    }

    private func run(_ arguments: [String], _ input: String = "") throws -> Outcome {
        try desk.sandbox.program(arguments, input: Array(input.utf8)).run()
    }

    /// As a helper without a display has it.
    private var unseen: KeyringStore { desk.store { $0.mayConfirmUnseen = true } }

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
