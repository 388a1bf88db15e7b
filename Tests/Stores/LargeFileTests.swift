import Credentials
import Testing

@testable import Stores

/// A large file's checksum is verified only if the file cannot be opened; its faults are those of a
/// small one.
@Suite struct LargeFileTests {
    private let home: TemporaryHome
    private let file: [UInt8]

    init() throws {
        home = try TemporaryHome()
        let large = login("a.example", "ann")
        try home.store.save(
            Credential(large.entry, secret: secret([UInt8](repeating: 1, count: 1 << 20))))
        file = try home.read(home.file)
    }

    private var actions: [(FileStore) throws -> Void] {
        [
            { _ = try $0.find(server("a.example")) }, { _ = try $0.find(server("absent.example")) },
            { _ = try $0.list(nil) }, { try $0.save(login("b.example", "bob")) },
            { try $0.remove([server("a.example")]) },
            { try $0.remove([server("absent.example")]) }, { try $0.unlock() },
        ]
    }

    /// Expects that every action on this file is refused with this code, and changes nothing.
    private func expect(_ code: ErrorCode, of changed: [UInt8]) throws {
        try home.write(changed, to: home.file)
        for action in actions {
            #expect(try refusal { try action(home.store) }.code == code)
            #expect(try home.read(home.file) == changed)
        }
    }

    @Test func isWrittenAndReadAgain() throws {
        try home.store.save(login("b.example", "bob"))
        #expect(try home.store.find(server("b.example")).count == 1)
        let found = try #require(try home.store.find(server("a.example")).first)
        #expect(found.secret.count == 1 << 20)
        try home.store.remove([server("a.example")])
        let left = try home.store.list(nil).entries.map { $0["server"] }
        #expect(left == [text("b.example")])
    }

    /// In the preamble, in the store's id, in a slot, in a tag and in the body.
    @Test(arguments: [0, 8, 20, 60, 100, 200, 5000, -33])
    func aFlippedByteIsDamageWhateverElseItBreaks(offset: Int) throws {
        var flipped = file
        flipped[offset < 0 ? file.count + offset : offset] ^= 1
        try expect(.fileDamaged, of: flipped)
    }

    /// What was sealed is authentic, and the next change writes the checksum anew.
    @Test(arguments: [-32, -1]) func aFlippedByteOfTheChecksumLosesNothing(offset: Int) throws {
        var flipped = file
        flipped[file.count + offset] ^= 1
        for action in actions {
            try home.write(flipped, to: home.file)
            try action(home.store)
        }
        try home.write(flipped, to: home.file)
        #expect(try home.store.find(server("a.example")).first?.secret.count == 1 << 20)
        try home.store.save(login("b.example", "bob"))
        #expect(try FileFormat.Sealed(try home.read(home.file)).header.tags.count == 2)
    }

    @Test func aFlippedByteIsDamageWithoutTheKeyAndWithAWrongOne() throws {
        var flipped = file
        flipped[file.count - 1] ^= 1
        try home.write([UInt8](repeating: 7, count: 32), to: home.key)
        try expect(.fileDamaged, of: flipped)
        try home.write([], to: home.key)
        try expect(.fileDamaged, of: flipped)
    }

    @Test func aChangeUnderARightChecksumIsAnAlteration() throws {
        var altered = file
        altered[file.count - 40] ^= 1
        altered = withRightChecksum(altered)
        try home.write(altered, to: home.file)
        for action in actions {
            #expect(try refusal { try action(home.store) }.code == .fileAltered)
        }
    }

    @Test func aWrongKeyIsAWrongKey() throws {
        try home.write([UInt8](repeating: 7, count: 32), to: home.key)
        #expect(try refusal { _ = try home.store.find(server("a.example")) }.code == .wrongKey)
    }
}
