import Credentials
import Sandbox
import StoreContract
import Stores
import Testing

/// The keyring store with a real KWallet.
///
/// It unlocks by way of a prompt, even where it asks nobody: the store must be allowed to show
/// one.
@Suite struct KWalletTests {
    let desk: Desk

    init() throws { desk = try Desk() }

    private static let limitations: [StoreContract.Limitation: String] = [
        .nulInSecret: "KWallet 5 cuts a secret off at a NUL, KWallet 6 does not",
        .binarySecret: "it keeps a secret of the type text/plain as text",
        .byteOrderMarkInSecret: "it takes the mark off",
    ]

    @Test(arguments: StoreContract.cases)
    func keepsTheContract(_ contract: StoreContract) throws {
        _ = try KWallet(on: desk.bus)
        try store().unlock()
        var limitations = KWalletTests.limitations
        if KWallet.isVersion6(in: desk.bus.sandbox) { limitations[.nulInSecret] = nil }
        try contract.check(limitations: limitations) { store() }
    }

    /// It takes a label for a folder and a key, and would call two of them the same.
    @Test func labelsThatDifferOnlyBehindASlashDoNotCollide() throws {
        let keyring = try KWallet(on: desk.bus)
        let servers = ["", "access-token", "refresh-token"].map {
            "https://index.docker.io/v1/" + $0
        }
        for server in servers { try store().save(login(server, "u", Secret(server))) }
        for server in servers {
            #expect(try secret(store(), Text(server) ?? "") == Secret(server))
        }
        #expect(try keyring.items().count == 3)
        try store().remove(ServerKey.hub.logout.map { query($0.spelling) })
        #expect(try keyring.items().isEmpty)
    }

    /// Beside a wallet that is open, its owner may have locked it: then it is opened again.
    @Test func aLockedWalletIsOpenedForALoginThatIsThereAndForNoOther() throws {
        let keyring = try KWallet(on: desk.bus)
        try store().save(login("h.example", "u", "s"))
        try keyring.lock()
        let silent = desk.store()
        #expect(throws: StoreError.self) { try silent.find(query("h.example")) }
        #expect(try silent.find(query("other.example")).isEmpty)
        #expect(throws: StoreError.self) { try silent.remove([query("h.example")]) }
        #expect(try keyring.isLocked() == true)
    }

    private func store() -> KeyringStore {
        desk.store {
            $0.mayPrompt = true
            $0.promptTimeout = 5
        }
    }
}
