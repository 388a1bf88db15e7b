import Credentials

@testable import Stores

/// The proposed vectors are made anew each time, from random keys. Those of which the folder
/// Vectors has none are recorded, for ever, if `KEYFOB_RECORD_VECTORS` is set.
extension FileVector {
    static var proposed: [FileVector] {
        get throws { try good() + cutShort() + preambles() + headers() + bodies() + records() }
    }

    // MARK: Good files

    private static func good() throws -> [FileVector] {
        let other = Key.raw(Array("another key, for the second slot".utf8))
        let long = Key.raw(Array(repeating: 0x6C, count: 4096))
        let passphrase = Key.passphrase("open sesame")
        let git = Entry(
            schema: .git,
            attributes: [
                "protocol": "https", "server": "git.example", "port": "8443", "object": "o/r.git",
                "user": "gus",
            ], label: "Git: https://git.example:8443/o/r.git")
        let cargo = Entry(
            schema: .cargo, attributes: ["url": "sparse+https://crates.example/index/"],
            label: "cargo-registry:crates")
        let token = Entry(
            schema: .token,
            attributes: ["client": "terraform", "key": "tf.example", "username": "tess"],
            label: "terraform: tf.example")
        let odd = Entry(
            schema: .docker,
            attributes: [
                "server": "https://Registry.Example:443/v1/", "username": "é\"\\ 😀",
                "label": "Docker Credentials", "docker_cli": "1", "keyfob_server": "k",
            ], label: "")
        let schemas = [
            login("a.example", "ann"), Credential(cargo, secret: secret("a cargo token")),
            Credential(git, secret: secret("a git password")),
            Credential(token, secret: secret("a terraform token")),
        ]
        return [
            try good(
                "good-raw-key", "One login, one raw key.", [.usual], [login("a.example", "ann")]),
            try good(
                "good-passphrase", "One login, one passphrase, as cheap as is accepted.",
                [passphrase], [login("a.example", "ann")]),
            try good(
                "good-slots", "Two raw keys, the second as long as one may be, and a passphrase.",
                [.usual, long, passphrase], [login("a.example", "ann")]),
            try good(
                "good-slot-unopened", "Two raw keys, of which one is lost.", [.usual],
                [login("a.example", "ann")], wrappedFor: [other, .usual]),
            try good("good-no-records", "No login: the last one was erased.", [.usual], []),
            try good("good-realms", "A login of each realm.", [.usual], schemas),
            try good(
                "good-odd-texts",
                "A constant that is written as nothing, an attribute of no meaning, an empty label,"
                    + " a user name of several alphabets, and a secret that is no text.",
                [.usual], [Credential(odd, secret: secret([0, 0xFF, 0x0A, 0x0D]))]),
            try good(
                "good-empty-secret", "A secret of no bytes.", [.usual],
                [Credential(login("a.example", "ann").entry, secret: secret(""))]),
            try good(
                "good-duplicates",
                "Two logins of one place, which no writer of this version leaves behind.",
                [.usual], [login("a.example", "ann"), login("https://A.example/v2/", "bob")]),
            try unknownRealm(),
        ]
    }

    private static func good(
        _ name: String, _ about: String, _ keys: [Key], _ credentials: [Credential],
        wrappedFor: [Key]? = nil
    ) throws -> FileVector {
        var forgery = try forgery(for: wrappedFor ?? keys)
        for (index, credential) in credentials.enumerated() {
            try forgery.add(credential, updated: second + index << 31)
        }
        return try good(name, about, keys, forgery)
    }

    private static func good(
        _ name: String, _ about: String, _ keys: [Key], _ forgery: Forgery
    ) throws -> FileVector {
        var vector = FileVector(name: name, about: about, keys: keys, bytes: forgery.bytes)
        vector.contents = try contents(of: vector.bytes, with: keys)
        return vector
    }

    private static func unknownRealm() throws -> FileVector {
        var forgery = try forgery(for: [.usual])
        forgery.tags.append([UInt8](repeating: 0x74, count: 24))
        let later = [5] + Array("later and of another shape".utf8)
        forgery.records += little(later.count) + later
        try forgery.add(login("a.example", "ann"), updated: second)
        return try good(
            "good-unknown-realm",
            "A record of a realm that a later version may know, and one of this version's.",
            [.usual], forgery)
    }

    // MARK: Cut short

    private static func cutShort() throws -> [FileVector] {
        let whole = try usual().bytes
        let header = 18 + 32 + 1 + 89 + 4 + 24
        let sections: [(String, Int)] = [
            ("magic", 8), ("version", 10), ("lengths", 18), ("store-id", 34), ("salt", 50),
            ("slot-count", 51), ("slots", 140), ("tag-count", 144), ("tags", header),
            ("nonce", header + Seal.nonceSize), ("body", whole.count - Seal.checksumSize),
        ]
        var vectors = [
            refused("cut-to-nothing", "No bytes.", "<file-damaged|STORE|it is empty>", []),
            refused(
                "cut-to-1-byte", "The first byte alone.",
                "<file-damaged|STORE|it is cut short>", [whole[0]]),
            refused(
                "cut-last-byte", "The last byte is missing.",
                "<file-damaged|STORE|its checksum does not match>", Array(whole.dropLast())),
        ]
        for (name, end) in sections {
            let isShort = end < 18 + Seal.checksumSize
            let cut = Array(whole.prefix(end))
            vectors.append(
                refused(
                    "cut-after-\(name)", "Nothing follows on the \(name).",
                    "<file-damaged|STORE|"
                        + (isShort ? "it is cut short>" : "its checksum does not match>"), cut))
            guard end >= 18, end < whole.count - Seal.checksumSize else { continue }
            vectors.append(
                refused(
                    "cut-and-summed-after-\(name)",
                    "Nothing but a right checksum follows on the \(name).",
                    "<file-damaged|STORE|its lengths do not add up>",
                    withRightChecksum(cut + [UInt8](repeating: 0, count: Seal.checksumSize))))
        }
        return vectors
    }

    // MARK: Magic, version, lengths and checksum

    private static func preambles() throws -> [FileVector] {
        let whole = try usual().bytes
        func changed(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
            var bytes = whole
            change(&bytes)
            return bytes
        }
        func version(_ number: UInt16) throws -> [UInt8] {
            var forgery = try usual()
            forgery.version = number
            return forgery.bytes
        }
        func lengths(_ change: (inout Forgery) -> Void) throws -> [UInt8] {
            var forgery = try usual()
            change(&forgery)
            return forgery.bytes
        }
        let sum = "<file-damaged|STORE|its checksum does not match>"
        let lengths0 = "<file-damaged|STORE|its lengths do not add up>"
        return [
            refused("magic-changed", "The first byte is another.", sum, changed { $0[0] = 0 }),
            refused(
                "magic-other", "Another magic, under a right checksum.",
                "<file-damaged|STORE|it is not a credential file>",
                withRightChecksum(changed { $0[0] = 0 })),
            refused(
                "version-0", "There was never a version 0.",
                "<file-damaged|STORE|there is no version 0>", try version(0)),
            refused(
                "version-2", "The next version.",
                "<file-newer|STORE|version 2>", try version(2)),
            refused(
                "version-65535", "The highest version.",
                "<file-newer|STORE|version 65535>", try version(.max)),
            refused(
                "version-2-changed", "The next version, with a byte changed.", sum,
                try version(2).enumerated().map { $0 == 60 ? $1 ^ 1 : $1 }),
            refused(
                "header-length-overflow", "A header of 4 GiB.", lengths0,
                try lengths { $0.headerLength = 0xFFFF_FFFF }),
            refused(
                "header-length-0", "A header of no bytes.", lengths0,
                try lengths { $0.headerLength = 0 }),
            refused(
                "body-length-overflow", "A body of 4 GiB.", lengths0,
                try lengths { $0.bodyLength = 0xFFFF_FFFF }),
            refused(
                "lengths-shifted", "A header one byte longer, a body one byte shorter.",
                "<file-damaged|STORE|it has 1 tags>",
                try lengths {
                    $0.headerLength = 151
                    $0.bodyLength = $0.records.count + Seal.overhead - 1
                }),
            refused(
                "checksum-changed", "The last byte is another.", sum,
                changed { $0[$0.count - 1] ^= 1 }),
            refused(
                "checksum-of-zeros", "No checksum but zeros.", sum,
                Array(whole.dropLast(32)) + [UInt8](repeating: 0, count: 32)),
            refused("trailing-byte", "A byte follows on the checksum.", sum, whole + [0]),
            refused(
                "trailing-byte-summed", "A byte follows on the body, under a right checksum.",
                lengths0, withRightChecksum(changed { $0.insert(0, at: $0.count - 32) })),
            FileVector(
                name: "too-long", about: "One byte more than 64 MiB.", keys: [.usual],
                length: 64 << 20 + 1,
                refused: "<too-long.file|STORE|67108864>",
                bytes: whole),
        ]
    }

    // MARK: Slots and tags

    private static func headers() throws -> [FileVector] {
        func forged(
            _ name: String, _ about: String, _ refusal: String,
            _ change: (inout Forgery) throws -> Void
        ) throws -> FileVector {
            var forgery = try usual()
            try change(&forgery)
            return refused(name, about, refusal, forgery.bytes)
        }
        func damaged(_ what: String) -> String { "<file-damaged|STORE|\(what)>" }
        let isNotKey = "<wrong-key.file|KEY|STORE>"
        var vectors = [
            try forged("slots-0", "No key slot.", damaged("it has 0 key slots")) { $0.slots = [] },
            try forged(
                "slots-17", "More key slots than there may be.", damaged("it has 17 key slots")
            ) { $0.slots = [[UInt8]](repeating: $0.slots[0], count: 17) },
            try forged(
                "slots-claimed", "255 key slots, it says, and has one.",
                damaged("it has 255 key slots")
            ) { $0.slotCount = 255 },
            try forged(
                "slots-one-missing", "Two key slots, it says, and has one.",
                "<file-newer|STORE|a key slot of type 0>"
            ) {
                $0.slotCount = 2
                $0.tagCount = 0x100
            },
            try forged(
                "slot-unknown", "A slot of a kind that a later version may know.",
                "<file-newer|STORE|a key slot of type 3>"
            ) { $0.slots[0][0] = 3 },
            try forged("slot-changed", "The wrapped key has a byte changed.", isNotKey) {
                $0.slots[0][60] ^= 1
            },
            try forged(
                "slot-of-another-store", "The slot was made for a store of another id.", isNotKey
            ) {
                let slot = try FileFormat.Slot(
                    wrapping: $0.dataKey, with: Key.usual.secret, .raw,
                    storeID: Array("another store...".utf8))
                $0.slots = [Forgery.bytes(of: slot)]
            },
            try forged(
                "tags-none", "No tag, it says, and has one.", damaged("it has 0 tags")
            ) { $0.tagCount = 0 },
            try forged(
                "tags-one-missing", "Two tags, it says, and has one.", damaged("it has 2 tags")
            ) { $0.tagCount = 2 },
            try forged(
                "tags-65537", "More tags than there may be, it says.",
                damaged("it has 65537 tags")
            ) { $0.tagCount = 65_537 },
            try forged(
                "tags-overflow", "So many tags that their size overflows 32 bits.",
                damaged("it has 178956971 tags")
            ) { $0.tagCount = 178_956_971 },
            try forged(
                "header-trailing-byte", "A byte follows on the tags, within the header.",
                damaged("it has 1 tags")
            ) { $0.headerEnd = [0] },
        ]
        let costs: [(String, passes: Int, kibibytes: Int)] = [
            ("no-pass", 0, 64 << 10), ("11-passes", 11, 64 << 10), ("no-memory", 3, 0),
            ("too-little-memory", 3, 19 << 10 - 1), ("too-much-memory", 3, 1 << 20 + 1),
            ("all-memory", 0xFFFF_FFFF, 0xFFFF_FFFF),
        ]
        for (name, passes, kibibytes) in costs {
            vectors.append(
                try forged(
                    "passphrase-\(name)",
                    "A passphrase slot of \(passes) passes over \(kibibytes) KiB.",
                    damaged(
                        "a key slot asks for \(passes) passes over \(kibibytes) KiB, which is not"
                            + " accepted")
                ) {
                    let parameters: [UInt8] = [2] + little(passes) + little(kibibytes)
                    $0.slots.append(parameters + $0.slots[0].dropFirst())
                })
        }
        vectors.append(
            try forged(
                "passphrase-slots",
                "Two passphrase slots, each of which asks for all that one may.",
                damaged("its key slots together ask for too much work")
            ) {
                let parameters: [UInt8] = [2] + little(10) + little(1 << 20)
                $0.slots += [parameters + $0.slots[0].dropFirst()]
                $0.slots += [$0.slots[1]]
            })
        return vectors
    }

    // MARK: The body

    private static func bodies() throws -> [FileVector] {
        let whole = try usual().bytes
        let refusal =
            "<file-altered|STORE>"
        let header = 18 + 32 + 1 + 89 + 4 + 24
        func altered(_ name: String, _ about: String, at offset: Int) -> FileVector {
            var bytes = whole
            bytes[offset] ^= 1
            return refused("altered-\(name)", about, refusal, withRightChecksum(bytes))
        }
        var added = try usual()
        added.bodyEnd = [0]
        return [
            altered("nonce", "The nonce has a byte changed.", at: header),
            altered("body", "The first byte of the body is another.", at: header + 24),
            altered("end", "The last byte of the body is another.", at: whole.count - 33),
            altered("second", "The login is made younger, to win over others.", at: header - 8),
            refused("altered-added", "A byte follows on the body.", refusal, added.bytes),
        ]
    }

    // MARK: Records

    private static func records() throws -> [FileVector] {
        let record = try Forgery.record(login("a.example", "ann"))
        func damaged(
            _ name: String, _ about: String, _ what: String, _ records: [UInt8], tags: Int = 1
        ) throws -> FileVector {
            var forgery = try usual()
            forgery.records = records
            forgery.tags = [[UInt8]](repeating: forgery.tags[0], count: tags)
            return refused(name, about, "<file-damaged|STORE|\(what)>", forgery.bytes)
        }
        func changed(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
            var bytes = record
            change(&bytes)
            return bytes
        }
        /// The record with this text in the place of another of the same length.
        func replacing(_ old: String, with new: [UInt8]) throws -> [UInt8] {
            guard let range = record.firstRange(of: Array(old.utf8)), new.count == range.count
            else { throw SyntaxError(line: old) }
            return changed { $0.replaceSubrange(range, with: new) }
        }
        let secretLength = record.count - login("a.example", "ann").secret.count - 4
        return [
            try damaged(
                "record-missing", "Two tags, one record.", "a length is too large", record, tags: 2),
            try damaged(
                "record-without-tag", "Two records, one tag.", "it has records without a tag",
                record + record),
            try damaged(
                "record-trailing-byte", "A byte follows on the record, within the body.",
                "it has records without a tag", record + [0]),
            try damaged(
                "record-length-overflow", "A record of 4 GiB.", "a length is too large",
                changed { $0.replaceSubrange(0..<4, with: [0xFF, 0xFF, 0xFF, 0xFF]) }),
            try damaged(
                "record-length-beyond", "A record one byte longer than the body.",
                "a length is too large", changed { $0[0] += 1 }),
            try damaged(
                "record-secret-beyond", "A secret one byte longer than its record.",
                "a length is too large", changed { $0[secretLength] += 1 }),
            try damaged(
                "record-secret-short", "A byte follows on the secret, within the record.",
                "a record is too long", changed { $0[secretLength] -= 1 }),
            try damaged(
                "record-not-utf-8", "A user name that is not UTF-8.", "a text is not UTF-8",
                try replacing("ann", with: [0x61, 0xFF, 0x6E])),
            try damaged(
                "record-attributes-out-of-order", "The attribute `server` is called `yerver`.",
                "a record's attributes are not in order",
                try replacing("\u{6}server", with: [6] + Array("yerver".utf8))),
        ]
    }

    // MARK: How

    private static let second = 1_700_000_000

    private static func refused(
        _ name: String, _ about: String, _ refusal: String, _ bytes: [UInt8]
    ) -> FileVector {
        FileVector(name: name, about: about, keys: [.usual], refused: refusal, bytes: bytes)
    }

    /// One login under one raw key: the tags end at byte 168.
    private static func usual() throws -> Forgery {
        var forgery = try forgery(for: [.usual])
        try forgery.add(login("a.example", "ann"), updated: second)
        return forgery
    }

    private static func forgery(for keys: [Key]) throws -> Forgery {
        let storeID = Array("the store's id..".utf8)
        let dataKey = Seal.randomKey()
        let slots = try keys.map { key in
            let kind: FileFormat.Slot.Kind =
                switch key {
                case .raw: .raw
                case .passphrase: .passphrase(Seal.PassphraseCost(passes: 1, kibibytes: 19 << 10))
                }
            return try FileFormat.Slot(
                wrapping: dataKey, with: key.secret, kind, storeID: storeID)
        }
        return Forgery(
            storeID: storeID, salt: Array("the store's salt".utf8), slots: slots, dataKey: dataKey)
    }
}

extension Forgery {
    fileprivate mutating func add(_ credential: Credential, updated: Int) throws {
        guard let place = credential.entry.place else { preconditionFailure("it has a place") }
        tags.append(Forgery.tag(of: place, salt: salt, updated: updated))
        records += try Forgery.record(credential)
    }
}
