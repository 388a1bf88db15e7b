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
    /// The file `key` in this folder, which the first store makes where nothing is configured.
    case generated(Folder)

    /// The sources that may be asked, in the order in which they are.
    static func all(_ options: FileStore.Options) -> [KeySource] {
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

    /// Whether what it has can be the key of a slot of this kind. It is not asked for any other.
    func fits(_ kind: FileFormat.Slot.Kind) -> Bool {
        switch (self, kind) {
        case (.keyFile, .raw), (.credential, .raw), (.generated, .raw): true
        case (.passphraseCommand, .passphrase), (.passphrase, .passphrase),
            (.terminal, .passphrase):
            true
        case (_, .raw), (_, .passphrase): false
        }
    }

    /// What it has, for messages.
    var content: String {
        switch self {
        case .keyFile(let path): "the key in \(path)"
        case .credential(let directory): "the key in \(directory)/\(KeySource.credentialName)"
        case .passphraseCommand: "what the passphrase command printed"
        case .passphrase: "the passphrase in KEYFOB_PASSPHRASE"
        case .terminal: "the passphrase"
        case .generated(let folder): "the key in \(folder.path)/\(KeySource.generatedName)"
        }
    }

    /// What is missing where it has nothing, for messages; nil for a person who is not there.
    var absence: String? {
        switch self {
        case .keyFile(let path): "\(path) does not exist"
        case .credential(let directory): "\(directory)/\(KeySource.credentialName) does not exist"
        case .generated(let folder): "\(folder.path)/\(KeySource.generatedName) does not exist"
        case .passphraseCommand, .passphrase, .terminal: nil
        }
    }

    /// What to do where it has the wrong one.
    var remedy: String {
        switch self {
        case .keyFile, .credential, .generated:
            "put the right key there; if it is lost, move the file away and log in again"
        case .passphraseCommand: "correct passphraseCommand in the config file"
        case .passphrase: "set KEYFOB_PASSPHRASE to the right passphrase"
        case .terminal: "try again"
        }
    }

    /// The key or passphrase, or nil if there is none here. A person is not asked: `FileStore` does
    /// that, since it can tell whether the answer was right.
    ///
    /// Throws `failed` if what is here is not a key, or could be read by others; `timedOut` if a
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
        case .generated(let folder):
            return try key(KeySource.generatedName, in: try folder.open(), .mine)
        }
    }

    /// How the key of a store that does not exist yet is kept, and the key: the first source that
    /// is configured, or else the generated key, made now if need be. The caller holds the
    /// store's lock and has seen that there is no store, so that no key in use is ever replaced.
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
                // Nobody has said that there shall be a passphrase.
                continue
            case .generated(let folder):
                return (try generated(in: folder, notice: options.notice), .raw)
            }
        }
        throw StoreError(.noKeySource, "no key is configured")
    }

    /// The key in a file; nil if there is none.
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

    /// How many bytes a key may have.
    private static let sizes = 32...4096
    private static let credentialName = "keyfob"
    private static let generatedName = "key"

    /// The key that is there, or a new one in the place of none or of one that is too short.
    private static func generated(
        in folder: Folder, notice: (String) -> Void
    ) throws(StoreError) -> Secret {
        let open = try folder.create()
        // Stores in other places may share this key: the store's own lock is not enough.
        let lock = try open.lock(generatedName)
        open.removeTemporaries(of: generatedName, under: lock)
        let existing = try open.readSecret(generatedName, atMost: sizes.upperBound)
        if let existing, sizes.contains(existing.count) {
            // Who made it may have died, and the store must not last longer than its key.
            try open.syncEntries(of: generatedName)
            return existing
        }
        let key = Seal.randomKey()
        try key.expose { bytes throws(StoreError) in
            if existing != nil {
                try open.replace(generatedName, with: bytes, under: lock)
            } else if try !open.add(generatedName, with: bytes, under: lock) {
                throw StoreError(
                    .changedMeanwhile,
                    "\(open.path(of: generatedName)) was created by another program just now",
                    hint: "try again")
            }
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
