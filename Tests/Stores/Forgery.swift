import Credentials

@testable import Stores

/// A forgery is a store file that was put together from its parts, each of which may lie, and then
/// sealed with the right key and given a right checksum.
struct Forgery {
    var version: UInt16 = 1
    /// What the header says of itself; nil for the truth.
    var headerLength: Int?
    var bodyLength: Int?
    var slotCount: UInt8?
    var tagCount: Int?

    let storeID: [UInt8]
    let salt: [UInt8]
    var slots: [[UInt8]]
    var tags: [[UInt8]] = []
    /// What follows on the tags, within the header.
    var headerEnd: [UInt8] = []
    var records: [UInt8] = []
    /// What follows on the body.
    var bodyEnd: [UInt8] = []
    let dataKey: Secret

    init(storeID: [UInt8], salt: [UInt8], slots: [FileFormat.Slot], dataKey: Secret) {
        self.storeID = storeID
        self.salt = salt
        self.slots = slots.map(Forgery.bytes)
        self.dataKey = dataKey
    }

    var bytes: [UInt8] {
        var header = storeID + salt + [slotCount ?? UInt8(slots.count)] + slots.joined()
        header += little(tagCount ?? tags.count) + tags.joined() + headerEnd
        var bytes = FileFormat.magic + little(Int(version)).prefix(2)
        bytes += little(headerLength ?? header.count)
        bytes += little(bodyLength ?? records.count + Seal.overhead + bodyEnd.count)
        bytes += header
        let nonce = Seal.randomBytes(Seal.nonceSize)
        let body = Seal.seal(secret(records), key: dataKey, nonce: nonce, header: bytes)
        bytes += nonce + body + bodyEnd
        return bytes + Seal.checksum(of: bytes.span)
    }

    /// The bytes of a slot, of whatever type and with whatever parameters.
    static func bytes(of slot: FileFormat.Slot) -> [UInt8] {
        let type: [UInt8] =
            switch slot.kind {
            case .raw: [1]
            case .passphrase(let cost): [2] + little(Int(cost.passes)) + little(Int(cost.kibibytes))
            }
        return type + slot.salt + slot.nonce + slot.wrapped
    }

    /// The tag of a place, and when its record was stored.
    static func tag(of place: Place, salt: [UInt8], updated: Int) -> [UInt8] {
        Seal.tag(of: place, salt: salt) + little(updated) + little(updated >> 32)
    }

    /// The record of a credential, with its length.
    static func record(_ credential: Credential) throws -> [UInt8] {
        let body = try FileFormat.Body.empty.keeping([], adding: [credential])
        return body.bytes.expose { bytes in bytes.indices.map { bytes[$0] } }
    }
}

/// Four bytes, little endian.
func little(_ number: Int) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
}

/// The file with a checksum that is right.
func withRightChecksum(_ file: [UInt8]) -> [UInt8] {
    let front = Array(file.dropLast(Seal.checksumSize))
    return front + Seal.checksum(of: front.span)
}

extension FileFormat.Sealed {
    init(_ bytes: [UInt8]) throws(FileFormat.Fault) { try self.init(secret(bytes)) }
}

extension FileFormat.Records {
    /// The records, joined.
    var bytes: Secret { Secret(joining: pieces) }
}
