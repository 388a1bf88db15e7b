import Credentials

@testable import Stores

extension Subject {
    /// The encrypted file. The input's first byte says what the rest of it is: a whole file, one
    /// that lacks its checksum, or what a file holds (its tags, then its records), to be sealed
    /// with a key that is known, so that even the records are reached.
    package static let credentialFile = Subject("credential-file") { input in
        guard let kind = input.first else { return }
        let rest = Array(input.dropFirst())
        switch kind % 3 {
        case 0: try examine(file: rest)
        case 1: try examine(file: rest + Seal.checksum(of: rest.span))
        default: try examine(content: rest)
        }
    }

    private static func examine(content: [UInt8]) throws {
        let count = Int(content.first ?? 0)
        let tags = content.dropFirst().prefix(count * 24)
        let records = Array(content.dropFirst(1 + tags.count))
        let clear = KnownFile.clear(tags: Array(tags), bodySize: records.count + Seal.overhead)
        let nonce = [UInt8](repeating: 0, count: Seal.nonceSize)
        let body = Seal.seal(
            Secret(copying: records.span), key: KnownFile.dataKey, nonce: nonce, header: clear)
        let file = clear + nonce + body
        try examine(file: file + Seal.checksum(of: file.span))
    }

    private static func examine(file bytes: [UInt8]) throws {
        guard let sealed = try parsed({ try FileFormat.Sealed(Secret(copying: bytes.span)) }),
            let body = try parsed({ try sealed.open(with: KnownFile.dataKey) })
        else { return }
        let tags = sealed.header.tags
        let all = Array(tags.indices)
        try require(body.keeping(all).bytes == body.bytes, "the same records are the same bytes")
        try require(try body.keeping([]).bytes.isEmpty, "no records are no bytes")

        let again = try FileFormat.seal(
            sealed.header, body.keeping(all), with: KnownFile.dataKey
        ).publicBytes
        let sealedAgain = try FileFormat.Sealed(Secret(copying: again.span))
        try require(again.count == bytes.count, "a file has one size")
        try require(sealedAgain.header == sealed.header, "a header comes back")
        let opened = try sealedAgain.open(with: KnownFile.dataKey)
        try require(opened.bytes == body.bytes, "a body comes back")
        let clear = bytes.count - body.bytes.count - Seal.overhead - Seal.nonceSize
        let end = clear - Seal.checksumSize
        try require(again[..<end] == bytes[..<end], "a header has one encoding")

        if let entries = try parsed({ try body.entries(of: nil, tags) }) {
            let each = try all.compactMap { try body.entry(at: $0, updated: tags[$0].updated) }
            try require(entries == each, "a list is the records one by one")
        }

        for index in all {
            let updated = tags[index].updated
            guard
                let credential = try parsed({ try body.credential(at: index, updated: updated) })
                    ?? nil
            else { continue }
            let entry = try body.entry(at: index, updated: updated)
            try require(entry == credential.entry, "a record is one login")
            let alone = try FileFormat.Body.empty.keeping([], adding: [credential])
            let itself = try body.keeping([index])
            try require(alone.bytes == itself.bytes, "a record has one encoding")
        }
    }

    /// What the body returns; nil if the bytes are refused as a file may be.
    private static func parsed<Result>(_ body: () throws -> Result) throws -> Result? {
        do {
            return try body()
        } catch let fault as FileFormat.Fault {
            if case .full = fault { throw Violation(description: "what is read is not too large") }
            return nil
        }
    }
}

/// A file whose data key is known.
private enum KnownFile {
    static let dataKey = Secret(copying: [UInt8](repeating: 7, count: Seal.keySize).span)

    /// All that stands before the nonce: one slot, and these tags.
    static func clear(tags: [UInt8], bodySize: Int) -> [UInt8] {
        let slot = [1] + [UInt8](repeating: 9, count: Seal.saltSize + Seal.nonceSize + 48)
        let store = [UInt8](repeating: 3, count: 2 * Seal.saltSize)
        let header = store + [1] + slot + little(tags.count / 24) + tags
        return FileFormat.magic + [1, 0] + little(header.count) + little(bodySize) + header
    }

    private static func little(_ number: Int) -> [UInt8] {
        stride(from: 0, to: 32, by: 8).map { UInt8(truncatingIfNeeded: number >> $0) }
    }
}

extension FileFormat.Records {
    /// The records, joined.
    var bytes: Secret { Secret(joining: pieces) }
}
