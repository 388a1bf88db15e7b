internal import CKeyring
internal import Credentials

/// A connection to the D-Bus Secret Service. No other file imports CKeyring.
///
/// It performs one step at a time and reports how the step ended. Its callers decide what to search
/// for, when to unlock and what to trust.
@safe
final class SecretService {
    /// An item that a search found.
    struct Hit: Hashable {
        let path: String
        let isLocked: Bool
    }

    /// The parts of an item that are read.
    struct Parts: OptionSet {
        let rawValue: UInt32

        static let attributes = Parts(rawValue: KeyringParts.attributes.rawValue)
        /// The label and the time, together with the attributes.
        static let details = Parts(rawValue: KeyringParts.details.rawValue)
        static let secret = Parts(rawValue: KeyringParts.secret.rawValue)
    }

    /// The parts that were read of an item.
    struct Item {
        /// Its attributes, including `xdg:schema`; nil if the item no longer exists.
        let attributes: [String: Text]?
        let label: Text?
        /// Seconds since 1970; nil if the provider does not know.
        let modified: UInt64?
        /// Nil if the provider gave none.
        let secret: Secret?
    }

    /// A collection of items.
    struct Collection {
        let path: String
        let label: Text?
        let isLocked: Bool
        let itemCount: Int
    }

    /// The result of a creation: the path of the item, or a prompt that must be answered first.
    enum Creation {
        case item(String)
        case prompt(String)
    }

    private let keyring: OpaquePointer

    /// Connects to the bus and asks for the provider. libsecret is needed only if `forSecrets` is
    /// true.
    init(busAddress: String, forSecrets: Bool) throws(StoreError) {
        var opened: OpaquePointer?
        let outcome = unsafe keyring_open(busAddress, forSecrets, &opened)
        guard let opened = unsafe opened else { fatalError("no connection is made") }
        unsafe keyring = opened
        try check(outcome)
    }

    deinit { unsafe keyring_close(keyring) }

    /// Returns true if the connection can be used again: the provider is the same as before, and
    /// libsecret is there if secrets are wanted.
    func canResume(forSecrets: Bool) -> Bool { unsafe keyring_resume(keyring, forSecrets) }

    /// Waits until the provider has been found; the bus may start it. Only a search and a session
    /// may be begun before, so that they proceed meanwhile.
    func findProvider() throws(StoreError) { try check(unsafe keyring_find_provider(keyring)) }

    /// The process id of the provider; nil if the bus does not tell it.
    var providerProcess: UInt32? {
        let process = unsafe keyring_provider_process(keyring)
        return process == 0 ? nil : process
    }

    /// True if a search is known to find items of locked collections.
    var findsLockedItems: Bool { unsafe keyring_finds_locked_items(keyring) }

    /// True if the provider is KeePassXC, which also owns a name of its own on the bus. Asks the
    /// bus.
    var isKeePassXC: Bool {
        unsafe keyring_provider_owns(keyring, "org.keepassxc.KeePassXC.MainWindow")
    }

    /// Starts to open the session that encrypts secrets, and does not wait for it.
    func beginSession() { unsafe keyring_begin_session(keyring) }

    /// Forgets the session that encrypts secrets: the next one has other keys.
    func dropSession() { unsafe keyring_drop_session(keyring) }

    // MARK: Searching and reading

    /// A search that has been sent.
    @safe
    struct Search: ~Copyable {
        fileprivate let service: SecretService
        fileprivate var pending: OpaquePointer?

        /// Returns the items that it found, each once.
        consuming func finish() throws(StoreError) -> [Hit] {
            guard let search = unsafe pending.take() else { return [] }
            var hits: [Hit] = []
            let outcome = unsafe withUnsafeMutablePointer(to: &hits) { hits in
                unsafe keyring_finish_search(
                    service.keyring, search,
                    { hits, path, isLocked in
                        unsafe hits.assumingMemoryBound(to: [Hit].self).pointee.append(
                            Hit(path: String(cString: path), isLocked: isLocked))
                    }, hits)
            }
            try service.check(outcome)
            var seen: Set<String> = []
            return hits.filter { seen.insert($0.path).inserted }
        }

        deinit {
            if let pending = unsafe pending {
                unsafe keyring_cancel_search(service.keyring, pending)
            }
        }
    }

    /// Sends a search for the items that carry all the attributes of any of the patterns, and does
    /// not wait for it.
    func beginSearch(_ patterns: [[String: Text]]) -> Search {
        let strings = CStrings()
        let attributes = unsafe strings.attributes(patterns)
        let counts = patterns.map { $0.count }
        return unsafe Search(
            service: self,
            pending: keyring_begin_search(keyring, attributes, counts, counts.count))
    }

    func search(_ patterns: [[String: Text]]) throws(StoreError) -> [Hit] {
        try beginSearch(patterns).finish()
    }

    /// Returns these parts of each of the items, in the order of the paths.
    func read(_ paths: [String], _ parts: Parts) throws(StoreError) -> [Item] {
        guard !paths.isEmpty else { return [] }
        let strings = CStrings()
        var items: [Item] = []
        try check(
            unsafe withUnsafeMutablePointer(to: &items) { items in
                unsafe keyring_read(
                    keyring, strings.list(paths), paths.count,
                    KeyringParts(rawValue: parts.rawValue),
                    { items, item in
                        unsafe items.assumingMemoryBound(to: [Item].self).pointee.append(
                            Item(item.pointee))
                    }, items)
            })
        return items
    }

    /// Returns the secret of an item; nil if the provider gives none.
    func secret(of path: String) throws(StoreError) -> Secret? {
        try read([path], .secret)[0].secret
    }

    // MARK: Unlocking and changing

    /// Asks for items or collections to be unlocked. Returns the prompt that must be answered
    /// first; nil if there is none, and they may be locked even then.
    func unlock(_ paths: [String]) throws(StoreError) -> String? {
        let strings = CStrings()
        var prompt: UnsafePointer<CChar>?
        try check(unsafe keyring_unlock(keyring, strings.list(paths), paths.count, &prompt))
        return unsafe text(prompt)
    }

    /// Asks for collections to be locked. Returns the prompt that must be answered first, if any.
    func lock(_ paths: [String]) throws(StoreError) -> String? {
        let strings = CStrings()
        var prompt: UnsafePointer<CChar>?
        try check(unsafe keyring_lock(keyring, strings.list(paths), paths.count, &prompt))
        return unsafe text(prompt)
    }

    /// Unlocks a collection of gnome-keyring with its password. Returns false if that is wrong.
    func unlock(_ path: String, with password: Secret) throws(StoreError) -> Bool {
        var isWrong = false
        try unsafe pass(password) { bytes, count in
            unsafe keyring_unlock_with_password(keyring, path, bytes, count, &isWrong)
        }
        return !isWrong
    }

    /// Shows a prompt and waits for the answer.
    func show(prompt: String, seconds: Int) throws(StoreError) {
        try check(unsafe keyring_prompt(keyring, prompt, UInt32(clamping: seconds)))
    }

    /// Creates an item, and replaces none.
    func create(
        in collection: String, label: Text, attributes: [String: Text], secret: Secret
    ) throws(StoreError) -> Creation {
        let strings = CStrings()
        var path: UnsafePointer<CChar>?
        var prompt: UnsafePointer<CChar>?
        let list = unsafe strings.attributes([attributes])
        try unsafe pass(secret) { bytes, count in
            unsafe keyring_create(
                keyring, collection, strings.copy(label.bytes), list, attributes.count, bytes,
                count, &path, &prompt)
        }
        if let prompt = unsafe text(prompt) { return .prompt(prompt) }
        guard let path = unsafe text(path) else {
            throw StoreError(
                .keyringFailed, "the keyring neither stored the login nor asked for anything")
        }
        return .item(path)
    }

    func setSecret(of path: String, to secret: Secret) throws(StoreError) {
        try unsafe pass(secret) { unsafe keyring_set_secret(keyring, path, $0, $1) }
    }

    private func pass(
        _ secret: Secret, to call: (UnsafePointer<UInt8>, Int) -> KeyringOutcome
    ) throws(StoreError) {
        try check(
            secret.expose { bytes in
                unsafe bytes.withUnsafeBufferPointer { unsafe call($0.baseAddress!, $0.count) }
            })
    }

    func describe(
        _ path: String, label: Text, attributes: [String: Text]
    ) throws(StoreError) {
        let strings = CStrings()
        try check(
            unsafe keyring_describe(
                keyring, path, strings.copy(label.bytes), strings.attributes([attributes]),
                attributes.count))
    }

    /// A deletion that has been sent. It must be finished, once.
    @safe
    struct Deletion {
        fileprivate let pending: OpaquePointer
    }

    /// Sends the deletion of an item, and does not wait for it.
    func beginDelete(_ path: String) -> Deletion {
        unsafe Deletion(pending: keyring_begin_delete(keyring, path))
    }

    /// Waits for a deletion, and returns the prompt that must be answered first; nil if there is
    /// none. An item that no longer exists counts as deleted.
    func finish(_ deletion: Deletion) throws(StoreError) -> String? {
        var prompt: UnsafePointer<CChar>?
        let outcome = unsafe keyring_finish_delete(keyring, deletion.pending, &prompt)
        if outcome != .noSuchItem { try check(outcome) }
        return unsafe text(prompt)
    }

    // MARK: Collections

    /// Returns the collection with this alias; nil if there is none.
    func collection(withAlias alias: String) throws(StoreError) -> String? {
        var path: UnsafePointer<CChar>?
        try check(unsafe keyring_read_alias(keyring, alias, &path))
        return unsafe text(path)
    }

    func collections() throws(StoreError) -> [Collection] {
        var collections: [Collection] = []
        try check(
            unsafe withUnsafeMutablePointer(to: &collections) { collections in
                unsafe keyring_collections(
                    keyring,
                    { collections, path, label, isLocked, itemCount in
                        let collection = unsafe Collection(
                            path: String(cString: path),
                            label: label.flatMap { unsafe Text(String(cString: $0)) },
                            isLocked: isLocked, itemCount: itemCount)
                        unsafe collections.assumingMemoryBound(to: [Collection].self)
                            .pointee.append(collection)
                    }, collections)
            })
        return collections
    }

    private func check(_ outcome: KeyringOutcome) throws(StoreError) {
        guard outcome != .done else { return }
        throw StoreError(step: outcome, unsafe String(cString: keyring_reason(keyring)))
    }
}

private func text(_ text: UnsafePointer<CChar>?) -> String? {
    unsafe text.map { unsafe String(cString: $0) }
}

extension SecretService.Item {
    fileprivate init(_ item: KeyringItem) {
        if let list = unsafe item.attributes {
            var attributes: [String: Text] = [:]
            for index in unsafe 0..<item.count {
                let value = unsafe Text(String(cString: list[2 * index + 1]))
                unsafe attributes[String(cString: list[2 * index])] = value
            }
            self.attributes = attributes
        } else {
            attributes = nil
        }
        label = unsafe item.label.flatMap { unsafe Text(String(cString: $0)) }
        modified = unsafe item.modified == 0 ? nil : item.modified
        secret = unsafe item.secret.map { bytes in
            let bytes = unsafe UnsafeBufferPointer(start: bytes, count: item.secret_length)
            return unsafe Secret(copying: Span(_unsafeElements: bytes))
        }
    }
}

extension StoreError {
    /// Makes the error that the caller of a store gets if a step ended in this outcome.
    fileprivate init(step outcome: KeyringOutcome, _ reason: String) {
        switch outcome {
        case .absent: self.init(.keyringAbsent, reason)
        case .locked: self.init(.keyringLocked, reason)
        case .declined: self.init(.keyringDeclined, reason)
        case .timedOut: self.init(.keyringTimedOut, reason)
        case .gone: self.init(.keyringGone, reason)
        case .refused:
            self.init(
                .keyringRefused, reason,
                hint:
                    "under sudo or in a sandbox the session bus belongs to another user: run "
                    + "this as that user, or use the encrypted file: export KEYFOB_STORE=file"
            )
        case .wrongType: self = .keyringAnswersWrongly
        case .noSuchItem, .failed, .done: self.init(.keyringFailed, reason)
        }
    }
}

/// Strings for one call of C, freed together after it.
@safe
private final class CStrings {
    private var strings: [UnsafeMutablePointer<CChar>] = unsafe []
    private var lists: [UnsafeMutablePointer<UnsafePointer<CChar>>] = unsafe []

    deinit {
        for index in unsafe strings.indices { unsafe strings[index].deallocate() }
        for index in unsafe lists.indices { unsafe lists[index].deallocate() }
    }

    func copy(_ bytes: some Collection<UInt8>) -> UnsafePointer<CChar> {
        let memory = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
        unsafe strings.append(memory)
        for (index, byte) in bytes.enumerated() { unsafe memory[index] = CChar(bitPattern: byte) }
        unsafe memory[bytes.count] = 0
        return unsafe UnsafePointer(memory)
    }

    func list(_ paths: [String]) -> UnsafePointer<UnsafePointer<CChar>> {
        let memory = unsafe list(count: paths.count)
        for (index, path) in paths.enumerated() {
            unsafe (memory + index).initialize(to: copy(path.utf8))
        }
        return unsafe UnsafePointer(memory)
    }

    /// Returns the names and values of all patterns, one after the other.
    func attributes(_ all: [[String: Text]]) -> UnsafePointer<UnsafePointer<CChar>> {
        let memory = unsafe list(count: all.reduce(0) { $0 + 2 * $1.count })
        var next = unsafe memory
        for attributes in all {
            for (name, value) in attributes {
                unsafe next.initialize(to: copy(name.utf8))
                unsafe (next + 1).initialize(to: copy(value.bytes))
                unsafe next += 2
            }
        }
        return unsafe UnsafePointer(memory)
    }

    private func list(count: Int) -> UnsafeMutablePointer<UnsafePointer<CChar>> {
        let memory = UnsafeMutablePointer<UnsafePointer<CChar>>.allocate(capacity: max(1, count))
        unsafe lists.append(memory)
        return unsafe memory
    }
}
