package import Credentials
package import Files

/// The user's keyring: a D-Bus Secret Service, through libsecret.
///
/// What must hold:
///
/// - A search is by attributes and never by schema: a keyring that was not unlocked since its
///   daemon started has neither its items' schema nor their plain attributes. A locked item that
///   a search finds is therefore a match. After unlocking the search is made again, and only then
///   are the items filtered, by exact schema and exact attributes.
/// - What was written is read back, and what was removed is looked for, before anything is said to
///   be done.
/// - Nobody is asked to unlock for a server that has no item.
/// - Writers of one user wait for each other.
///
/// A search, a write and an erase are types of their own. One connection serves all requests.
package final class KeyringStore: CredentialStore {
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

    /// The lock that all keyring writers of a user hold.
    private static let lockName = "keyring"

    package let options: Options
    private let connection = KeyringConnection()

    package init(_ options: Options) { self.options = options }

    package var name: String { "keyring" }

    /// Where there is a login that is spelled exactly so, others are not looked for.
    package func find(
        _ query: Query, _ wanted: FindOptions
    ) throws(StoreError) -> [Credential] {
        try open(mayAsk: wanted.mayAsk) { keyring throws(StoreError) in
            let first = keyring.service.beginSearch(query.likelyPatterns)
            // The session takes as long as all the rest: only where there will be a secret.
            if isMarked(query) { keyring.service.beginSession() }
            var hits: [SecretService.Hit]? = try first.finish()
            var search = KeyringSearch(
                keyring, [query], .toGet, wanted.wantsDetails ? .details : .attributes)
            return try untilSettled(or: .keyringGivesNoSecret) {
                () throws(StoreError) -> [Credential]? in
                let matches = try search.matches(among: hits.take()).filter { $0.entry.isLogin }
                guard matches.count < 2 || search.parts == .details else {
                    search.parts = .details
                    return nil
                }
                let logins = matches.compactMap { $0.credential }
                // An item may be replaced between the search and the reading.
                return logins.count == matches.count ? query.ranked(logins) : nil
            }
        }
    }

    package func list(_ schema: Schema?, _ wanted: FindOptions) throws(StoreError) -> Listing {
        try open { keyring throws(StoreError) in
            try KeyringListing(keyring: keyring, wantsDetails: wanted.wantsDetails)
                .list(schema.map { [$0] } ?? Schema.allCases)
        }
    }

    /// The logins of this schema's former name that are not locked: older versions of its client
    /// still give them, and Keyfob does not.
    package func formerLogins(_ schema: Schema) throws(StoreError) -> [Entry] {
        try open(forSecrets: false) { keyring throws(StoreError) in
            try KeyringListing(keyring: keyring, wantsDetails: true).formerLogins(schema)
        }
    }

    package func save(_ credential: Credential) throws(StoreError) {
        try open { keyring throws(StoreError) in
            var write = try KeyringWrite(credential, to: keyring)
            try write.run(under: lock(keyring))
        }
    }

    @discardableResult
    package func remove(_ queries: [Query]) throws(StoreError) -> [Entry] {
        guard queries.allSatisfy({ !$0.facts.isEmpty }) else {
            throw StoreError(.emptyQuery, "a removal must name a server")
        }
        // No secret is asked for: it is removed where libsecret is missing, too.
        return try open(forSecrets: false) { keyring throws(StoreError) in
            var erase = KeyringErase(queries, from: keyring)
            return try erase.run(under: lock(keyring))
        }
    }

    /// Unlocks every collection that may hold logins, so that a list shows all there is. Asks
    /// only where there is one that is locked.
    package func unlock() throws(StoreError) {
        try open { keyring throws(StoreError) in
            let service = keyring.service
            // The first thing that a provider is sent is a search.
            _ = try service.search(Schema.allCases.map { $0.pattern })
            let locked = { () throws(StoreError) in
                try service.collections()
                    .filter { $0.isLocked && ($0.itemCount > 0 || !service.findsLockedItems) }
                    .map { $0.path }
            }
            let paths = try locked()
            guard !paths.isEmpty else { return }
            try keyring.unlock(paths)
            guard try locked().isEmpty else { throw .keyringStaysLocked }
        }
    }

    /// What the body answers, which is given the keyring. Whether there is one turns out when the
    /// body searches in it, which it must do first.
    func open<Answer>(
        forSecrets: Bool = true, mayAsk: Bool = true,
        _ body: (OpenKeyring) throws(StoreError) -> Answer
    ) throws(StoreError) -> Answer {
        var options = options
        options.mayPrompt = options.mayPrompt && mayAsk
        guard let address = options.busAddress else {
            throw StoreError(.noSessionBus, "there is no session bus")
        }
        return try connection.use(address, forSecrets: forSecrets) { service throws(StoreError) in
            try body(OpenKeyring(service: service, options: options))
        }
    }

    /// The lock that all keyring writers of a user hold. Without a keyring that is the error, not
    /// what keeps the lock from being taken.
    private func lock(_ keyring: OpenKeyring) throws(StoreError) -> Folder.Lock {
        do throws(StoreError) {
            return try options.lockFolder.lock(KeyringStore.lockName)
        } catch {
            try keyring.service.findProvider()
            throw error
        }
    }

    /// Whether a login for what is asked may be in the keyring, as far as that is known.
    private func isMarked(_ query: Query) -> Bool {
        guard let place = query.place else { return false }
        return (try? options.marker.contains(place)) ?? false
    }
}
