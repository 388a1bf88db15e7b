internal import Credentials
internal import Files

/// A key source is a place where the user's key for the credential file may be: a key of 32 bytes
/// or more, or a passphrase.
enum KeySource {
    /// The key file that the configuration names.
    case keyFile(String)
    /// The file `keyfob` in `$CREDENTIALS_DIRECTORY`, as systemd hands it to a service.
    case credential(directory: String)
    /// A program that prints the passphrase, by its arguments.
    case passphraseCommand([String])
    /// The passphrase in `KEYFOB_PASSPHRASE`.
    case passphrase(Secret)
    /// A person at the terminal.
    case terminal
    /// A key that the caller provides. No other source is used then.
    case held(Secret)
    /// The file `key` in this folder. The first store creates it if nothing is configured.
    case generated(Folder)

    /// Returns the sources that may be used, in the order in which they are tried.
    static func all(_ options: FileStore.Options) -> [KeySource] {
        if let key = options.heldKey { return [.held(key)] }
        var sources: [KeySource] = []
        if let path = options.keyFile { sources.append(.keyFile(path)) }
        if let directory = options.credentialsDirectory {
            sources.append(.credential(directory: directory))
        }
        if let command = options.passphraseCommand {
            sources.append(.passphraseCommand(command))
        }
        if let passphrase = options.passphrase { sources.append(.passphrase(passphrase)) }
        if options.mayPrompt { sources.append(.terminal) }
        return sources + [.generated(options.keyFolder)]
    }

    /// Returns true if its key may be that of a slot of this kind. It is read for no other slot.
    func fits(_ kind: FileFormat.Slot.Kind) -> Bool {
        switch (self, kind) {
        case (.keyFile, .raw), (.credential, .raw), (.generated, .raw), (.held, .raw): true
        case (.passphraseCommand, .passphrase), (.passphrase, .passphrase),
            (.terminal, .passphrase):
            true
        case (_, .raw), (_, .passphrase): false
        }
    }

    /// The name of its key or passphrase, for messages.
    var content: String {
        switch self {
        case .keyFile(let path): "the key in \(path)"
        case .credential(let directory): "the key in \(directory)/\(KeySource.credentialName)"
        case .passphraseCommand: "what the passphrase command printed"
        case .passphrase: "the passphrase in KEYFOB_PASSPHRASE"
        case .terminal: "the passphrase"
        case .held: "the key that is held"
        case .generated(let folder): "the key in \(folder.path)/\(KeySource.generatedName)"
        }
    }

    /// The statement that its key is missing, for messages; nil for a source that is not a file.
    var absence: String? {
        switch self {
        case .keyFile(let path): "\(path) does not exist"
        case .credential(let directory): "\(directory)/\(KeySource.credentialName) does not exist"
        case .generated(let folder): "\(folder.path)/\(KeySource.generatedName) does not exist"
        case .passphraseCommand, .passphrase, .terminal, .held: nil
        }
    }

    /// The hint for an error if its key or passphrase is wrong.
    var remedy: String {
        switch self {
        case .keyFile, .credential, .generated:
            "put the right key there; if it is lost, move the file away and log in again"
        case .passphraseCommand: "correct passphraseCommand in the config file"
        case .passphrase: "set KEYFOB_PASSPHRASE to the right passphrase"
        case .terminal, .held: "try again"
        }
    }

    /// Returns the key or passphrase, or nil if there is none. The user is not asked: `FileStore`
    /// does that, since it can tell if the answer was right.
    ///
    /// Throws `failed` if the content is not a key, or other users could read it; `timedOut` if a
    /// passphrase command does not end.
    func read() throws(StoreError) -> Secret? {
        switch self {
        case .keyFile(let path):
            let (directory, name) = try KeySource.split(path)
            return try key(name, in: try OpenFolder.ofAnyone(directory), .mineOrGivenByRoot)
        case .credential(let directory):
            return try key(
                KeySource.credentialName, in: try OpenFolder.ofAnyone(directory),
                .mineOrGivenByRoot)
        case .passphraseCommand(let arguments):
            return try PassphraseCommand(arguments: arguments).run()
        case .passphrase(let passphrase):
            return passphrase
        case .terminal:
            return nil
        case .held(let key):
            return key
        case .generated(let folder):
            return try key(KeySource.generatedName, in: try folder.open(), .mine)
        }
    }

    /// Returns the key for a store that does not exist yet, and the kind of its slot: the key of
    /// the first source that is configured, or else the generated key, which is created if
    /// necessary. The caller holds the store's lock and has seen that there is no store, so that no
    /// key in use is ever replaced.
    static func forNewStore(
        _ options: FileStore.Options
    ) throws(StoreError) -> (key: Secret, kind: FileFormat.Slot.Kind) {
        for source in all(options) {
            switch source {
            case .keyFile(let path):
                guard let key = try source.read() else {
                    throw StoreError(
                        .noSuchFile, "the key file \(path) does not exist",
                        hint: "make one: (umask 077; head -c 32 /dev/urandom > \(path.shellWord))")
                }
                return (key, .raw)
            case .credential:
                if let key = try source.read() { return (key, .raw) }
            case .passphraseCommand, .passphrase:
                if let passphrase = try source.read() {
                    return (passphrase, .passphrase(.standard))
                }
            case .terminal:
                // A terminal does not mean that the user wants a passphrase.
                continue
            case .held(let key):
                return (key, .raw)
            case .generated(let folder):
                return (try generated(in: folder, notice: options.notice), .raw)
            }
        }
        throw StoreError(.noKeySource, "no key is configured")
    }

    /// Returns the key in a file; nil if there is none.
    private func key(
        _ name: String, in folder: consuming OpenFolder?, _ ownership: Ownership
    ) throws(StoreError) -> Secret? {
        guard let folder,
            let key = try folder.readSecret(
                name, atMost: KeySource.sizes.upperBound, owned: ownership)
        else { return nil }
        guard KeySource.sizes.contains(key.count) else {
            let path = folder.path(of: name)
            throw StoreError(
                .keyTooShort,
                key.isEmpty
                    ? "the key file \(path) is empty"
                    : "the key file \(path) is too short: \(key.count) bytes,"
                        + " \(KeySource.sizes.lowerBound) are needed",
                hint: "restore it from a backup")
        }
        return key
    }

    // MARK: The generated key

    /// The number of bytes that a key may have.
    private static let sizes = 32...4096
    private static let credentialName = "keyfob"
    private static let generatedName = "key"

    /// Returns the existing key, or a new one if there is none or if it is too short.
    private static func generated(
        in folder: Folder, notice: (String) -> Void
    ) throws(StoreError) -> Secret {
        let open = try folder.create()
        // Stores in other folders may share this key: the store's own lock is not enough.
        let lock = try open.lock(generatedName)
        open.removeTemporaries(of: generatedName, under: lock)
        let existing = try open.readSecret(generatedName, atMost: sizes.upperBound)
        if let existing, sizes.contains(existing.count) {
            // The process that created the key may have died before the directory entry was on the
            // disk, and the key must be there as long as the store.
            try open.syncEntries(of: generatedName)
            return existing
        }
        let key = Seal.randomKey()
        if existing != nil {
            try open.replace(generatedName, with: key, under: lock)
        } else if try !open.add(generatedName, with: key, under: lock) {
            throw StoreError(
                .changedMeanwhile,
                "\(open.path(of: generatedName)) was created by another program just now",
                hint: "try again")
        }
        notice(
            "created the key of the encrypted file, \(open.path(of: generatedName).printable): "
                + "it protects copies of the file, but not against someone who can read your "
                + "home directory or a backup of both"
        )
        return key
    }

    private static func split(
        _ path: String
    ) throws(StoreError) -> (directory: String, name: String) {
        guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0),
            let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")),
            path.utf8.index(after: slash) != path.endIndex
        else {
            throw StoreError(
                .badPath, "the key file \"\(path)\" is not an absolute path of a file",
                hint: "give its full path in the config file")
        }
        let directory = slash == path.startIndex ? "/" : String(path[..<slash])
        return (directory, String(path[path.utf8.index(after: slash)...]))
    }
}
