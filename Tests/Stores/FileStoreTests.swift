import Credentials
import Files
import Foundation
import Sandbox
import StoreContract
import Testing

@testable import Stores

/// The file store: what every store does, and what only a file can get wrong.
struct FileStoreTests {
    @Test(arguments: StoreContract.cases)
    func keepsTheContract(_ contract: StoreContract) throws {
        let home = try TemporaryHome()
        try contract.check { home.store }
    }

    @Test(arguments: StoreContract.cases)
    func keepsTheContractInAnAccount(_ contract: StoreContract) throws {
        let home = try TemporaryHome()
        let others = login("a.example", "somebody")
        try home.store.save(others)
        try contract.check { AccountStore(home.store, AccountName("work")) }
        #expect(try home.store.find(server("a.example")).map(\.secret) == [others.secret])
    }

    @Test func anotherStoreFindsWhatOneHasSaved() throws {
        let home = try TemporaryHome()
        try home.store.save(login("a.example", "ann"))
        let found = try home.store.find(server("a.example"))
        #expect(found.map(\.secret) == [login("a.example", "ann").secret])
    }

    @Test func modifiedIsTheSecondInWhichItWasStored() throws {
        let home = try TemporaryHome()
        let store = FileStore(home.options, now: { 1_234_567_890 })
        try store.save(login("a.example", "ann"))
        #expect(try store.find(server("a.example")).map(\.entry.modified) == [1_234_567_890])
        #expect(try store.list(nil).entries.map(\.modified) == [1_234_567_890])
    }

    @Test func findAndListAndRemovingWhatIsNotThereCreateNothing() throws {
        let home = try TemporaryHome()
        #expect(try home.store.find(server("a.example")).isEmpty)
        #expect(try home.store.list(nil).entries.isEmpty)
        try home.store.remove([server("a.example")])
        #expect(try home.names(in: home.path) == [])
    }

    @Test func findAndListAndRemovingWhatIsNotThereWriteNothing() throws {
        let home = try TemporaryHome()
        try home.store.save(login("a.example", "ann"))
        let before = try snapshot(of: home)
        #expect(try home.store.find(server("a.example")).count == 1)
        #expect(try home.store.list(nil).entries.count == 1)
        try home.store.remove([server("b.example"), Query(.docker, ["username": "bob"])])
        #expect(try snapshot(of: home) == before)
    }

    @Test func everythingIsTheUsersAlone() throws {
        let home = try TemporaryHome()
        let outcome = try Probe(home, ["save", "a.example", "ann"], shell: "umask 0").wait()
        #expect(outcome.status == 0)
        for path in [home.data.path, home.state.path] {
            #expect(mode(of: path) == 0o700)
            for name in try home.names(in: path) { #expect(mode(of: path + "/" + name) == 0o600) }
        }
        #expect(try home.names(in: home.data.path) == ["credentials", "credentials.lock"])
    }

    @Test func neitherTheServerNorTheUserNorTheSecretIsInTheFile() throws {
        let home = try TemporaryHome()
        try home.store.save(login("a-server.example", "a-user-name"))
        let file = Data(try home.read(home.file))
        for clear in ["a-server", "a-user-name", "the secret of"] {
            #expect(file.range(of: Data(clear.utf8)) == nil)
        }
    }

    @Test func aSecretThatWasRemovedOrReplacedIsInNoFile() throws {
        let home = try TemporaryHome()
        try home.store.save(login("a.example", "ann"))
        let first = try home.read(home.file)
        try home.store.save(login("a.example", "bob"))
        try home.store.remove([server("a.example")])
        for folder in [home.data.path, home.state.path] {
            for name in try home.names(in: folder) {
                #expect(try home.read(folder + "/" + name) != first)
            }
        }
        #expect(try home.read(home.file).count < first.count)
    }

    // MARK: The key

    @Test func whereThereIsNoKeyOnlyAGetOfWhatIsNotThereHasAnAnswer() throws {
        let home = try TemporaryHome()
        try home.store.save(login("a.example", "ann"))
        var options = home.options
        options.keyFile = home.path + "/not-a-key"
        try FileManager.default.createDirectory(
            atPath: home.path + "/not-a-key", withIntermediateDirectories: false)
        try FileManager.default.removeItem(atPath: home.key)
        #expect(try FileStore(options).find(server("b.example")).isEmpty)
        #expect(throws: StoreError.self) { try FileStore(options).remove([server("b.example")]) }
        #expect(throws: StoreError.self) { try FileStore(options).find(server("a.example")) }
        #expect(throws: StoreError.self) { try FileStore(options).list(nil) }
    }

    @Test func aGetOpensTheFileAndTheKeyOnce() throws {
        let home = try TemporaryHome()
        try home.store.save(login("a.example", "ann"))
        let files = try OpenCount(of: home.file)
        let keys = try OpenCount(of: home.key)
        #expect(try home.store.find(server("absent.example")).isEmpty)
        #expect(try (files.next(), keys.next()) == (1, 1))
        #expect(try home.store.find(server("a.example")).count == 1)
        #expect(try (files.next(), keys.next()) == (1, 1))
    }

    @Test func loginsThatAreSavedTogetherAreWrittenOnce() throws {
        let home = try TemporaryHome()
        try home.store.save(login("a.example", "ann"))
        let locks = try OpenCount(of: home.file + ".lock")
        try home.store.save((0..<40).map { login("host\($0).example", "ann") })
        #expect(try locks.next() == 1)
        #expect(try home.store.list(nil).entries.count == 41)
    }

    @Test func aReaderLooksOnceMoreWhereTheKeyIsMissingOrWrong() throws {
        let home = try TemporaryHome()
        try home.store.save(login("a.example", "ann"))
        try home.write([UInt8](repeating: 9, count: 32), to: home.key)
        let (files, keys) = (try OpenCount(of: home.file), try OpenCount(of: home.key))
        #expect(throws: StoreError.self) { try home.store.find(server("a.example")) }
        #expect(try (files.next(), keys.next()) == (2, 2))
        try FileManager.default.removeItem(atPath: home.key)
        #expect(throws: StoreError.self) { try home.store.list(nil) }
        #expect(try files.next() == 2)
    }

    @Test func aMissingAShortAndAWrongKeyAreToldApartAndNothingIsWritten() throws {
        let home = try TemporaryHome()
        try home.store.save(login("a.example", "ann"))
        let key = try home.read(home.key)
        let file = try home.read(home.file)
        let faults: [(key: [UInt8]?, sentence: String)] = [
            (nil, "<key-missing|\(home.file)|<no-such-file|\(home.key)>>"),
            ([], "<key-too-short.empty|\(home.key)>"),
            (Array(key.prefix(31)), "<key-too-short|\(home.key)|31>"),
            (key.map { ~$0 }, "<wrong-key.file|\(home.key)|\(home.file)>"),
        ]
        for fault in faults {
            try? FileManager.default.removeItem(atPath: home.key)
            if let bytes = fault.key { try home.write(bytes, to: home.key) }
            for action in actions {
                let error = try refusal { try action(home.store) }
                #expect(error.withCode == Sentence.withCode(fault.sentence))
            }
            #expect(try home.read(home.file) == file)
            #expect(home.exists(home.key) == (fault.key != nil))
            if let bytes = fault.key { #expect(try home.read(home.key) == bytes) }
        }
        try? FileManager.default.removeItem(atPath: home.key)
        try home.write(key, to: home.key)
        #expect(try home.store.find(server("a.example")).count == 1)
    }

    @Test func aPassphraseSlotAloneIsLockedAndNoKeyFileIsAskedFor() throws {
        let home = try TemporaryHome()
        try home.store.save(login("a.example", "ann"))
        let cost = Seal.PassphraseCost(passes: 1, kibibytes: 19 << 10)
        let storeID = Seal.randomBytes(16)
        let dataKey = Seal.randomKey()
        var header = FileFormat.Header(
            slots: [
                try FileFormat.Slot(
                    wrapping: dataKey, with: secret("open sesame"), .passphrase(cost),
                    storeID: storeID)
            ],
            storeID: storeID, salt: Seal.randomBytes(16))
        let saved = login("a.example", "ann")
        header.tags = [
            FileFormat.Tag(of: try #require(saved.entry.place), salt: header.salt, updated: 1)
        ]
        let body = try FileFormat.Body.empty.keeping([], adding: [saved])
        try home.write(try FileFormat.seal(header, body, with: dataKey).publicBytes, to: home.file)
        try home.write([], to: home.key)
        for store in [home.store, home.store.asksNobody] {
            let error = try refusal { _ = try store.find(server("a.example")) }
            #expect(error.code == .passphraseNeeded)
            #expect(try store.find(server("b.example")).isEmpty)
        }
    }

    // MARK: The file

    @Test func aFlippedByteAnywhereIsDamageAndTheFileStays() throws {
        let home = try TemporaryHome()
        try home.store.save(login("a.example", "ann"))
        let file = try home.read(home.file)
        for offset in file.indices {
            var flipped = file
            flipped[offset] ^= 0x01
            try home.write(flipped, to: home.file)
            for query in ["a.example", "absent.example"] {
                let error = try refusal { _ = try home.store.find(server(query)) }
                try #require(
                    error.withCode
                        == Sentence.withCode(
                            "<file-damaged|\(home.file)|its checksum does not match>"),
                    "offset \(offset)")
            }
            if offset.isMultiple(of: 16) {
                for action in actions {
                    try #require(refusal { try action(home.store) }.outcome == .damaged)
                }
            }
            try #require(try home.read(home.file) == flipped)
        }
    }

    @Test func aFlippedByteUnderARightChecksumNeverOpens() throws {
        let home = try TemporaryHome()
        try home.store.save(login("a.example", "ann"))
        let file = try home.read(home.file)
        var errors: Set<String> = []
        for offset in file.indices.dropLast(Seal.checksumSize) {
            var altered = file
            altered[offset] ^= 0x01
            altered = withRightChecksum(altered)
            try home.write(altered, to: home.file)
            let error = try refusal { _ = try home.store.list(nil) }
            try #require(error.outcome != .absent)
            errors.insert(error.withCode)
            try #require(throws: StoreError.self, "offset \(offset)") {
                try home.store.save(login("b.example", "bob"))
            }
            try #require(try home.read(home.file) == altered)
        }
        // The tag and the second it was stored, the nonce and the body.
        for sentence in [
            "<file-altered|\(home.file)>",
            // The store id and the slot: its key opens it no more.
            "<wrong-key.file|\(home.key)|\(home.file)>",
            "<file-newer|\(home.file)|version 257>",
            "<file-newer|\(home.file)|a key slot of type 0>",
            "<file-damaged|\(home.file)|it is not a credential file>",
            "<file-damaged|\(home.file)|its lengths do not add up>",
        ] {
            #expect(errors.contains(Sentence.withCode(sentence)), "\(sentence)")
        }
    }

    @Test func everyTruncationIsDamageAndTheFileStays() throws {
        let home = try TemporaryHome()
        try home.store.save(login("a.example", "ann"))
        let file = try home.read(home.file)
        for length in file.indices {
            let cut = Array(file.prefix(length))
            try home.write(cut, to: home.file)
            for query in ["a.example", "absent.example"] {
                let error = try refusal { _ = try home.store.find(server(query)) }
                try #require(error.outcome == .damaged, "\(length) bytes")
                if length == 0 {
                    #expect(
                        error.withCode
                            == Sentence.withCode("<file-damaged|\(home.file)|it is empty>"))
                }
            }
            try #require(throws: StoreError.self) {
                try home.store.save(login("b.example", "bob"))
            }
            try #require(try home.read(home.file) == cut)
        }
    }

    @Test func aHigherVersionIsLeftAloneAndSaidToBeNewer() throws {
        let home = try TemporaryHome()
        try home.store.save(login("a.example", "ann"))
        var file = try home.read(home.file)
        file[8] = 2
        file = withRightChecksum(file)
        try home.write(file, to: home.file)
        for action in actions {
            let error = try refusal { try action(home.store) }
            #expect(
                error.withCode == Sentence.withCode("<file-newer|\(home.file)|version 2>"))
        }
        #expect(try home.read(home.file) == file)
    }

    @Test func anotherStoresFileUnderTheSameKeyIsItsOwnStore() throws {
        let (one, two) = (try TemporaryHome(), try TemporaryHome())
        try one.store.save(login("a.example", "ann"))
        try FileManager.default.createDirectory(
            atPath: two.state.path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        try two.write(try one.read(one.key), to: two.key)
        try two.store.save(login("a.example", "bob"))
        // The same place has different tags, and neither file opens with the other's slot.
        let (left, right) = (try one.read(one.file), try two.read(two.file))
        #expect(left != right)
        #expect(two.notices == [])
        try two.write(left, to: two.file)
        #expect(try two.store.find(server("a.example")).map(\.["username"]) == ["ann"])
    }

    // MARK: Writers

    @Test func whatADeadWriterLeftIsRemovedByTheNext() throws {
        let home = try TemporaryHome()
        try home.store.save(login("a.example", "ann"))
        let left = home.data.path + "/.credentials.tmp.dead"
        let others = home.data.path + "/.in-keyring.tmp.alive"
        try home.write([1, 2, 3], to: left)
        try home.write([1, 2, 3], to: others)
        try home.store.save(login("b.example", "bob"))
        #expect(!home.exists(left))
        #expect(home.exists(others))
    }

    @Test func aWriteThatFailsLeavesTheOldFileAndNothingElse() throws {
        let home = try TemporaryHome()
        try home.store.save(login("a.example", "ann"))
        let before = try snapshot(of: home)
        let outcome = try Probe(
            home, ["save", "b.example", "bob"], shell: "trap '' XFSZ; ulimit -f 0"
        ).wait()
        #expect(
            outcome.lines == [Sentence.withCode("<system-error|write|\(home.file)|file too large>")]
        )
        #expect(outcome.status == 1)
        #expect(try snapshot(of: home) == before)
    }

    @Test func aWriterWaitsForTheLockAndAReaderDoesNot() throws {
        let home = try TemporaryHome()
        try home.store.save(login("a.example", "ann"))
        let lock = try home.data.lock("credentials")
        let writer = try Probe(home, ["save", "b.example", "bob"])
        let reader = try Probe(home, ["get", "a.example"]).wait()
        #expect(reader == Probe.Outcome(lines: ["ann"], status: 0))
        usleep(200_000)
        #expect(writer.isRunning)
        #expect(try home.store.find(server("b.example")).isEmpty)
        lock.release()
        #expect(writer.wait().status == 0)
        #expect(try home.store.find(server("b.example")).count == 1)
    }

    @Test func thirtyTwoWritersOfDifferentServersAllGetIn() throws {
        let home = try TemporaryHome()
        let names = (0..<32).map { "user\($0)" }
        let writers = try names.map { try Probe(home, ["save", "\($0).example", $0]) }
        for writer in writers { #expect(writer.wait() == Probe.Outcome(lines: [], status: 0)) }
        for name in names {
            let found = try home.store.find(server("\(name).example"))
            #expect(found.map(\.secret) == [login("", name).secret], "\(name)")
        }
    }

    @Test func ofThirtyTwoWritersOfOneServerOneLoginIsLeftWithItsOwnSecret() throws {
        let home = try TemporaryHome()
        let writers = try (0..<32).map {
            try Probe(
                home,
                ["save", $0.isMultiple(of: 2) ? "one.example" : "ONE.example:443", "user\($0)"])
        }
        for writer in writers { #expect(writer.wait() == Probe.Outcome(lines: [], status: 0)) }
        let found = try home.store.find(server("one.example"))
        try #require(found.count == 1)
        let user = try #require(found[0]["username"]).string
        #expect(found[0].secret == login("", user).secret)
        #expect(try home.store.list(nil).entries.count == 1)
    }

    // MARK: Limits

    @Test func aSaveThatWouldExceedTheLimitsIsRefusedAndTheFileStays() throws {
        let home = try TemporaryHome()
        try home.store.save(login("a.example", "ann"))
        let before = try snapshot(of: home)
        let huge = Credential(
            login("b.example", "bob").entry,
            secret: Secret(capacity: FileFormat.fileLimit) {
                $0.append(repeating: 0, count: FileFormat.fileLimit)
            })
        let error = try refusal { try home.store.save(huge) }
        #expect(error.withCode == Sentence.withCode("<file-full|\(home.file)|64 MiB>"))
        #expect(try snapshot(of: home) == before)
    }

    // MARK: Helpers

    /// Everything that needs the file, and must fail with it.
    private let actions: [(FileStore) throws -> Void] = [
        { _ = try $0.find(server("a.example")) },
        { _ = try $0.list(nil) },
        { try $0.save(login("a.example", "bob")) },
        { try $0.save(login("b.example", "bob")) },
        { try $0.remove([server("a.example")]) },
    ]

    private func snapshot(of home: TemporaryHome) throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for folder in [home.data.path, home.state.path] {
            for name in try home.names(in: folder) {
                files[folder + "/" + name] = try home.read(folder + "/" + name)
            }
        }
        return files
    }

    private func mode(of path: String) -> mode_t {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }
}
