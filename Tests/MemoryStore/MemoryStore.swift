package import Credentials
import Synchronization

/// The memory store keeps logins as long as it lives: for tests, and the plainest example of what
/// a store does.
package final class MemoryStore: CredentialStore {
    package let name: String
    private let now: @Sendable () -> UInt64?
    private let credentials = Mutex<[Credential]>([])

    /// `now` is what `Entry.modified` will be; nil for a store that does not know.
    package init(name: String = "memory", now: @escaping @Sendable () -> UInt64? = { nil }) {
        self.name = name
        self.now = now
    }

    package func find(_ query: Query, _ options: FindOptions) throws(StoreError) -> [Credential] {
        credentials.withLock { $0.filter { query.matches($0.entry) } }
            .sorted { query.prefers($0.entry, to: $1.entry) }
    }

    package func list(_ schema: Schema?, _ options: FindOptions) throws(StoreError) -> Listing {
        let entries = credentials.withLock { $0.map(\.entry) }
        return Listing(entries: entries.filter { schema == nil || $0.schema == schema })
    }

    package func save(_ credential: Credential) throws(StoreError) {
        let entry = credential.entry
        guard let login = entry.identity else {
            throw StoreError(
                .namelessLogin, "a login that does not name its server cannot be stored")
        }
        let stored = Entry(
            schema: entry.schema, attributes: entry.attributes, label: entry.label, modified: now())
        credentials.withLock { credentials in
            credentials.removeAll { $0.entry.identity == login }
            credentials.append(Credential(stored, secret: credential.secret))
        }
    }

    @discardableResult
    package func remove(_ queries: [Query]) throws(StoreError) -> [Entry] {
        guard queries.allSatisfy({ !$0.facts.isEmpty }) else {
            throw StoreError(.emptyQuery, "a removal without a server would remove every login")
        }
        return credentials.withLock { credentials in
            let isMeant = { (credential: Credential) in
                queries.contains { $0.matches(credential.entry) }
            }
            let removed = credentials.filter(isMeant).map(\.entry)
            credentials.removeAll(where: isMeant)
            return removed
        }
    }
}
