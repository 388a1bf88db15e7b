internal import Credentials
internal import Files

/// A keyring erase removes all that matches any of the queries. It is done when a search finds
/// nothing that is left: an item may be replaced while it is removed.
struct KeyringErase {
    private let keyring: OpenKeyring
    private let queries: [Query]
    /// What has been removed, by path.
    private var removed: [String: Entry] = [:]

    init(_ queries: [Query], from keyring: OpenKeyring) {
        self.keyring = keyring
        self.queries = queries
    }

    /// Returns what was removed. The lock is the one that all writers hold.
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

    /// Deletes the items, all that it can, and says whether it has seen that nothing is left which
    /// matches.
    private mutating func delete(_ items: [KeyringSearch.Match]) throws(StoreError) -> Bool {
        let service = keyring.service
        let deletions = items.map { service.beginDelete($0.path) }
        // What is left is asked for before there is an answer: a provider does one thing after
        // the other. Where it has to ask somebody first, it is asked again.
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

    /// Forgets that the place has a login in the keyring. The query has just been seen to match
    /// none; where it asks about one of several accounts, another's login keeps the mark.
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
