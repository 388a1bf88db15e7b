internal import Credentials
internal import Files

/// The file format is version 1 of the credential file, as values and as bytes; it does no I/O.
///
/// All integers are little endian. A file is
///
/// | bytes | what |
/// |---|---|
/// | 8 | magic |
/// | 2 | version |
/// | 4, 4 | lengths of the header and of the sealed body |
/// | … | the header, in the clear: store id (16), salt (16), slots, tags |
/// | 24 | the nonce of the body |
/// | … | the body, sealed with everything before the nonce as its associated data |
/// | 32 | the checksum of everything before |
///
/// The magic, the version and the checksum stay where they are in every later version, so that
/// "damaged" and "newer" can be told apart.
///
/// A value has one encoding, and any other is refused. Every length is checked against the bytes
/// that are there before it is used.
enum FileFormat {
    static let magic: [UInt8] = [0x89] + Array("keyfob\n".utf8)
    static let version: UInt16 = 1

    static let fileLimit = 64 << 20
    static let recordLimit = 65_536
    static let slotLimit = 16

    /// A reason why bytes are not a credential file, or logins do not fit in one.
    enum Fault: Error, Hashable {
        /// The bytes are not what was written; the text says what is wrong.
        case damaged(String)
        /// The file has a version, or a kind of key slot, that this program does not know.
        case newer(String)
        /// The data key is right, but the file has changed since it was sealed.
        case altered
        /// The file would be too large; the text names the limit.
        case full(String)
    }

    /// The part of a file that can be read without its key.
    struct Header: Hashable {
        let storeID: [UInt8]
        let salt: [UInt8]
        var slots: [Slot]
        /// The tags of the records, one for each, in the order of the body.
        var tags: [Tag]

        /// The header of a new store.
        init(slots: [Slot], storeID: [UInt8], salt: [UInt8]) {
            self.storeID = storeID
            self.salt = salt
            self.slots = slots
            self.tags = []
        }

        /// True if no two tags are of the same place.
        var isDistinct: Bool {
            let sorted = tags.map { $0.high }.sorted()
            return zip(sorted, sorted.dropFirst()).allSatisfy { $0 != $1 }
        }

        /// Returns the indices of the records for this place.
        func indices(of place: Place) -> [Int] {
            let wanted = Tag(of: place, salt: salt, updated: 0)
            return tags.indices.filter { tags[$0].isSamePlace(as: wanted) }
        }

        /// Returns the indices of the records that may match one of the queries; of all records if
        /// a query names no place.
        func candidates(for queries: [Query]) -> [Int] {
            var found: Set<Int> = []
            for query in queries {
                guard let place = query.place else { return Array(tags.indices) }
                found.formUnion(indices(of: place))
            }
            return found.sorted()
        }
    }

    /// A tag says that there is a record for a place, without saying which place it is.
    struct Tag: Hashable {
        fileprivate let high: UInt64
        private let low: UInt64
        /// The time at which the record was stored, in seconds since 1970.
        let updated: UInt64

        init(of place: Place, salt: [UInt8], updated: UInt64) {
            let hash = Seal.tag(of: place, salt: salt)
            high = hash[0..<8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
            low = hash[8..<16].reversed().reduce(0) { $0 << 8 | UInt64($1) }
            self.updated = updated
        }

        func isSamePlace(as other: Tag) -> Bool { high == other.high && low == other.low }

        static let size = Seal.tagSize + 8

        init(from bytes: Span<UInt8>, at cursor: inout Cursor) throws(Fault) {
            high = try cursor.integer(in: bytes)
            low = try cursor.integer(in: bytes)
            updated = try cursor.integer(in: bytes)
        }

        func write(to bytes: inout OutputSpan<UInt8>) {
            bytes.append(integer: high)
            bytes.append(integer: low)
            bytes.append(integer: updated)
        }
    }
}

// MARK: - The file

extension FileFormat {
    /// A file as it was read: complete, and with its body still sealed.
    struct Sealed {
        let header: Header
        private let file: Secret
        private let clear: Range<Int>
        private let nonce: [UInt8]
        private let body: Range<Int>
        /// True if the checksum is known to be right.
        private let isVerified: Bool

        /// From this size on, the checksum takes longer than anything else, twice as long as to
        /// decrypt the body.
        private static let leastLarge = 256 << 10

        /// Verifies the checksum first, then the version, then the rest.
        ///
        /// If `opensNext`, the checksum of a large file is verified only if something else is
        /// wrong. The caller must then call `open`, `authenticate` or `verify` before it believes
        /// anything in the header: to authenticate a file detects a change as well.
        init(_ file: Secret, opensNext: Bool = false) throws(Fault) {
            guard !file.isEmpty else { throw .damaged("it is empty") }
            guard file.count >= preambleSize + Seal.checksumSize else {
                throw .damaged("it is cut short")
            }
            self.file = file
            isVerified = !opensNext || file.count < Sealed.leastLarge
            if isVerified { try Sealed.verify(file) }
            do throws(Fault) {
                (header, clear, nonce, body) = try file.expose { bytes throws(Fault) in
                    try Sealed.parse(bytes)
                }
            } catch {
                try Sealed.verify(file)
                throw error
            }
        }

        /// Throws `damaged` unless the checksum is right.
        func verify() throws(Fault) {
            if !isVerified { try Sealed.verify(file) }
        }

        /// Returns the records, opened with the data key. Throws `damaged` if the checksum is
        /// wrong, or else `altered`, unless header and body were sealed with this key.
        func open(with dataKey: Secret) throws(Fault) -> Body {
            let opened = reading { body, header in
                Seal.open(body, key: dataKey, nonce: nonce, header: header)
            }
            guard let opened else { throw try refusal() }
            return try Body(opened, count: header.tags.count)
        }

        /// Throws what `open` throws. Nothing is decrypted.
        func authenticate(with dataKey: Secret) throws(Fault) {
            let isAuthentic = reading { body, header in
                Seal.isAuthentic(body, key: dataKey, nonce: nonce, header: header)
            }
            guard isAuthentic else { throw try refusal() }
        }

        /// Returns the result of `use`, which is given the sealed body and what was sealed with it.
        private func reading<Result>(_ use: (Span<UInt8>, Span<UInt8>) -> Result) -> Result {
            file.expose { use($0.extracting(body), $0.extracting(clear)) }
        }

        private func refusal() throws(Fault) -> Fault {
            try verify()
            return .altered
        }

        private static func verify(_ file: Secret) throws(Fault) {
            let end = file.count - Seal.checksumSize
            guard file[end..<file.count].publicBytes == Seal.checksum(of: file[0..<end]) else {
                throw .damaged("its checksum does not match")
            }
        }

        private static func parse(
            _ bytes: Span<UInt8>
        ) throws(Fault) -> (Header, clear: Range<Int>, nonce: [UInt8], body: Range<Int>) {
            let end = bytes.count - Seal.checksumSize
            var cursor = Cursor(0..<end)
            guard try cursor.bytes(magic.count, in: bytes) == magic else {
                throw .damaged("it is not a credential file")
            }
            let version: UInt16 = try cursor.integer(in: bytes)
            guard version <= FileFormat.version else { throw .newer("version \(version)") }
            guard version == FileFormat.version else {
                throw .damaged("there is no version \(version)")
            }
            let headerSize: UInt32 = try cursor.integer(in: bytes)
            let bodySize: UInt32 = try cursor.integer(in: bytes)
            guard preambleSize + Int(headerSize) + Seal.nonceSize + Int(bodySize) == end else {
                throw .damaged("its lengths do not add up")
            }
            let clear = 0..<preambleSize + Int(headerSize)
            cursor = Cursor(preambleSize..<clear.upperBound)
            let header = try Header(from: bytes, at: &cursor)
            guard cursor.isAtEnd else { throw .damaged("its header is too long") }
            cursor = Cursor(clear.upperBound..<end)
            let nonce = try cursor.bytes(Seal.nonceSize, in: bytes)
            return (header, clear, nonce, cursor.rest)
        }
    }

    /// Returns the bytes of a file with this header and these records.
    static func seal(
        _ header: Header, _ records: Records, with dataKey: Secret
    ) throws(Fault) -> Secret {
        precondition(records.count == header.tags.count, "a tag for each record")
        guard header.tags.count <= recordLimit else { throw .full("\(recordLimit) logins") }
        let start = header.start
        let headerSize = start.count + header.tags.count * Tag.size
        let bodySize = records.size + Seal.overhead
        let clearSize = preambleSize + headerSize
        let size = clearSize + Seal.nonceSize + bodySize + Seal.checksumSize
        guard size <= fileLimit else { throw .full("\(fileLimit >> 20) MiB") }
        return Secret(capacity: size) { output in
            output.append(magic.span)
            output.append(integer: version)
            output.append(integer: UInt32(headerSize))
            output.append(integer: UInt32(bodySize))
            output.append(start.span)
            for tag in header.tags { tag.write(to: &output) }
            let nonce = Seal.randomBytes(Seal.nonceSize)
            output.append(nonce.span)
            let start = output.count
            for piece in records.pieces { output.append(piece) }
            Seal.seal(&output, from: start, key: dataKey, nonce: nonce, header: 0..<clearSize)
            let checksum = Seal.checksum(of: output.span)
            output.append(checksum.span)
        }
    }

    private static let preambleSize = magic.count + 2 + 4 + 4
}

extension FileFormat.Header {
    init(
        from bytes: Span<UInt8>, at cursor: inout FileFormat.Cursor
    ) throws(FileFormat.Fault) {
        storeID = try cursor.bytes(Seal.saltSize, in: bytes)
        salt = try cursor.bytes(Seal.saltSize, in: bytes)

        let slotCount: UInt8 = try cursor.integer(in: bytes)
        guard (1...FileFormat.slotLimit).contains(Int(slotCount)) else {
            throw .damaged("it has \(slotCount) key slots")
        }
        slots = []
        for _ in 0..<slotCount { slots.append(try FileFormat.Slot(from: bytes, at: &cursor)) }
        // Each slot may be tried with every passphrase.
        guard slots.reduce(0, { $0 + $1.work }) <= Seal.PassphraseCost.mostWork else {
            throw .damaged("its key slots together ask for too much work")
        }

        let tagCount: UInt32 = try cursor.integer(in: bytes)
        guard tagCount <= FileFormat.recordLimit,
            Int(tagCount) * FileFormat.Tag.size == cursor.rest.count
        else { throw .damaged("it has \(tagCount) tags") }
        tags = []
        tags.reserveCapacity(Int(tagCount))
        for _ in 0..<tagCount { tags.append(try FileFormat.Tag(from: bytes, at: &cursor)) }
    }

    /// The bytes of the header before its tags.
    fileprivate var start: [UInt8] {
        precondition((1...FileFormat.slotLimit).contains(slots.count), "a store has a key")
        var bytes = storeID + salt
        bytes.append(UInt8(slots.count))
        for slot in slots { slot.write(to: &bytes) }
        bytes.append(integer: UInt32(tags.count))
        return bytes
    }
}
