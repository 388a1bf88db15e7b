package import Credentials
package import Files

/// The user's keyring: a D-Bus Secret Service, through libsecret.
///
/// Invariants:
///
/// - A search is by attributes and never by schema: a keyring that was not unlocked since its
///   daemon started knows neither the schema of its items nor their plain attributes. A locked item
///   that a search finds is therefore a match. After unlocking, the search is made again, and only
///   then are the items filtered, by exact schema and exact attributes.
/// - What was written is read back, and what was removed is searched for, before success is
///   reported.
/// - The user is not asked to unlock the keyring for a server that has no item.
/// - Writers of one user wait for each other.
///
/// A search, a write and an erase are types of their own. One connection serves all requests.
package final class KeyringStore: CredentialStore {
    /// The settings of a keyring store, and what it must know of its process.
    package struct Options: Sendable {
        /// The address of the session bus, as `DBUS_SESSION_BUS_ADDRESS` has it; nil if there is
        /// none.
        package var busAddress: String?
        /// The collection that new logins go to: an alias, a label or an object path.
        package var collection: String
        /// True if the user can answer a prompt.
        package var mayPrompt: Bool
        /// True if a prompt by which the provider confirms a change may be shown although the user
        /// cannot answer it. KeePassXC confirms every change so, and asks the user only if it is
        /// set to.
        package var mayConfirmUnseen = false
        /// True if the settings forbid every prompt.
        package var neverPrompts = false
        /// The longest time that a prompt waits for an answer, in seconds.
        package var promptTimeout: Int
        /// The folder of the lock that all writers of this user hold. It does not depend on the
        /// session, since a cron job and a desktop may write to one keyring.
        package var lockFolder: Folder
        /// The record of the servers whose logins have been stored in a keyring.
        package var marker: KeyringMarker
        /// Runs before a prompt is shown, so that a watchdog waits for the answer.
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

    /// The alias of the collection that a keyring uses for new items by default.
    package static let defaultAlias = "default"

    /// The lock that all keyring writers of a user hold.
    private static let lockName = "keyring"

    package let options: Options
    private let connection = KeyringConnection()

    package init(_ options: Options) { self.options = options }

    package var name: String { "keyring" }

    /// If a login has exactly the spelling of the query, other spellings are not searched for.
    package func find(
        _ query: Query, _ wanted: FindOptions
    ) throws(StoreError) -> [Credential] {
        try open(mayAsk: wanted.mayAsk) { keyring throws(StoreError) in
            let first = keyring.service.beginSearch(query.likelyPatterns)
            // The session takes as long as all the rest, so it is begun only if a secret is
            // expected.
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
                // An item may have been replaced between the search and the reading.
                return logins.count == matches.count ? query.ranked(logins) : nil
            }
        }
    }

    package func list(_ schema: Schema?, _ wanted: FindOptions) throws(StoreError) -> Listing {
        try open { keyring throws(StoreError) in
            try KeyringListing(keyring: keyring, wantsDetails: wanted.wantsDetails)
                .list(schema)
        }
    }

    /// Returns the logins under this schema's former name that are not locked. Older versions of
    /// its client still give them, and Keyfob does not.
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
        // A removal reads no secret, so it works without libsecret, too.
        return try open(forSecrets: false) { keyring throws(StoreError) in
            var erase = KeyringErase(queries, from: keyring)
            return try erase.run(under: lock(keyring))
        }
    }

    /// Unlocks every collection that may hold logins, so that a list shows all of them. The user is
    /// asked only if one is locked.
    package func unlock() throws(StoreError) {
        try open { keyring throws(StoreError) in
            let service = keyring.service
            // A provider's first call must be a search.
            _ = try service.search(Schema.patternsOfAll)
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

    /// Returns the result of `body`, which is given the keyring. The first thing that `body` does
    /// must be a search, which finds out if there is a keyring.
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
            let keyring = OpenKeyring(service: service, options: options)
            do throws(StoreError) {
                return try body(keyring)
            } catch {
                guard error.hint == nil, error.isOfLock else { throw error }
                throw StoreError(error.code, error.message, hint: keyring.wayToUnlock)
            }
        }
    }

    /// Returns the lock that all keyring writers of a user hold. If there is no keyring, that is
    /// the error that is thrown, and not that the lock could not be taken.
    private func lock(_ keyring: OpenKeyring) throws(StoreError) -> Folder.Lock {
        do throws(StoreError) {
            return try options.lockFolder.lock(KeyringStore.lockName)
        } catch {
            try keyring.service.findProvider()
            throw error
        }
    }

    /// Returns true if a login for the query is marked as stored in the keyring.
    private func isMarked(_ query: Query) -> Bool {
        guard let place = query.place else { return false }
        return (try? options.marker.contains(place)) ?? false
    }
}
