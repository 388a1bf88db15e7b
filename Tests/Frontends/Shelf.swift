import Credentials
import Synchronization

/// A shelf is the smallest store there is: an array. Its clock counts what it is given.
final class Shelf: CredentialStore {
    private let credentials = Mutex<[Credential]>([])
    private let error = Mutex<StoreError?>(nil)
    private let warnings = Mutex<[String]>([])
    private let calls = Mutex(0)

    let name = "shelf"

    var count: Int { credentials.withLock { $0.count } }

    /// How often it was asked for anything.
    var callCount: Int { calls.withLock { $0 } }

    /// Answers everything with the error from now on.
    func fail(with error: StoreError) { self.error.withLock { $0 = error } }

    func warn(_ line: String) { warnings.withLock { $0.append(line) } }

    /// Puts it there beside whatever is there, as another helper may.
    func put(_ server: Text, _ username: Text?, _ secret: String, at time: UInt64? = nil) {
        var attributes = Schema.docker.constants
        attributes["server"] = server
        attributes["username"] = username
        let entry = Entry(schema: .docker, attributes: attributes, label: server, modified: time)
        let bytes = Array(secret.utf8)
        credentials.withLock { $0.append(Credential(entry, secret: Secret(copying: bytes.span))) }
    }

    func entries() -> [Entry] { credentials.withLock { $0.map(\.entry) } }

    func find(_ query: Query, _ options: FindOptions) throws(StoreError) -> [Credential] {
        try called()
        return credentials.withLock { $0 }.filter { query.matches($0.entry) }
            .sorted { query.prefers($0.entry, to: $1.entry) }
    }

    func list(_ schema: Schema?, _ options: FindOptions) throws(StoreError) -> Listing {
        try called()
        return Listing(
            entries: entries().filter { schema == nil || $0.schema == schema },
            warnings: warnings.withLock { $0 })
    }

    func save(_ credential: Credential) throws(StoreError) {
        try called()
        credentials.withLock { credentials in
            credentials.removeAll { $0.entry.identity == credential.entry.identity }
            credentials.append(credential)
        }
    }

    func remove(_ queries: [Query]) throws(StoreError) -> [Entry] {
        try called()
        return credentials.withLock { credentials in
            let isMeant = { (credential: Credential) in
                queries.contains { $0.matches(credential.entry) }
            }
            let removed = credentials.filter(isMeant).map(\.entry)
            credentials.removeAll(where: isMeant)
            return removed
        }
    }

    private func called() throws(StoreError) {
        calls.withLock { $0 += 1 }
        if let error = error.withLock({ $0 }) { throw error }
    }
}
