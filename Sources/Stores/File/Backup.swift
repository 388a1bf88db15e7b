package import Credentials
internal import Files

/// A backup is logins in one file that a passphrase opens: the format of the encrypted file
/// (`FileFormat`), with a store id, a salt and a data key of its own.
package enum Backup {
    /// Returns the bytes of a backup of these logins.
    ///
    /// Throws `failed` if the passphrase is empty or too long, or the logins are too many or too
    /// large.
    package static func sealing(
        _ logins: [Credential], with passphrase: Secret
    ) throws(StoreError) -> [UInt8] {
        guard !passphrase.isEmpty, passphrase.count <= Terminal.limit else {
            throw StoreError(.passphraseLength, "a passphrase has 1 to \(Terminal.limit) bytes")
        }
        var header = FileFormat.Header(
            slots: [], storeID: Seal.randomBytes(Seal.saltSize),
            salt: Seal.randomBytes(Seal.saltSize))
        let dataKey = Seal.randomKey()
        do throws(FileFormat.Slot.Failure) {
            header.slots = [
                try FileFormat.Slot(
                    wrapping: dataKey, with: passphrase, .passphrase(.standard),
                    storeID: header.storeID)
            ]
        } catch {
            throw error.error(of: name)
        }
        let placed = logins.compactMap { login in login.entry.place.map { ($0, login) } }
        header.tags = placed.map { place, login in
            FileFormat.Tag(of: place, salt: header.salt, updated: login.entry.modified ?? 0)
        }
        do throws(FileFormat.Fault) {
            let records = try FileFormat.Body.empty.keeping([], adding: placed.map { $1 })
            return try FileFormat.seal(header, records, with: dataKey).publicBytes
        } catch {
            throw error.error(of: name)
        }
    }

    /// Returns true if the bytes begin as a backup, or a part of one, does.
    package static func isBegun(by content: Secret) -> Bool {
        let magic = FileFormat.magic
        return Secret(copying: magic.span)[0..<min(content.count, magic.count)]
            == content[0..<min(content.count, magic.count)] && !content.isEmpty
    }

    /// Returns the logins of a backup.
    ///
    /// Throws `locked` if the passphrase is wrong, `damaged` if the file is no backup, or is not as
    /// it was written.
    package static func logins(
        in bytes: [UInt8], with passphrase: Secret
    ) throws(StoreError) -> [Credential] {
        let sealed = try reporting { () throws(FileFormat.Fault) in
            try FileFormat.Sealed(Secret(copying: bytes.span))
        }
        let dataKey = try dataKey(of: sealed.header, with: passphrase)
        return try reporting { () throws(FileFormat.Fault) in
            let body = try sealed.open(with: dataKey)
            var logins: [Credential] = []
            for (index, tag) in sealed.header.tags.enumerated() {
                if let login = try body.credential(at: index, updated: tag.updated) {
                    logins.append(login)
                }
            }
            return logins
        }
    }

    private static let name = "the backup"

    private static func dataKey(
        of header: FileFormat.Header, with passphrase: Secret
    ) throws(StoreError) -> Secret {
        for slot in header.slots where slot.kind != .raw {
            do throws(FileFormat.Slot.Failure) {
                return try slot.unwrap(with: passphrase, storeID: header.storeID)
            } catch let error where error == .wrongKey {
                continue
            } catch {
                throw error.error(of: name)
            }
        }
        throw StoreError(.wrongPassphrase, "wrong passphrase for the backup", hint: "try again")
    }

    private static func reporting<Result>(
        _ body: () throws(FileFormat.Fault) -> Result
    ) throws(StoreError) -> Result {
        do throws(FileFormat.Fault) { return try body() } catch { throw error.error(of: name) }
    }
}
