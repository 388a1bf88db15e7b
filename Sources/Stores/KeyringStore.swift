package import Credentials

/// The user's keyring: a D-Bus Secret Service, through libsecret.
///
/// What must hold (DESIGN section 4, "The keyring"):
///
/// - A search is by attributes and never by schema: a keyring that was not unlocked since its
///   daemon started has neither its items' schema nor their plain attributes. A locked item that
///   a search finds is therefore a match. After unlocking the search is made again, and only then
///   are the items filtered, by exact schema and exact attributes.
/// - What was written is read back, and what was removed is looked for, before anything is said to
///   be done.
/// - Nobody is asked to unlock for a server that has no item.
/// - Writers of one user wait for each other.
package struct KeyringStore: CredentialStore {
    /// What the keyring store needs to know of the process it runs in.
    package struct Options: Sendable {
        /// The session bus, as `DBUS_SESSION_BUS_ADDRESS` names it; nil where there is none.
        package var busAddress: String?
        /// The collection that new logins go to: an alias, a label or an object path.
        package var collection: String
        /// Whether somebody can answer a prompt.
        package var mayPrompt: Bool
        /// How long a prompt may stand, in seconds.
        package var promptTimeout: Int
        /// Where the lock lies that all writers of this user hold.
        package var lockFolder: Folder
        /// What remembers which servers have been stored in a keyring.
        package var marker: KeyringMarker
        /// Called before a prompt is shown, so that a watchdog waits for it.
        package var willPrompt: @Sendable () -> Void

        package init(
            busAddress: String?, collection: String = defaultAlias, mayPrompt: Bool,
            promptTimeout: Int = 60, lockFolder: Folder, marker: KeyringMarker,
            willPrompt: @escaping @Sendable () -> Void = {}
        ) {
            self.busAddress = busAddress
            self.collection = collection
            self.mayPrompt = mayPrompt
            self.promptTimeout = promptTimeout
            self.lockFolder = lockFolder
            self.marker = marker
            self.willPrompt = willPrompt
        }
    }

    /// The alias of the collection that the user's keyring calls its own.
    package static let defaultAlias = "default"

    private let options: Options

    package init(_ options: Options) { self.options = options }

    package var name: String { "keyring" }

    package func find(_ query: Query) throws(StoreError) -> [Credential] {
        let service = try open()
        // An item may be replaced between the search and the reading: then look again.
        for _ in 0..<attempts {
            let items = try unlockedItems(service, [query], unlockingIf: .nothingElseMatches)
            let secrets = try service.load(items.map(\.path))
            guard secrets.allSatisfy({ $0 != nil }) else { continue }
            return zip(items, secrets)
                .compactMap { item, secret in secret.map { Credential(item.entry, secret: $0) } }
                .sorted { query.prefers($0.entry, to: $1.entry) }
        }
        throw StoreError(.failed, "the keyring has the login but does not give its secret")
    }

    package func list(_ realm: Realm?) throws(StoreError) -> Listing {
        let service = try open()
        var listing = Listing()
        var isLocked = false
        for realm in realm.map({ [$0] }) ?? Realm.allCases {
            let hits = try service.search([realm.pattern])
            let items = try service.read(hits.map(\.path))
            for (hit, item) in zip(hits, items) {
                isLocked = isLocked || hit.isLocked
                if let entry = item?.entry(of: realm), entry.place != nil {
                    listing.entries.append(entry)
                } else if hit.isLocked {
                    throw .keyringLocked
                }
            }
            if hits.isEmpty, !service.findsLockedItems {
                let collections = try service.collections()
                isLocked = isLocked || collections.contains(where: \.hidesItems)
            }
        }
        if isLocked {
            listing.warnings.append("the keyring is locked: some logins may not be listed")
        }
        return listing
    }

    package func save(_ credential: Credential) throws(StoreError) {
        guard let place = credential.entry.place, let query = Query(replacedBy: credential.entry)
        else { throw StoreError(.failed, "the login does not say what it is for") }
        let service = try open()
        let collection = try collection(service)
        let lock = try options.lockFolder.lock(lockName)
        defer { withExtendedLifetime(lock) {} }

        let before = try unlockedItems(service, [query], unlockingIf: .anythingIsLocked)
        let wasMarked = try options.marker.contains(place)
        try options.marker.insert(place)
        do throws(StoreError) {
            let kept: String
            if let same = before.first(where: { $0.entry.attributes == credential.entry.attributes }
            ) {
                try update(service, same, to: credential)
                kept = same.path
            } else {
                kept = try create(service, in: collection, credential, besides: before, query)
            }
            try delete(service, before.map(\.path).filter { $0 != kept }, [query])
        } catch {
            // Locked and declined say that nothing was written.
            if !wasMarked, error.outcome == .locked || error.outcome == .declined {
                try options.marker.remove(place)
            }
            throw error
        }
    }

    package func remove(_ queries: [Query]) throws(StoreError) {
        guard queries.allSatisfy({ !$0.facts.isEmpty }) else {
            throw StoreError(.failed, "a removal must say what to remove")
        }
        let service = try open()
        let lock = try options.lockFolder.lock(lockName)
        defer { withExtendedLifetime(lock) {} }

        let items = try unlockedItems(service, queries, unlockingIf: .anythingIsLocked)
        try delete(service, items.map(\.path), queries)
        for place in queries.compactMap(\.place) { try options.marker.remove(place) }
    }
}

/// How often the keyring is looked at again when what was found has been replaced meanwhile, or
/// has just been unlocked.
private let attempts = 4

/// The lock that all keyring writers of a user hold.
private let lockName = "keyring"

/// The attribute, on items of ours, that holds a docker server's normal form. Other helpers that
/// write the item drop it.
private let normalFormName = "keyfob_server"

private let schemaName = "xdg:schema"

extension StoreError {
    /// The keyring holds, or may hold, what was asked, and nobody can unlock it here.
    static let keyringLocked = StoreError(
        .locked, "the keyring is locked and nobody can be asked here to unlock it",
        hint: "unlock the keyring and try again, or set KEYFOB_STORE=file to keep logins in the "
            + "encrypted file")
}

/// An item that is unlocked and matches.
private struct MatchingItem {
    let path: String
    let entry: Entry
    let label: Text
    let attributes: [String: Text]
}

/// When locked items that a search found are to be unlocked.
private enum UnlockRule {
    /// A get is content with what is unlocked: nobody is asked for more.
    case nothingElseMatches
    /// A store or an erase must reach every copy.
    case anythingIsLocked
}

extension KeyringStore {
    private func open() throws(StoreError) -> SecretService {
        guard let address = options.busAddress else {
            throw StoreError(.absent, "there is no session bus")
        }
        return try SecretService(busAddress: address)
    }

    /// The collection for new logins.
    private func collection(_ service: SecretService) throws(StoreError) -> String {
        let wanted = options.collection
        if wanted.utf8.first == UInt8(ascii: "/") { return wanted }
        if let path = try service.collection(withAlias: wanted) { return path }
        guard wanted != KeyringStore.defaultAlias else {
            throw StoreError(.absent, "the keyring has no default collection")
        }
        let labelled = try service.collections().first { $0.label == Text(wanted) }
        guard let labelled else {
            throw StoreError(.failed, "the keyring has no collection named \(wanted)")
        }
        return labelled.path
    }

    /// The unlocked items that match any of the queries, after unlocking what must be unlocked.
    /// None only if there is none.
    private func unlockedItems(
        _ service: SecretService, _ queries: [Query], unlockingIf rule: UnlockRule
    ) throws(StoreError) -> [MatchingItem] {
        let patterns = queries.flatMap(\.patterns)
        var mayUnlock = true
        for _ in 0..<attempts {
            let hits = try service.search(patterns)
            guard !hits.isEmpty else {
                try believeEmptySearch(service, queries)
                return []
            }
            guard let items = try matchingItems(service, hits, queries) else { continue }
            let locked = hits.filter(\.isLocked).map(\.path)
            guard !locked.isEmpty, rule == .anythingIsLocked || items.isEmpty else { return items }
            guard mayUnlock else { throw .keyringLocked }
            try unlock(service, locked)
            mayUnlock = false
        }
        throw StoreError(.failed, "the keyring has an item that cannot be read")
    }

    /// A provider that hides the items of a locked collection finds nothing there. That is
    /// believed, unless a login for the place is known to have been stored: newer docker fails
    /// even the pull of a public image on any answer but not found.
    private func believeEmptySearch(
        _ service: SecretService, _ queries: [Query]
    ) throws(StoreError) {
        guard !service.findsLockedItems,
            try service.collections().contains(where: \.hidesItems)
        else { return }
        for place in queries.compactMap(\.place) where try options.marker.contains(place) {
            throw .keyringLocked
        }
    }

    /// Those of the hits that are unlocked and match; nil if one of them was replaced meanwhile.
    private func matchingItems(
        _ service: SecretService, _ hits: [SecretService.Hit], _ queries: [Query]
    ) throws(StoreError) -> [MatchingItem]? {
        let paths = hits.filter { !$0.isLocked }.map(\.path)
        var found: [MatchingItem] = []
        for (path, item) in zip(paths, try service.read(paths)) {
            guard let item else { return nil }
            guard
                let entry = queries.lazy.compactMap({ query in
                    item.entry(of: query.realm).flatMap { query.matches($0) ? $0 : nil }
                }).first
            else { continue }
            found.append(
                MatchingItem(
                    path: path, entry: entry, label: item.label, attributes: item.attributes))
        }
        return found
    }

    private func unlock(_ service: SecretService, _ paths: [String]) throws(StoreError) {
        guard case .prompt(let prompt) = try service.unlock(paths) else { return }
        try answer(service, prompt)
    }

    private func answer(_ service: SecretService, _ prompt: String) throws(StoreError) {
        guard options.mayPrompt else { throw .keyringLocked }
        options.willPrompt()
        try service.show(prompt: prompt, seconds: options.promptTimeout)
    }

    /// Gives an item of the same server and user the new secret, in place: nobody who holds the
    /// item loses it, and no provider asks about it.
    private func update(
        _ service: SecretService, _ item: MatchingItem, to credential: Credential
    ) throws(StoreError) {
        let old = try service.load([item.path])[0]
        try service.setSecret(of: item.path, to: credential.secret)
        guard try service.load([item.path])[0] == credential.secret else {
            if let old { try service.setSecret(of: item.path, to: old) }
            throw .keyringAltersSecrets
        }
        // The secret is in place; how the item is labelled is a courtesy to others.
        let attributes = credential.entry.itemAttributes
        guard item.label != credential.entry.label || item.attributes != attributes else { return }
        try? service.describe(item.path, label: credential.entry.label, attributes: attributes)
    }

    /// Creates the item and returns its path, once the secret has been read back from it.
    private func create(
        _ service: SecretService, in collection: String, _ credential: Credential,
        besides before: [MatchingItem], _ query: Query
    ) throws(StoreError) -> String {
        let step = try createUnlocking(service, in: collection, credential)
        var path: String?
        switch step {
        case .done(let created): path = created
        case .prompt(let prompt):
            try answer(service, prompt)
            let known = Set(before.map(\.path))
            path = try service.search(query.patterns).map(\.path).first { !known.contains($0) }
        }
        guard let path else {
            throw StoreError(.failed, "the keyring said that it stored the login and did not")
        }
        guard try service.load([path])[0] == credential.secret else {
            try delete(service, [path], [query])
            throw .keyringAltersSecrets
        }
        return path
    }

    private func createUnlocking(
        _ service: SecretService, in collection: String, _ credential: Credential
    ) throws(StoreError) -> SecretService.Step<String> {
        let create = { () throws(StoreError) in
            try service.create(
                in: collection, label: credential.entry.label,
                attributes: credential.entry.itemAttributes, secret: credential.secret)
        }
        do throws(StoreError) {
            return try create()
        } catch {
            guard error.outcome == .locked else { throw error }
            try unlock(service, [collection])
            return try create()
        }
    }

    /// Deletes the items, then looks whether they are gone.
    private func delete(
        _ service: SecretService, _ paths: [String], _ queries: [Query]
    ) throws(StoreError) {
        guard !paths.isEmpty else { return }
        for path in paths {
            if case .prompt(let prompt) = try service.delete(path) { try answer(service, prompt) }
        }
        let left = Set(try service.search(queries.flatMap(\.patterns)).map(\.path))
        guard left.isDisjoint(with: paths) else {
            throw StoreError(.failed, "the keyring said that it removed the login and did not")
        }
    }
}

extension StoreError {
    /// What was read back is not what was written (KWallet cuts at a NUL, KeePassXC resolves
    /// `{REF:`); the item is as it was before.
    fileprivate static let keyringAltersSecrets = StoreError(
        .failed, "the keyring does not keep this secret as it is; nothing was stored")
}

extension Realm {
    /// What a search for all items of the realm looks for.
    fileprivate var pattern: [String: Text] {
        constants.isEmpty ? [schemaName: schema] : constants
    }
}

extension Query {
    /// What to search for: the exact spelling, the normal form that our own items carry, and the
    /// spellings that other helpers write.
    fileprivate var patterns: [[String: Text]] {
        guard realm == .docker, let server = facts["server"] else {
            return [realm.constants.merging(facts) { _, fact in fact }]
        }
        let key = ServerKey(server)
        return key.spellings.map { realm.constants.merging(["server": $0]) { _, fact in fact } }
            + [realm.constants.merging([normalFormName: key.normalForm]) { _, fact in fact }]
    }
}

extension Entry {
    /// The attributes of its item in a keyring.
    fileprivate var itemAttributes: [String: Text] {
        var item = attributes
        item[schemaName] = realm.schema
        if realm == .docker, let server = attributes["server"] {
            item[normalFormName] = ServerKey(server).normalForm
        }
        return item
    }
}

extension SecretService.Item {
    /// The item as an entry of the realm; nil if it is an item of another kind. What a provider
    /// adds to an item (KeePassXC: URL, Title, UserName, …) is left out.
    fileprivate func entry(of realm: Realm) -> Entry? {
        guard attributes[schemaName] == realm.schema,
            realm.constants.allSatisfy({ attributes[$0] == $1 })
        else { return nil }
        return Entry(
            realm: realm, attributes: attributes.filter { realm.names.contains($0.key) },
            label: label, modified: modified)
    }
}

extension SecretService.Collection {
    /// Whether it may hold items that a search did not show.
    fileprivate var hidesItems: Bool { isLocked && itemCount == 0 }
}
