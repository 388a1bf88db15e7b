package import Credentials
package import Files

/// The file store keeps logins in one encrypted file (`FileFormat`).
///
/// Readers take no lock: the file is replaced and never changed in place. A writer holds the lock
/// from before it reads until after it has written, and does not ask for a passphrase meanwhile.
///
/// The file's header has an unencrypted tag for each login. Only one answer relies on tags that
/// were not authenticated: if no key file can be read, `find` returns nothing for a login that has
/// no tag, and asks for no passphrase. Every other answer comes from a file whose header was
/// authenticated with its key.
///
/// A file that cannot be opened is never written to, and never taken for an empty one.
package final class FileStore: CredentialStore {
    package struct Options: Sendable {
        /// The folder of the store: `$XDG_DATA_HOME/keyfob`.
        package var folder: Folder
        /// The folder of the generated key: `$XDG_STATE_HOME/keyfob`.
        package var keyFolder: Folder
        /// The key file named in the configuration.
        package var keyFile: String?
        /// `$CREDENTIALS_DIRECTORY`, where systemd puts a service's credentials.
        package var credentialsDirectory: String?
        /// A key that the caller provides; no other source is used then.
        package var heldKey: Secret?
        /// The program that prints the passphrase, and its arguments.
        package var passphraseCommand: [String]?
        /// The passphrase in `KEYFOB_PASSPHRASE`.
        package var passphrase: Secret?
        /// True if the user may be asked for the passphrase at the terminal.
        package var mayPrompt = true
        /// True if the settings forbid it to ask.
        package var neverPrompts = false
        /// The longest time that a prompt waits for an answer, in seconds.
        package var promptTimeout = 60
        /// The seconds for which the file stays unlocked once the passphrase has been typed, at
        /// most `longestUnlocking`; 0 if it does not stay unlocked.
        package var unlockSeconds = 0
        /// The processes that a typed passphrase unlocks the file for.
        package var unlockScope = KernelKey.Scope.user
        /// True if the file may be opened with the key that the kernel keeps while it is unlocked.
        var looksIntoKernel = true
        /// The purpose that the prompt names; nil to name the server or key that is asked for.
        package var purpose: String?
        /// Prints one line for the user on standard error.
        package var notice: @Sendable (String) -> Void
        /// Runs before the user is asked, so that a watchdog waits for the answer.
        package var willPrompt: @Sendable () -> Void = {}
        /// The passphrase that was typed, for all stores that are made with these options.
        let memory = PassphraseMemory()

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

    let options: Options
    let now: @Sendable () -> UInt64

    package convenience init(_ options: Options) {
        self.init(options, now: { System.seconds })
    }

    /// Makes a store with a clock of its own, in seconds since 1970.
    init(_ options: Options, now: @escaping @Sendable () -> UInt64) {
        self.options = options
        self.now = now
    }

    package var name: String { "file" }

    /// The same store, which never asks the user: if only the user could open it, it throws
    /// `locked`.
    var asksNobody: FileStore {
        var options = options
        options.mayPrompt = false
        return FileStore(options, now: now)
    }

    package func find(_ query: Query, _ wanted: FindOptions) throws(StoreError) -> [Credential] {
        guard wanted.mayAsk || !options.mayPrompt else { return try asksNobody.find(query) }
        var candidates: [Int] = []
        guard let folder = try options.folder.open(),
            let (sealed, unlocked) = try unlock(
                in: folder, for: query.subject,
                unless: { header in
                    candidates = header.candidates(for: [query])
                    return candidates.isEmpty
                })
        else { return [] }
        guard !candidates.isEmpty else {
            try authenticate(sealed, with: unlocked)
            return []
        }
        let file = try open(sealed, with: unlocked)
        var found: [Credential] = []
        for index in candidates {
            let updated = file.header.tags[index].updated
            if let credential = try reporting({ () throws(FileFormat.Fault) in
                try file.body.credential(at: index, updated: updated)
            }), query.matches(credential.entry) {
                found.append(credential)
            }
        }
        return query.ranked(found)
    }

    package func list(_ schema: Schema?, _ wanted: FindOptions) throws(StoreError) -> Listing {
        guard wanted.mayAsk || !options.mayPrompt else { return try asksNobody.list(schema) }
        guard let folder = try options.folder.open(),
            let (sealed, unlocked) = try unlock(in: folder, for: "all logins")
        else { return Listing() }
        let file = try open(sealed, with: unlocked)
        return try reporting { () throws(FileFormat.Fault) in
            Listing(
                entries: try file.body.entries(of: schema, file.header.tags),
                isDistinct: file.header.isDistinct)
        }
    }

    package func save(_ credential: Credential) throws(StoreError) { try save([credential]) }

    package func save(_ credentials: [Credential]) throws(StoreError) {
        // Of two for the same login the last one is stored.
        var seen: Set<Place> = []
        var added: [(place: Place, identity: Place, login: Credential)] = []
        var subject: String?
        for login in credentials.reversed() {
            guard let place = login.entry.place, let identity = login.entry.identity,
                let query = Query(replacedBy: login.entry)
            else {
                throw StoreError(
                    .namelessLogin, "a login that does not name its server cannot be stored")
            }
            subject = query.subject
            if seen.insert(identity).inserted { added.append((place, identity, login)) }
        }
        guard let subject else { return }
        let folder = try options.folder.create()
        try change(in: folder, for: subject) { opened, _, folder, lock throws(StoreError) in
            let file = if let opened { opened } else { try newFile() }
            var kept = [Bool](repeating: true, count: file.header.tags.count)
            for (place, identity, _) in added {
                for index in file.header.indices(of: place)
                where try file.entry(at: index, of: self)?.identity == identity {
                    kept[index] = false
                }
            }
            try write(
                file, keeping: kept, adding: added.reversed().map { $0.login }, in: folder,
                under: lock)
        }
    }

    @discardableResult
    package func remove(_ queries: [Query]) throws(StoreError) -> [Entry] {
        guard queries.allSatisfy({ !$0.facts.isEmpty }) else {
            throw StoreError(.emptyQuery, "a removal without a server would remove every login")
        }
        guard let subject = queries.first?.subject, let folder = try options.folder.open(),
            let (sealed, unlocked) = try unlock(in: folder, for: subject)
        else { return [] }
        guard !sealed.header.candidates(for: queries).isEmpty else {
            try authenticate(sealed, with: unlocked)
            // The process that removed them may have died before that was on the disk.
            try folder.syncEntries(of: FileStore.fileName)
            return []
        }
        return try change(in: folder, for: subject, with: unlocked) {
            opened, _, folder, lock throws(StoreError) in
            guard let file = opened else { return [] }
            var kept = [Bool](repeating: true, count: file.header.tags.count)
            var removed: [Entry] = []
            for index in file.header.candidates(for: queries) {
                if let entry = try file.entry(at: index, of: self),
                    queries.contains(where: { $0.matches(entry) })
                {
                    kept[index] = false
                    removed.append(entry)
                }
            }
            if removed.isEmpty {
                try folder.syncEntries(of: FileStore.fileName)
            } else {
                try write(file, keeping: kept, in: folder, under: lock)
            }
            return removed
        }
    }
}

// MARK: - How the file is protected

extension FileStore {
    /// The means by which a person or a program opens the file.
    package enum Protection: String, Sendable {
        case key, passphrase
    }

    /// Returns how the file is protected; nil if there is no file. Needs no key.
    package func protection() throws(StoreError) -> Protection? {
        guard let folder = try options.folder.open(), let sealed = try read(in: folder) else {
            return nil
        }
        return sealed.header.slots.contains { $0.kind == .raw } ? .key : .passphrase
    }

    /// Opens the file now, and asks the user if necessary, even if it is unlocked, so that later
    /// operations need not ask. Does nothing if there is no file.
    package func unlock() throws(StoreError) {
        guard let folder = try options.folder.open() else { return }
        if let (sealed, unlocked) = try asking.unlock(in: folder, for: "the encrypted file") {
            try authenticate(sealed, with: unlocked)
        }
    }

    /// Protects the file with this passphrase alone, in place of any earlier protection. A store
    /// that does not exist yet is created, without a login.
    ///
    /// Here and in the functions below, the logins are sealed under a fresh data key, so that the
    /// data key of the old file, or of a copy of it, does not open the new one. They throw `failed`
    /// also if that is done and the kernel keeps the old data key, or may.
    package func setPassphrase(_ passphrase: Secret) throws(StoreError) {
        guard !passphrase.isEmpty, passphrase.count <= Terminal.limit else {
            throw StoreError(.passphraseLength, "a passphrase has 1 to \(Terminal.limit) bytes")
        }
        try protect { _ in (passphrase, .passphrase(.standard)) }
    }

    /// Protects the file with a key again: the configured one, or else the generated one.
    package func removePassphrase() throws(StoreError) {
        var options = options
        options.passphrase = nil
        options.passphraseCommand = nil
        try protect { _ throws(StoreError) in try KeySource.forNewStore(options) }
    }

    /// Seals the logins under a fresh data key, protected by the key or passphrase that opened the
    /// file.
    package func rekey() throws(StoreError) {
        let missing = StoreError(.noSuchFile, "\(path) does not exist", hint: "log in first")
        // A file that does not exist is not created.
        guard try protection() != nil else { throw missing }
        try protect { unlocked throws(StoreError) in
            guard let unlocked, let key = unlocked.key else { throw missing }
            return (key, unlocked.slot.kind)
        }
    }

    /// Protects the file with the key that `choose` returns. `choose` is given the key that opened
    /// the file, or nil if there is no file yet.
    private func protect(
        by choose: (Unlocked?) throws(StoreError) -> (Secret, FileFormat.Slot.Kind)
    ) throws(StoreError) {
        // The kernel keeps only the data key, but `choose` needs the key that the user has.
        guard !options.looksIntoKernel else { return try asking.protect(by: choose) }
        let folder = try options.folder.create()
        try change(in: folder, for: "the encrypted file") {
            opened, unlocked, folder, lock throws(StoreError) in
            let (key, kind) = try choose(unlocked)
            let file = try protected(opened ?? emptyFile, with: key, kind)
            let all = [Bool](repeating: true, count: file.header.tags.count)
            // The old data key in the kernel would open an older copy of the file. Nobody puts it
            // back there, since that needs the lock and the old file.
            let failure = opened.flatMap { forget($0.header) }
            try write(file, keeping: all, in: folder, under: lock)
            guard let failure else { return }
            // In a container that hides the keys, a change must not always fail.
            guard failure.code != .kernelHidesKeys else { return options.notice(failure.message) }
            throw failure
        }
    }
}

// MARK: - The file

extension FileStore {
    static let fileName = "credentials"

    /// A file that has been opened with its key.
    private struct Opened {
        var header: FileFormat.Header
        var body: FileFormat.Body
        let dataKey: Secret

        /// Returns the record without its secret; nil if its schema is unknown here.
        func entry(at index: Int, of store: FileStore) throws(StoreError) -> Entry? {
            try store.reporting { () throws(FileFormat.Fault) in
                try body.entry(at: index, updated: header.tags[index].updated)
            }
        }
    }

    package var path: String { options.folder.path + "/" + FileStore.fileName }

    /// Returns the file as it is now; nil if there is none. `opensNext` is that of
    /// `FileFormat.Sealed`.
    func read(
        in folder: borrowing OpenFolder, opensNext: Bool = false
    ) throws(StoreError) -> FileFormat.Sealed? {
        guard
            let bytes = try folder.readSecret(
                FileStore.fileName, atMost: FileFormat.fileLimit, isSealed: true)
        else { return nil }
        return try reporting { () throws(FileFormat.Fault) in
            try FileFormat.Sealed(bytes, opensNext: opensNext)
        }
    }

    func verify(_ sealed: FileFormat.Sealed) throws(StoreError) {
        try reporting { () throws(FileFormat.Fault) in try sealed.verify() }
    }

    private func open(
        _ sealed: FileFormat.Sealed, with unlocked: Unlocked
    ) throws(StoreError) -> Opened {
        let body = try reporting { () throws(FileFormat.Fault) in
            try sealed.open(with: unlocked.dataKey)
        }
        return Opened(header: sealed.header, body: body, dataKey: unlocked.dataKey)
    }

    /// Throws `damaged` unless the header is the one that was sealed with the body.
    private func authenticate(
        _ sealed: FileFormat.Sealed, with unlocked: Unlocked
    ) throws(StoreError) {
        try reporting { () throws(FileFormat.Fault) in
            try sealed.authenticate(with: unlocked.dataKey)
        }
    }

    /// Runs `body` under the lock of writers. It is given the file as it is then, opened, and the
    /// key that opened it; both are nil if there is no file. `unlocked` is the key that the caller
    /// has already.
    ///
    /// A question to the user, and anything else that takes long, comes before the lock is taken:
    /// other writers would give up waiting for it. If the file has got another key by then, all of
    /// this starts again.
    private func change<Result>(
        in folder: borrowing OpenFolder, for subject: String, with unlocked: Unlocked? = nil,
        _ body: (
            Opened?, Unlocked?, borrowing OpenFolder, borrowing Folder.Lock
        ) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        var unlocked = unlocked
        while true {
            do {
                let lock = try folder.lock(FileStore.fileName)
                folder.removeTemporaries(of: FileStore.fileName, under: lock)
                guard let sealed = try read(in: folder, opensNext: true) else {
                    return try body(nil, nil, folder, lock)
                }
                if unlocked?.opens(sealed.header) != true {
                    unlocked = try? unlockWithKey(sealed.header)
                }
                if let unlocked, unlocked.opens(sealed.header) {
                    return try body(try open(sealed, with: unlocked), unlocked, folder, lock)
                }
            }
            unlocked = try unlock(in: folder, for: subject)?.unlocked
        }
    }

    /// Returns a file without records, not written yet, with a data key of its own.
    private func newFile() throws(StoreError) -> Opened {
        let (key, kind) = try KeySource.forNewStore(options)
        return try protected(emptyFile, with: key, kind)
    }

    /// A file without records that is not protected yet.
    private var emptyFile: Opened {
        let header = FileFormat.Header(
            slots: [], storeID: Seal.randomBytes(Seal.saltSize),
            salt: Seal.randomBytes(Seal.saltSize))
        return Opened(header: header, body: .empty, dataKey: Seal.randomKey())
    }

    /// Returns the file under a fresh data key, in one slot, which this key opens.
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
            throw error.error(of: path)
        }
        return Opened(header: header, body: file.body, dataKey: dataKey)
    }

    /// Writes the file with the records that are kept and the added credentials.
    private func write(
        _ file: Opened, keeping kept: [Bool], adding added: [Credential] = [],
        in folder: borrowing OpenFolder, under lock: borrowing Folder.Lock
    ) throws(StoreError) {
        let indices = kept.indices.filter { kept[$0] }
        let bytes = try reporting { () throws(FileFormat.Fault) in
            var header = file.header
            header.tags = indices.map { file.header.tags[$0] }
            let now = now()
            for place in added.compactMap({ $0.entry.place }) {
                header.tags.append(FileFormat.Tag(of: place, salt: header.salt, updated: now))
            }
            let records = try file.body.keeping(indices, adding: added)
            return try FileFormat.seal(header, records, with: file.dataKey)
        }
        try folder.replace(FileStore.fileName, with: bytes, under: lock)
    }
}

extension FileStore {
    /// Returns the result of `body`; throws a fault of the file as a `StoreError`.
    func reporting<Result>(
        _ body: () throws(FileFormat.Fault) -> Result
    ) throws(StoreError) -> Result {
        do throws(FileFormat.Fault) { return try body() } catch { throw error.error(of: path) }
    }
}

extension Query {
    /// The server, URL or key that it asks about, for messages.
    var subject: String {
        (facts["server"] ?? facts["url"] ?? facts["key"])?.string ?? "your logins"
    }
}
