import Credentials
import Files
import Sandbox
import StoreContract
import Testing

@testable import Stores

/// The keyring store with a real gnome-keyring, unlocked.
@Suite struct KeyringStoreTests {
    let desk: Desk

    init() throws { desk = try Desk() }

    @Test(arguments: StoreContract.cases)
    func keepsTheContract(_ contract: StoreContract) throws {
        _ = try desk.startKeyring()
        try contract.check { desk.store() }
    }

    @Test(arguments: StoreContract.cases)
    func keepsTheContractInAnAccount(_ contract: StoreContract) throws {
        _ = try desk.startKeyring()
        try desk.store().save(login("a.example", "somebody", "else"))
        try contract.check { AccountStore(desk.store(), AccountName("work")) }
        #expect(try secret(desk.store(), "a.example") == "else")
    }

    @Test func anItemOfAnAccountHasNothingThatOtherHelpersSearchFor() throws {
        _ = try desk.startKeyring()
        try AccountStore(desk.store(), AccountName("work"))
            .save(login("https://h.example/v1/", "u", "secret"))
        let found = try desk.sandbox.run("secret-tool", "search", "--all", "keyfob_account", "work")
        let said = Set((found.output + found.errors).split(separator: "\n").map(String.init))
        let wanted: Set = [
            "schema = org.keyfob.Account", "attribute.keyfob_account = work",
            "attribute.keyfob_family = docker", "attribute.keyfob_server = https://h.example",
            "attribute.login_server = https://h.example/v1/", "attribute.login_username = u",
        ]
        #expect(
            said.filter { $0.hasPrefix("schema") || $0.hasPrefix("attribute") } == wanted)
    }

    @Test(arguments: StoreContract.cases)
    func keepsTheContractInAChainWithTheFile(_ contract: StoreContract) throws {
        _ = try desk.startKeyring()
        try contract.check {
            let file = FileStore(
                .init(
                    folder: Folder(desk.sandbox.file("home/.local/share/keyfob")),
                    keyFolder: Folder(desk.sandbox.file("home/.local/state/keyfob")),
                    notice: { _ in }))
            return StoreChain([desk.store(), file], marker: desk.marker, notice: { _ in })
        }
    }

    /// Unless its configuration says otherwise, a bus lets 128 calls of a connection be pending.
    @Test func moreLoginsAreRemovedAtOnceThanCallsMayBePending() throws {
        let keyring = try desk.startKeyring()
        let servers = (0..<150).map { "host\($0).example" }
        let store = desk.store()
        for server in servers { try store.save(login(server, "u", "secret")) }
        let removed = try store.remove(servers.compactMap { Text($0) }.map { query($0) })
        #expect(removed.count == 150)
        #expect(try keyring.items().isEmpty)
    }

    @Test func anItemIsWhatOtherHelpersKeep() throws {
        _ = try desk.startKeyring()
        try desk.store().save(login("https://h.example/v1/", "u", "secret"))
        let found = try desk.sandbox.run("secret-tool", "search", "--all", "docker_cli", "1")
        let said = Set((found.output + found.errors).split(separator: "\n").map(String.init))
        let expected: Set = [
            "label = https://h.example/v1/", "schema = io.docker.Credentials",
            "attribute.label = Docker Credentials", "attribute.server = https://h.example/v1/",
            "attribute.username = u", "attribute.docker_cli = 1",
            "attribute.keyfob_server = https://h.example",
        ]
        #expect(said.isSuperset(of: expected))
    }

    @Test func theSameServerAndUserKeepTheirItem() throws {
        let keyring = try desk.startKeyring()
        let store = desk.store()
        try store.save(login("h.example", "u", "one"))
        let before = try keyring.items()
        try store.save(login("h.example", "u", "two"))
        #expect(try keyring.items() == before)
        #expect(try secret(store, "h.example") == Secret("two"))
    }

    @Test func anotherUserOrSpellingReplacesTheItem() throws {
        let keyring = try desk.startKeyring()
        let store = desk.store()
        try store.save(login("h.example", "one", "1"))
        try store.save(login("https://h.example/v2/", "two", "2"))
        #expect(try keyring.items().count == 1)
        #expect(try store.find(query("h.example")).map { $0["username"] } == ["two"])
    }

    @Test func anItemOfAnotherSchemaIsNotServedListedOrErased() throws {
        let keyring = try desk.startKeyring()
        try desk.sandbox.run(
            "secret-tool", "store", "--label=other", "server", "h.example", "docker_cli", "1",
            "label", "Docker Credentials", "username", "u", input: "not ours")
        let store = desk.store()
        #expect(try store.find(query("h.example")).isEmpty)
        #expect(try store.list(.docker).entries.isEmpty)
        try store.remove([query("h.example")])
        #expect(try keyring.items().count == 1)
    }

    @Test func aCollectionIsChosenByAliasLabelOrPath() throws {
        let keyring = try desk.startKeyring()
        for (before, name) in ["login", "Login", GnomeKeyring.login].enumerated() {
            try desk.store { $0.collection = name }.save(login("\(before).example", "u", "s"))
            #expect(try keyring.items().count == before + 1)
        }
        for name in ["nowhere", "/", "/bad//path", "/bad/", "/bad path"] {
            #expect(
                code { try desk.store { $0.collection = name }.save(login("h", "u", "s")) }
                    == .noSuchCollection)
        }
    }

    /// Nobody is asked to unlock anything for it.
    @Test func aCollectionThatIsNotThereIsSaidBeforeTheLockedOnesAre() throws {
        let keyring = try desk.startKeyring()
        try desk.store().save(login("h.example", "u", "s"))
        _ = try desk.lock(keyring, .byItsOwner)
        #expect(
            code {
                try desk.store { $0.collection = "nowhere" }.save(login("h.example", "u", "new"))
            } == .noSuchCollection)
    }

    @Test func aCallAfterTheBusHasGoneEndsAtOnce() throws {
        _ = try desk.startKeyring()
        let service = try SecretService(busAddress: desk.bus.address, forSecrets: true)
        try service.findProvider()
        desk.bus.stop()
        let duration = ContinuousClock().measure {
            for _ in 0..<4 {
                let error = #expect(throws: StoreError.self) {
                    try service.search([["server": "h.example"]])
                }
                #expect(error?.outcome == .gone)
            }
        }
        #expect(duration < .seconds(4))
    }

    @Test func theMarkerFollowsWhatIsInTheKeyring() throws {
        _ = try desk.startKeyring()
        let store = desk.store()
        let place = try #require(query("h.example").place)
        #expect(try !desk.marker.contains(place))
        try store.save(login("h.example", "u", "s"))
        #expect(try desk.marker.contains(place))
        try store.remove([query("https://h.example/v2/")])
        #expect(try !desk.marker.contains(place))
    }

    @Test func theMarkerStaysAsLongAsAnAccountOfThePlaceHasALogin() throws {
        _ = try desk.startKeyring()
        let store = desk.store()
        let host = Query(.git, ["protocol": "https", "server": "h.example"])
        let accounts = ["ann", "bob"].map { (user: Text) in
            Query(.git, host.facts.merging(["user": user]) { $1 })
        }
        for account in accounts {
            let entry = Entry(schema: .git, attributes: account.facts, label: "Git: h.example")
            try store.save(Credential(entry, secret: "s"))
        }
        let place = try #require(host.place)
        #expect(try store.remove([accounts[0]]).map { $0.attributes["user"] } == ["ann"])
        #expect(try desk.marker.contains(place))
        try store.remove([accounts[1]])
        #expect(try !desk.marker.contains(place))
    }
}

/// What the keyring store says where there is no keyring to be had.
@Suite struct AbsentKeyringTests {
    let desk: Desk

    init() throws { desk = try Desk() }

    @Test func noBusIsAbsent() {
        let store = desk.store { $0.busAddress = nil }
        expectAbsent(store, .noSessionBus)
    }

    @Test func aDeadAddressIsAbsent() {
        let store = desk.store { $0.busAddress = "unix:path=/nonexistent/bus" }
        expectAbsent(store, .keyringAbsent)
    }

    @Test func aBusWithoutAProviderIsAbsent() {
        expectAbsent(desk.store(), .keyringAbsent)
    }

    @Test func aMalformedAddressIsAFailure() {
        let store = desk.store { $0.busAddress = "nonsense" }
        #expect(code { _ = try store.find(query("h")) } == .keyringFailed)
        #expect(code { try store.save(login("h", "u", "s")) } == .keyringFailed)
    }

    @Test func aProviderWithoutADefaultCollectionIsAbsentForAStoreAndEmptyForTheRest() throws {
        _ = try desk.startKeyring(isUnlocked: false)
        let store = desk.store()
        #expect(code { try store.save(login("h", "u", "s")) } == .noDefaultCollection)
        #expect(try store.find(query("h")).isEmpty)
        #expect(try store.list(.docker) == Listing())
        try store.remove([query("h")])
        let place = try #require(query("h").place)
        #expect(try !desk.marker.contains(place))
    }

    private func expectAbsent(_ store: KeyringStore, _ expected: ErrorCode) {
        #expect(code { _ = try store.find(query("h")) } == expected)
        #expect(code { _ = try store.list(.docker) } == expected)
        #expect(code { try store.save(login("h", "u", "s")) } == expected)
        #expect(code { try store.remove([query("h")]) } == expected)
    }
}

/// The keyring store with a locked gnome-keyring and nobody to ask: locked by its owner, and
/// never unlocked since its daemon started, where attributes are hashed.
@Suite struct LockedKeyringTests {
    let desk: Desk

    init() throws { desk = try Desk() }

    @Test(arguments: LockForm.allCases)
    func aStoredLoginIsLockedAndStaysThere(form: LockForm) throws {
        let keyring = try desk.startKeyring()
        try desk.store().save(login("h.example", "u", "s"))
        let locked = try desk.lock(keyring, form)

        let store = desk.store()
        #expect(code { _ = try store.find(query("https://h.example/v1/")) } == .keyringLocked)
        #expect(code { try store.remove([query("h.example")]) } == .keyringLocked)
        #expect(code { try store.save(login("h.example", "u", "new")) } == .keyringLocked)
        #expect(code { try store.save(login("new.example", "u", "s")) } == .keyringLocked)
        let place = try #require(query("new.example").place)
        #expect(try !desk.marker.contains(place))

        try locked.stop()
        _ = try desk.startKeyring()
        #expect(try secret(store, "h.example") == Secret("s"))
        #expect(try store.find(query("new.example")).isEmpty)
    }

    @Test(arguments: LockForm.allCases)
    func whatIsNotThereIsNotFoundAndErased(form: LockForm) throws {
        let keyring = try desk.startKeyring()
        try desk.store().save(login("h.example", "u", "s"))
        _ = try desk.lock(keyring, form)
        #expect(try desk.store().find(query("other.example")).isEmpty)
        try desk.store().remove([query("other.example")])
    }

    @Test(arguments: LockForm.allCases)
    func anEmptyLockedKeyringTakesNothing(form: LockForm) throws {
        let locked = try desk.lock(try desk.startKeyring(), form)
        let store = desk.store()
        #expect(code { try store.save(login("h.example", "u", "s")) } == .keyringLocked)
        #expect(try store.find(query("h.example")).isEmpty)
        #expect(try store.list(.docker).entries.isEmpty)
        #expect(try locked.items().isEmpty)
        let place = try #require(query("h.example").place)
        #expect(try !desk.marker.contains(place))
    }

    @Test func aListReadsWhatItsOwnerLocked() throws {
        let keyring = try desk.startKeyring()
        try desk.store().save(login("h.example", "u", "s"))
        try keyring.lock()
        let listing = try desk.store().list(.docker)
        #expect(listing.entries.map { $0.attributes["server"] } == ["h.example"])
        #expect(listing.warnings == ["the keyring is locked: some logins may not be listed"])
    }

    @Test func aListWarnsOfWhatANeverUnlockedKeyringDoesNotShow() throws {
        let keyring = try desk.startKeyring()
        let entry = Entry(
            schema: .cargo, attributes: ["url": "sparse+https://h.example/"], label: "h")
        try desk.store().save(Credential(entry, secret: "s"))
        _ = try desk.lock(keyring, .neverUnlocked)
        #expect(
            try desk.store().list(.cargo).warnings
                == ["the keyring is locked: some logins may not be listed"])
    }

    @Test(arguments: LockForm.allCases)
    func whatIsLockedIsNotUnlockedWithNobodyToAsk(form: LockForm) throws {
        let keyring = try desk.startKeyring()
        try desk.store().unlock()
        try desk.store().save(login("h.example", "u", "s"))
        let locked = try desk.lock(keyring, form)
        #expect(code { try desk.store().unlock() } == .keyringLocked)
        #expect(try locked.isLocked() == true)
    }

    @Test func aListOfHashedItemsIsLocked() throws {
        let keyring = try desk.startKeyring()
        try desk.store().save(login("h.example", "u", "s"))
        _ = try desk.lock(keyring, .neverUnlocked)
        #expect(code { _ = try desk.store().list(.docker) } == .keyringLocked)
    }
}
