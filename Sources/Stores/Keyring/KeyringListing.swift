internal import Credentials

/// A keyring listing finds out which logins there are. It reads attributes, unlocks nothing, and
/// warns if there may be more.
struct KeyringListing {
    let keyring: OpenKeyring
    /// True if label and time are read even if they do not decide between two entries.
    let wantsDetails: Bool

    /// Returns the logins of a schema, or (nil) of all schemas and accounts.
    func list(_ schema: Schema?) throws(StoreError) -> Listing {
        var listing = Listing()
        var isLocked = false
        for schema in schema.map({ [$0] }) ?? Schema.all.map({ Optional($0) }) + [nil] {
            let (entries, mayBeMore) = try entries(of: schema)
            listing.entries += entries
            isLocked = isLocked || mayBeMore
        }
        if isLocked {
            listing.warnings.append("the keyring is locked: some logins may not be listed")
        }
        return listing
    }

    /// Returns the logins of a schema, or (nil) of all accounts, and true if there may be more in a
    /// locked collection.
    private func entries(
        of schema: Schema?
    ) throws(StoreError) -> (entries: [Entry], mayBeMore: Bool) {
        var parts: SecretService.Parts = wantsDetails ? .details : .attributes
        return try untilSettled(or: .itemCannotBeRead) {
            () throws(StoreError) -> (entries: [Entry], mayBeMore: Bool)? in
            let hits = try keyring.service.search(
                schema.map { [$0.pattern] } ?? Schema.patternsOfAccounts)
            let items = try keyring.service.read(hits.map { $0.path }, parts)
            // An item was replaced between the search and the reading.
            guard items.allSatisfy({ $0.attributes != nil }) else { return nil }
            var logins: [Entry] = []
            for (index, item) in items.enumerated() {
                let entry = schema.map { item.entry(of: $0) } ?? item.entryOfAccount
                if let entry, entry.place != nil {
                    if entry.isLogin { logins.append(entry) }
                } else if hits[index].isLocked {
                    throw keyring.options.mayPrompt ? .listDoesNotUnlock : .keyringLocked
                }
            }
            let isDecided = Set(logins.map { $0.identity }).count == logins.count
            guard parts == .details || isDecided else {
                parts = .details
                return nil
            }
            let mayBeMore = try mayOverlook(schema) || hits.contains { $0.isLocked }
            return (logins, mayBeMore)
        }
    }

    /// Returns true if a search for all items of the schema may miss those of a locked collection:
    /// the provider hides them, or has forgotten their `xdg:schema`, and they have no constant
    /// attribute by which they could be found.
    private func mayOverlook(_ schema: Schema?) throws(StoreError) -> Bool {
        guard keyring.service.findsLockedItems else {
            return try !keyring.hidingCollections().isEmpty
        }
        guard let schema, schema.account == nil, schema.constants.isEmpty else { return false }
        return try keyring.service.collections().contains { $0.isLocked && $0.itemCount > 0 }
    }

    /// Returns the logins under this schema's former name that are not locked. Older versions of
    /// its client still give them, and Keyfob does not.
    func formerLogins(_ schema: Schema) throws(StoreError) -> [Entry] {
        guard let name = schema.formerName else { return [] }
        let hits = try keyring.service.search([[schemaName: name]]).filter { !$0.isLocked }
        return try keyring.service.read(hits.map { $0.path }, .details)
            .compactMap { $0.entry(of: schema, named: name) }
            .filter { $0.place != nil && $0["protocol"].map(isAskedByGit) ?? true }
    }
}

/// Returns true if git asks for passwords of such addresses; gvfs stores those of file shares.
private func isAskedByGit(_ scheme: Text) -> Bool {
    ["http", "https", "smtp", "smtps", "imap", "imaps", "ftp", "ftps"].contains(scheme)
}
