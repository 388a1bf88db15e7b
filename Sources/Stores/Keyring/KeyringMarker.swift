package import Credentials
package import Files

/// The keyring marker remembers for which places a login was stored in a keyring: the folder
/// `in-keyring` has an empty file for each, whose name is a salted hash.
///
/// A get, a list and an erase that cannot reach the keyring use it to report a login, or a copy of
/// one, that they do not see. A place is inserted before the keyring is written to, and removed
/// when the keyring has been searched again and nothing was found; so a place that is not in it is
/// in no keyring.
///
/// The salt is in the file `salt`: a magic number (8 bytes), the salt (16) and a checksum (32) of
/// both. No hash can be computed without it. So a salt file with any other content, or none where
/// there are hashes, is damage, and does not mean that no login was stored.
package struct KeyringMarker: Sendable {
    private let folder: Folder

    package init(in state: Folder) { folder = state.folder(named: "in-keyring") }

    /// Returns true if a login for this place may be in a keyring. Takes no lock, creates nothing.
    package func contains(_ place: Place) throws(StoreError) -> Bool {
        guard let folder = try folder.open(), let salt = try readSalt(in: folder) else {
            return false
        }
        return try folder.has(KeyringMarker.name(of: place, salt))
    }

    /// Returns the number of places that may have a login in a keyring. Takes no lock, creates
    /// nothing.
    package func count() throws(StoreError) -> Int {
        guard let folder = try folder.open() else { return 0 }
        return try KeyringMarker.marks(in: folder)
    }

    /// Returns one line that says how many logins are in a keyring that cannot be reached; nil if
    /// there are none. `absence` is the reason why it cannot.
    package func warning(_ absence: StoreError) throws(StoreError) -> String? {
        let count = try count()
        guard count > 0 else { return nil }
        let logins = count == 1 ? "1 login is" : "\(count) logins are"
        return "\(logins) in the keyring, which cannot be reached here: \(absence.message)"
    }

    /// Inserts the place, and returns once that is on the disk.
    package func insert(_ place: Place) throws(StoreError) {
        let folder = try folder.create()
        let known = try readSalt(in: folder)
        let salt = if let known { known } else { try makeSalt(in: folder) }
        try folder.touch(KeyringMarker.name(of: place, salt))
    }

    /// Removes the place. Creates nothing.
    ///
    /// It does not wait for the disk: a power failure may bring the place back, and then an erase
    /// without the keyring warns of a copy that does not exist. The next erase that reaches the
    /// keyring corrects that.
    package func remove(_ place: Place) throws(StoreError) {
        guard let folder = try folder.open(), let salt = try readSalt(in: folder) else { return }
        try folder.remove(KeyringMarker.name(of: place, salt))
    }

    // MARK: The folder

    private static let saltName = "salt"
    private static let magic: [UInt8] = [0x89] + Array("kmark2\n".utf8)
    private static let saltFileSize = magic.count + Seal.saltSize + Seal.checksumSize

    /// Returns the name of the file for a place.
    private static func name(of place: Place, _ salt: [UInt8]) -> String {
        Seal.tag(of: place, salt: salt).hexadecimal
    }

    private static func isMark(_ name: String) -> Bool {
        name.utf8.count == 2 * Seal.tagSize
    }

    /// Returns the number of places in the folder.
    private static func marks(in folder: borrowing OpenFolder) throws(StoreError) -> Int {
        var count = 0
        try folder.forEachName { if isMark($0) { count += 1 } }
        return count
    }

    /// Returns the salt; nil if there is none yet.
    private func readSalt(in folder: borrowing OpenFolder) throws(StoreError) -> [UInt8]? {
        let name = KeyringMarker.saltName
        let bytes = try folder.read(name, atMost: KeyringMarker.saltFileSize)
        if bytes == nil, try KeyringMarker.marks(in: folder) == 0 { return nil }
        let (magic, saltEnd) = (KeyringMarker.magic, KeyringMarker.magic.count + Seal.saltSize)
        guard let bytes, bytes.count == KeyringMarker.saltFileSize, bytes.starts(with: magic),
            bytes[saltEnd...].elementsEqual(
                Seal.checksum(of: bytes.span.extracting(0..<saltEnd)))
        else {
            throw StoreError(
                .markerDamaged,
                "\(folder.path(of: name)) is \(bytes == nil ? "missing" : "damaged"), so it is not"
                    + " known which logins are in a keyring",
                hint: "when the keyring can be reached, remove the folder \(folder.path) and log "
                    + "out and in again")
        }
        return Array(bytes[magic.count..<saltEnd])
    }

    /// Returns the salt once it is on the disk: a new one, unless another process was faster.
    private func makeSalt(in folder: borrowing OpenFolder) throws(StoreError) -> [UInt8] {
        let lock = try folder.lock(KeyringMarker.saltName)
        if let salt = try readSalt(in: folder) { return salt }
        let salt = Seal.randomBytes(Seal.saltSize)
        let bytes = KeyringMarker.magic + salt
        let content = Secret(copying: (bytes + Seal.checksum(of: bytes.span)).span)
        folder.removeTemporaries(of: KeyringMarker.saltName, under: lock)
        try folder.replace(KeyringMarker.saltName, with: content, under: lock)
        return salt
    }
}
