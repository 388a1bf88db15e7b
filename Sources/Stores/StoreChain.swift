package import Credentials

/// A store chain makes one store of several (README.md, "The chain"): the keyring, then the file.
///
/// Invariants: only if a store is absent does the next one take its place. A store that is
/// locked, does not answer or fails is an error, since it may hold the login: the next store could
/// give an old one, or report a login as removed that still exists. A login that is marked as
/// stored in a keyring is never reported as not found, nor as removed, while there is no keyring to
/// search.
package final class StoreChain: CredentialStore {
    private let stores: [any CredentialStore]
    private let marker: KeyringMarker?
    private let refusal: StoreError?
    private let notice: @Sendable (String) -> Void

    /// Makes a chain of stores, at least one, the preferred one first. `marker` remembers what is
    /// in a keyring, which may be absent. `save` throws `refusal` if it is not nil: a configuration
    /// that is not understood must not decide where a secret is stored. `notice` prints one line
    /// for the user.
    package init(
        _ stores: [any CredentialStore], marker: KeyringMarker?, refusal: StoreError? = nil,
        notice: @escaping @Sendable (String) -> Void
    ) {
        precondition(!stores.isEmpty, "a chain has a store")
        self.stores = stores
        self.marker = marker
        self.refusal = refusal
        self.notice = notice
    }

    package var name: String {
        var names = stores[0].name
        for store in stores.dropFirst() { names += ", then " + store.name }
        return names
    }

    package func find(_ query: Query, _ options: FindOptions) throws(StoreError) -> [Credential] {
        var found: [Credential] = []
        var needsTimes = false
        let absence = try askEach { store throws(StoreError) in
            guard let best = found.first?.entry else {
                found = try store.find(query, options)
                return
            }
            // There is an answer already. The user is not asked for more, and an error of a later
            // store does not take the answer away.
            let quiet = FindOptions(wantsDetails: options.wantsDetails, mayAsk: false)
            guard let more = try? store.find(query, quiet), let other = more.first?.entry else {
                return
            }
            needsTimes = needsTimes || best.modified == nil
            found = isNewer(other, than: best) ? more + found : found + more
        }
        if needsTimes, !options.wantsDetails {
            return try find(query, FindOptions(mayAsk: options.mayAsk))
        }
        if found.isEmpty, let absence { try expectUnmarked(query, absence) }
        return found
    }

    package func list(_ schema: Schema?, _ options: FindOptions) throws(StoreError) -> Listing {
        var listing = Listing()
        var isServed = false
        var needsTimes = false
        let absence = try askEach { store throws(StoreError) in
            do throws(StoreError) {
                // The user is not asked for the key of the file if the keyring has logins.
                let more = try store.list(
                    schema,
                    FindOptions(
                        wantsDetails: options.wantsDetails,
                        mayAsk: options.mayAsk && listing.entries.isEmpty))
                if listing.entries.isEmpty {
                    listing.entries = more.entries
                    listing.isDistinct = more.isDistinct
                } else if !more.entries.isEmpty {
                    let known = Set(listing.entries.map { $0.identity })
                    needsTimes = needsTimes || more.entries.contains { known.contains($0.identity) }
                    listing.entries += more.entries
                    listing.isDistinct = false
                }
                listing.warnings += more.warnings
            } catch {
                guard isServed else { throw error }
                listing.warnings.append(
                    "logins in the \(store.name) are not listed: \(error.message)")
            }
            isServed = true
        }
        if needsTimes, !options.wantsDetails {
            return try list(schema, FindOptions(mayAsk: options.mayAsk))
        }
        if let absence, let warning = try marker?.warning(absence) {
            listing.warnings.append(warning)
        }
        if !listing.isDistinct { listing.entries = onceEach(listing.entries) }
        return listing
    }

    package func save(_ credential: Credential) throws(StoreError) { try save([credential]) }

    package func save(_ credentials: [Credential]) throws(StoreError) {
        if let refusal { throw refusal }
        var isStored = false
        _ = try askEach { store throws(StoreError) in
            guard isStored else {
                try store.save(credentials)
                isStored = true
                return
            }
            for credential in credentials { removeCopy(of: credential.entry, from: store) }
        }
    }

    @discardableResult
    package func remove(_ queries: [Query]) throws(StoreError) -> [Entry] {
        // Every store removes what it can before the first error is thrown.
        var removed: [Entry] = []
        var failure: StoreError?
        let absence = try askEach { store throws(StoreError) in
            do throws(StoreError) {
                removed += try store.remove(queries)
            } catch let error where error.outcome != .absent {
                failure = failure ?? error
            }
        }
        if absence != nil { try expectUnmarked(queries) }
        if let failure { throw failure }
        return removed
    }

    /// Asks the stores one after the other. Returns the error of the first absent store, or nil if
    /// none is absent; throws that error if all are.
    private func askEach(
        _ ask: (any CredentialStore) throws(StoreError) -> Void
    ) throws(StoreError) -> StoreError? {
        var absence: StoreError?
        var isServed = false
        for store in stores {
            do throws(StoreError) {
                try ask(store)
                isServed = true
            } catch let error where error.outcome == .absent {
                absence = absence ?? error
            }
        }
        if let absence, !isServed { throw absence }
        return absence
    }

    /// Removes the copy that an entry replaces from another store. A failure is only a notice: the
    /// entry's login is the newer one, so every get gives it.
    private func removeCopy(of entry: Entry, from store: any CredentialStore) {
        guard let query = Query(replacedBy: entry) else { return }
        do throws(StoreError) {
            // The user is not asked for the key of a file that has no copy.
            let quiet = FindOptions(wantsDetails: false, mayAsk: false)
            if let found = try? store.find(query, quiet), found.isEmpty { return }
            try store.remove([query])
        } catch {
            notice("an older copy of this login may remain in the \(store.name): \(error.message)")
        }
    }

    /// Throws if the login is marked as stored in a keyring: without one it cannot be reached,
    /// which does not mean that it is missing.
    private func expectUnmarked(_ query: Query, _ absence: StoreError) throws(StoreError) {
        guard let place = query.place, try marker?.contains(place) == true else { return }
        throw StoreError(
            .keyringOutOfReach,
            "this login is in the keyring, which cannot be reached here: \(absence.message)",
            hint:
                "run this in your desktop session, or log in again to store the login in the "
                + "encrypted file"
        )
    }

    /// Throws if one of the logins is marked as stored in a keyring: without one it may still be
    /// there.
    private func expectUnmarked(_ queries: [Query]) throws(StoreError) {
        guard let marker else { return }
        for query in queries {
            guard let place = query.place, try marker.contains(place) else { continue }
            throw StoreError(
                .keyringCopyRemains,
                "this login was stored in the keyring, which cannot be reached here: "
                    + "a copy may remain there",
                hint: "log out again in your desktop session")
        }
    }

    /// Returns true if an entry wins over that of an earlier store: the newer second wins. If the
    /// seconds are equal, or one is unknown, the earlier store wins.
    private func isNewer(_ entry: Entry, than first: Entry) -> Bool {
        guard let second = entry.modified, let firstSecond = first.modified else { return false }
        return second > firstSecond
    }

    /// Returns each login once: the entry that `find` would give.
    private func onceEach(_ all: [Entry]) -> [Entry] {
        var best: [Place: Int] = [:]
        var entries: [Entry] = []
        for entry in all {
            guard let login = entry.identity else { continue }
            if let index = best[login] {
                if isNewer(entry, than: entries[index]) { entries[index] = entry }
            } else {
                best[login] = entries.count
                entries.append(entry)
            }
        }
        return entries
    }
}
