import Credentials
import Testing

@testable import Stores

/// The seal: what opens, and what must not.
struct SealTests {
    private let key = Seal.randomKey()
    private let nonce = Seal.randomBytes(Seal.nonceSize)
    private let header: [UInt8] = [1, 2, 3]
    private let message = secret("a message")

    @Test func whatWasSealedOpens() {
        let sealed = Seal.seal(message, key: key, nonce: nonce, header: header)
        #expect(sealed.count == message.count + Seal.overhead)
        #expect(Seal.open(sealed.span, key: key, nonce: nonce, header: header.span) == message)
    }

    @Test func anEmptyMessageIsSealedToo() {
        let sealed = Seal.seal(secret(""), key: key, nonce: nonce, header: header)
        #expect(sealed.count == Seal.overhead)
        #expect(Seal.open(sealed.span, key: key, nonce: nonce, header: header.span) == secret(""))
    }

    @Test func nothingOpensWithAByteChangedAnywhere() {
        let sealed = Seal.seal(message, key: key, nonce: nonce, header: header)
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 0x80
            #expect(Seal.open(changed.span, key: key, nonce: nonce, header: header.span) == nil)
        }
        for index in header.indices {
            var changed = header
            changed[index] ^= 0x80
            #expect(Seal.open(sealed.span, key: key, nonce: nonce, header: changed.span) == nil)
        }
        for index in nonce.indices {
            var changed = nonce
            changed[index] ^= 0x80
            #expect(Seal.open(sealed.span, key: key, nonce: changed, header: header.span) == nil)
        }
        let other = Seal.randomKey()
        #expect(Seal.open(sealed.span, key: other, nonce: nonce, header: header.span) == nil)
        for count in 0..<sealed.count {
            let cut = Array(sealed.prefix(count))
            #expect(Seal.open(cut.span, key: key, nonce: nonce, header: header.span) == nil)
        }
    }

    @Test func keysAndNoncesAreNeverTheSame() {
        #expect(Seal.randomKey() != Seal.randomKey())
        #expect(Seal.randomBytes(24) != Seal.randomBytes(24))
        #expect(Seal.randomBytes(0) == [])
    }

    /// BLAKE2b of nothing, 32 bytes, as RFC 7693's function gives it.
    @Test func theChecksumIsBLAKE2b() {
        let expected = bytes("0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8")
        let nothing: [UInt8] = []
        let checksum = Seal.checksum(of: nothing.span)
        #expect(checksum == expected)
    }

    @Test func aTagDependsOnThePlaceAndTheSalt() throws {
        let place = try #require(server("a.example").place)
        let same = try #require(server("https://A.example:443/v2/").place)
        let other = try #require(server("b.example").place)
        let (salt, otherSalt) = (Seal.randomBytes(16), Seal.randomBytes(16))
        #expect(Seal.tag(of: place, salt: salt) == Seal.tag(of: same, salt: salt))
        #expect(Seal.tag(of: place, salt: salt) != Seal.tag(of: other, salt: salt))
        #expect(Seal.tag(of: place, salt: salt) != Seal.tag(of: place, salt: otherSalt))
        #expect(Seal.tag(of: place, salt: salt).count == 16)
    }

    // MARK: Slots

    private static let cheap = Seal.PassphraseCost(passes: 1, kibibytes: 19 << 10)

    @Test(arguments: [FileFormat.Slot.Kind.raw, .passphrase(cheap)])
    func aSlotOpensWithItsKeyInItsStoreOnly(_ kind: FileFormat.Slot.Kind) throws {
        let (dataKey, storeID) = (Seal.randomKey(), Seal.randomBytes(16))
        let slot = try FileFormat.Slot(
            wrapping: dataKey, with: secret("the user's key"), kind, storeID: storeID)
        #expect(slot.kind == kind)
        #expect(try slot.unwrap(with: secret("the user's key"), storeID: storeID) == dataKey)
        for wrong in ["the user's kez", "the user's key\n", "the user's key\u{0}", ""] {
            #expect(throws: FileFormat.Slot.Failure.wrongKey) {
                try slot.unwrap(with: secret(wrong), storeID: storeID)
            }
        }
        #expect(throws: FileFormat.Slot.Failure.wrongKey) {
            try slot.unwrap(with: secret("the user's key"), storeID: Seal.randomBytes(16))
        }
    }

    @Test func twoSlotsOfOneKeyHaveNothingInCommon() throws {
        let (dataKey, storeID) = (Seal.randomKey(), Seal.randomBytes(16))
        let slots = try (0..<2).map { _ in
            try FileFormat.Slot(wrapping: dataKey, with: secret("k"), .raw, storeID: storeID)
        }
        #expect(slots[0].salt != slots[1].salt)
        #expect(slots[0].nonce != slots[1].nonce)
        #expect(slots[0].wrapped != slots[1].wrapped)
    }

    /// Argon2id as RFC 9106 has it, with one lane: computed with its reference library
    /// (`argon2id_hash_raw(1, 19456, 1, …)`).
    @Test func aPassphraseIsHashedByArgon2id() throws {
        let salt = Array("0123456789abcdef".utf8)
        let key = Seal.wrappingKey(
            fromPassphrase: secret("password"), salt: salt, cost: SealTests.cheap)
        let expected = bytes("b7d108bdcbfc7dcf1b6d950220afbf84cc603a70ec8aeb0e5473b3bec4707f8d")
        let expectedKey = Secret(copying: expected.span)
        #expect(key == expectedKey)
    }

    @Test func onlyReasonableWorkIsAccepted() {
        func isAccepted(_ passes: UInt32, _ kibibytes: UInt32) -> Bool {
            Seal.PassphraseCost(passes: passes, kibibytes: kibibytes).isAccepted
        }
        #expect(isAccepted(1, 19 << 10) && isAccepted(10, 1 << 20) && isAccepted(3, 64 << 10))
        #expect(!isAccepted(0, 64 << 10) && !isAccepted(11, 64 << 10))
        #expect(!isAccepted(3, (19 << 10) - 1) && !isAccepted(3, (1 << 20) + 1))
        #expect(!isAccepted(3, 0) && !isAccepted(.max, .max))
        #expect(Seal.PassphraseCost.standard.isAccepted)
    }
}

/// The bytes that this hexadecimal text spells.
func bytes(_ hexadecimal: String) -> [UInt8] {
    let digits = Array(hexadecimal.utf8.filter { $0 > 0x20 })
    return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
        UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
    }
}
