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
        let entry = Entry(realm: .token, attributes: ["key": "k", "client": "cc"], label: "l")
        let body = try FileFormat.Body.empty.keeping(
            [], adding: Credential(entry, secret: secret("s3")))
        var expected = little(50) + little(5) + Array("token".utf8) + little(1) + Array("l".utf8)
        expected += [2, 0]
        expected += little(6) + Array("client".utf8) + little(2) + Array("cc".utf8)
        expected += little(3) + Array("key".utf8) + little(1) + Array("k".utf8)
        expected += little(2) + Array("s3".utf8)
        #expect(expected.count == 4 + 50)
        #expect(body.bytes == secret(expected))
    }

    @Test func noTwoFilesHaveTheSameNonce() throws {
        let (left, right) = (try file().bytes, try file().bytes)
        let nonce = 18 + 174..<18 + 174 + 24
        #expect(left[nonce] != right[nonce])
    }

    @Test func keepingSomeRecordsLeavesTheOthersOut() throws {
        let (bytes, header, dataKey) = try file()
        let body = try FileFormat.Sealed(bytes).open(with: dataKey)
        let kept = try body.keeping([1])
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
        var bytes = try FileFormat.seal(header, .empty, with: Seal.randomKey())
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
        let entry = Entry(realm: .token, attributes: ["client": "c", "key": "k"], label: "l")
        let body = try FileFormat.Body.empty.keeping(
            [], adding: Credential(entry, secret: secret("s")))
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
        // Each of its lengths one too large, one too small, and enormous.
        for offset in [0, 4, 13, 20, 30, 35, 42, 47] {
            // Another length of its name makes a record's realm unknown, which is no fault.
            for change in [1, 0xFF] as [UInt8] where offset != 4 {
                var lying = right
                lying[offset] = lying[offset] &+ change
                #expect(try fault(lying) != nil, "\(offset)")
            }
            var lying = right
            lying.replaceSubrange(offset..<offset + 4, with: [0xFF, 0xFF, 0xFF, 0xFF])
            #expect(try fault(lying) != nil, "\(offset)")
        }
        var disordered = right
        disordered.replaceSubrange(24..<25, with: [UInt8(ascii: "z")])
        #expect(
            try fault(disordered) == .damaged("a record's attributes are not in order"))
        var text = right
        text[17] = 0xFF
        #expect(try fault(text) == .damaged("a text is not UTF-8"))
    }

    @Test func aRecordOfAnUnknownRealmIsKeptAsItIs() throws {
        let dataKey = Seal.randomKey()
        let unknown = little(9) + little(5) + Array("later".utf8)
        let bytes = try fileAround(unknown, count: 1, dataKey: dataKey)
        let body = try FileFormat.Sealed(bytes).open(with: dataKey)
        #expect(try body.entry(at: 0, updated: 0) == nil)
        #expect(try body.credential(at: 0, updated: 0) == nil)
        let kept = try body.keeping([0], adding: credentials[0])
        #expect(kept.bytes[0..<13] == secret(unknown))
    }

    @Test func moreRecordsThanTheLimitAreNotWritten() throws {
        let (_, header, dataKey) = try file()
        let token = Entry(realm: .token, attributes: [:], label: "")
        let one = try FileFormat.Body.empty.keeping([], adding: Credential(token, secret: key))
        let limit = FileFormat.recordLimit
        let full = try one.keeping([Int](repeating: 0, count: limit))
        var fullHeader = header
        fullHeader.tags = [FileFormat.Tag](repeating: header.tags[0], count: limit)
        let bytes = try FileFormat.seal(fullHeader, full, with: dataKey)
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
                    realm: .git,
                    attributes: ["protocol": "https", "server": "é.example", "user": "bob"],
                    label: "Git: https://é.example/"),
                secret: secret([0, 0xFF, 0x0A, 0x0D])),
        ]
    }

    private func file() throws -> (bytes: [UInt8], FileFormat.Header, dataKey: Secret) {
        let dataKey = Seal.randomKey()
        let slot = try FileFormat.Slot(wrapping: dataKey, with: key, .raw, storeID: storeID)
        var header = FileFormat.Header(slots: [slot], storeID: storeID, salt: salt)
        var body = FileFormat.Body.empty
        for (index, credential) in credentials.enumerated() {
            let updated: UInt64 = index == 0 ? 1_700_000_000 : .max
            header.tags.append(
                FileFormat.Tag(
                    of: try #require(credential.entry.place), salt: salt, updated: updated))
            body = try body.keeping(Array(body.records.indices), adding: credential)
        }
        return (try FileFormat.seal(header, body, with: dataKey), header, dataKey)
    }

    /// A file whose body is these bytes, said to be so many records.
    private func fileAround(_ body: [UInt8], count: Int, dataKey: Secret) throws -> [UInt8] {
        let (whole, _, _) = try file()
        let clear = 18 + 32 + 1 + 89
        var bytes = Array(whole.prefix(clear)) + little(count)
        bytes += [UInt8](repeating: 0, count: count * 24)
        bytes.replaceSubrange(10..<14, with: little(bytes.count - 18))
        bytes.replaceSubrange(14..<18, with: little(body.count + Seal.overhead))
        let nonce = Seal.randomBytes(Seal.nonceSize)
        let sealed = Seal.seal(
            secret(body), key: dataKey, nonce: nonce, header: bytes)
        bytes += nonce + sealed
        return bytes + Seal.checksum(of: bytes.span)
    }

    private func withRightChecksum(_ bytes: [UInt8]) -> [UInt8] {
        let front = Array(bytes.dropLast(Seal.checksumSize))
        return front + Seal.checksum(of: front.span)
    }

    /// Four bytes, little endian.
    private func little(_ number: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }

    private static let golden = bytes(
        """
        896b6579666f620a01000f010000310100007468652073746f726527732069642e2e7468652073746f726527
        732073616c74020112e55a00671800a27da6041bfa860baa2cec268e6cec15b61ceeba1b3764676995c364d8
        1765514a373648b392dde901e86b58266ffbbbc83cf4341cfaea3561411f96293274b699baea6d4858d3931f
        b67f0c1dbb12f51f020300000000000100aa33f42bd0035fdf53adfab727ca9c347dc4a30f55cf445c279c85
        bc28f49ca67ee85f9d7d0857c4aad22bcf5eee9c172daa130603a26e04cc0bb6d1c3da52e66a1b5b54eb4a59
        239a58a4aea9b2683b8773c3b34d3feae702000000530c92573eb1f3bca5ad17cb6c159ab600f15365000000
        003f0caba7edd15f44cf1c56d7365d03d5ffffffffffffffff2a65aa933e7759cd7a194370ecb98f7a179fca
        e3d4ec69836e94d69934781137872ece952a873ef4a4605b940d9db0fe9d94bca8a0d307b70e32e76522f5e2
        8d7cb5403f1ee4fa24fb361ca5eefba03424915a68eb737620f8915217781562aa79184641583020e36ff3d9
        ea42535a9a0c207d5beed511115386a3a9b55660587cd7669d8b04a523cf6c434c44a505103dca2d25f977e8
        7e5b4eb62c8ab7185c0cd742cb62d8a65d44aab7405277183abd986254f4fe3d033f0966227e05e134d74847
        37483edbcc0368fdec999771752e08b7ac478e5eee124413f68e90e6a00e9c3eb7d5027c069cd3ea48127641
        04f8bfbb08b6d7902bb959b25f42b51b7df9d46fa615d5c2ee595db846c1a982f0e03565b7758afacc59b66d
        243bdd0a7ae7ec832c278afa13fc5e442db4a3af5f387fd24a591395f7adcea83515eed79719fb5f2f97028b
        7c4401c42b76e503853d759e59fb4d461a9d23cf7deb51971f0bddcbb22da9c2ffcc
        """)
}
