internal import Credentials

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

        /// Returns the indices of the records for this place.
        func indices(of place: Place) -> [Int] {
            let wanted = Tag(of: place, salt: salt, updated: 0)
            return tags.indices.filter { tags[$0].isSamePlace(as: wanted) }
        }
    }

    /// A tag says that there is a record for a place, without saying which place it is.
    struct Tag: Hashable {
        private let high: UInt64
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

        fileprivate static let size = Seal.tagSize + 8

        fileprivate init(from bytes: Span<UInt8>, at cursor: inout Cursor) throws(Fault) {
            high = try cursor.integer(in: bytes)
            low = try cursor.integer(in: bytes)
            updated = try cursor.integer(in: bytes)
        }

        fileprivate func write(to bytes: inout [UInt8]) {
            bytes.append(integer: high)
            bytes.append(integer: low)
            bytes.append(integer: updated)
        }
    }

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

        fileprivate static let wrappedSize = Seal.keySize + Seal.overhead
    }
}

// MARK: - Slots

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

    fileprivate init(
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

    fileprivate func write(to bytes: inout [UInt8]) {
        Self.write(kind, to: &bytes)
        bytes += salt + nonce + wrapped
    }

    /// The work that it takes to try a key (`PassphraseCost.work`).
    fileprivate var work: Int {
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

// MARK: - The file

extension FileFormat {
    /// A file as it was read: complete, and with its body still sealed.
    struct Sealed {
        let header: Header
        private let file: [UInt8]
        private let clear: Range<Int>
        private let nonce: [UInt8]
        private let body: Range<Int>

        /// Verifies the checksum first, then the version, then the rest.
        init(_ file: [UInt8]) throws(Fault) {
            self.file = file
            (header, clear, nonce, body) = try Self.parse(file.span)
        }

        /// Returns the records, opened with the data key.
        func open(with dataKey: Secret) throws(Fault) -> Body {
            let bytes = file.span
            guard
                let body = Seal.open(
                    bytes.extracting(body), key: dataKey, nonce: nonce,
                    header: bytes.extracting(clear))
            else { throw .altered }
            return try Body(body, count: header.tags.count)
        }

        /// Throws `altered` unless header and body were sealed with this data key. Nothing is
        /// decrypted.
        func authenticate(with dataKey: Secret) throws(Fault) {
            let bytes = file.span
            guard
                Seal.isAuthentic(
                    bytes.extracting(body), key: dataKey, nonce: nonce,
                    header: bytes.extracting(clear))
            else { throw .altered }
        }

        private static func parse(
            _ bytes: Span<UInt8>
        ) throws(Fault) -> (Header, clear: Range<Int>, nonce: [UInt8], body: Range<Int>) {
            guard !bytes.isEmpty else { throw .damaged("it is empty") }
            let end = bytes.count - Seal.checksumSize
            guard end >= preambleSize else { throw .damaged("it is cut short") }
            var trailer = Cursor(end..<bytes.count)
            guard
                try trailer.bytes(Seal.checksumSize, in: bytes)
                    == Seal.checksum(of: bytes.extracting(0..<end))
            else { throw .damaged("its checksum does not match") }

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
    static func seal(_ header: Header, _ body: Body, with dataKey: Secret) throws(Fault) -> [UInt8]
    {
        precondition(body.records.count == header.tags.count, "a tag for each record")
        guard header.tags.count <= recordLimit else { throw .full("\(recordLimit) logins") }
        var encoded: [UInt8] = []
        header.write(to: &encoded)
        let bodySize = body.bytes.count + Seal.overhead
        let size = preambleSize + encoded.count + Seal.nonceSize + bodySize + Seal.checksumSize
        guard size <= fileLimit else { throw .full("\(fileLimit >> 20) MiB") }

        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        bytes += magic
        bytes.append(integer: version)
        bytes.append(integer: UInt32(encoded.count))
        bytes.append(integer: UInt32(bodySize))
        bytes += encoded
        let clear = bytes.indices
        let nonce = Seal.randomBytes(Seal.nonceSize)
        bytes += nonce
        Seal.append(body.bytes, to: &bytes, key: dataKey, nonce: nonce, header: clear)
        bytes += Seal.checksum(of: bytes.span)
        return bytes
    }

    private static let preambleSize = magic.count + 2 + 4 + 4
}

extension FileFormat.Header {
    fileprivate init(
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

    fileprivate func write(to bytes: inout [UInt8]) {
        precondition((1...FileFormat.slotLimit).contains(slots.count), "a store has a key")
        bytes += storeID + salt
        bytes.append(UInt8(slots.count))
        for slot in slots { slot.write(to: &bytes) }
        bytes.append(integer: UInt32(tags.count))
        bytes.reserveCapacity(bytes.count + tags.count * FileFormat.Tag.size)
        for tag in tags { tag.write(to: &bytes) }
    }
}

// MARK: - The records

extension FileFormat {
    /// The decrypted body: all records, in one piece of guarded memory.
    ///
    /// A record is its length; the schema's name; the label; the number of attributes (one byte),
    /// and the name and value of each, sorted by name; and the secret. A length has four bytes,
    /// that of a name one. The schema's constants are not written, since every record has them. A
    /// record of a schema that only a later version knows is kept as it is.
    struct Body {
        let bytes: Secret
        /// The positions of the records, without their lengths.
        let records: [Range<Int>]

        /// The body of a new store.
        static var empty: Body { Body(bytes: Secret(copying: [UInt8]().span), records: []) }

        /// Finds only the position of each record: there may be many, and a get needs one.
        fileprivate init(_ bytes: Secret, count: Int) throws(Fault) {
            self.bytes = bytes
            records = try bytes.expose { bytes throws(Fault) in
                var records: [Range<Int>] = []
                records.reserveCapacity(count)
                var cursor = Cursor(0..<bytes.count)
                for _ in 0..<count {
                    records.append(try cursor.range(try cursor.length(in: bytes)))
                }
                guard cursor.isAtEnd else { throw .damaged("it has records without a tag") }
                return records
            }
        }

        private init(bytes: Secret, records: [Range<Int>]) {
            self.bytes = bytes
            self.records = records
        }

        /// Returns the record without its secret; nil if its schema is unknown here.
        func entry(at index: Int, updated: UInt64) throws(Fault) -> Entry? {
            try record(at: index, updated: updated)?.0
        }

        /// Returns the record; its secret is a part of the body's memory. Nil if its schema is
        /// unknown here.
        func credential(at index: Int, updated: UInt64) throws(Fault) -> Credential? {
            guard let (entry, secret) = try record(at: index, updated: updated) else { return nil }
            return Credential(entry, secret: bytes[secret])
        }

        /// Returns a body of the records at these indices, in that order, and then of the
        /// credentials.
        func keeping(_ indices: [Int], adding added: [Credential] = []) throws(Fault) -> Body {
            var new: [(front: [UInt8], secret: Secret)] = []
            var size = indices.reduce(0) { $0 + Body.lengthSize + records[$1].count }
            for credential in added {
                let front = try Body.encodedWithoutSecret(credential)
                new.append((front, credential.secret))
                size += Body.lengthSize + front.count + credential.secret.count
                guard size <= FileFormat.fileLimit else {
                    throw .full("\(FileFormat.fileLimit >> 20) MiB")
                }
            }
            var moved: [Range<Int>] = []
            moved.reserveCapacity(indices.count + added.count)
            let bytes = Secret(capacity: size) { output in
                var end = 0
                // Adjacent records are copied together: in a large file nearly all are adjacent.
                var run = 0..<0
                for index in indices {
                    let record =
                        records[index].lowerBound - Body.lengthSize..<records[index].upperBound
                    if record.lowerBound != run.upperBound {
                        output.append(self.bytes[run])
                        run = record.lowerBound..<record.lowerBound
                    }
                    run = run.lowerBound..<record.upperBound
                    moved.append(end + Body.lengthSize..<end + record.count)
                    end += record.count
                }
                output.append(self.bytes[run])
                for (front, secret) in new {
                    let length = front.count + secret.count
                    var prefix: [UInt8] = []
                    prefix.append(integer: UInt32(length))
                    output.append(prefix.span)
                    output.append(front.span)
                    output.append(secret)
                    moved.append(end + prefix.count..<end + prefix.count + length)
                    end += prefix.count + length
                }
            }
            return Body(bytes: bytes, records: moved)
        }

        private static let lengthSize = 4

        /// Returns the entry, and the position of its secret in the body; nil if its schema is
        /// unknown here.
        private func record(
            at index: Int, updated: UInt64
        ) throws(Fault) -> (Entry, secret: Range<Int>)? {
            try bytes.expose { bytes throws(Fault) in
                var cursor = Cursor(records[index])
                let name = try cursor.name(in: bytes)
                guard let schema = Schema(rawValue: name.string) else { return nil }
                let label = try cursor.text(in: bytes)
                let count: UInt8 = try cursor.integer(in: bytes)
                var attributes = schema.constants
                var last: Text?
                for _ in 0..<count {
                    let name = try cursor.name(in: bytes)
                    let value = try cursor.text(in: bytes)
                    guard last.map({ $0 < name }) ?? true,
                        schema.constants[name.string] != value
                    else { throw Fault.damaged("a record's attributes are not in order") }
                    // Two spellings of `é` differ in bytes, but are the same key of a dictionary.
                    guard
                        attributes.updateValue(value, forKey: name.string)
                            == schema.constants[name.string]
                    else { throw Fault.damaged("a record names an attribute twice") }
                    last = name
                }
                let secret = try cursor.range(try cursor.length(in: bytes))
                guard cursor.isAtEnd else { throw Fault.damaged("a record is too long") }
                let entry = Entry(
                    schema: schema, attributes: attributes, label: label, modified: updated)
                return (entry, secret)
            }
        }

        /// Returns the record up to the first byte of its secret.
        private static func encodedWithoutSecret(
            _ credential: Credential
        ) throws(Fault) -> [UInt8] {
            let entry = credential.entry
            let constants = entry.schema.constants
            let attributes = entry.attributes
                .filter { constants[$0.key] != $0.value }
                .map { (name: Array($0.key.utf8), value: $0.value.bytes) }
                .sorted { $0.name.lexicographicallyPrecedes($1.name) }
            let size = attributes.reduce(entry.label.bytes.count + credential.secret.count) {
                $0 + $1.name.count + $1.value.count
            }
            guard size <= FileFormat.fileLimit else {
                throw .full("\(FileFormat.fileLimit >> 20) MiB")
            }
            guard attributes.count <= UInt8.max,
                attributes.allSatisfy({ $0.name.count <= UInt8.max })
            else { throw .full("\(UInt8.max) attributes with names of \(UInt8.max) bytes") }

            var bytes: [UInt8] = []
            bytes.append(name: Array(entry.schema.rawValue.utf8))
            bytes.append(text: entry.label.bytes)
            bytes.append(UInt8(attributes.count))
            for attribute in attributes {
                bytes.append(name: attribute.name)
                bytes.append(text: attribute.value)
            }
            bytes.append(integer: UInt32(credential.secret.count))
            return bytes
        }
    }
}

// MARK: - Bytes

extension FileFormat {
    /// A cursor reads one field after the other and never beyond its end.
    fileprivate struct Cursor {
        private(set) var rest: Range<Int>

        init(_ range: Range<Int>) { rest = range }

        var isAtEnd: Bool { rest.isEmpty }

        /// The next `count` bytes.
        mutating func range(_ count: Int) throws(Fault) -> Range<Int> {
            guard count <= rest.count else { throw .damaged("a length is too large") }
            let range = rest.lowerBound..<rest.lowerBound + count
            rest = range.upperBound..<rest.upperBound
            return range
        }

        mutating func bytes(_ count: Int, in bytes: Span<UInt8>) throws(Fault) -> [UInt8] {
            try range(count).map { bytes[$0] }
        }

        mutating func integer<Number: FixedWidthInteger & BitwiseCopyable>(
            in bytes: Span<UInt8>
        ) throws(Fault) -> Number {
            let range = try range(MemoryLayout<Number>.size)
            return unsafe Number(
                littleEndian: bytes.bytes.unsafeLoadUnaligned(
                    fromByteOffset: range.lowerBound, as: Number.self))
        }

        mutating func length(in bytes: Span<UInt8>) throws(Fault) -> Int {
            let length: UInt32 = try integer(in: bytes)
            return Int(length)
        }

        mutating func text(in bytes: Span<UInt8>) throws(Fault) -> Text {
            try text(try length(in: bytes), in: bytes)
        }

        mutating func name(in bytes: Span<UInt8>) throws(Fault) -> Text {
            let length: UInt8 = try integer(in: bytes)
            return try text(Int(length), in: bytes)
        }

        private mutating func text(_ length: Int, in bytes: Span<UInt8>) throws(Fault) -> Text {
            guard let text = Text(validating: try self.bytes(length, in: bytes)) else {
                throw .damaged("a text is not UTF-8")
            }
            return text
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(name: [UInt8]) {
        append(UInt8(name.count))
        append(contentsOf: name)
    }

    fileprivate mutating func append(text: [UInt8]) {
        append(integer: UInt32(text.count))
        append(contentsOf: text)
    }

    fileprivate mutating func append(integer: some FixedWidthInteger) {
        unsafe Swift.withUnsafeBytes(of: integer.littleEndian) { unsafe append(contentsOf: $0) }
    }
}
