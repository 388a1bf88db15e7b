internal import Credentials

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
        static var empty: Body { Body() }

        /// Finds only the position of each record: there may be many, and a get needs one.
        init(_ bytes: Secret, count: Int) throws(Fault) {
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

        private init() {
            bytes = .empty
            records = []
        }

        /// Returns the records of this schema, or (nil) of all known schemas, without their
        /// secrets.
        func entries(of wanted: Schema?, _ tags: [Tag]) throws(Fault) -> [Entry] {
            try bytes.expose { bytes throws(Fault) in
                var entries: [Entry] = []
                entries.reserveCapacity(records.count)
                for (record, tag) in zip(records, tags) {
                    let known = entries.last
                    if let (entry, _) = try Body.read(record, of: bytes, tag.updated, like: known),
                        wanted == nil || wanted == entry.schema
                    {
                        entries.append(entry)
                    }
                }
                return entries
            }
        }

        /// Returns the record without its secret; nil if its schema is unknown here.
        func entry(at index: Int, updated: UInt64) throws(Fault) -> Entry? {
            try credential(at: index, updated: updated)?.entry
        }

        /// Returns the record; its secret is a part of the body's memory. Nil if its schema is
        /// unknown here.
        func credential(at index: Int, updated: UInt64) throws(Fault) -> Credential? {
            let found = try bytes.expose { bytes throws(Fault) in
                try Body.read(records[index], of: bytes, updated)
            }
            return found.map { Credential($0.entry, secret: bytes[$0.secret]) }
        }

        /// Returns the records at these indices, in that order, and then those of the credentials.
        func keeping(_ indices: [Int], adding added: [Credential] = []) throws(Fault) -> Records {
            var kept = Records()
            // Adjacent records are one piece: in a large file nearly all are adjacent.
            var run = 0..<0
            for index in indices {
                let start = records[index].lowerBound - Body.lengthSize
                if start != run.upperBound {
                    kept.pieces.append(bytes[run])
                    run = start..<start
                }
                run = run.lowerBound..<records[index].upperBound
            }
            kept.pieces.append(bytes[run])
            kept.count = indices.count
            for credential in added { try kept.append(credential) }
            return kept
        }

        private static let lengthSize = 4

        /// Returns the entry, and the position of its secret in the body; nil if its schema is
        /// unknown here. Texts that are the same in `known`, an earlier entry, share its memory.
        private static func read(
            _ record: Range<Int>, of bytes: Span<UInt8>, _ updated: UInt64,
            like known: Entry? = nil
        ) throws(Fault) -> (entry: Entry, secret: Range<Int>)? {
            var cursor = Cursor(record)
            let knownName = known?.schema.rawValue
            let name = try cursor.name(in: bytes, like: knownName)
            guard let schema = name == knownName ? known?.schema : Schema(rawValue: name) else {
                return nil
            }
            let label = try cursor.text(in: bytes)
            let count: UInt8 = try cursor.integer(in: bytes)
            var facts: [Entry.Fact] = []
            facts.reserveCapacity(Int(count))
            let knownFacts = known?.facts ?? []
            // The names of `known` are in order, and so are the same names here.
            var isLikeKnown = true
            for index in 0..<Int(count) {
                let like = index < knownFacts.count ? knownFacts[index] : nil
                let name = try cursor.name(in: bytes, like: like?.name)
                let value = try cursor.text(in: bytes, like: label, like?.value)
                guard !schema.hasConstant(name, value) else { throw .outOfOrder }
                isLikeKnown = isLikeKnown && name == like?.name
                if isLikeKnown {
                    facts.append(Entry.Fact(name: name, value: value))
                    continue
                }
                if let last = facts.last, last.name.utf8.span.order(to: name.utf8.span) >= 0 {
                    throw .outOfOrder
                }
                // Two spellings of `é` differ in bytes, but are the same string.
                guard !facts.contains(where: { $0.name == name }) else {
                    throw .damaged("a record names an attribute twice")
                }
                facts.append(Entry.Fact(name: name, value: value))
            }
            let secret = try cursor.range(try cursor.length(in: bytes))
            guard cursor.isAtEnd else { throw .damaged("a record is too long") }
            return (Entry(schema: schema, facts: facts, label: label, modified: updated), secret)
        }
    }

    /// The records of a body that is to be sealed, in pieces that are joined then.
    struct Records {
        fileprivate(set) var pieces: [Secret] = []
        /// The number of records.
        fileprivate(set) var count = 0

        /// The number of bytes.
        var size: Int { pieces.reduce(0) { $0 + $1.count } }

        fileprivate mutating func append(_ credential: Credential) throws(Fault) {
            let entry = credential.entry
            let size = entry.facts.reduce(entry.label.bytes.count + credential.secret.count) {
                $0 + $1.name.utf8.count + $1.value.bytes.count
            }
            guard size <= FileFormat.fileLimit else {
                throw .full("\(FileFormat.fileLimit >> 20) MiB")
            }
            guard entry.facts.count <= UInt8.max,
                entry.facts.allSatisfy({ $0.name.utf8.count <= UInt8.max })
            else { throw .full("\(UInt8.max) attributes with names of \(UInt8.max) bytes") }

            var bytes: [UInt8] = []
            bytes.append(name: entry.schema.rawValue)
            bytes.append(text: entry.label)
            bytes.append(UInt8(entry.facts.count))
            for fact in entry.facts {
                bytes.append(name: fact.name)
                bytes.append(text: fact.value)
            }
            bytes.append(integer: UInt32(credential.secret.count))
            var length: [UInt8] = []
            length.append(integer: UInt32(bytes.count + credential.secret.count))
            pieces.append(Secret(copying: (length + bytes).span))
            pieces.append(credential.secret)
            count += 1
        }
    }
}

extension FileFormat.Fault {
    fileprivate static let outOfOrder = FileFormat.Fault.damaged(
        "a record's attributes are not in order")
}
