internal import Credentials
internal import Files

/// A keyring erase removes every login that matches any of the queries. It ends when a search finds
/// no more: an item may be replaced while it is removed.
struct KeyringErase {
    private let keyring: OpenKeyring
    private let queries: [Query]
    /// The entries that have been removed, by path.
    private var removed: [String: Entry] = [:]

    init(_ queries: [Query], from keyring: OpenKeyring) {
        self.keyring = keyring
        self.queries = queries
    }

    /// Returns the entries that were removed. `lock` is the one that all writers hold.
    mutating func run(under lock: borrowing Folder.Lock) throws(StoreError) -> [Entry] {
        var isRemoving = false
        do throws(StoreError) {
            try untilSettled(or: .loginComesBack) { () throws(StoreError) -> Void? in
                let items = try KeyringSearch(
                    keyring, queries, removed.isEmpty ? .toRemove : .toMakeSure
                ).matches()
                guard items.allSatisfy({ removed[$0.path] == nil }) else {
                    throw .keyringRemovedNothing
                }
                isRemoving = !items.isEmpty
                let isDone = items.isEmpty ? true : try delete(items)
                return isDone ? () : nil
            }
            for query in queries { try unmark(query) }
        } catch {
            let isUnknown = isRemoving && error.leavesOutcomeUnknown || !removed.isEmpty
            guard isUnknown, error != .keyringRemovedNothing, error != .loginComesBack else {
                throw error
            }
            throw error.leaving("the login may or may not have been removed")
        }
        return Array(removed.values)
    }

    /// Deletes as many of the items as possible. Returns true if a search has shown that no match
    /// is left.
    private mutating func delete(_ items: [KeyringSearch.Match]) throws(StoreError) -> Bool {
        let service = keyring.service
        let deletions = items.map { service.beginDelete($0.path) }
        // The next search is sent before the replies to the deletions: a provider handles one call
        // after the other. If it must show a prompt first, another search is made.
        let left = try? service.search(queries.flatMap { $0.patterns })
        var isDone = service.findsLockedItems && left?.isEmpty == true
        var failure: StoreError?
        for (index, item) in items.enumerated() {
            do throws(StoreError) {
                if let prompt = try service.finish(deletions[index]) {
                    isDone = false
                    guard failure == nil else { continue }
                    try keyring.confirmChange(prompt)
                }
                removed[item.path] = item.entry
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return isDone
    }

    /// Removes the mark of the place. A search has just found no match of the query; if that is for
    /// one of several accounts, the mark stays as long as another account has a login.
    private func unmark(_ query: Query) throws(StoreError) {
        guard let place = query.place else { return }
        if let others = query.widenedToPlace {
            let hits = try keyring.service.search(others.patterns)
            guard !hits.contains(where: { $0.isLocked }),
                try KeyringSearch(keyring, [others], .toRemove).matches(of: hits)?.isEmpty == true
            else { return }
        }
        try keyring.options.marker.remove(place)
    }
}
