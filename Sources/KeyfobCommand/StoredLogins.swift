internal import Credentials
internal import Settings
internal import Stores

/// The stored logins of the chosen account, for a command that looks for many of them: those of a
/// schema are then read at once.
struct StoredLogins {
    private let choice: StoreChoice
    private let areMany: Bool
    private let mayAsk: Bool
    private var read: [Schema: [Place: [Credential]]] = [:]

    /// `areMany` says that many logins will be looked for. Without `mayAsk` nobody is asked to
    /// unlock a store, and one that fails has none.
    init(_ choice: StoreChoice, areMany: Bool, mayAsk: Bool = true) {
        self.choice = choice
        self.areMany = areMany
        self.mayAsk = mayAsk
    }

    /// Returns the stored login that the entry would replace, as it was when the first one of its
    /// schema was looked for; nil if there is none.
    mutating func login(replacedBy entry: Entry) throws(StoreError) -> Credential? {
        let query = try entry.ownQuery()
        guard areMany, let identity = entry.identity else { return try find(query).first }
        let found = try logins(of: entry.schema)[identity] ?? []
        if found.count == 1 { return found[0] }
        if found.isEmpty, let place = entry.in(choice.account).place,
            try choice.marker?.contains(place) != true
        {
            return nil
        }
        // There are several versions, or one may be in a keyring that cannot be reached.
        return try find(query).first
    }

    private func find(_ query: Query) throws(StoreError) -> [Credential] {
        if mayAsk { return try choice.chain.find(query) }
        return (try? choice.chain.find(query, FindOptions(mayAsk: false))) ?? []
    }

    private mutating func logins(
        of schema: Schema
    ) throws(StoreError) -> [Place: [Credential]] {
        if let logins = read[schema] { return logins }
        var logins: [Place: [Credential]] = [:]
        for login in try find(Query(schema)) {
            if let identity = login.entry.identity { logins[identity, default: []].append(login) }
        }
        read[schema] = logins
        return logins
    }
}
