import Credentials
import Testing

@testable import Stores

/// The header of the file is in the clear. Somebody who can write the file and has no key may change
/// it and put the checksum right; what is said of the file afterwards must not depend on it, but for
/// the one answer that SECURITY.md names.
struct HeaderTests {
    let home: TemporaryHome

    init() throws { home = try TemporaryHome() }

    /// A key that can be had without asking.
    enum Key: CaseIterable { case generated, keyFile, credential }

    /// What is changed. Each makes a login seem not to be there, or another, or newer.
    enum Change: CaseIterable {
        case aBitOfTheTag, aBitOfItsLastByte, theTime, allTagsAreCutOut, tagsAreSwapped
        case aTagIsAdded
    }

    @Test(arguments: Key.allCases, Change.allCases)
    func withAKeyAtHandAChangedHeaderIsToldBy(key: Key, change: Change) throws {
        let options = try options(with: key)
        let store = FileStore(options)
        try store.save(login("a.example", "ann"))
        try store.save(login("b.example", "bob"))
        let whole = try home.read(home.file)
        try home.write(try changed(whole, change), to: home.file)
        let requests: [(FileStore) throws -> Void] = [
            { _ = try $0.find(server("a.example")) },
            { _ = try $0.find(server("absent.example")) },
            { _ = try $0.list(nil) },
            { _ = try $0.list(.git) },
            { try $0.remove([server("a.example")]) },
            { try $0.remove([server("absent.example")]) },
            { try $0.remove([Query(.docker, ["username": "ann"])]) },
            { try $0.save(login("a.example", "eve")) },
        ]
        for (index, request) in requests.enumerated() {
            let error = try refusal { try request(FileStore(options)) }
            #expect(error.outcome == .damaged, "request \(index)")
        }
        try home.write(whole, to: home.file)
        #expect(try store.find(server("a.example")).count == 1)
    }

    /// The slot is in the header too: a key that does not open it is no reason to believe the tags.
    @Test(arguments: Change.allCases)
    func withAKeyAtHandThatOpensNoSlotNothingIsSaid(change: Change) throws {
        try home.store.save(login("a.example", "ann"))
        try home.store.save(login("b.example", "bob"))
        var file = try changed(try home.read(home.file), change)
        file[HeaderTests.slot + 60] ^= 1
        try home.write(withRightChecksum(file), to: home.file)
        for query in ["a.example", "absent.example"] {
            #expect(throws: StoreError.self) { try home.store.find(server(query)) }
            #expect(throws: StoreError.self) { try home.store.remove([server(query)]) }
        }
        #expect(throws: StoreError.self) { try home.store.list(nil) }
    }

    @Test func underAPassphraseNobodyIsAskedForAGetOfWhatHasNoTagAndForNothingElse() throws {
        try passphraseStore().save(login("a.example", "ann"))
        let asked = home.store.asksNobody
        #expect(try asked.find(server("absent.example")).isEmpty)
        let requests: [() throws -> Void] = [
            { _ = try asked.find(server("a.example")) },
            { _ = try asked.list(nil) },
            { _ = try asked.list(.git) },
            { try asked.remove([server("absent.example")]) },
            { try asked.save(login("absent.example", "bob")) },
        ]
        for request in requests { #expect(try refusal { try request() }.outcome == .locked) }
    }

    @Test(arguments: Change.allCases)
    func underAPassphraseThatIsKnownAListAndARemovalTellOfTheChange(change: Change) throws {
        try passphraseStore().save(login("a.example", "ann"))
        try passphraseStore().save(login("b.example", "bob"))
        try home.write(try changed(try home.read(home.file), change), to: home.file)
        let store = try passphraseStore()
        #expect(try refusal { _ = try store.list(nil) }.outcome == .damaged)
        for query in ["a.example", "absent.example"] {
            #expect(try refusal { try store.remove([server(query)]) }.outcome == .damaged)
            // The key is at hand now.
            #expect(try refusal { _ = try store.find(server(query)) }.outcome == .damaged)
        }
    }

    // MARK: Changing a file

    private static let slot = 8 + 2 + 4 + 4 + 16 + 16 + 1
    private static let tagSize = 24

    /// The file, of two logins, with a changed header and a right checksum.
    private func changed(_ file: [UInt8], _ change: Change) throws -> [UInt8] {
        let slotSize = file[HeaderTests.slot] == 1 ? 89 : 97
        let tags = HeaderTests.slot + slotSize + 4
        let size = HeaderTests.tagSize
        try #require(Array(file[tags - 4..<tags]) == little(2))
        var file = file
        switch change {
        case .aBitOfTheTag: file[tags] ^= 1
        case .aBitOfItsLastByte: file[tags + 15] ^= 0x80
        case .theTime: file[tags + 16] ^= 1
        case .allTagsAreCutOut:
            file.removeSubrange(tags..<tags + 2 * size)
            file.replaceSubrange(tags - 4..<tags, with: little(0))
            file.replaceSubrange(10..<14, with: little(16 + 16 + 1 + slotSize + 4))
        case .tagsAreSwapped:
            let first = Array(file[tags..<tags + size])
            file.replaceSubrange(tags..<tags + size, with: file[tags + size..<tags + 2 * size])
            file.replaceSubrange(tags + size..<tags + 2 * size, with: first)
        case .aTagIsAdded:
            file.insert(contentsOf: file[tags..<tags + size], at: tags)
            file.replaceSubrange(tags - 4..<tags, with: little(3))
            file.replaceSubrange(10..<14, with: little(16 + 16 + 1 + slotSize + 4 + 3 * size))
        }
        return withRightChecksum(file)
    }

    private func options(with key: Key) throws -> FileStore.Options {
        var options = home.options
        switch key {
        case .generated: break
        case .keyFile:
            options.keyFile = home.path + "/other"
            try home.write([UInt8](repeating: 7, count: 32), to: home.path + "/other")
        case .credential:
            options.credentialsDirectory = home.path
            try home.write([UInt8](repeating: 7, count: 32), to: home.path + "/keyfob")
        }
        return options
    }

    private func passphraseStore() throws -> FileStore {
        var options = home.options
        options.passphrase = passphrase("right")
        return FileStore(options)
    }
}
