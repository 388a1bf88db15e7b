import Credentials
import MemoryStore
import StoreContract
import Testing

/// The memory store keeps the contract.
struct MemoryStoreTests {
    @Test(arguments: StoreContract.cases)
    func keepsTheContract(_ contract: StoreContract) throws {
        try contract.check { MemoryStore() }
    }
}
