import Credentials
import Files
import Foundation
import Sandbox
import StoreContract
import Testing

@testable import Stores

/// Key sources: in which order they are asked, and when a key is made.
struct KeySourceTests {
    @Test func theFirstStoreMakesAKeyAndSaysSoOnce() throws {
        let home = try TemporaryHome()
        try home.store.save(login("a.example", "ann"))
        try home.store.save(login("b.example", "bob"))
        #expect(try home.read(home.key).count == 32)
        #expect(try home.names(in: home.state.path) == ["key", "key.lock"])
        try #require(home.notices.count == 1)
        #expect(home.notices[0].contains(home.key))
        #expect(home.notices[0].contains("it protects copies of the file"))
        #expect(home.notices[0].contains("a backup of both"))
        #expect(!home.notices[0].contains("\n"))
    }

    @Test func aKeyWithoutAStoreIsUsedAgain() throws {
        let home = try TemporaryHome()
        try home.store.save(login("a.example", "ann"))
        let key = try home.read(home.key)
        try FileManager.default.removeItem(atPath: home.file)
        try home.store.save(login("a.example", "ann"))
        #expect(try home.read(home.key) == key)
        #expect(home.notices.count == 1)
    }

    @Test(arguments: [0, 1, 31])
    func aShortKeyWithoutAStoreIsReplaced(_ length: Int) throws {
        let home = try TemporaryHome()
        _ = try home.state.create()
        try home.write([UInt8](repeating: 7, count: length), to: home.key)
        try home.store.save(login("a.example", "ann"))
        #expect(try home.read(home.key).count == 32)
        #expect(try home.store.find(server("a.example")).count == 1)
        #expect(home.notices.count == 1)
    }

    @Test func aTemporaryThatSharesTheKeyAfterACrashIsRemoved() throws {
        let home = try TemporaryHome()
        _ = try home.state.create()
        let temporary = home.state.path + "/.key.tmp.dead"
        try home.write([UInt8](repeating: 7, count: 32), to: temporary)
        try #require(unsafe link(temporary, home.key) == 0)
        try home.store.save(login("a.example", "ann"))
        #expect(!home.exists(temporary))
        #expect(try home.read(home.key) == [UInt8](repeating: 7, count: 32))
    }

    @Test func aConfiguredKeyFileIsUsedAndNoneIsMade() throws {
        let home = try TemporaryHome()
        var options = home.options
        options.keyFile = home.path + "/my-key"
        let error = try refusal { try FileStore(options).save(login("a.example", "ann")) }
        #expect(error.withCode == Sentence.withCode("<no-such-file.key|\(home.path)/my-key>"))
        try home.write(
            Array("a key that somebody has typed in, with a newline\n".utf8),
            to: home.path + "/my-key")
        try FileStore(options).save(login("a.example", "ann"))
        #expect(try FileStore(options).find(server("a.example")).count == 1)
        #expect(!home.exists(home.key))
        #expect(home.notices == [])
        let missing = try refusal { _ = try home.store.find(server("a.example")) }
        #expect(missing.outcome == .locked)
    }

    @Test func aServicesCredentialIsUsedIfThereIsOne() throws {
        let home = try TemporaryHome()
        var options = home.options
        options.credentialsDirectory = home.path + "/credentials"
        try FileStore(options).save(login("a.example", "ann"))
        #expect(home.exists(home.key))
        try FileManager.default.removeItem(atPath: home.data.path)
        try FileManager.default.removeItem(atPath: home.key)
        _ = try Folder(home.path + "/credentials").create()
        try home.write([UInt8](repeating: 9, count: 32), to: home.path + "/credentials/keyfob")
        try FileStore(options).save(login("a.example", "ann"))
        #expect(!home.exists(home.key))
        #expect(try FileStore(options).find(server("a.example")).count == 1)
    }

    @Test func theFirstKeyThatOpensIsTheOne() throws {
        let home = try TemporaryHome()
        try home.store.save(login("a.example", "ann"))
        var options = home.options
        options.keyFile = home.path + "/other-key"
        options.credentialsDirectory = home.path
        let store = FileStore(options)
        #expect(try store.find(server("a.example")).count == 1)
        try home.write([UInt8](repeating: 9, count: 32), to: home.path + "/other-key")
        #expect(try store.find(server("a.example")).count == 1)
        try home.write([UInt8](repeating: 9, count: 31), to: home.path + "/other-key")
        #expect(try store.find(server("a.example")).count == 1)
        // Where none opens, what is wrong with the first is said.
        try FileManager.default.removeItem(atPath: home.key)
        let short = try refusal { _ = try store.find(server("a.example")) }
        #expect(
            short.withCode == Sentence.withCode("<key-too-short|\(home.path)/other-key|31>"))
        try home.write([UInt8](repeating: 9, count: 32), to: home.path + "/other-key")
        let wrong = try refusal { _ = try store.find(server("a.example")) }
        #expect(
            wrong.withCode
                == Sentence.withCode("<wrong-key.file|\(home.path)/other-key|\(home.file)>"))
        try FileManager.default.removeItem(atPath: home.path + "/other-key")
        let missing = try refusal { _ = try store.find(server("a.example")) }
        #expect(
            missing.withCode
                == Sentence.withCode(
                    "<key-missing|\(home.file)|<no-such-file|\(home.path)/other-key> and "
                        + "<no-such-file|\(home.path)/keyfob> and <no-such-file|\(home.key)>>"))
    }

    @Test func aKeyFileOfOneByteMoreThanTheLimitIsRefused() throws {
        let home = try TemporaryHome()
        let path = home.path + "/key-file"
        try home.write([UInt8](repeating: 1, count: 4096), to: path)
        #expect(try KeySource.keyFile(path).read()?.count == 4096)
        try home.write([UInt8](repeating: 1, count: 4097), to: path)
        let error = try refusal { _ = try KeySource.keyFile(path).read() }
        #expect(error.withCode == Sentence.withCode("<too-long.file|\(path)|4096>"))
    }

    @Test(arguments: ["key", "./key", "", "/", "/etc/"])
    func aKeyFileIsNamedByItsWholePath(_ path: String) throws {
        #expect(throws: StoreError.self) { try KeySource.keyFile(path).read() }
    }

    @Test func aSourceIsAskedOnlyForASlotOfItsKind() {
        let keys: [KeySource] = [
            .keyFile("/k"), .credential(directory: "/c"), .generated(Folder("/s")),
        ]
        for source in keys {
            #expect(source.fits(.raw) && !source.fits(.passphrase(.standard)))
        }
        let passphrases: [KeySource] = [
            .passphraseCommand(["false"]), .passphrase(passphrase("p")), .terminal,
        ]
        for source in passphrases {
            #expect(!source.fits(.raw) && source.fits(.passphrase(.standard)))
        }
    }
}
