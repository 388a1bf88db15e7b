internal import CSodium
internal import Credentials

/// Seal wraps the primitives of libsodium that keep the credential file secret and intact, as this
/// format uses them.
///
/// XChaCha20-Poly1305 for the body and for each wrapped key, BLAKE2b for tags and checksums,
/// Argon2id for passphrases. Every nonce is random: of 24 bytes, none is drawn twice in practice.
///
/// A `Secret` has an address even if it is empty, and so has an array that is not empty; so no
/// pointer that is unwrapped here is nil.
enum Seal {
    static let keySize = 32
    static let nonceSize = 24
    static let saltSize = 16
    static let tagSize = 16
    static let checksumSize = 32
    /// The number of bytes by which a sealed message is longer than the plaintext.
    static let overhead = 16

    static func randomBytes(_ count: Int) -> [UInt8] {
        requireLibrary()
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
            if let start = bytes.baseAddress { unsafe randombytes_buf(start, count) }
            filled = count
        }
    }

    static func randomKey() -> Secret {
        requireLibrary()
        return Secret(capacity: keySize) { output in
            unsafe output.withUnsafeMutableBufferPointer { memory, filled in
                unsafe randombytes_buf(memory.baseAddress!, keySize)
                filled = keySize
            }
        }
    }

    /// Returns 32 bytes of BLAKE2b. It detects accidents, not forgery: there is no key in it.
    static func checksum(of bytes: Span<UInt8>) -> [UInt8] {
        unsafe bytes.withUnsafeBufferPointer { unsafe hash($0, key: [], count: checksumSize) }
    }

    static func checksum(of secret: Secret) -> [UInt8] {
        unsafe pass(secret) { unsafe hash($0, key: [], count: checksumSize) }
    }

    /// Returns 16 bytes of BLAKE2b, keyed with a salt: the same place has another tag in another
    /// store.
    static func tag(of place: Place, salt: [UInt8]) -> [UInt8] {
        unsafe place.encoded.withUnsafeBufferPointer {
            unsafe hash($0, key: salt, count: tagSize)
        }
    }

    /// Returns the sealed message: it cannot be read without the key, and a change of any byte of
    /// it or of `header` is detected. The nonce must never have been used with this key.
    static func seal(_ message: Secret, key: Secret, nonce: [UInt8], header: [UInt8]) -> [UInt8] {
        let sealed = Secret(capacity: header.count + message.count + overhead) { output in
            output.append(header.span)
            output.append(message)
            seal(&output, from: header.count, key: key, nonce: nonce, header: 0..<header.count)
        }
        return Array(sealed.publicBytes.dropFirst(header.count))
    }

    /// Seals the message that begins at `start` and ends where `output` ends, in its place. The
    /// sealed message is `overhead` bytes longer. Its header are the bytes in this range.
    static func seal(
        _ output: inout OutputSpan<UInt8>, from start: Int, key: Secret, nonce: [UInt8],
        header: Range<Int>
    ) {
        requireLibrary()
        defer { wipeStack() }
        precondition(key.count == keySize && nonce.count == nonceSize, "a key and a nonce")
        precondition(header.upperBound <= start && start <= output.count, "header, then message")
        precondition(output.freeCapacity >= overhead, "the sealed message fits")
        unsafe output.withUnsafeMutableBufferPointer { bytes, filled in
            let message = unsafe bytes.baseAddress! + start
            unsafe pass(key) { key in
                _ = unsafe crypto_aead_xchacha20poly1305_ietf_encrypt(
                    message, nil, message, UInt64(filled - start),
                    bytes.baseAddress! + header.lowerBound, UInt64(header.count), nil, nonce,
                    key.baseAddress!)
            }
            filled += overhead
        }
    }

    /// Returns the message, in guarded memory; nil if the key is wrong or a byte was changed.
    static func open(
        _ sealed: Span<UInt8>, key: Secret, nonce: [UInt8], header: Span<UInt8>
    ) -> Secret? {
        guard sealed.count >= overhead else { return nil }
        let count = sealed.count - overhead
        return try? Secret(capacity: count) { message throws(Refused) in
            let isAuthentic = unsafe message.withUnsafeMutableBufferPointer { message, filled in
                filled = count
                return unsafe decrypt(
                    sealed, key: key, nonce: nonce, header: header, into: message.baseAddress)
            }
            guard isAuthentic else { throw Refused() }
        }
    }

    /// Returns true if `open` would succeed. Nothing is decrypted.
    static func isAuthentic(
        _ sealed: Span<UInt8>, key: Secret, nonce: [UInt8], header: Span<UInt8>
    ) -> Bool {
        guard sealed.count >= overhead else { return false }
        return unsafe decrypt(sealed, key: key, nonce: nonce, header: header, into: nil)
    }

    /// Returns false if the key is another or a byte was changed. libsodium verifies the tag alone
    /// if there is no memory for the message.
    private static func decrypt(
        _ sealed: Span<UInt8>, key: Secret, nonce: [UInt8], header: Span<UInt8>,
        into message: UnsafeMutablePointer<UInt8>?
    ) -> Bool {
        requireLibrary()
        defer { wipeStack() }
        precondition(key.count == keySize && nonce.count == nonceSize, "a key and a nonce")
        return unsafe pass(key) { key in
            unsafe sealed.withUnsafeBufferPointer { sealed in
                unsafe header.withUnsafeBufferPointer { header in
                    unsafe crypto_aead_xchacha20poly1305_ietf_decrypt(
                        message, nil, nil, sealed.baseAddress!, UInt64(sealed.count),
                        header.baseAddress, UInt64(header.count), nonce, key.baseAddress!)
                }
            }
        } == 0
    }

    // MARK: Wrapped keys

    /// The cost of one guess at a passphrase, in the terms of Argon2id with one lane.
    struct PassphraseCost: Hashable, Sendable {
        let passes: UInt32
        let kibibytes: UInt32

        /// The cost for new slots: about 0.1 s and 64 MiB.
        static let standard = PassphraseCost(passes: 3, kibibytes: 64 << 10)

        /// Passes times KiB. The time for one guess is proportional to it.
        var work: Int { Int(passes) * Int(kibibytes) }

        /// The most work that all slots of a file together may ask for: as much as one slot may.
        static let mostWork = 10 << 20

        /// True if it is neither too cheap to protect anything nor so expensive that opening a file
        /// would exhaust the machine.
        var isAccepted: Bool {
            (1...10).contains(passes) && (19 << 10...1 << 20).contains(kibibytes)
        }
    }

    /// Returns the key that wraps the data key, derived from random bytes that the user keeps.
    static func wrappingKey(fromRaw key: Secret, salt: [UInt8]) -> Secret {
        requireLibrary()
        defer { wipeStack() }
        return Secret(capacity: keySize) { output in
            unsafe output.withUnsafeMutableBufferPointer { memory, filled in
                filled = keySize
                _ = unsafe pass(key) { key in
                    unsafe crypto_generichash(
                        memory.baseAddress!, keySize, key.baseAddress, UInt64(key.count),
                        salt, salt.count)
                }
            }
        }
    }

    /// Returns the key that wraps the data key, derived from a passphrase; nil if there is not
    /// enough memory.
    static func wrappingKey(
        fromPassphrase passphrase: Secret, salt: [UInt8], cost: PassphraseCost
    ) -> Secret? {
        requireLibrary()
        defer { wipeStack() }
        precondition(cost.isAccepted && salt.count == saltSize, "checked before")
        return try? Secret(capacity: keySize) { output throws(Refused) in
            let status = unsafe output.withUnsafeMutableBufferPointer { memory, filled in
                filled = keySize
                return unsafe pass(passphrase) { bytes in
                    unsafe crypto_pwhash(
                        memory.baseAddress!, UInt64(keySize),
                        UnsafeRawPointer(bytes.baseAddress!).assumingMemoryBound(to: CChar.self),
                        UInt64(bytes.count), salt, UInt64(cost.passes),
                        Int(cost.kibibytes) << 10, crypto_pwhash_ALG_ARGON2ID13)
                }
            }
            guard status == 0 else { throw Refused() }
        }
    }

    // MARK: Implementation

    private struct Refused: Error {}

    /// Returns the result of a call that is given the address and the length of a secret.
    private static func pass<Result>(
        _ secret: Secret, to call: (UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result {
        secret.expose { bytes in unsafe bytes.withUnsafeBufferPointer { unsafe call($0) } }
    }

    private static func hash(
        _ bytes: UnsafeBufferPointer<UInt8>, key: [UInt8], count: Int
    ) -> [UInt8] {
        requireLibrary()
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { hash, filled in
            _ = unsafe crypto_generichash(
                hash.baseAddress!, count, bytes.baseAddress, UInt64(bytes.count), key, key.count)
            filled = count
        }
    }

    /// Wipes the part of the stack that a call has used: BLAKE2b of libsodium 1.0.18 leaves a key
    /// that it hashes there.
    private static func wipeStack() { sodium_stackzero(1 << 13) }

    private static func requireLibrary() { _ = isReady }

    private static let isReady: Bool = {
        // It fails only if the system has no random numbers; nothing here may be used then.
        guard sodium_init() >= 0 else { fatalError("libsodium cannot be used") }
        return true
    }()
}
