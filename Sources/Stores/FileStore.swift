package import Credentials
import Glibc

/// The file store keeps logins in one encrypted file (`FileFormat`).
///
/// Readers take no lock: the file is replaced and never changed in place. A writer holds the
/// lock from before it reads until after it has written. Whether there is a login for a place is
/// in the file's header, in tags, so that "not found" needs no key.
///
/// A file that cannot be opened is never written to, and never taken for an empty one.
package struct FileStore: CredentialStore {
    package struct Options: Sendable {
        /// Where the store lies: `$XDG_DATA_HOME/keyfob`.
        package var folder: Folder
        /// Where the generated key lies: `$XDG_STATE_HOME/keyfob`.
        package var keyFolder: Folder
        /// The key file named in the configuration.
        package var keyFile: String?
        /// `$CREDENTIALS_DIRECTORY`, where systemd puts a service's credentials.
        package var credentialsDirectory: String?
        /// The program that prints the passphrase, and its arguments.
        package var passphraseCommand: [String]?
        /// The passphrase in `KEYFOB_PASSPHRASE`.
        package var passphrase: Secret?
        /// Whether a person may be asked for the passphrase at the terminal.
        package var mayPrompt = true
        /// How long such a prompt may stand, in seconds.
        package var promptTimeout = 60
        /// Says one thing to the user, once, on standard error.
        package var notice: @Sendable (String) -> Void
        /// Called before a person is asked, so that a watchdog waits for it.
        package var willPrompt: @Sendable () -> Void = {}

        package init(
            folder: Folder, keyFolder: Folder, keyFile: String? = nil,
            credentialsDirectory: String? = nil,
            notice: @escaping @Sendable (String) -> Void
        ) {
            self.folder = folder
            self.keyFolder = keyFolder
            self.keyFile = keyFile
            self.credentialsDirectory = credentialsDirectory
            self.notice = notice
        }
    }

    private var options: Options
    private let now: @Sendable () -> UInt64

    package init(_ options: Options) {
        self.init(options, now: { UInt64(max(time(nil), 0)) })
    }

    /// A store with a clock of its own, in seconds since 1970.
    init(_ options: Options, now: @escaping @Sendable () -> UInt64) {
        self.options = options
        self.now = now
    }

    package var name: String { "file" }

    /// The same store, which asks nobody: where only a person could open it, it throws `locked`.
    package var asksNobody: FileStore {
        var store = self
        store.options.mayPrompt = false
        return store
    }

    /// The same store, which asks nobody and runs no passphrase command.
    package var runsNothing: FileStore {
        var store = asksNobody
        store.options.passphraseCommand = nil
        return store
    }

    package func find(_ query: Query) throws(StoreError) -> [Credential] {
        guard let file = try open(choosing: { $0.candidates(for: [query]) }) else { return [] }
        var found: [Credential] = []
        for index in file.chosen {
            let updated = file.header.tags[index].updated
            if let credential = try reporting({ () throws(FileFormat.Fault) in
                try file.body.credential(at: index, updated: updated)
            }), query.matches(credential.entry) {
                found.append(credential)
            }
        }
        return query.ranked(found)
    }

    /// Asks nobody: builds list on their own account, and nobody expects a question then.
    package func list(_ realm: Realm?) throws(StoreError) -> Listing {
        guard let file = try asksNobody.open(choosing: { $0.tags.indices }) else {
            return Listing()
        }
        var entries: [Entry] = []
        for index in file.chosen {
            if let entry = try file.entry(at: index, of: self),
                realm == nil || entry.realm == realm
            {
                entries.append(entry)
            }
        }
        return Listing(entries: entries)
    }

    package func save(_ credential: Credential) throws(StoreError) {
        guard let place = credential.entry.place, let login = credential.entry.login else {
            throw StoreError(.failed, "a login that does not say what it is for cannot be stored")
        }
        let folder = try options.folder.create()
        let lock = try folder.lock(FileStore.fileName)
        folder.removeTemporaries(of: FileStore.fileName, under: lock)
        let file =
            if let sealed = try read(in: folder) { try open(sealed) } else { try newFile() }
        var kept = [Bool](repeating: true, count: file.header.tags.count)
        for index in file.header.indices(of: place)
        where try file.entry(at: index, of: self)?.login == login {
            kept[index] = false
        }
        try write(file, keeping: kept, adding: credential, in: folder, under: lock)
    }

    @discardableResult
    package func remove(_ queries: [Query]) throws(StoreError) -> [Entry] {
        guard queries.allSatisfy({ !$0.facts.isEmpty }) else {
            throw StoreError(.failed, "a query that names nothing would remove every login")
        }
        guard let folder = try options.folder.open(), let before = try read(in: folder) else {
            return []
        }
        guard !before.header.candidates(for: queries).isEmpty else {
            // Who removed them may have died before that was on the disk.
            try folder.syncEntries(of: FileStore.fileName)
            return []
        }

        let lock = try folder.lock(FileStore.fileName)
        folder.removeTemporaries(of: FileStore.fileName, under: lock)
        guard let sealed = try read(in: folder) else { return [] }
        let candidates = sealed.header.candidates(for: queries)
        guard !candidates.isEmpty else {
            try folder.syncEntries(of: FileStore.fileName)
            return []
        }
        let file = try open(sealed)
        var kept = [Bool](repeating: true, count: file.header.tags.count)
        var removed: [Entry] = []
        for index in candidates {
            if let entry = try file.entry(at: index, of: self),
                queries.contains(where: { $0.matches(entry) })
            {
                kept[index] = false
                removed.append(entry)
            }
        }
        guard !removed.isEmpty else { return [] }
        try write(file, keeping: kept, in: folder, under: lock)
        return removed
    }
}

// MARK: - How the file is protected

extension FileStore {
    /// By what a person or a program opens the file.
    package enum Protection: Sendable {
        case key, passphrase
    }

    /// How the file is protected; nil if there is none. Asks for no key.
    package func protection() throws(StoreError) -> Protection? {
        guard let folder = try options.folder.open(), let sealed = try read(in: folder) else {
            return nil
        }
        return sealed.header.slots.contains { $0.kind == .raw } ? .key : .passphrase
    }

    /// Protects the file by this passphrase and nothing else, whatever protected it before. A
    /// store that does not exist yet is made, without a login.
    ///
    /// The logins are sealed anew under a fresh data key, here and below, so that what opened the
    /// old file, or a copy of it, does not open the new one.
    package func setPassphrase(_ passphrase: Secret) throws(StoreError) {
        guard !passphrase.isEmpty, passphrase.count <= Terminal.limit else {
            throw StoreError(.failed, "a passphrase has 1 to \(Terminal.limit) bytes")
        }
        try protect { _ in (passphrase, .passphrase(.standard)) }
    }

    /// Protects the file by a key again: the one that is configured, or else the generated one.
    package func removePassphrase() throws(StoreError) {
        var options = options
        options.passphrase = nil
        options.passphraseCommand = nil
        try protect { _ throws(StoreError) in try KeySource.forNewStore(options) }
    }

    /// Seals the logins under a fresh data key, protected by what opened the file.
    package func rekey() throws(StoreError) {
        let missing = StoreError(.failed, "\(path) does not exist", hint: "log in first")
        // Nothing is created for it.
        guard try protection() != nil else { throw missing }
        try protect { unlocked throws(StoreError) in
            guard let unlocked else { throw missing }
            return (unlocked.key, unlocked.kind)
        }
    }

    /// `choose` is given what opened the file, or nil if there is none yet.
    private func protect(
        by choose: (Unlocked?) throws(StoreError) -> (Secret, FileFormat.Slot.Kind)
    ) throws(StoreError) {
        let folder = try options.folder.create()
        let lock = try folder.lock(FileStore.fileName)
        folder.removeTemporaries(of: FileStore.fileName, under: lock)
        let sealed = try read(in: folder)
        var unlocked: Unlocked?
        var file = emptyFile
        if let sealed {
            let opened = try unlock(sealed.header)
            file = try open(sealed, with: opened.dataKey)
            unlocked = opened
        }
        let (key, kind) = try choose(unlocked)
        file = try protected(file, with: key, kind)
        let all = [Bool](repeating: true, count: file.header.tags.count)
        try write(file, keeping: all, in: folder, under: lock)
    }
}

// MARK: - The file

extension FileStore {
    private static let fileName = "credentials"

    /// A file that has been opened with its key.
    private struct Opened {
        var header: FileFormat.Header
        var body: FileFormat.Body
        let dataKey: Secret
        /// The records that were wanted.
        var chosen: [Int] = []

        /// What the record is; nil if it is of a realm unknown here.
        func entry(at index: Int, of store: FileStore) throws(StoreError) -> Entry? {
            try store.reporting { () throws(FileFormat.Fault) in
                try body.entry(at: index, updated: header.tags[index].updated)
            }
        }
    }

    private var path: String { options.folder.path + "/" + FileStore.fileName }

    private func read(in folder: borrowing OpenFolder) throws(StoreError) -> FileFormat.Sealed? {
        guard
            let bytes = try folder.read(FileStore.fileName, atMost: FileFormat.fileLimit)
        else { return nil }
        return try reporting { () throws(FileFormat.Fault) in try FileFormat.Sealed(bytes) }
    }

    /// The file, opened with its key, if it holds records that are wanted; else nil, and the key
    /// has not been asked for.
    ///
    /// Where the key is missing or wrong, both are read once more: they may be being replaced.
    /// A passphrase that is wrong for the same file is not asked for again.
    private func open(
        choosing wanted: (FileFormat.Header) -> some Collection<Int>
    ) throws(StoreError) -> Opened? {
        guard let folder = try options.folder.open() else { return nil }
        var failed: FileFormat.Header?
        while true {
            guard let sealed = try read(in: folder) else { return nil }
            let chosen = wanted(sealed.header)
            guard !chosen.isEmpty else { return nil }
            let dataKey: Secret
            do throws(StoreError) {
                dataKey = try self.dataKey(for: sealed.header)
            } catch {
                guard failed == nil, sealed.header.slots.contains(where: { $0.kind == .raw })
                else { throw error }
                failed = sealed.header
                continue
            }
            var file = try open(sealed, with: dataKey)
            file.chosen = Array(chosen)
            return file
        }
    }

    private func open(_ sealed: FileFormat.Sealed) throws(StoreError) -> Opened {
        try open(sealed, with: try dataKey(for: sealed.header))
    }

    private func open(
        _ sealed: FileFormat.Sealed, with dataKey: Secret
    ) throws(StoreError) -> Opened {
        let body = try reporting { () throws(FileFormat.Fault) in
            try sealed.open(with: dataKey)
        }
        return Opened(header: sealed.header, body: body, dataKey: dataKey)
    }

    /// A file without records, not written yet, with a data key of its own.
    private func newFile() throws(StoreError) -> Opened {
        let (key, kind) = try KeySource.forNewStore(options)
        return try protected(emptyFile, with: key, kind)
    }

    /// A file without records that nothing protects yet.
    private var emptyFile: Opened {
        let header = FileFormat.Header(
            slots: [], storeID: Seal.randomBytes(Seal.saltSize),
            salt: Seal.randomBytes(Seal.saltSize))
        return Opened(header: header, body: .empty, dataKey: Seal.randomKey())
    }

    /// The file under a fresh data key, in one slot, which this key opens.
    private func protected(
        _ file: Opened, with key: Secret, _ kind: FileFormat.Slot.Kind
    ) throws(StoreError) -> Opened {
        let dataKey = Seal.randomKey()
        var header = file.header
        do throws(FileFormat.Slot.Failure) {
            header.slots = [
                try FileFormat.Slot(wrapping: dataKey, with: key, kind, storeID: header.storeID)
            ]
        } catch {
            throw refusal(of: error)
        }
        return Opened(header: header, body: file.body, dataKey: dataKey)
    }

    /// Writes the file with the records that are kept and, if there is one, the credential.
    private func write(
        _ file: Opened, keeping kept: [Bool], adding added: Credential? = nil,
        in folder: borrowing OpenFolder, under lock: borrowing Folder.Lock
    ) throws(StoreError) {
        let indices = kept.indices.filter { kept[$0] }
        let bytes = try reporting { () throws(FileFormat.Fault) in
            var header = file.header
            header.tags = indices.map { file.header.tags[$0] }
            if let place = added?.entry.place {
                header.tags.append(
                    FileFormat.Tag(of: place, salt: header.salt, updated: now()))
            }
            let body = try file.body.keeping(indices, adding: added)
            return try FileFormat.seal(header, body, with: file.dataKey)
        }
        try folder.replace(FileStore.fileName, with: bytes.span, under: lock)
    }
}

extension FileFormat.Header {
    /// The records that may match one of the queries; all of them if a query names no place.
    fileprivate func candidates(for queries: [Query]) -> [Int] {
        var found: Set<Int> = []
        for query in queries {
            guard let place = query.place else { return Array(tags.indices) }
            found.formUnion(indices(of: place))
        }
        return found.sorted()
    }
}

// MARK: - The key

extension FileStore {
    /// A key that opens a slot, and what the slot holds.
    private struct Unlocked {
        let key: Secret
        let kind: FileFormat.Slot.Kind
        let dataKey: Secret
    }

    private func dataKey(for header: FileFormat.Header) throws(StoreError) -> Secret {
        try unlock(header).dataKey
    }

    /// From the first source whose key opens a slot.
    private func unlock(_ header: FileFormat.Header) throws(StoreError) -> Unlocked {
        var problem: StoreError?
        var wrong: [String] = []
        var missing: [String] = []
        for source in KeySource.all(options) where options.mayPrompt || source.isQuiet {
            let slots = header.slots.filter { source.fits($0.kind) }
            guard !slots.isEmpty else { continue }
            if !source.isQuiet { options.willPrompt() }
            do throws(StoreError) {
                guard let key = try source.ask("passphrase for \(path): ") else {
                    if let absence = source.absence { missing.append(absence) }
                    continue
                }
                if let unlocked = try unlock(slots, with: key, header.storeID) {
                    return unlocked
                }
                wrong.append(source.content)
            } catch {
                problem = problem ?? error
            }
        }
        if let problem { throw problem }
        guard wrong.isEmpty else {
            throw StoreError(
                .locked, "\(wrong.joined(separator: " and ")) is not the key of \(path)",
                hint: "put the right key in its place, or move the store away and log in again")
        }
        guard missing.isEmpty else {
            throw StoreError(
                .locked, "the key of \(path) is missing: \(missing.joined(separator: " and "))",
                hint: "put the key back, or move the store away and log in again")
        }
        throw StoreError(
            .locked, "\(path) is protected by a passphrase, and nobody can be asked here for it",
            hint: "set KEYFOB_PASSPHRASE, or passphraseCommand in the configuration")
    }

    /// Nil if the key opens none of the slots.
    private func unlock(
        _ slots: [FileFormat.Slot], with key: Secret, _ storeID: [UInt8]
    ) throws(StoreError) -> Unlocked? {
        for slot in slots {
            do throws(FileFormat.Slot.Failure) {
                let dataKey = try slot.unwrap(with: key, storeID: storeID)
                return Unlocked(key: key, kind: slot.kind, dataKey: dataKey)
            } catch let error where error == .wrongKey {
                continue
            } catch {
                throw refusal(of: error)
            }
        }
        return nil
    }
}

// MARK: - Words

extension FileStore {
    /// What `body` returns; a fault of the file as what the user is told.
    private func reporting<Result>(
        _ body: () throws(FileFormat.Fault) -> Result
    ) throws(StoreError) -> Result {
        do throws(FileFormat.Fault) { return try body() } catch { throw refusal(of: error) }
    }

    private func refusal(of fault: FileFormat.Fault) -> StoreError {
        return switch fault {
        case .damaged(let what):
            StoreError(
                .damaged, "\(path) is damaged: \(what)",
                hint: "restore it from a backup, or move it away and log in again")
        case .newer(let what):
            StoreError(
                .failed, "\(path) was written by a newer keyfob (\(what))",
                hint: "install the newer keyfob here too")
        case .altered:
            StoreError(
                .damaged,
                "\(path) was altered: its key is right, and its contents are not what"
                    + " was sealed with it",
                hint: "restore it from a backup, or move it away and log in again")
        case .full(let limit):
            StoreError(
                .failed, "\(path) cannot hold more than \(limit)",
                hint: "erase logins that are not needed")
        }
    }

    private func refusal(of failure: FileFormat.Slot.Failure) -> StoreError {
        switch failure {
        case .wrongKey:
            StoreError(.locked, "the key is not the key of \(path)")
        case .outOfMemory(let bytes):
            StoreError(
                .failed, "not enough memory to try a passphrase: \(bytes >> 20) MiB are needed",
                hint: "raise the limit: ulimit -v")
        }
    }
}
