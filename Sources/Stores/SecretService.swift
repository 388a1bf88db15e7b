internal import CKeyring
internal import Credentials
import Glibc

/// A connection to the D-Bus Secret Service; the one file that sees CKeyring.
///
/// It does what it is told, one step at a time, and says how that ended. What to search for, when
/// to unlock and what to believe is decided in `KeyringStore`.
@safe
final class SecretService {
    /// An item as a search finds it.
    struct Hit: Hashable {
        let path: String
        let isLocked: Bool
    }

    /// What an item says about itself, `xdg:schema` among its attributes.
    struct Item {
        /// Nil where it was not asked for.
        let label: Text?
        let attributes: [String: Text]
        /// Seconds since 1970; nil where it was not asked for, or the provider does not know.
        let modified: UInt64?
    }

    /// What is asked of an item.
    enum Detail {
        case attributes
        /// Label and time, too.
        case all
    }

    /// A collection of items.
    struct Collection {
        let path: String
        let label: Text?
        let isLocked: Bool
        let itemCount: Int
    }

    /// What a change leads to: it is done, or a prompt must be answered first.
    enum Step<Result> {
        case done(Result)
        case prompt(String)
    }

    /// A deletion that has been sent.
    @safe
    struct Deletion {
        fileprivate let pending: OpaquePointer
    }

    private let keyring: OpaquePointer

    /// Connects to the bus and asks for the provider. For no secrets it does without libsecret.
    init(busAddress: String, forSecrets: Bool) throws(StoreError) {
        var keyring: OpaquePointer?
        var reason = [CChar](repeating: 0, count: 512)
        let outcome = unsafe keyring_open(
            busAddress, forSecrets, &keyring, &reason, reason.count)
        guard let keyring = unsafe keyring else {
            let text = reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw StoreError(step: outcome, String(decoding: text, as: UTF8.self))
        }
        unsafe self.keyring = keyring
    }

    deinit { unsafe keyring_close(keyring) }

    /// The number of the provider's process; nil where the bus does not tell.
    var providerProcess: UInt32? {
        let process = unsafe keyring_provider_process(keyring)
        return process == 0 ? nil : process
    }

    /// Whether a search is known to find items of locked collections.
    var findsLockedItems: Bool { unsafe keyring_finds_locked_items(keyring) }

    /// Whether the provider is KeePassXC, which also owns a name of its own on the bus. Asks the bus.
    var isKeePassXC: Bool {
        unsafe keyring_provider_owns(keyring, "org.keepassxc.KeePassXC.MainWindow")
    }

    /// Returns when the provider has been found, which the bus may start. Only a search and a
    /// session may be begun before, which then are under way meanwhile.
    func arrive() throws(StoreError) { try check(unsafe keyring_arrive(keyring)) }

    /// Begins to open the session in which secrets are encrypted, and does not wait for it.
    func beginSession() { unsafe keyring_begin_session(keyring) }

    /// The items that carry all the attributes of any of the patterns, each once. `body` is called
    /// before the answer is waited for; its error is the search's.
    func search(
        _ patterns: [[String: Text]], while body: () throws(StoreError) -> Void = {}
    ) throws(StoreError) -> [Hit] {
        let strings = CStrings()
        let lists = unsafe patterns.map(strings.attributes)
        let list = unsafe strings.patterns(lists)
        var hits = unsafe KeyringHits()
        let search = unsafe keyring_begin_search(keyring, list, patterns.count)
        do throws(StoreError) {
            try body()
        } catch {
            unsafe keyring_drop_search(keyring, search)
            throw error
        }
        try check(
            unsafe keyring_finish_search(keyring, search, list, patterns.count, &hits))
        defer { unsafe keyring_hits_free(&hits) }
        var seen: Set<String> = []
        return unsafe UnsafeBufferPointer(start: hits.items, count: hits.count).compactMap {
            let path = unsafe String(cString: $0.path)
            return unsafe seen.insert(path).inserted ? Hit(path: path, isLocked: $0.locked) : nil
        }
    }

    /// What the items say about themselves; nil for one that cannot be read or is gone.
    func read(_ paths: [String], _ detail: Detail) throws(StoreError) -> [Item?] {
        guard !paths.isEmpty else { return [] }
        let strings = CStrings()
        let items = UnsafeMutableBufferPointer<KeyringItem>.allocate(capacity: paths.count)
        defer { unsafe items.deallocate() }
        unsafe items.initialize(repeating: KeyringItem())
        try check(
            unsafe keyring_read(
                keyring, strings.list(paths), paths.count, detail.wanted, items.baseAddress!))
        defer { unsafe keyring_items_free(items.baseAddress!, paths.count) }
        return unsafe items.map { unsafe Item($0) }
    }

    /// What the items say about themselves, as `read` tells it, and their secrets, as `load` does.
    func fetch(
        _ paths: [String], _ detail: Detail
    ) throws(StoreError) -> [(item: Item?, secret: Secret?)] {
        guard !paths.isEmpty else { return [] }
        let fetched = Fetched(count: paths.count)
        let strings = CStrings()
        try check(
            unsafe keyring_fetch(
                keyring, strings.list(paths), paths.count, detail.wanted, fetched.items,
                fetched.secrets))
        return paths.indices.map { index in
            unsafe (Item(fetched.items[index]), Secret(fetched.secrets[index]))
        }
    }

    /// Forgets the session in which secrets are encrypted: the next one has other keys.
    func dropSession() { unsafe keyring_drop_session(keyring) }

    /// The secrets of the items; nil for one that the provider did not give.
    func load(_ paths: [String]) throws(StoreError) -> [Secret?] {
        guard !paths.isEmpty else { return [] }
        let strings = CStrings()
        let secrets = UnsafeMutableBufferPointer<KeyringSecret>.allocate(capacity: paths.count)
        defer { unsafe secrets.deallocate() }
        unsafe secrets.initialize(repeating: KeyringSecret())
        let outcome = unsafe keyring_load(
            keyring, strings.list(paths), paths.count, secrets.baseAddress!)
        defer { unsafe keyring_secrets_free(secrets.baseAddress!, paths.count) }
        // One that has just been removed or replaced; which of them is not said.
        if outcome == .noSuchItem { return paths.map { _ in nil } }
        try check(outcome)
        return unsafe secrets.map { unsafe Secret($0) }
    }

    /// Asks for items or collections to be unlocked. Done says nothing about whether they are.
    func unlock(_ paths: [String]) throws(StoreError) -> Step<Void> {
        let strings = CStrings()
        var prompt: UnsafeMutablePointer<CChar>?
        try check(unsafe keyring_unlock(keyring, strings.list(paths), paths.count, &prompt))
        return unsafe take(prompt).map(Step.prompt) ?? .done(())
    }

    /// Shows a prompt and waits for its answer.
    func show(prompt: String, seconds: Int) throws(StoreError) {
        try check(unsafe keyring_prompt(keyring, prompt, UInt32(clamping: seconds)))
    }

    /// Creates an item beside what is there; done gives its path.
    func create(
        in collection: String, label: Text, attributes: [String: Text], secret: Secret
    ) throws(StoreError) -> Step<String> {
        let strings = CStrings()
        var path: UnsafeMutablePointer<CChar>?
        var prompt: UnsafeMutablePointer<CChar>?
        let list = unsafe strings.attributes(attributes)
        try check(
            secret.expose { bytes in
                unsafe bytes.withUnsafeBufferPointer { bytes in
                    unsafe keyring_create(
                        keyring, collection, strings.copy(label.bytes), list.attributes,
                        list.count, bytes.baseAddress!, bytes.count, &path, &prompt)
                }
            })
        let (created, asked) = unsafe (take(path), take(prompt))
        if let asked { return .prompt(asked) }
        guard let created else {
            throw StoreError(.keyringFailed, "the keyring created nothing and asked nothing")
        }
        return .done(created)
    }

    func setSecret(of path: String, to secret: Secret) throws(StoreError) {
        try check(
            secret.expose { bytes in
                unsafe bytes.withUnsafeBufferPointer { bytes in
                    unsafe keyring_set_secret(keyring, path, bytes.baseAddress!, bytes.count)
                }
            })
    }

    func describe(
        _ path: String, label: Text, attributes: [String: Text]
    ) throws(StoreError) {
        let strings = CStrings()
        let list = unsafe strings.attributes(attributes)
        try check(
            unsafe keyring_describe(
                keyring, path, strings.copy(label.bytes), list.attributes, list.count))
    }

    /// Deletes an item. One that is not there any more is deleted.
    func delete(_ path: String) throws(StoreError) -> Step<Void> {
        try finish(beginDelete(path))
    }

    /// Sends the deletion of an item, and does not wait for it. It must be finished, once.
    func beginDelete(_ path: String) -> Deletion {
        unsafe Deletion(pending: keyring_begin_delete(keyring, path))
    }

    /// What a deletion leads to, as `delete` tells it.
    func finish(_ deletion: Deletion) throws(StoreError) -> Step<Void> {
        var prompt: UnsafeMutablePointer<CChar>?
        let outcome = unsafe keyring_finish_delete(keyring, deletion.pending, &prompt)
        if outcome != .noSuchItem { try check(outcome) }
        return unsafe take(prompt).map(Step.prompt) ?? .done(())
    }

    /// The collection with this alias; nil if there is none.
    func collection(withAlias alias: String) throws(StoreError) -> String? {
        var path: UnsafeMutablePointer<CChar>?
        try check(unsafe keyring_read_alias(keyring, alias, &path))
        return unsafe take(path)
    }

    func collections() throws(StoreError) -> [Collection] {
        var collections = unsafe KeyringCollections()
        try check(unsafe keyring_collections(keyring, &collections))
        defer { unsafe keyring_collections_free(&collections) }
        return unsafe UnsafeBufferPointer(start: collections.items, count: collections.count).map {
            unsafe Collection(
                path: String(cString: $0.path), label: Text(String(cString: $0.label)),
                isLocked: $0.locked, itemCount: $0.item_count)
        }
    }

    private func check(_ outcome: KeyringOutcome) throws(StoreError) {
        guard outcome != .done else { return }
        throw StoreError(step: outcome, unsafe String(cString: keyring_reason(keyring)))
    }

    private func take(_ text: UnsafeMutablePointer<CChar>?) -> String? {
        guard let text = unsafe text else { return nil }
        defer { unsafe keyring_free(text) }
        return unsafe String(cString: text)
    }
}

extension SecretService.Detail {
    fileprivate var wanted: KeyringDetail { self == .attributes ? .attributes : .all }
}

extension SecretService.Item {
    /// Nil for one that is not there any more, or has no attributes.
    fileprivate init?(_ item: KeyringItem) {
        guard unsafe item.readable else { return nil }
        let pairs = unsafe UnsafeBufferPointer(start: item.attributes, count: item.count)
        var attributes: [String: Text] = [:]
        for index in pairs.indices {
            let value = unsafe Text(String(cString: pairs[index].value))
            unsafe attributes[String(cString: pairs[index].name)] = value
        }
        self.attributes = attributes
        label = unsafe item.label.flatMap { unsafe Text(String(cString: $0)) }
        let modified = unsafe item.modified
        self.modified = modified == 0 ? nil : modified
    }
}

extension Secret {
    /// Nil where the provider gave none.
    fileprivate init?(_ secret: KeyringSecret) {
        guard unsafe secret.owner != nil else { return nil }
        let bytes = unsafe UnsafeBufferPointer(start: secret.bytes, count: secret.count)
        unsafe self.init(copying: Span(_unsafeElements: bytes))
    }
}

extension StoreError {
    /// The keyring answered, and not as the protocol says: it may have done what it was told.
    static let keyringAnswersWrongly = StoreError(
        .keyringAnswersWrongly, "the keyring answered with something of the wrong type")

    /// What the caller of a store is told when a step ended in this outcome.
    fileprivate init(step outcome: KeyringOutcome, _ reason: String) {
        switch outcome {
        case .absent: self.init(.keyringAbsent, reason)
        case .locked: self.init(.keyringLocked, reason, hint: StoreError.keyringLocked.hint)
        case .declined: self.init(.keyringDeclined, reason)
        case .timedOut: self.init(.keyringTimedOut, reason)
        case .gone: self.init(.keyringGone, reason)
        case .refused:
            self.init(
                .keyringRefused, reason,
                hint: "under sudo or in a sandbox the session bus belongs to somebody else: run "
                    + "this as the user of the session, or set KEYFOB_STORE=file")
        case .wrongType: self = .keyringAnswersWrongly
        case .noSuchItem, .failed, .done: self.init(.keyringFailed, reason)
        }
    }
}

/// Items and their secrets as C gives them, freed together.
@safe
private final class Fetched {
    let items: UnsafeMutablePointer<KeyringItem>
    let secrets: UnsafeMutablePointer<KeyringSecret>
    private let count: Int

    init(count: Int) {
        self.count = count
        unsafe items = .allocate(capacity: count)
        unsafe items.initialize(repeating: KeyringItem(), count: count)
        unsafe secrets = .allocate(capacity: count)
        unsafe secrets.initialize(repeating: KeyringSecret(), count: count)
    }

    deinit {
        unsafe keyring_items_free(items, count)
        unsafe keyring_secrets_free(secrets, count)
        unsafe items.deallocate()
        unsafe secrets.deallocate()
    }
}

/// Strings for one call of C, freed together after it.
@safe
private final class CStrings {
    private var blocks: [UnsafeMutableRawPointer] = unsafe []

    deinit { unsafe blocks.forEach { unsafe $0.deallocate() } }

    func copy(_ bytes: [UInt8]) -> UnsafePointer<CChar> {
        let memory = unsafe block(of: CChar.self, count: bytes.count + 1)
        for (index, byte) in bytes.enumerated() { unsafe memory[index] = CChar(bitPattern: byte) }
        unsafe memory[bytes.count] = 0
        return unsafe UnsafePointer(memory)
    }

    func list(_ strings: [String]) -> UnsafePointer<UnsafePointer<CChar>> {
        let memory = unsafe block(of: UnsafePointer<CChar>.self, count: strings.count)
        for (index, string) in strings.enumerated() {
            unsafe (memory + index).initialize(to: copy(Array(string.utf8)))
        }
        return unsafe UnsafePointer(memory)
    }

    func attributes(_ attributes: [String: Text]) -> KeyringPattern {
        let memory = unsafe block(of: KeyringAttribute.self, count: attributes.count)
        for (index, attribute) in attributes.enumerated() {
            unsafe (memory + index).initialize(
                to: KeyringAttribute(
                    name: copy(Array(attribute.key.utf8)), value: copy(attribute.value.bytes)))
        }
        return unsafe KeyringPattern(attributes: memory, count: attributes.count)
    }

    func patterns(_ patterns: [KeyringPattern]) -> UnsafePointer<KeyringPattern> {
        let memory = unsafe block(of: KeyringPattern.self, count: patterns.count)
        for index in unsafe patterns.indices {
            unsafe (memory + index).initialize(to: patterns[index])
        }
        return unsafe UnsafePointer(memory)
    }

    private func block<Element>(
        of type: Element.Type, count: Int
    ) -> UnsafeMutablePointer<Element> {
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: max(1, count) * MemoryLayout<Element>.stride,
            alignment: MemoryLayout<Element>.alignment)
        unsafe blocks.append(memory)
        return unsafe memory.assumingMemoryBound(to: Element.self)
    }
}
