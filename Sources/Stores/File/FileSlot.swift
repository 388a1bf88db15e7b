internal import Credentials

extension FileFormat {
    /// A slot holds the data key, wrapped with a key that the user has.
    struct Slot: Hashable {
        enum Kind: Hashable {
            /// A key of random bytes, in a file.
            case raw
            case passphrase(Seal.PassphraseCost)
        }

        let kind: Kind
        let salt: [UInt8]
        let nonce: [UInt8]
        let wrapped: [UInt8]

        static let wrappedSize = Seal.keySize + Seal.overhead
    }
}

extension FileFormat.Slot {
    /// A reason why a slot gives no data key.
    enum Failure: Error, Hashable {
        case wrongKey
        /// Argon2id could not get the memory that the slot asks for, in bytes.
        case outOfMemory(Int)
    }

    /// Wraps the data key with the user's key, for the store of this id and for no other.
    init(
        wrapping dataKey: Secret, with key: Secret, _ kind: Kind, storeID: [UInt8]
    ) throws(Failure) {
        self.kind = kind
        salt = Seal.randomBytes(Seal.saltSize)
        nonce = Seal.randomBytes(Seal.nonceSize)
        wrapped = Seal.seal(
            dataKey, key: try Self.wrappingKey(key, kind, salt: salt), nonce: nonce,
            header: Self.binding(kind, salt: salt, storeID: storeID))
    }

    /// Returns the data key. Throws `wrongKey` if this is not the user's key or not the store's id.
    func unwrap(with key: Secret, storeID: [UInt8]) throws(Failure) -> Secret {
        let wrappingKey = try Self.wrappingKey(key, kind, salt: salt)
        guard
            let dataKey = Seal.open(
                wrapped.span, key: wrappingKey, nonce: nonce,
                header: Self.binding(kind, salt: salt, storeID: storeID).span)
        else { throw .wrongKey }
        return dataKey
    }

    private static func wrappingKey(
        _ key: Secret, _ kind: Kind, salt: [UInt8]
    ) throws(Failure) -> Secret {
        switch kind {
        case .raw:
            return Seal.wrappingKey(fromRaw: key, salt: salt)
        case .passphrase(let cost):
            guard let key = Seal.wrappingKey(fromPassphrase: key, salt: salt, cost: cost) else {
                throw .outOfMemory(Int(cost.kibibytes) << 10)
            }
            return key
        }
    }

    /// Returns the bytes that are authenticated with the wrapped key.
    private static func binding(_ kind: Kind, salt: [UInt8], storeID: [UInt8]) -> [UInt8] {
        var bytes = Array("slot".utf8) + storeID
        write(kind, to: &bytes)
        return bytes + salt
    }

    init(
        from bytes: Span<UInt8>, at cursor: inout FileFormat.Cursor
    ) throws(FileFormat.Fault) {
        let type: UInt8 = try cursor.integer(in: bytes)
        switch type {
        case 1:
            kind = .raw
        case 2:
            let cost = Seal.PassphraseCost(
                passes: try cursor.integer(in: bytes), kibibytes: try cursor.integer(in: bytes))
            guard cost.isAccepted else {
                throw .damaged(
                    "a key slot asks for \(cost.passes) passes over \(cost.kibibytes) KiB, which"
                        + " is not accepted")
            }
            kind = .passphrase(cost)
        default:
            throw .newer("a key slot of type \(type)")
        }
        salt = try cursor.bytes(Seal.saltSize, in: bytes)
        nonce = try cursor.bytes(Seal.nonceSize, in: bytes)
        wrapped = try cursor.bytes(Self.wrappedSize, in: bytes)
    }

    func write(to bytes: inout [UInt8]) {
        Self.write(kind, to: &bytes)
        bytes += salt + nonce + wrapped
    }

    /// The work that it takes to try a key (`PassphraseCost.work`).
    var work: Int {
        switch kind {
        case .raw: 0
        case .passphrase(let cost): cost.work
        }
    }

    private static func write(_ kind: Kind, to bytes: inout [UInt8]) {
        switch kind {
        case .raw:
            bytes.append(1)
        case .passphrase(let cost):
            bytes.append(2)
            bytes.append(integer: cost.passes)
            bytes.append(integer: cost.kibibytes)
        }
    }
}
