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

    private func store(seconds: Int = 5) -> KeyringStore {
        desk.store {
            $0.mayPrompt = true
            $0.promptTimeout = seconds
        }
    }
}
