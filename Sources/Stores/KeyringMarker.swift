package import Credentials

/// The keyring marker remembers for which places a login was stored in a keyring, as salted
/// hashes in the file `in-keyring`.
///
/// It lets an erase that cannot reach the keyring tell the truth: whether a copy may remain
/// there. A place is inserted before the keyring is written to, and removed when the keyring has
/// been searched again and nothing was found; so a place that is not in it is in no keyring.
///
/// The file is a magic number (8 bytes), a salt (16), the hashes (16 each, in order, none twice)
/// and a checksum (32) of all before. One that is anything else is damaged, not empty.
package struct KeyringMarker: Sendable {
    private let folder: Folder

    package init(in folder: Folder) { self.folder = folder }

    /// Whether a login for this place may be in a keyring. Takes no lock, creates nothing.
    package func contains(_ place: Place) throws(StoreError) -> Bool {
        guard let folder = try folder.open(), let marks = try read(in: folder) else {
            return false
        }
        return marks.hashes.contains(Seal.tag(of: place, salt: marks.salt))
    }

    /// Whether no login at all may be in a keyring. Takes no lock, creates nothing.
    package func isEmpty() throws(StoreError) -> Bool {
        guard let folder = try folder.open(), let marks = try read(in: folder) else { return true }
        return marks.hashes.isEmpty
    }

    /// Returns once the place is in it, on the disk.
    package func insert(_ place: Place) throws(StoreError) {
        let folder = try folder.create()
        let lock = try folder.lock(KeyringMarker.fileName)
        var marks =
            try read(in: folder) ?? Marks(salt: Seal.randomBytes(Seal.saltSize), hashes: [])
        guard marks.hashes.insert(Seal.tag(of: place, salt: marks.salt)).inserted else {
            // Who inserted it may have died before it was on the disk.
            return try folder.syncEntries(of: KeyringMarker.fileName)
        }
        guard marks.hashes.count <= KeyringMarker.hashLimit else {
            throw StoreError(
                .failed,
                "\(folder.path(of: KeyringMarker.fileName)) cannot hold more than"
                    + " \(KeyringMarker.hashLimit) places",
                hint: "erase logins that are not needed")
        }
        try write(marks, in: folder, under: lock)
    }

    /// Returns once the place is not in it. Creates nothing.
    package func remove(_ place: Place) throws(StoreError) {
        if let removal = try prepareRemoval(of: [place]) { try removal.commit() }
    }

    /// Makes all ready for the places to be removed: what takes time is done, and nothing is
    /// removed yet. Nil if none of them is in it. Creates nothing.
    func prepareRemoval(of places: [Place]) throws(StoreError) -> Removal? {
        guard let folder = try folder.open(), let before = try read(in: folder),
            places.contains(where: { before.hashes.contains(Seal.tag(of: $0, salt: before.salt)) })
        else { return nil }
        let lock = try folder.lock(KeyringMarker.fileName)
        guard var marks = try read(in: folder) else { return nil }
        for place in places { marks.hashes.remove(Seal.tag(of: place, salt: marks.salt)) }
        folder.removeTemporaries(of: KeyringMarker.fileName, under: lock)
        let temporary = try folder.writeTemporary(
            for: KeyringMarker.fileName, KeyringMarker.bytes(of: marks).span)
        return Removal(folder: folder, lock: lock, temporary: temporary)
    }

    /// A removal that has been prepared. The marker is locked as long as it lives.
    struct Removal: ~Copyable {
        fileprivate let folder: OpenFolder
        fileprivate let lock: Folder.Lock
        fileprivate let temporary: String
        private var isCommitted = false

        fileprivate init(
            folder: consuming OpenFolder, lock: consuming Folder.Lock, temporary: String
        ) {
            self.folder = folder
            self.lock = lock
            self.temporary = temporary
        }

        deinit { if !isCommitted { folder.unlink(temporary) } }

        /// Returns once the places are not in it, on the disk.
        consuming func commit() throws(StoreError) {
            isCommitted = true
            try folder.put(temporary, inPlaceOf: KeyringMarker.fileName, under: lock)
        }
    }

    // MARK: The file

    private struct Marks {
        let salt: [UInt8]
        var hashes: Set<[UInt8]>
    }

    fileprivate static let fileName = "in-keyring"
    private static let magic: [UInt8] = [0x89] + Array("kmark1\n".utf8)
    private static let hashLimit = 65_536
    private static let sizeLimit =
        magic.count + Seal.saltSize + hashLimit * Seal.tagSize + Seal.checksumSize

    private func read(in folder: borrowing OpenFolder) throws(StoreError) -> Marks? {
        guard
            let file = try folder.read(
                KeyringMarker.fileName, atMost: KeyringMarker.sizeLimit)
        else { return nil }
        guard let marks = KeyringMarker.parse(file.span) else {
            throw StoreError(
                .damaged,
                "\(folder.path(of: KeyringMarker.fileName)) is damaged, so it is not"
                    + " known which logins are in a keyring",
                hint: "when the keyring can be reached, remove the file and log out and in again")
        }
        return marks
    }

    /// Nil if the bytes are anything but a marker file.
    private static func parse(_ bytes: Span<UInt8>) -> Marks? {
        let first = magic.count + Seal.saltSize
        let end = bytes.count - Seal.checksumSize
        guard end >= first, (end - first).isMultiple(of: Seal.tagSize),
            (end..<bytes.count).map({ bytes[$0] })
                == Seal.checksum(of: bytes.extracting(0..<end)),
            (0..<magic.count).map({ bytes[$0] }) == magic
        else { return nil }
        let salt = (magic.count..<first).map { bytes[$0] }
        let hashes = stride(from: first, to: end, by: Seal.tagSize).map { start in
            (start..<start + Seal.tagSize).map { bytes[$0] }
        }
        let isInOrder = zip(hashes, hashes.dropFirst())
            .allSatisfy { $0.lexicographicallyPrecedes($1) }
        return isInOrder ? Marks(salt: salt, hashes: Set(hashes)) : nil
    }

    private func write(
        _ marks: Marks, in folder: borrowing OpenFolder, under lock: borrowing Folder.Lock
    ) throws(StoreError) {
        folder.removeTemporaries(of: KeyringMarker.fileName, under: lock)
        try folder.replace(
            KeyringMarker.fileName, with: KeyringMarker.bytes(of: marks).span, under: lock)
    }

    private static func bytes(of marks: Marks) -> [UInt8] {
        var bytes = magic + marks.salt
        for hash in marks.hashes.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            bytes += hash
        }
        return bytes + Seal.checksum(of: bytes.span)
    }
}
