package import Credentials

/// A program that clients call: its name, its version, and the store that it serves.
///
/// The store is opened once, by the first request that needs it: `version` and `--help` must answer
/// without one. Its errors become refusals.
package final class Program {
    package let name: String
    private let version: String
    private let open: () throws(StoreError) -> any CredentialStore
    private var opened: (any CredentialStore)?

    package init(
        name: String, version: String,
        store open: @escaping () throws(StoreError) -> any CredentialStore
    ) {
        self.name = name
        self.version = version
        self.open = open
    }

    /// The answer to `version`, which has the same form for every program.
    var versionLine: Secret { "\(name) (org.keyfob) v\(version)".secret }

    func find(_ query: Query) throws(Refusal) -> [Credential] {
        try ask { store throws(StoreError) in try store.find(query, .quick) }
    }

    func list(_ schema: Schema) throws(Refusal) -> Listing {
        try ask { store throws(StoreError) in try store.list(schema, .quick) }
    }

    func save(_ credential: Credential) throws(Refusal) {
        try ask { store throws(StoreError) in try store.save(credential) }
    }

    @discardableResult
    func remove(_ queries: [Query]) throws(Refusal) -> [Entry] {
        try ask { store throws(StoreError) in try store.remove(queries) }
    }

    private func ask<Answer>(
        _ request: (any CredentialStore) throws(StoreError) -> Answer
    ) throws(Refusal) -> Answer {
        do throws(StoreError) {
            let store = if let opened { opened } else { try open() }
            opened = store
            return try request(store)
        } catch {
            throw .refused(error)
        }
    }
}
