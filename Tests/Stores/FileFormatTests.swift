import Credentials
import Testing

@testable import Stores

/// The file format: its bytes, and every way in which bytes are not a file.
struct FileFormatTests {
    private let storeID = Array("the store's id..".utf8)
    private let salt = Array("the store's salt".utf8)
    private let key = secret("a key of 32 bytes, or of more...")

    // MARK: What is written

    /// A file that version 1 once wrote must open for ever.
    @Test func aFileOfVersion1Opens() throws {
        let sealed = try FileFormat.Sealed(FileFormatTests.golden)
        #expect(sealed.header.storeID == storeID)
        #expect(sealed.header.salt == salt)
        #expect(sealed.header.slots.map(\.kind) == [.raw, .passphrase(.standard)])
        let places = try credentials.map { try #require($0.entry.place) }
        #expect(sealed.header.indices(of: places[0]) == [0])
        #expect(sealed.header.indices(of: places[1]) == [1])
        #expect(sealed.header.tags.map(\.updated) == [1_700_000_000, .max])
        let dataKeys = [
            try sealed.header.slots[0].unwrap(with: key, storeID: storeID),
            try sealed.header.slots[1].unwrap(with: secret("open sesame"), storeID: storeID),
        ]
        for dataKey in dataKeys {
            let body = try sealed.open(with: dataKey)
            for (index, credential) in credentials.enumerated() {
                let updated = sealed.header.tags[index].updated
                let found = try #require(try body.credential(at: index, updated: updated))
                #expect(found.entry.attributes == credential.entry.attributes)
                #expect(found.entry.label == credential.entry.label)
                #expect(found.entry.modified == updated)
                #expect(found.secret == credential.secret)
            }
        }
    }

    @Test func theClearPartOfAFileIsWhatTheFormatSays() throws {
        let (bytes, header, _) = try file()
        var expected: [UInt8] = [0x89] + Array("keyfob\n".utf8) + [1, 0]
        expected += little(32 + 1 + 89 + 4 + 2 * 24) + little(bytes.count - 18 - 174 - 24 - 32)
        expected += storeID + salt + [1]
        expected += [1] + header.slots[0].salt + header.slots[0].nonce + header.slots[0].wrapped
        expected += little(2)
        let places = try credentials.map { try #require($0.entry.place) }
        expected += Seal.tag(of: places[0], salt: salt) + little(1_700_000_000) + little(0)
        expected += Seal.tag(of: places[1], salt: salt) + [UInt8](repeating: 0xFF, count: 8)
        #expect(Array(bytes.prefix(expected.count)) == expected)
    }

    @Test func theBodyOfAFileIsWhatTheFormatSays() throws {
        let entry = Entry(schema: .token, attributes: ["key": "k", "client": "cc"], label: "l")
        let body = try FileFormat.Body.empty.keeping(
            [], adding: [Credential(entry, secret: secret("s3"))])
        var expected = little(40)
        expected += [5] + Array("token".utf8) + little(1) + Array("l".utf8) + [2]
        expected += [6] + Array("client".utf8) + little(2) + Array("cc".utf8)
        expected += [3] + Array("key".utf8) + little(1) + Array("k".utf8)
        expected += little(2) + Array("s3".utf8)
        #expect(expected.count == 4 + 40)
        #expect(body.bytes == secret(expected))
    }

    @Test func noTwoFilesHaveTheSameNonce() throws {
        let (left, right) = (try file().bytes, try file().bytes)
        let nonce = 18 + 174..<18 + 174 + 24
        #expect(left[nonce] != right[nonce])
    }

    @Test func tagsAreDistinctUnlessTwoAreOfOnePlace() throws {
        var (_, header, _) = try file()
        #expect(header.isDistinct)
        header.tags.insert(header.tags[1], at: 0)
        #expect(!header.isDistinct)
    }

    @Test func keepingSomeRecordsLeavesTheOthersOut() throws {
        let (bytes, header, dataKey) = try file()
        let body = try FileFormat.Sealed(bytes).open(with: dataKey)
        let kept = try FileFormat.Body(try body.keeping([1]).bytes, count: 1)
        #expect(kept.records.count == 1)
        let found = try #require(try kept.credential(at: 0, updated: header.tags[1].updated))
        #expect(found.secret == credentials[1].secret)
        #expect(try body.keeping([0, 1]).bytes == body.bytes)
        #expect(try body.keeping([]).bytes.isEmpty)
    }

    // MARK: What is refused

    @Test func lengthsThatLieAreRefusedBeforeAnythingIsMadeOfThem() throws {
        let (bytes, _, _) = try file()
        let headerLength = 10, bodyLength = 14, slotCount = 18 + 32, tagCount = 18 + 32 + 1 + 89
        for (offset, size) in [
            (headerLength, 4), (bodyLength, 4), (slotCount, 1), (tagCount, 4),
        ] {
            for value in [0, 1, 0x7F, 0xFF, 0x7FFF_FFFF, 0xFFFF_FFFF] as [UInt32] {
                var lying = bytes
                lying.replaceSubrange(offset..<offset + size, with: little(Int(value)).prefix(size))
                guard lying != bytes else { continue }
                #expect(throws: FileFormat.Fault.self, "\(value) at \(offset)") {
                    try FileFormat.Sealed(withRightChecksum(lying))
                }
            }
        }
        // Both lengths off, and their sum right.
        var shifted = bytes
        shifted[headerLength] += 1
        shifted[bodyLength] -= 1
        #expect(throws: FileFormat.Fault.damaged("it has 2 tags")) {
            try FileFormat.Sealed(withRightChecksum(shifted))
        }
    }

    private static let refusedCosts: [(UInt32, UInt32)] = [
        (0, 64 << 10), (11, 64 << 10), (3, 0), (3, (19 << 10) - 1), (3, (1 << 20) + 1),
        (.max, .max),
    ]

    @Test(arguments: refusedCosts)
    func aPassphraseSlotThatAsksForTooMuchOrTooLittleIsRefused(
        _ passes: UInt32, _ kibibytes: UInt32
    ) throws {
        var header = FileFormat.Header(slots: [], storeID: storeID, salt: salt)
        header.slots = [
            try FileFormat.Slot(
                wrapping: Seal.randomKey(), with: key,
                .passphrase(Seal.PassphraseCost(passes: 1, kibibytes: 19 << 10)),
                storeID: storeID)
        ]
        var bytes = try FileFormat.seal(header, FileFormat.Records(), with: Seal.randomKey())
            .publicBytes
        let cost = 18 + 32 + 1 + 1
        bytes.replaceSubrange(cost..<cost + 4, with: little(Int(passes)))
        bytes.replaceSubrange(cost + 4..<cost + 8, with: little(Int(kibibytes)))
        #expect(
            throws: FileFormat.Fault.damaged(
                "a key slot asks for \(passes) passes over \(kibibytes) KiB, which is not"
                    + " accepted")
        ) {
            try FileFormat.Sealed(withRightChecksum(bytes))
        }
    }

    @Test func whatDoesNotBelongIsRefused() throws {
        let (bytes, _, _) = try file()
        func fault(_ change: (inout [UInt8]) -> Void) -> FileFormat.Fault? {
            var changed = bytes
            change(&changed)
            do throws(FileFormat.Fault) {
                _ = try FileFormat.Sealed(withRightChecksum(changed))
                return nil
            } catch { return error }
        }
        #expect(fault { _ in } == nil)
        #expect(fault { $0[0] = 0 } == .damaged("it is not a credential file"))
        #expect(fault { $0[8] = 0 } == .damaged("there is no version 0"))
        #expect(fault { $0[8] = 2 } == .newer("version 2"))
        #expect(fault { $0[9] = 1 } == .newer("version 257"))
        #expect(fault { $0[18 + 33] = 3 } == .newer("a key slot of type 3"))
        #expect(
            fault { $0.insert(0, at: $0.count - 32) } == .damaged("its lengths do not add up"))
        #expect(fault { $0.removeAll() } == .damaged("it is cut short"))
    }

    @Test func recordsThatLieAreRefused() throws {
        let dataKey = Seal.randomKey()
        let entry = Entry(schema: .token, attributes: ["client": "c", "key": "k"], label: "l")
        let body = try FileFormat.Body.empty.keeping(
            [], adding: [Credential(entry, secret: secret("s"))])
        let right = body.bytes.expose { bytes in bytes.indices.map { bytes[$0] } }
        func fault(_ bytes: [UInt8], count: Int = 1) throws -> FileFormat.Fault? {
            let sealed = try FileFormat.Sealed(
                try fileAround(bytes, count: count, dataKey: dataKey))
            do throws(FileFormat.Fault) {
                let body = try sealed.open(with: dataKey)
                for index in 0..<count { _ = try body.credential(at: index, updated: 0) }
                return nil
            } catch { return error }
        }
        #expect(try fault(right) == nil)
        #expect(try fault(right, count: 2) == .damaged("a length is too large"))
        #expect(try fault(right + right) == .damaged("it has records without a tag"))
        #expect(try fault(right + [0]) == .damaged("it has records without a tag"))
        for length in right.indices { #expect(try fault(Array(right.prefix(length))) != nil) }
        // Each of its lengths one too large, one too small, and enormous. (The length of the
        // schema's name is not among them: another makes the schema unknown, which is no fault.)
        for (offset, size) in [
            (0, 4), (10, 4), (15, 1), (16, 1), (23, 4), (28, 1), (32, 4), (37, 4),
        ] {
            for change in [1, 0xFF] as [UInt8] {
                var lying = right
                lying[offset] = lying[offset] &+ change
                #expect(try fault(lying) != nil, "\(offset)")
            }
            var lying = right
            lying.replaceSubrange(
                offset..<offset + size, with: [UInt8](repeating: 0xFF, count: size))
            #expect(try fault(lying) != nil, "\(offset)")
        }
        var disordered = right
        disordered[17] = UInt8(ascii: "z")
        #expect(
            try fault(disordered) == .damaged("a record's attributes are not in order"))
        var text = right
        text[14] = 0xFF
        #expect(try fault(text) == .damaged("a text is not UTF-8"))
    }

    /// As bytes they differ, and are in order; as strings they are one.
    @Test func aRecordWhoseAttributesAreSpelledAlikeIsRefused() throws {
        let names = ["e\u{301}", "\u{E9}"].map { Array($0.utf8) }
        var record = [5] + Array("token".utf8) + little(0) + [2]
        for name in names { record += [UInt8(name.count)] + name + little(0) }
        record += little(0)
        let dataKey = Seal.randomKey()
        let bytes = try fileAround(little(record.count) + record, count: 1, dataKey: dataKey)
        let body = try FileFormat.Sealed(bytes).open(with: dataKey)
        #expect(throws: FileFormat.Fault.damaged("a record names an attribute twice")) {
            try body.entry(at: 0, updated: 0)
        }
    }

    @Test func aRecordOfAnUnknownRealmIsKeptAsItIs() throws {
        let dataKey = Seal.randomKey()
        let unknown = little(6) + [5] + Array("later".utf8)
        let bytes = try fileAround(unknown, count: 1, dataKey: dataKey)
        let body = try FileFormat.Sealed(bytes).open(with: dataKey)
        #expect(try body.entry(at: 0, updated: 0) == nil)
        #expect(try body.credential(at: 0, updated: 0) == nil)
        let kept = try body.keeping([0], adding: [credentials[0]])
        #expect(kept.bytes[0..<10] == secret(unknown))
    }

    @Test func moreRecordsThanTheLimitAreNotWritten() throws {
        let (_, header, dataKey) = try file()
        let token = Entry(schema: .token, attributes: [:], label: "")
        let record = try FileFormat.Body.empty.keeping([], adding: [Credential(token, secret: key)])
        let one = try FileFormat.Body(record.bytes, count: 1)
        let limit = FileFormat.recordLimit
        let full = try one.keeping([Int](repeating: 0, count: limit))
        var fullHeader = header
        fullHeader.tags = [FileFormat.Tag](repeating: header.tags[0], count: limit)
        let bytes = try FileFormat.seal(fullHeader, full, with: dataKey).publicBytes
        #expect(try FileFormat.Sealed(bytes).header.tags.count == limit)
        let over = try one.keeping([Int](repeating: 0, count: limit + 1))
        fullHeader.tags.append(header.tags[0])
        #expect(throws: FileFormat.Fault.full("65536 logins")) {
            try FileFormat.seal(fullHeader, over, with: dataKey)
        }
    }

    // MARK: Helpers

    private var credentials: [Credential] {
        [
            login("https://Registry.Example/v1/", "ann"),
            Credential(
                Entry(
                    schema: .git,
                    attributes: ["protocol": "https", "server": "é.example", "user": "bob"],
                    label: "Git: https://é.example/"),
                secret: secret([0, 0xFF, 0x0A, 0x0D])),
        ]
    }

    private func file() throws -> (bytes: [UInt8], FileFormat.Header, dataKey: Secret) {
        let dataKey = Seal.randomKey()
        let slot = try FileFormat.Slot(wrapping: dataKey, with: key, .raw, storeID: storeID)
        var header = FileFormat.Header(slots: [slot], storeID: storeID, salt: salt)
        for (index, credential) in credentials.enumerated() {
            let updated: UInt64 = index == 0 ? 1_700_000_000 : .max
            header.tags.append(
                FileFormat.Tag(
                    of: try #require(credential.entry.place), salt: salt, updated: updated))
        }
        let records = try FileFormat.Body.empty.keeping([], adding: credentials)
        return (try FileFormat.seal(header, records, with: dataKey).publicBytes, header, dataKey)
    }

    /// A file whose body is these bytes, said to be so many records.
    private func fileAround(_ body: [UInt8], count: Int, dataKey: Secret) throws -> [UInt8] {
        let slot = try FileFormat.Slot(wrapping: dataKey, with: key, .raw, storeID: storeID)
        var forgery = Forgery(storeID: storeID, salt: salt, slots: [slot], dataKey: dataKey)
        forgery.tags = [[UInt8]](repeating: [UInt8](repeating: 0, count: 24), count: count)
        forgery.records = body
        return forgery.bytes
    }

    private static let golden = bytes(
        """
        896b6579666f620a01000f010000e80000007468652073746f726527732069642e2e7468652073746f726527
        732073616c7402013eb89aa4eb92c62fd2974e1d66ee7a36655992cde4ca35b7b9f1fe7a7d09d2543a59cca6
        a2fed5863864333d0e0863370bcd91b91962beb49071d559c7a9893c63477c1668a4483e99c7aa3c29c99de8
        41e54632db1444bf020300000000000100342c6f289492d5e066c24829898869087e3783fa001201b62f2f6e
        cbfbd3a4fa9f0f96699f1fea1b10eb73847c52ea141d6778f52494096c63143b261d00e509992ebb01605921
        320e8cb00551f9e9bb77c87c98ac950ab502000000530c92573eb1f3bca5ad17cb6c159ab600f15365000000
        003f0caba7edd15f44cf1c56d7365d03d5ffffffffffffffff0c5d23a7f3fbb9c0aa5a9a10c5962895e28e00
        dd44dee1a9dab3ece067611b16bf485214342dcacdbf00e8b9a52f55d2bb960ab3fa1cd71abaa8f575446427
        d06227dc5808084b3ef3ff5ecc09840aeeac8608ba5175da004e1b227f27b69cddd00f3bc07e026d4609f730
        66acad28cf1ce0e14b259e092148edf1f3088a1e2c1fcce23b8c97e5b1b4956562cc147d2cf39c758207668f
        02a4ad1be431568c28be31e9897daaebe7e864bde2ad5f513dc76a965e03d8237e30c669d615fa37f1841f55
        0367ee460e893552ec3b272814cbb8dfd33f22e69505c343b27bb6a194f9849c42f57753ddc0baa31a6321fe
        5f10e7879d39ae88c6dedad9bf08d21a3d9255452e573ee136a7a1161d55c47f43ba10e7c951b72ff2ed77c0
        fee6c59526
        """)
}
