import Credentials
import MemoryStore
import StoreContract
import Stores
import Synchronization
import Testing

/// The table of Sources/README.md, "The chain": what the chain does for each state that the keyring can be in.
@Suite struct StoreChainTests {
    static let noKeyring: [StoreError.Outcome] = [
        .locked, .declined, .timedOut, .gone, .damaged, .failed,
    ]

    @Test(arguments: StoreContract.cases)
    func keepsTheContractWithAKeyring(_ contract: StoreContract) throws {
        try contract.check {
            StoreChain([MemoryStore(), MemoryStore()], marker: nil, notice: { _ in })
        }
    }

    @Test(arguments: StoreContract.cases)
    func keepsTheContractWithoutAKeyring(_ contract: StoreContract) throws {
        try contract.check {
            StoreChain(
                [PlannedStore(failing: .absent), MemoryStore()], marker: nil, notice: { _ in })
        }
    }

    // The keyring is ready.

    @Test func theNewerSecondWinsAcrossStores() throws {
        let chain = chain(
            keyring: PlannedStore(login("h", "old", at: 10)),
            file: PlannedStore(login("h", "new", at: 11)))
        #expect(try users(chain, "h") == ["new", "old"])
    }

    @Test(arguments: [(10, 10), (nil, 11), (11, nil)] as [(UInt64?, UInt64?)])
    func aTieOrAnUnknownTimeGoesToTheKeyring(keyring: UInt64?, file: UInt64?) throws {
        let chain = chain(
            keyring: PlannedStore(login("h", "keyring", at: keyring)),
            file: PlannedStore(login("h", "file", at: file)))
        #expect(try users(chain, "h").first == "keyring")
    }

    @Test func aLoginOnlyTheFileHasIsFound() throws {
        let chain = chain(
            keyring: PlannedStore(), file: PlannedStore(login("h", "file", at: 1)))
        #expect(try users(chain, "h") == ["file"])
    }

    @Test(arguments: noKeyring)
    func aBrokenFileDoesNotTakeTheKeyringsLoginAway(outcome: StoreError.Outcome) throws {
        let chain = chain(
            keyring: PlannedStore(login("h", "keyring", at: 1)),
            file: PlannedStore("file", failing: outcome))
        #expect(try users(chain, "h") == ["keyring"])
        let listing = try chain.list(.docker)
        #expect(listing.entries.count == 1)
        #expect(listing.warnings == ["logins in the file are not listed: planned"])
    }

    @Test func aBrokenFileIsAnErrorWhereTheKeyringHasNothing() {
        let chain = chain(keyring: PlannedStore(), file: PlannedStore(failing: .damaged))
        #expect(throws: planned(.damaged)) { try users(chain, "h") }
    }

    @Test func aStoreGoesToTheKeyringAndLeavesNoCopyInTheFile() throws {
        let keyring = PlannedStore()
        let file = PlannedStore(login("h", "old", at: 1), login("other", "kept", at: 1))
        try chain(keyring: keyring, file: file).save(login("https://h/v2/", "new"))
        #expect(keyring.users == ["new"])
        #expect(file.users == ["kept"])
    }

    @Test func aCopyThatCannotBeRemovedFromTheFileIsTold() throws {
        let said = Said()
        let keyring = PlannedStore()
        let chain = StoreChain(
            [keyring, PlannedStore("file", failing: .damaged)], marker: nil, notice: said.hear)
        try chain.save(login("h", "new"))
        #expect(keyring.users == ["new"])
        #expect(said.lines == ["an older copy of this login may remain in the file: planned"])
    }

    @Test func anEraseReachesBothStores() throws {
        let keyring = PlannedStore(login("h", "a"))
        let file = PlannedStore(login("h", "b"))
        try chain(keyring: keyring, file: file).remove([query("h")])
        #expect(keyring.users.isEmpty && file.users.isEmpty)
    }

    @Test func aListHasEachServerOnceAsAGetGivesIt() throws {
        let chain = chain(
            keyring: PlannedStore(login("h", "old", at: 1), login("k", "k", at: 1)),
            file: PlannedStore(login("https://h", "new", at: 2), login("f", "f", at: 1)))
        let listed = try chain.list(.docker).entries.map { $0.attributes["username"] }
        #expect(listed == ["new", "k", "f"])
    }

    @Test(arguments: [(1, "keyring"), (2, "keyring"), (3, "file")] as [(UInt64, Text)])
    func aKeyringThatLeavesOutTimesIsAskedForThemWhereTheFileHasTheLogin(
        second: UInt64, expected: Text
    ) throws {
        let keyring = PlannedStore(login("h", "keyring", at: 2), login("k", "k", at: 1))
        let chain = chain(
            keyring: keyring,
            file: PlannedStore(login("h", "file", at: second), login("f", "f", at: 1)))
        #expect(try chain.find(query("h"), .quick).first?["username"] == expected)
        let listed = try chain.list(.docker, .quick).entries.map { $0.attributes["username"] }
        #expect(listed == [expected, "k", "f"])
        #expect(keyring.detailed == 2)
    }

    @Test func aKeyringThatLeavesOutTimesIsNotAskedForThemWhereTheyDecideNothing() throws {
        let keyring = PlannedStore(login("h", "keyring", at: 1))
        let chain = chain(keyring: keyring, file: PlannedStore(login("f", "f", at: 1)))
        #expect(try chain.find(query("h"), .quick).map { $0["username"] } == ["keyring"])
        #expect(try chain.find(query("f"), .quick).map { $0["username"] } == ["f"])
        #expect(try chain.list(.docker, .quick).entries.count == 2)
        #expect(keyring.detailed == 0)
    }

    /// Nobody is asked for the key of the file where the keyring has the login.
    @Test(arguments: [true, false]) func onlyAStoreThatIsNeededAsks(keyringHasIt: Bool) throws {
        let keyring = keyringHasIt ? PlannedStore(login("h", "keyring", at: 1)) : PlannedStore()
        let file = PlannedStore(login("h", "file", at: 2))
        let chain = chain(keyring: keyring, file: file)
        _ = try chain.find(query("h"))
        _ = try chain.list(.docker)
        #expect(file.mayAsk == (keyringHasIt ? 0 : 2))
        #expect(keyring.mayAsk == 2)
        try chain.save(login("h", "new"))
        #expect(file.mayAsk == (keyringHasIt ? 0 : 2))
    }

    // The keyring is absent.

    @Test func withoutAKeyringTheFileServes() throws {
        let file = PlannedStore(login("h", "file"))
        let chain = chain(keyring: PlannedStore(failing: .absent), file: file)
        #expect(try users(chain, "h") == ["file"])
        #expect(try chain.list(.docker).entries.count == 1)
        try chain.save(login("new", "new"))
        #expect(file.users == ["file", "new"])
        try chain.remove([query("h")])
        #expect(file.users == ["new"])
    }

    @Test func withoutAKeyringAndAFileTheKeyringsAbsenceIsTheError() {
        let chain = StoreChain(
            [PlannedStore(failing: .absent)], marker: nil, notice: { _ in })
        #expect(throws: planned(.absent)) { try users(chain, "h") }
        #expect(throws: planned(.absent)) { try chain.save(login("h", "u")) }
        #expect(throws: planned(.absent)) { try chain.list(.docker) }
        #expect(throws: planned(.absent)) { try chain.remove([query("h")]) }
    }

    // The keyring is there and cannot be used.

    @Test(arguments: noKeyring)
    func nothingButAbsenceFallsBackToTheFile(outcome: StoreError.Outcome) {
        let file = PlannedStore(login("h", "file"))
        let chain = chain(keyring: PlannedStore(failing: outcome), file: file)
        #expect(throws: planned(outcome)) { try users(chain, "h") }
        #expect(throws: planned(outcome)) { try chain.list(.docker) }
        #expect(throws: planned(outcome)) { try chain.save(login("new", "new")) }
        #expect(file.users == ["file"])
    }

    @Test(arguments: noKeyring)
    func anEraseRemovesWhatItCanAndTellsWhatItCannot(outcome: StoreError.Outcome) {
        let file = PlannedStore(login("h", "file"))
        let chain = chain(keyring: PlannedStore(failing: outcome), file: file)
        #expect(throws: planned(outcome)) { try chain.remove([query("h")]) }
        #expect(file.users.isEmpty)
    }

    // The configuration cannot be understood.

    @Test func aConfigurationThatIsNotUnderstoodStoresNothing() throws {
        let refusal = StoreError(.badConfiguration, "unknown key")
        let keyring = PlannedStore()
        let file = PlannedStore(login("h", "u"))
        let chain = StoreChain(
            [keyring, file], marker: nil, refusal: refusal, notice: { _ in })
        #expect(throws: refusal) { try chain.save(login("h", "u")) }
        #expect(keyring.users.isEmpty && file.users == ["u"])
        #expect(try users(chain, "h") == ["u"])
        try chain.remove([query("h")])
        #expect(file.users.isEmpty)
    }
}

private func chain(keyring: PlannedStore, file: PlannedStore) -> StoreChain {
    StoreChain([keyring, file], marker: nil, notice: { _ in })
}

private func planned(_ outcome: StoreError.Outcome) -> StoreError {
    let code = ErrorCode.allCases.first { $0.outcome == outcome }
    return StoreError(code!, "planned")
}

private func query(_ server: Text) -> Query { Query(.docker, ["server": server]) }

private func users(_ store: some CredentialStore, _ server: Text) throws -> [Text?] {
    try store.find(query(server)).map { $0["username"] }
}

private func login(_ server: Text, _ user: Text, at modified: UInt64? = nil) -> Credential {
    let attributes = Schema.docker.constants.merging(["server": server, "username": user]) { $1 }
    let secret: [UInt8] = [1, 2, 3]
    return Credential(
        Entry(schema: .docker, attributes: attributes, label: server, modified: modified),
        secret: Secret(copying: secret.span))
}

/// What the user was told.
private final class Said: Sendable {
    private let all = Mutex<[String]>([])
    var lines: [String] { all.withLock { $0 } }
    var hear: @Sendable (String) -> Void { { line in self.all.withLock { $0.append(line) } } }
}

/// A store that holds what the test gives it, or fails as the test plans. It tells times only where
/// details are wanted.
private final class PlannedStore: CredentialStore {
    let name: String
    private let credentials: Mutex<[Credential]>
    private let outcome: StoreError.Outcome?
    private let asked = Mutex<[FindOptions]>([])

    init(_ credentials: Credential...) {
        name = "planned"
        self.credentials = Mutex(credentials)
        self.outcome = nil
    }

    init(_ name: String = "planned", failing outcome: StoreError.Outcome) {
        self.name = name
        self.credentials = Mutex([])
        self.outcome = outcome
    }

    var users: [Text?] { credentials.withLock { $0.map { $0["username"] } } }

    /// How often it was asked for details.
    var detailed: Int { asked.withLock { $0.count { $0.wantsDetails } } }

    /// How often it was allowed to ask somebody.
    var mayAsk: Int { asked.withLock { $0.count { $0.mayAsk } } }

    func find(_ query: Query, _ options: FindOptions) throws(StoreError) -> [Credential] {
        try held(options).filter { query.matches($0.entry) }
            .sorted { query.prefers($0.entry, to: $1.entry) }
    }

    func list(_ schema: Schema?, _ options: FindOptions) throws(StoreError) -> Listing {
        Listing(entries: try held(options).map(\.entry))
    }

    private func held(_ options: FindOptions) throws(StoreError) -> [Credential] {
        try fail()
        asked.withLock { $0.append(options) }
        let held = credentials.withLock { $0 }
        guard !options.wantsDetails else { return held }
        return held.map { credential in
            let entry = credential.entry
            let short = Entry(schema: entry.schema, attributes: entry.attributes, label: "")
            return Credential(short, secret: credential.secret)
        }
    }

    func save(_ credential: Credential) throws(StoreError) {
        try fail()
        credentials.withLock { $0.append(credential) }
    }

    func remove(_ queries: [Query]) throws(StoreError) -> [Entry] {
        try fail()
        return credentials.withLock { all in
            let removed = all.filter { one in queries.contains { $0.matches(one.entry) } }
            all.removeAll { one in queries.contains { $0.matches(one.entry) } }
            return removed.map(\.entry)
        }
    }

    private func fail() throws(StoreError) {
        if let outcome { throw planned(outcome) }
    }
}
