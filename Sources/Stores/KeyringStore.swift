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
        /// Whether a provider that confirms every change by a prompt of its own may be asked to where
        /// nobody can answer: KeePassXC does so, and asks nobody unless it is set to.
        package var mayConfirmUnseen = false
        /// How long a prompt may stand, in seconds.
        package var promptTimeout: Int
        /// Where the lock lies that all writers of this user hold: a folder that does not depend on
        /// the session, since a cron job and a desktop may write to one keyring.
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

    let options: Options
    /// Whether label and time of an item are asked for only if that decides between two.
    private var leavesOutDetails = false

    package init(_ options: Options) { self.options = options }

    package var name: String { "keyring" }

    /// The same store, which leaves out `Entry.label` and `Entry.modified` where there is one item
    /// for a login: gnome-keyring 42 takes four times as long to tell them.
    package var withoutDetails: KeyringStore {
        var store = self
        store.leavesOutDetails = true
        return store
    }

    /// Where there is a login that is spelled exactly so, others are not looked for.
    package func find(_ query: Query) throws(StoreError) -> [Credential] {
        let service = try connect()
        var detail: SecretService.Detail = leavesOutDetails ? .attributes : .all
        var hits: [SecretService.Hit]? = try service.search(query.likelyPatterns) {
            // The session takes as long as all the rest: only where there will be a secret.
            if isMarked(query) { service.beginSession() }
        }
        // An item may be replaced between the search and the reading: then look again.
        for _ in 0..<attempts {
            let items = try unlockedItems(
                service, [query], .toGet, reading: detail, among: hits.take()
            ).filter(\.entry.isLogin)
            guard items.count < 2 || detail == .all else {
                detail = .all
                continue
            }
            let logins = items.compactMap(\.credential)
            guard logins.count == items.count else { continue }
            return query.ranked(logins)
        }
        throw StoreError(
            .keyringHidesSecret, "the keyring has the login but does not give its secret")
    }

    package func list(_ realm: Realm?) throws(StoreError) -> Listing {
        let service = try connect()
        var listing = Listing()
        var isLocked = false
        for realm in realm.map({ [$0] }) ?? Realm.allCases {
            let (entries, hitLocked) = try entries(service, of: realm)
            listing.entries += entries
            isLocked = isLocked || hitLocked
        }
        if isLocked {
            listing.warnings.append("the keyring is locked: some logins may not be listed")
        }
        return listing
    }

    /// The logins of this realm's former schema that are not locked: older versions of its client
    /// still give them, and Keyfob does not.
    package func formerLogins(_ realm: Realm) throws(StoreError) -> [Entry] {
        guard let schema = realm.formerSchema else { return [] }
        let service = try connect(forSecrets: false)
        let hits = try service.search([[schemaName: schema]]).filter { !$0.isLocked }
        return try service.read(hits.map(\.path), .all)
            .compactMap { $0?.entry(of: realm, schema: schema) }
            .filter { $0.place != nil && $0.attributes["protocol"].map(isAskedByGit) ?? true }
    }

    /// Unlocks every collection that may hold logins, so that a list shows all there is. Asks
    /// only where there is one that is locked.
    package func unlock() throws(StoreError) {
        let service = try open()
        let locked = {
            () throws(StoreError) in
            try service.collections()
                .filter { $0.isLocked && ($0.itemCount > 0 || !service.findsLockedItems) }
        }
        let paths = try locked().map(\.path)
        guard !paths.isEmpty else { return }
        try unlock(service, paths)
        guard try locked().isEmpty else { throw .keyringStaysLocked }
    }

    package func save(_ credential: Credential) throws(StoreError) {
        guard let place = credential.entry.place, let query = Query(replacedBy: credential.entry)
        else { throw StoreError(.namelessLogin, "the login does not say what it is for") }
        let service = try connect()
        let lock = try lock(service)
        defer { withExtendedLifetime(lock) {} }

        var wasMarked = true
        var isWriting = false
        do throws(StoreError) {
            // The disk is waited for while the keyring searches and agrees on keys.
            let hits = try service.search(query.patterns) { () throws(StoreError) in
                service.beginSession()
                try service.arrive()
                wasMarked = try options.marker.contains(place)
                try options.marker.insert(place)
            }
            let collection = try collection(service)
            let before = try unlockedItems(
                service, [query], .toReplace, reading: .all, among: hits)
            isWriting = true
            let others = try write(service, credential, to: collection, query, besides: before)
            do throws(StoreError) {
                for other in others { try delete(service, other) }
                try expectGone(service, others, [query])
            } catch {
                throw error.leaving("the login was stored, and an older one may remain")
            }
        } catch {
            // Locked and declined say that nothing was written.
            if !wasMarked, !isWriting || error.outcome == .locked || error.outcome == .declined {
                try options.marker.remove(place)
            }
            throw error
        }
    }

    @discardableResult
    package func remove(_ queries: [Query]) throws(StoreError) -> [Entry] {
        guard queries.allSatisfy({ !$0.facts.isEmpty }) else {
            throw StoreError(.emptyQuery, "a removal must say what to remove")
        }
        // No secret is asked for: it is removed where libsecret is missing, too.
        let service = try connect(forSecrets: false)
        let lock = try lock(service)
        defer { withExtendedLifetime(lock) {} }

        // Done when nothing is left: an item may be replaced while it is removed.
        var removed: [String: Entry] = [:]
        var isRemoving = false
        do throws(StoreError) {
            for _ in 0..<attempts {
                let items = try unlockedItems(
                    service, queries, removed.isEmpty ? .toRemove : .toMakeSure,
                    reading: .attributes)
                guard items.allSatisfy({ removed[$0.path] == nil }) else {
                    throw .keyringRemovedNothing
                }
                isRemoving = !items.isEmpty
                var unmarking: KeyringMarker.Removal?
                let isDone =
                    items.isEmpty
                    ? true
                    : try delete(
                        service, items, queries, noting: &removed, preparing: &unmarking)
                guard isDone else { continue }
                var marked = queries
                if let unmarking = unmarking.take() {
                    try unmarking.commit()
                    marked.removeAll { $0.widenedToPlace == nil }
                }
                for query in marked { try unmark(service, query) }
                return Array(removed.values)
            }
        } catch {
            let isUnknown = isRemoving && error.leavesOutcomeUnknown || !removed.isEmpty
            guard isUnknown, error != .keyringRemovedNothing else { throw error }
            throw error.leaving("whether the login was removed is unknown")
        }
        throw StoreError(.keyringRestoresLogin, "the login comes back as often as it is removed")
    }
}

/// How often the keyring is looked at again when what was found has been replaced meanwhile, or
/// has just been unlocked.
private let attempts = 4

/// Whether git asks for passwords of such addresses; those of file shares are gvfs's.
private func isAskedByGit(_ scheme: Text) -> Bool {
    ["http", "https", "smtp", "smtps", "imap", "imaps", "ftp", "ftps"].contains(scheme)
}

/// How long KeePassXC is given to confirm a change where nobody can answer. It takes a tenth of a
/// second where it asks nobody.
private let unseenSeconds = 5

/// The lock that all keyring writers of a user hold.
private let lockName = "keyring"

/// The attribute, on items of ours, that holds a docker server's normal form. Other helpers that
/// write the item drop it.
private let normalFormName = "keyfob_server"

private let schemaName = "xdg:schema"

extension StoreError {
    /// The keyring holds, or may hold, what was asked, and nobody can unlock it here.
    static let keyringLocked = StoreError(
        .keyringLocked, "the keyring is locked and nobody can be asked here to unlock it",
        hint: "unlock the keyring and try again, or set KEYFOB_STORE=file to keep logins in the "
            + "encrypted file; see: keyfob status")
}

/// An item that is unlocked and matches.
private struct MatchingItem {
    let path: String
    let entry: Entry
    let label: Text?
    let attributes: [String: Text]
    /// Nil unless it is to get, and the provider gave it.
    var secret: Secret?

    var credential: Credential? { secret.map { Credential(entry, secret: $0) } }
}

/// What items are looked for, which decides when those that are locked are to be unlocked.
private enum Purpose {
    /// A get is content with what is unlocked: nobody is asked for more.
    case toGet
    /// A store or an erase must reach every copy, also one that a locked collection hides.
    case toReplace, toRemove
    /// An erase that has removed something looks whether that was all.
    case toMakeSure

    /// Whether no spelling can be left out, whatever the likely ones lead to.
    var needsAll: Bool { self == .toReplace || self == .toMakeSure }
}

extension KeyringStore {
    /// The keyring, once it has been found.
    func open() throws(StoreError) -> SecretService {
        let service = try connect()
        try service.arrive()
        return service
    }

    /// The keyring, to be searched, and whether there is one turns out then.
    private func connect(forSecrets: Bool = true) throws(StoreError) -> SecretService {
        guard let address = options.busAddress else {
            throw StoreError(.noSessionBus, "there is no session bus")
        }
        return try SecretService(busAddress: address, forSecrets: forSecrets)
    }

    /// The lock that all keyring writers of a user hold. Without a keyring that is the error, not
    /// what keeps the lock from being taken.
    private func lock(_ service: SecretService) throws(StoreError) -> Folder.Lock {
        do throws(StoreError) {
            return try options.lockFolder.lock(lockName)
        } catch {
            try service.arrive()
            throw error
        }
    }

    /// Whether a login for what is asked may be in the keyring, as far as that is known.
    private func isMarked(_ query: Query) -> Bool {
        guard let place = query.place else { return false }
        return (try? options.marker.contains(place)) ?? false
    }

    /// The path of the collection for new logins.
    func collection(_ service: SecretService) throws(StoreError) -> String {
        let wanted = options.collection
        if wanted.isObjectPath { return wanted }
        if let path = try service.collection(withAlias: wanted) { return path }
        guard wanted != KeyringStore.defaultAlias else {
            throw StoreError(.noDefaultCollection, "the keyring has no default collection")
        }
        let labelled = try service.collections().first { $0.label == Text(wanted) }
        guard let labelled else {
            throw StoreError(.noSuchCollection, "the keyring has no collection named \(wanted)")
        }
        return labelled.path
    }

    /// The logins of a realm, and whether there may be more in a locked collection.
    private func entries(
        _ service: SecretService, of realm: Realm
    ) throws(StoreError) -> (entries: [Entry], isLocked: Bool) {
        var detail: SecretService.Detail = leavesOutDetails ? .attributes : .all
        // An item may be replaced between the search and the reading: then look again.
        for _ in 0..<attempts {
            let hits = try service.search([realm.pattern])
            let items = try service.read(hits.map(\.path), detail).compactMap(\.self)
            guard items.count == hits.count else { continue }
            let found = items.map { $0.entry(of: realm) }
            for (hit, entry) in zip(hits, found) where hit.isLocked && entry?.place == nil {
                throw options.mayPrompt ? .listDoesNotUnlock : .keyringLocked
            }
            let logins = found.compactMap(\.self).filter { $0.place != nil && $0.isLogin }
            guard detail == .all || Set(logins.map(\.login)).count == logins.count else {
                detail = .all
                continue
            }
            let mayHideMore = try mayOverlook(service, realm)
            return (logins, mayHideMore || hits.contains(where: \.isLocked))
        }
        throw .itemCannotBeRead
    }

    /// The unlocked items that match any of the queries, after unlocking what must be unlocked.
    /// None only if there is none. `found` is what the first search, for the likely spellings or
    /// all that are needed, has found already.
    private func unlockedItems(
        _ service: SecretService, _ queries: [Query], _ purpose: Purpose,
        reading detail: SecretService.Detail, among found: [SecretService.Hit]? = nil
    ) throws(StoreError) -> [MatchingItem] {
        var found = found
        let likely = queries.flatMap { purpose.needsAll ? $0.patterns : $0.likelyPatterns }
        let others = purpose.needsAll ? [] : queries.flatMap(\.otherPatterns)
        var mayUnlock = true
        for _ in 0..<attempts {
            var hits: [SecretService.Hit]
            if let first = found.take() { hits = first } else { hits = try service.search(likely) }
            guard var items = try matchingItems(service, hits, queries, purpose, detail) else {
                continue
            }
            if !others.isEmpty {
                guard !isEnough(items, of: hits, queries, purpose) else { return items }
                let known = Set(hits.map(\.path))
                let more = try service.search(others).filter { !known.contains($0.path) }
                guard let found = try matchingItems(service, more, queries, purpose, detail)
                else { continue }
                hits += more
                items += found
            }
            let locked =
                hits.isEmpty
                ? try placesToHide(service, queries, purpose)
                : hits.filter(\.isLocked).map(\.path)
            guard !locked.isEmpty, purpose != .toGet || items.isEmpty else { return items }
            guard mayUnlock else { throw .keyringStaysLocked }
            try unlock(service, locked)
            mayUnlock = false
        }
        throw .itemCannotBeRead
    }

    /// Whether what the likely spellings led to is all that is wanted: the best answer to a get,
    /// or something to remove before everything is looked for again.
    private func isEnough(
        _ items: [MatchingItem], of hits: [SecretService.Hit], _ queries: [Query],
        _ purpose: Purpose
    ) -> Bool {
        switch purpose {
        case .toGet:
            queries.allSatisfy { query in
                items.contains { query.matchesExactly($0.entry) && $0.entry.isLogin }
            }
        case .toRemove: !items.isEmpty && !hits.contains(where: \.isLocked)
        case .toReplace, .toMakeSure: false
        }
    }

    /// Whether a search for all items of the realm may not show those of a locked collection: the
    /// provider hides them, or has forgotten their schema and the realm has no other mark.
    private func mayOverlook(_ service: SecretService, _ realm: Realm) throws(StoreError) -> Bool {
        guard service.findsLockedItems else { return try !hidingCollections(service).isEmpty }
        guard realm.constants.isEmpty else { return false }
        return try service.collections().contains { $0.isLocked && $0.itemCount > 0 }
    }

    /// The locked collections that may hold items which a search does not show.
    private func hidingCollections(_ service: SecretService) throws(StoreError) -> [String] {
        guard !service.findsLockedItems else { return [] }
        return try service.collections().filter(\.hidesItems).map(\.path)
    }

    /// The locked collections in which a search that found nothing may have overlooked an item.
    ///
    /// A provider that hides the items of a locked collection finds nothing there. A get believes
    /// that, unless a login for the place is known to have been stored: newer docker fails even
    /// the pull of a public image on any answer but not found. So does an erase that could ask
    /// nobody: clients erase what is not there, and podman 4.3.1 crashes on an error then.
    private func placesToHide(
        _ service: SecretService, _ queries: [Query], _ purpose: Purpose
    ) throws(StoreError) -> [String] {
        let hiding = try hidingCollections(service)
        let mustSee = purpose == .toReplace || purpose != .toGet && options.mayPrompt
        guard !hiding.isEmpty, !mustSee else { return hiding }
        for place in queries.compactMap(\.place) where try options.marker.contains(place) {
            return hiding
        }
        return []
    }

    /// Those of the hits that are unlocked and match; nil if one of them was replaced meanwhile.
    private func matchingItems(
        _ service: SecretService, _ hits: [SecretService.Hit], _ queries: [Query],
        _ purpose: Purpose, _ detail: SecretService.Detail
    ) throws(StoreError) -> [MatchingItem]? {
        let paths = hits.filter { !$0.isLocked }.map(\.path)
        // Few hits are the login: their secrets come along. Of many, only those that match do.
        let comesWhole = purpose == .toGet && paths.count <= 2
        let read =
            comesWhole
            ? try service.fetch(paths, detail)
            : try service.read(paths, detail).map { ($0, nil) }
        var found: [MatchingItem] = []
        for (path, (item, secret)) in zip(paths, read) {
            guard let item else { return nil }
            guard
                let entry = queries.lazy.compactMap({ query in
                    item.entry(of: query.realm).flatMap { query.matches($0) ? $0 : nil }
                }).first
            else { continue }
            found.append(
                MatchingItem(
                    path: path, entry: entry, label: item.label, attributes: item.attributes,
                    secret: secret))
        }
        guard purpose == .toGet, !comesWhole else { return found }
        for (index, secret) in try service.load(found.map(\.path)).enumerated() {
            found[index].secret = secret
        }
        return found
    }

    /// Forgets that the place has a login in the keyring. The query has just been seen to match
    /// none; where it asks about one of several accounts, another's login keeps the mark.
    private func unmark(_ service: SecretService, _ query: Query) throws(StoreError) {
        guard let place = query.place else { return }
        if let others = query.widenedToPlace {
            let hits = try service.search(others.patterns)
            guard !hits.contains(where: \.isLocked),
                try matchingItems(service, hits, [others], .toRemove, .attributes)?.isEmpty == true
            else { return }
        }
        try options.marker.remove(place)
    }

    private func unlock(_ service: SecretService, _ paths: [String]) throws(StoreError) {
        guard case .prompt(let prompt) = try service.unlock(paths) else { return }
        guard options.mayPrompt else {
            throw try asksForAccess(service, to: paths) ? .keePassXCConfirms : .keyringLocked
        }
        options.willPrompt()
        try service.show(prompt: prompt, seconds: options.promptTimeout)
    }

    /// Whether items are locked only because KeePassXC wants each access to be confirmed: their
    /// collection is open.
    private func asksForAccess(
        _ service: SecretService, to paths: [String]
    ) throws(StoreError) -> Bool {
        guard service.isKeePassXC else { return false }
        let open = try service.collections().filter { !$0.isLocked }.map { $0.path + "/" }
        return paths.allSatisfy { path in open.contains { path.hasPrefix($0) } }
    }

    /// Has a change confirmed, which the provider waits for. Where nobody can answer it asks only one
    /// that may answer itself, and not for long; else it throws `locked`.
    private func confirmChange(_ service: SecretService, _ prompt: String) throws(StoreError) {
        let isSeen = options.mayPrompt
        guard isSeen || options.mayConfirmUnseen && service.isKeePassXC else {
            throw .nobodyToConfirm
        }
        options.willPrompt()
        do throws(StoreError) {
            try service.show(
                prompt: prompt, seconds: isSeen ? options.promptTimeout : unseenSeconds)
        } catch let error where !isSeen && error.outcome == .timedOut {
            throw .keePassXCConfirms
        }
    }

    /// Writes the login, and returns the items that it takes the place of: those that were there
    /// before.
    private func write(
        _ service: SecretService, _ credential: Credential, to collection: String, _ query: Query,
        besides items: [MatchingItem]
    ) throws(StoreError) -> [String] {
        var before = items
        var mayUnlock = true
        while true {
            let kept: String?
            // An item whose secret cannot be read could not be put back as it was.
            if let same = before.first(where: { $0.entry.attributes == credential.entry.attributes }
            ), let old = try service.load([same.path])[0] {
                try update(service, same, from: old, to: credential)
                kept = same.path
            } else {
                kept = try create(service, in: collection, credential, besides: before, query)
            }
            if let kept { return before.map(\.path).filter { $0 != kept } }
            guard mayUnlock else { throw .keyringStaysLocked }
            // There may be more to see in the collection then.
            try unlock(service, [collection])
            mayUnlock = false
            before = try unlockedItems(service, [query], .toReplace, reading: .all)
        }
    }

    /// Gives an item of the same server and user the new secret, in place: nobody who holds the
    /// item loses it, and no provider asks about it.
    private func update(
        _ service: SecretService, _ item: MatchingItem, from old: Secret,
        to credential: Credential
    ) throws(StoreError) {
        do throws(StoreError) {
            try service.setSecret(of: item.path, to: credential.secret)
        } catch {
            throw error.whileWriting
        }
        do throws(StoreError) {
            guard try service.load([item.path])[0] == credential.secret else {
                throw .keyringAltersSecrets
            }
        } catch {
            throw putBack(service, old, into: item, after: error)
        }
        // The secret is in place; how the item is labelled is a courtesy to others.
        let attributes = credential.entry.itemAttributes
        guard item.label != credential.entry.label || item.attributes != attributes else { return }
        try? service.describe(item.path, label: credential.entry.label, attributes: attributes)
    }

    /// Puts the old secret back, and gives the error with what has become of it.
    private func putBack(
        _ service: SecretService, _ old: Secret, into item: MatchingItem, after error: StoreError
    ) -> StoreError {
        guard !error.isTheEnd else { return error.whileWriting }
        do throws(StoreError) {
            try service.setSecret(of: item.path, to: old)
            if try service.load([item.path])[0] == old { return error.and("nothing was stored") }
        } catch {}
        return error.leaving("the login that was stored before may be lost")
    }

    /// Creates the item, and returns its path once it has been read back; nil, and nothing is
    /// created, if the collection is locked. What a failure leaves behind is removed.
    private func create(
        _ service: SecretService, in collection: String, _ credential: Credential,
        besides before: [MatchingItem], _ query: Query
    ) throws(StoreError) -> String? {
        for _ in 0..<attempts {
            let step: SecretService.Step<String>
            do throws(StoreError) {
                step = try service.create(
                    in: collection, label: credential.entry.label,
                    attributes: credential.entry.itemAttributes, secret: credential.secret)
            } catch {
                guard error.outcome != .locked else { return nil }
                guard try removeRest(service, credential, besides: before, query, after: error)
                else { throw error.whileWriting }
                // KWallet makes the item before it decrypts the secret, which it cannot do in one
                // session of 256.
                service.dropSession()
                continue
            }
            switch step {
            case .done(let path):
                return try confirm(service, path, credential, besides: before, query)
            case .prompt(let prompt):
                return try create(service, asking: prompt, credential, besides: before, query)
            }
        }
        throw StoreError(
            .keyringRejectsLogin, "the keyring does not take the login; nothing was stored")
    }

    /// Creates the item by way of a prompt.
    private func create(
        _ service: SecretService, asking prompt: String, _ credential: Credential,
        besides before: [MatchingItem], _ query: Query
    ) throws(StoreError) -> String {
        do throws(StoreError) {
            try confirmChange(service, prompt)
        } catch {
            guard try removeRest(service, credential, besides: before, query, after: error),
                error.outcome != .locked
            else { throw error.whileWriting }
            // KeePassXC calls it declined where it made the item and cannot keep the secret.
            throw StoreError.keyringAltersSecrets.and("nothing was stored")
        }
        let path: String
        do throws(StoreError) {
            let paths = try newItems(service, credential, besides: before, query)
            guard let first = paths.first else { throw .keyringStoredNothing }
            path = first
        } catch {
            throw error.leaving("whether the login was stored is unknown")
        }
        return try confirm(service, path, credential, besides: before, query)
    }

    /// The items of this very login that were not there before.
    private func newItems(
        _ service: SecretService, _ credential: Credential, besides before: [MatchingItem],
        _ query: Query
    ) throws(StoreError) -> [String] {
        let known = Set(before.map(\.path))
        let hits = try service.search(query.patterns).filter { !known.contains($0.path) }
        return try matchingItems(service, hits, [query], .toRemove, .attributes)?
            .filter { $0.entry.attributes == credential.entry.attributes }.map(\.path) ?? []
    }

    /// Removes what a failed creation has left, and says whether there was anything.
    private func removeRest(
        _ service: SecretService, _ credential: Credential, besides before: [MatchingItem],
        _ query: Query, after error: StoreError
    ) throws(StoreError) -> Bool {
        guard [.failed, .declined, .locked].contains(error.outcome), !error.leavesOutcomeUnknown
        else { return false }
        do throws(StoreError) {
            let rest = try newItems(service, credential, besides: before, query)
            for path in rest { try delete(service, path) }
            try expectGone(service, rest, [query])
            return !rest.isEmpty
        } catch {
            throw error.leaving("an item of the login may remain in the keyring")
        }
    }

    /// Reads the item back, and returns its path if it is the login. It is removed if it is not.
    private func confirm(
        _ service: SecretService, _ path: String, _ credential: Credential,
        besides before: [MatchingItem], _ query: Query
    ) throws(StoreError) -> String {
        do throws(StoreError) {
            let (item, found) = try service.fetch([path], .attributes)[0]
            let entry = item?.entry(of: credential.entry.realm)
            guard entry?.attributes == credential.entry.attributes, let secret = found else {
                throw .keyringStoredNothing
            }
            guard secret == credential.secret else { throw .keyringAltersSecrets }
            return path
        } catch {
            throw withdraw(service, path, credential, besides: before, query, after: error)
        }
    }

    /// Removes an item that is not what was stored, and gives the error with what has become of
    /// it. One that is not known to be ours is left alone.
    private func withdraw(
        _ service: SecretService, _ path: String, _ credential: Credential,
        besides before: [MatchingItem], _ query: Query, after error: StoreError
    ) -> StoreError {
        guard !error.isTheEnd else { return error.whileWriting }
        do throws(StoreError) {
            guard let item = try service.read([path], .attributes)[0] else { return error }
            let entry = item.entry(of: credential.entry.realm)
            if entry?.attributes == credential.entry.attributes,
                !before.contains(where: { $0.path == path })
            {
                try delete(service, path)
                try expectGone(service, [path], [query])
                return error.and("nothing was stored")
            }
        } catch {}
        return error.leaving("an item of the login may remain in the keyring")
    }

    /// Deletes the items, all that it can, and says whether it has seen that nothing is left which
    /// matches. Prepares to unmark the places of queries that ask for all accounts of one.
    private func delete(
        _ service: SecretService, _ items: [MatchingItem], _ queries: [Query],
        noting removed: inout [String: Entry], preparing unmarking: inout KeyringMarker.Removal?
    ) throws(StoreError) -> Bool {
        let deletions = items.map { service.beginDelete($0.path) }
        let places = queries.filter { $0.widenedToPlace == nil }.compactMap(\.place)
        // What is left is asked for before there is an answer: a provider does one thing after
        // the other. Where it has to ask somebody first, it is asked again.
        let left = try? service.search(queries.flatMap(\.patterns)) {
            // What goes wrong here goes wrong again, and is told, when the place is unmarked.
            unmarking = try? options.marker.prepareRemoval(of: places)
        }
        var isDone = service.findsLockedItems && left?.isEmpty == true
        var failure: StoreError?
        for (item, deletion) in zip(items, deletions) {
            do throws(StoreError) {
                if case .prompt(let prompt) = try service.finish(deletion) {
                    isDone = false
                    guard failure == nil else { continue }
                    try confirmChange(service, prompt)
                }
                removed[item.path] = item.entry
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return isDone
    }

    private func delete(_ service: SecretService, _ path: String) throws(StoreError) {
        guard case .prompt(let prompt) = try service.delete(path) else { return }
        try confirmChange(service, prompt)
    }

    /// Looks whether items that were deleted are gone.
    private func expectGone(
        _ service: SecretService, _ paths: [String], _ queries: [Query]
    ) throws(StoreError) {
        guard !paths.isEmpty else { return }
        let left = Set(try service.search(queries.flatMap(\.patterns)).map(\.path))
        guard left.isDisjoint(with: paths) else { throw .keyringRemovedNothing }
    }
}

extension StoreError {
    /// What was read back is not what was written (KWallet cuts at a NUL, KeePassXC resolves
    /// `{REF:`).
    fileprivate static let keyringAltersSecrets = StoreError(
        .keyringAltersSecret, "the keyring does not keep this secret as it is")

    fileprivate static let keyringStoredNothing = StoreError(
        .keyringStoredNothing, "the keyring said that it stored the login and did not")

    fileprivate static let keyringRemovedNothing = StoreError(
        .keyringRemovedNothing, "the keyring said that it removed the login and did not")

    fileprivate static let itemCannotBeRead = StoreError(
        .keyringItemUnreadable, "the keyring has an item that cannot be read")

    /// After the keyring said that it unlocked what was asked.
    fileprivate static let keyringStaysLocked = StoreError(
        .keyringStaysLocked, "the keyring said that it was unlocked, and it is locked",
        hint: keyringLocked.hint)

    /// Whoever could answer a prompt is not asked for a list.
    fileprivate static let listDoesNotUnlock = StoreError(
        .keyringNotUnlocked, "the keyring is locked, and a list does not unlock it",
        hint: keyringLocked.hint)

    /// The provider asks before it does what it was told, and nobody can answer.
    fileprivate static let nobodyToConfirm = StoreError(
        .keyringConfirms, "the keyring asks for a confirmation and nobody can answer here",
        hint: "do it where there is a display, or set KEYFOB_STORE=file to keep logins in the "
            + "encrypted file")

    /// KeePassXC is set to ask, and nobody can answer.
    fileprivate static let keePassXCConfirms = StoreError(
        .keyringConfirms, "KeePassXC wants a confirmation and nobody can answer here",
        hint: "do it where KeePassXC can be answered, or let it not confirm: in KeePassXC, "
            + "Settings, Secret Service Integration")

    /// The same error, and what has become of the login.
    fileprivate func and(_ state: String) -> StoreError {
        StoreError(code, "\(message); \(state)", hint: hint)
    }

    /// The same error where something was written, which locked and declined deny.
    fileprivate func leaving(_ state: String) -> StoreError {
        let wrote = outcome == .locked || outcome == .declined ? .keyringFailed : code
        return StoreError(wrote, "\(state): \(message)", hint: hint)
    }

    /// Whether the keyring does not answer any more.
    fileprivate var isTheEnd: Bool { outcome == .timedOut || outcome == .gone }

    /// Whether the keyring may have done what it was told, or may do it yet.
    fileprivate var leavesOutcomeUnknown: Bool { isTheEnd || self == .keyringAnswersWrongly }

    /// An error of a call that writes.
    fileprivate var whileWriting: StoreError {
        leavesOutcomeUnknown ? leaving("whether the login was stored is unknown") : self
    }
}

extension Realm {
    /// What a search for all items of the realm looks for.
    var pattern: [String: Text] {
        constants.isEmpty ? [schemaName: schema] : constants
    }
}

extension Query {
    /// All that must be searched for.
    fileprivate var patterns: [[String: Text]] { likelyPatterns + otherPatterns }

    /// What is searched for first: the exact spelling, and the normal form that our own items
    /// carry.
    fileprivate var likelyPatterns: [[String: Text]] {
        guard let key = serverKey else {
            var pattern = realm.constants
            for (name, fact) in facts { pattern[name] = fact }
            return [pattern]
        }
        return [
            pattern("server", key.spelling), pattern(normalFormName, key.normalForm),
        ]
    }

    /// The other spellings, which other helpers may have written.
    fileprivate var otherPatterns: [[String: Text]] {
        guard let key = serverKey else { return [] }
        return key.spellings.filter { $0 != key.spelling }.map { pattern("server", $0) }
    }

    private func pattern(_ name: String, _ value: Text) -> [String: Text] {
        var pattern = realm.constants
        pattern[name] = value
        return pattern
    }

    private var serverKey: ServerKey? { realm.serverKey(in: facts) }
}

extension Entry {
    /// Whether it says whose login it is, where that is part of one.
    fileprivate var isLogin: Bool { realm != .docker || attributes["username"] != nil }

    /// The attributes of its item in a keyring.
    fileprivate var itemAttributes: [String: Text] {
        var item = attributes
        item[schemaName] = realm.schema
        if let server = realm.serverKey(in: attributes) {
            item[normalFormName] = server.normalForm
        }
        return item
    }
}

extension SecretService.Item {
    /// The item as an entry of the realm; nil if it is an item of another kind. What a provider
    /// adds to an item (KeePassXC: URL, Title, UserName, …) is left out. `schema` is the realm's own
    /// unless another is given.
    fileprivate func entry(of realm: Realm, schema: Text? = nil) -> Entry? {
        guard attributes[schemaName] == schema ?? realm.schema,
            realm.constants.allSatisfy({ attributes[$0] == $1 })
        else { return nil }
        return Entry(
            realm: realm, attributes: attributes.filter { realm.names.contains($0.key) },
            label: label ?? "", modified: modified)
    }
}

extension String {
    /// Whether D-Bus takes it for the path of an object; GDBus never answers a call to another.
    fileprivate var isObjectPath: Bool {
        let slash = UInt8(ascii: "/")
        var last: UInt8?
        for byte in utf8 {
            guard byte == slash ? last != slash : last != nil && byte.isInObjectPath else {
                return false
            }
            last = byte
        }
        return last != nil && last != slash
    }
}

extension UInt8 {
    fileprivate var isInObjectPath: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) || self == UInt8(ascii: "_")
    }
}

extension SecretService.Collection {
    /// Whether it may hold items that a search did not show.
    fileprivate var hidesItems: Bool { isLocked && itemCount == 0 }
}
