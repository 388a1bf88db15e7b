package import Credentials

/// The keyring and the file as one store (DESIGN section 4, the table).
///
/// What must hold: only an absent keyring lets the file take its place. A keyring that is locked,
/// silent or broken is an error, since it may hold what was asked; falling back there would serve
/// an old login, or call a login gone that is not. And what is marked as stored in a keyring is
/// never called not found, nor gone, where there is no keyring to look in.
package struct StoreChain: CredentialStore {
    private let keyring: (any CredentialStore)?
    private let quickKeyring: (any CredentialStore)?
    private let file: (any CredentialStore)?
    private let quietFile: (any CredentialStore)?
    private let marker: KeyringMarker?
    private let refusal: StoreError?
    private let notice: @Sendable (String) -> Void

    /// A chain of the stores that the policy allows, at least one. `refusal`, if any, is what
    /// `save` answers: a configuration that could not be understood must not decide where a
    /// secret goes. `quickKeyring` is the keyring where it may leave out label and time of a
    /// login: they are asked for only where the file has the login, too. `quietFile` is the file
    /// where it can be opened without asking anyone, which is all that it counts for beside a
    /// keyring that has an answer. `notice` says one line to the user.
    package init(
        keyring: (any CredentialStore)?, quickKeyring: (any CredentialStore)? = nil,
        file: (any CredentialStore)?, quietFile: (any CredentialStore)? = nil,
        marker: KeyringMarker?,
        refusal: StoreError? = nil, notice: @escaping @Sendable (String) -> Void
    ) {
        precondition(keyring != nil || file != nil, "a chain has a store")
        self.keyring = keyring
        self.quickKeyring = quickKeyring ?? keyring
        self.file = file
        self.quietFile = quietFile ?? file
        self.marker = marker
        self.refusal = refusal
        self.notice = notice
    }

    package var name: String {
        [keyring?.name, file?.name].compactMap(\.self).joined(separator: ", then ")
    }

    package func find(_ query: Query) throws(StoreError) -> [Credential] {
        let inReach = try unlessAbsent(quickKeyring) { store throws(StoreError) in
            try store.find(query)
        }
        guard var inKeyring = inReach.answer else {
            let inFile = try file?.find(query) ?? []
            if inFile.isEmpty { try expectUnmarked(query, inReach.absence) }
            return inFile
        }
        guard let file, let quietFile else { return inKeyring }
        guard let first = inKeyring.first else { return try file.find(query) }
        // The keyring can answer: a file that cannot be opened does not take that away.
        let inFile = (try? quietFile.find(query)) ?? []
        guard let second = inFile.first else { return inKeyring }
        if first.entry.modified == nil, let keyring { inKeyring = try keyring.find(query) }
        guard let best = inKeyring.first, !isNewer(second.entry, than: best.entry) else {
            return inFile + inKeyring
        }
        return inKeyring + inFile
    }

    package func list(_ realm: Realm?) throws(StoreError) -> Listing {
        let inReach = try unlessAbsent(quickKeyring) { store throws(StoreError) in
            try store.list(realm)
        }
        guard var listing = inReach.answer else {
            var inFile = try file?.list(realm) ?? Listing()
            if let absence = inReach.absence, let warning = try marker?.warning(absence) {
                inFile.warnings.append(warning)
            }
            return onceEach(inFile)
        }
        guard let file, let quietFile else { return onceEach(listing) }
        let more: Listing
        do throws(StoreError) {
            // Nobody is asked for the key of the file where the keyring has logins.
            let asked = listing.entries.isEmpty ? file : quietFile
            more = try asked.list(realm)
        } catch {
            listing.warnings.append("what the file holds is not listed: \(error.message)")
            return onceEach(listing)
        }
        let inFile = Set(more.entries.map(\.login))
        if let keyring, listing.entries.contains(where: { inFile.contains($0.login) }) {
            listing = try keyring.list(realm)
        }
        listing.entries += more.entries
        listing.warnings += more.warnings
        return onceEach(listing)
    }

    package func save(_ credential: Credential) throws(StoreError) {
        if let refusal { throw refusal }
        let kept = try unlessAbsent(keyring) { store throws(StoreError) in
            try store.save(credential)
        }
        guard kept.answer != nil else {
            try file?.save(credential)
            return
        }
        guard let file, let quietFile, let query = Query(replacedBy: credential.entry)
        else { return }
        do throws(StoreError) {
            // Nobody is asked for the key of a file that has no copy.
            if let found = try? quietFile.find(query), found.isEmpty { return }
            try file.remove([query])
        } catch {
            // The keyring's copy is the newer one, and is what every get gives.
            notice("an older copy of this login may remain in the file: \(error.message)")
        }
    }

    @discardableResult
    package func remove(_ queries: [Query]) throws(StoreError) -> [Entry] {
        // Every store removes what it can before the first failure is told.
        var removed: [Entry] = []
        var failure: StoreError?
        do throws(StoreError) {
            let inKeyring = try unlessAbsent(keyring) { store throws(StoreError) in
                try store.remove(queries)
            }
            removed += inKeyring.answer ?? []
            if inKeyring.absence != nil { try checkMarker(queries) }
        } catch {
            failure = error
        }
        do throws(StoreError) {
            removed += try file?.remove(queries) ?? []
        } catch {
            failure = failure ?? error
        }
        if let failure { throw failure }
        return removed
    }
}

extension StoreChain {
    /// What the keyring does. Without an answer the file is to be asked: there is no keyring, for the
    /// reason of its absence, or the policy leaves it out.
    private func unlessAbsent<Answer>(
        _ keyring: (any CredentialStore)?,
        _ ask: (any CredentialStore) throws(StoreError) -> Answer
    ) throws(StoreError) -> (answer: Answer?, absence: StoreError?) {
        guard let keyring else { return (nil, nil) }
        do throws(StoreError) {
            return (try ask(keyring), nil)
        } catch {
            guard error.outcome == .absent, file != nil else { throw error }
            return (nil, error)
        }
    }

    /// Without a keyring, a login that was stored in one is out of reach, and not missing.
    private func expectUnmarked(_ query: Query, _ absence: StoreError?) throws(StoreError) {
        guard let absence, let place = query.place, try marker?.contains(place) == true else {
            return
        }
        throw StoreError(
            .keyringOutOfReach,
            "this login is in the keyring, which cannot be reached here: \(absence.message)",
            hint: "run this in the session where the keyring runs, or log in again to keep a login "
                + "in the encrypted file")
    }

    /// Without a keyring, a login that was stored in one may still be there.
    private func checkMarker(_ queries: [Query]) throws(StoreError) {
        guard let marker else { return }
        for place in queries.compactMap(\.place) where try marker.contains(place) {
            throw StoreError(
                .keyringCopyRemains,
                "this login was stored in the keyring, which cannot be reached here: "
                    + "a copy may remain there",
                hint: "erase it again in the session where the keyring runs")
        }
    }

    /// Across stores the newer second wins; a tie or an unknown time goes to the keyring.
    private func isNewer(_ entry: Entry, than kept: Entry) -> Bool {
        guard let second = entry.modified, let keptSecond = kept.modified else { return false }
        return second > keptSecond
    }

    /// Each login once, as `find` would give it.
    private func onceEach(_ listing: Listing) -> Listing {
        var best: [Place: Int] = [:]
        var entries: [Entry] = []
        for entry in listing.entries {
            guard let login = entry.login else { continue }
            guard let index = best[login] else {
                best[login] = entries.count
                entries.append(entry)
                continue
            }
            if isNewer(entry, than: entries[index]) { entries[index] = entry }
        }
        return Listing(entries: entries, warnings: listing.warnings)
    }
}
