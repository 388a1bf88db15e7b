internal import Credentials

/// A keyring search finds the unlocked items that match queries, and unlocks what must be unlocked
/// for that.
///
/// It searches by attributes and never by schema, and filters only what is unlocked: a locked item
/// that is found is a match (`KeyringStore`).
struct KeyringSearch {
    /// The purpose of a search, which decides when locked items are to be unlocked.
    enum Purpose {
        /// A get needs no more than a match that is unlocked: only without one is the user asked.
        case toGet
        /// A store or an erase must reach every copy, also one that a locked collection hides.
        case toReplace, toRemove
        /// An erase that has removed something checks that nothing is left.
        case toMakeSure
    }

    /// An item that is unlocked and matches.
    struct Match {
        let path: String
        let entry: Entry
        let item: SecretService.Item
        /// The secret; nil unless the purpose is to get it and the provider gave it.
        var secret: Secret?

        var credential: Credential? { secret.map { Credential(entry, secret: $0) } }
    }

    let keyring: OpenKeyring
    let queries: [Query]
    let purpose: Purpose
    var parts: SecretService.Parts

    init(
        _ keyring: OpenKeyring, _ queries: [Query], _ purpose: Purpose,
        _ parts: SecretService.Parts = .attributes
    ) {
        self.keyring = keyring
        self.queries = queries
        self.purpose = purpose
        self.parts = parts
    }

    /// Returns the unlocked items that match any of the queries, after unlocking what must be
    /// unlocked. The result is empty only if there is no match. `found` is the result of the first
    /// search (for the likely spellings, or for all if all are needed) if it was made already.
    func matches(among found: [SecretService.Hit]? = nil) throws(StoreError) -> [Match] {
        var found = found
        var mayUnlock = true
        return try untilSettled(or: .itemCannotBeRead) { () throws(StoreError) -> [Match]? in
            guard let (matches, locked) = try look(among: found.take()) else { return nil }
            guard !locked.isEmpty, purpose != .toGet || matches.isEmpty else { return matches }
            guard mayUnlock else { throw .keyringStaysLocked }
            try keyring.unlock(locked)
            mayUnlock = false
            return nil
        }
    }

    /// Returns the matches, and the paths of locked items or collections that may match; nil if an
    /// item was replaced while it was read.
    private func look(
        among found: [SecretService.Hit]?
    ) throws(StoreError) -> (matches: [Match], locked: [String])? {
        // All spellings must be searched for if every copy must be seen.
        let needsAll = purpose == .toReplace || purpose == .toMakeSure
        let likely = queries.flatMap { needsAll ? $0.patterns : $0.likelyPatterns }
        let others = needsAll ? [] : queries.flatMap { $0.otherPatterns }
        var hits: [SecretService.Hit]
        if let found { hits = found } else { hits = try keyring.service.search(likely) }
        guard var matches = try self.matches(of: hits) else { return nil }
        if !others.isEmpty {
            guard !isEnough(matches, of: hits) else { return (matches, []) }
            let known = Set(hits.map { $0.path })
            let more = try keyring.service.search(others).filter { !known.contains($0.path) }
            guard let found = try self.matches(of: more) else { return nil }
            hits += more
            matches += found
        }
        guard hits.isEmpty else {
            return (matches, hits.filter { $0.isLocked }.map { $0.path })
        }
        return (matches, try collectionsToUnlock())
    }

    /// Returns true if the likely spellings led to all that is wanted: the best answer to a get, or
    /// something to remove before everything is searched for again.
    private func isEnough(_ matches: [Match], of hits: [SecretService.Hit]) -> Bool {
        switch purpose {
        case .toGet:
            queries.allSatisfy { query in
                matches.contains { query.matchesExactly($0.entry) && $0.entry.isLogin }
            }
        case .toRemove: !matches.isEmpty && !hits.contains { $0.isLocked }
        case .toReplace, .toMakeSure: false
        }
    }

    /// Returns the locked collections in which a search that found nothing may have missed an item.
    ///
    /// A provider that hides the items of a locked collection finds nothing there. A get trusts
    /// that unless a login for the place is marked as stored: newer docker fails even the pull of a
    /// public image on any answer but not found. An erase trusts it, too, if the user cannot be
    /// asked: clients erase logins that do not exist, and podman 4.3.1 crashes on an error then.
    private func collectionsToUnlock() throws(StoreError) -> [String] {
        let hiding = try keyring.hidingCollections()
        let mustSee = purpose == .toReplace || purpose != .toGet && keyring.options.mayPrompt
        guard !hiding.isEmpty, !mustSee else { return hiding }
        for query in queries {
            if let place = query.place, try keyring.options.marker.contains(place) {
                return hiding
            }
        }
        return []
    }

    /// Returns the hits that are unlocked and match; nil if one of them was replaced meanwhile.
    func matches(of hits: [SecretService.Hit]) throws(StoreError) -> [Match]? {
        let paths = hits.filter { !$0.isLocked }.map { $0.path }
        // Up to two hits are read with their secrets. Of more hits, only the secrets of matches are
        // read.
        let comesWhole = purpose == .toGet && paths.count <= 2
        let items = try keyring.service.read(paths, comesWhole ? parts.union(.secret) : parts)
        var matches: [Match] = []
        for (index, item) in items.enumerated() {
            guard item.attributes != nil else { return nil }
            for query in queries {
                guard let entry = item.entry(of: query.schema), query.matches(entry) else {
                    continue
                }
                matches.append(
                    Match(path: paths[index], entry: entry, item: item, secret: item.secret))
                break
            }
        }
        guard purpose == .toGet, !comesWhole else { return matches }
        let secrets = try keyring.service.read(matches.map { $0.path }, .secret)
        for (index, item) in secrets.enumerated() { matches[index].secret = item.secret }
        return matches
    }
}
