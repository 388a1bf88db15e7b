import Foundation
import Sandbox
import Testing

/// Debian's docker-credential-secretservice, which keeps the same items in the same keyring:
/// nobody loses a login by installing Keyfob or by removing it.
@Suite struct SecretServiceHelperTests {
    private let theirs = "docker-credential-secretservice"
    private let server = "https://registry.example.com/v1/"
    private let machine: Machine
    private let keyring: GnomeKeyring

    init() throws {
        machine = try Machine(.desktop)
        keyring = try #require(machine.keyring)
    }

    @Test func whatItStoredIsFoundListedAndErased() throws {
        try machine.store(server, "alice", "secret", as: theirs)
        #expect(try machine.get(server) == Login("alice", "secret"))
        #expect(try machine.get("registry.example.com") == Login("alice", "secret"))
        #expect(try machine.list() == [server: "alice"])
        try machine.erase("registry.example.com")
        try machine.expectNothing()
    }

    @Test func itFindsListsAndErasesWhatWasStored() throws {
        try machine.store(server, "alice", "secret")
        #expect(try machine.get(server, as: theirs) == Login("alice", "secret"))
        #expect(try machine.list(as: theirs) == [server: "alice"])
        try machine.erase(server, as: theirs)
        try machine.expectNothing()
    }

    @Test func itsStoreOverOneOfOursLeavesOneLoginThatBothSee() throws {
        try machine.store(server, "alice", "old")
        try machine.store(server, "alice", "new", as: theirs)
        try expectOneLogin(Login("alice", "new"))
    }

    @Test func ourStoreOverOneOfItsLeavesOneLoginThatBothSee() throws {
        try machine.store(server, "alice", "old", as: theirs)
        try machine.store(server, "alice", "new")
        try expectOneLogin(Login("alice", "new"))
        try machine.store(server, "alice", "newer", as: theirs)
        try expectOneLogin(Login("alice", "newer"))
    }

    @Test func ofTwoUsersThatItLeftForOneServerTheNextStoreLeavesOne() throws {
        try machine.store(server, "alice", "one", as: theirs)
        try machine.store(server, "bob", "two", as: theirs)
        #expect(try keyring.items().count == 2)
        try machine.store(server, "carol", "three")
        try expectOneLogin(Login("carol", "three"))
    }

    @Test func ofTwoUsersThatItLeftForOneServerEraseLeavesNone() throws {
        try machine.store(server, "alice", "one", as: theirs)
        try machine.store(server, "bob", "two", as: theirs)
        try machine.erase(server)
        try machine.expectNothing()
    }

    private func expectOneLogin(
        _ login: Login, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        for name in ["docker-credential-keyfob", theirs] {
            #expect(try machine.get(server, as: name) == login, sourceLocation: sourceLocation)
            #expect(
                try machine.list(as: name) == [server: login.username],
                sourceLocation: sourceLocation)
        }
        #expect(try keyring.items().count == 1, sourceLocation: sourceLocation)
    }
}
