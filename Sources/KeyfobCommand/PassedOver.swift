internal import Clients
internal import Credentials
internal import Stores

extension [Inventory.Login] {
    /// Returns the logins that no get gives, since their store has another version of the same login:
    /// for another spelling of the server, or of another user. A version with the same user and
    /// secret is left out.
    func passedOver(in store: any CredentialStore) -> [Inventory.Login] {
        let quietly = FindOptions(mayAsk: false)
        func find(_ query: Query?) -> [Credential] {
            query.flatMap { try? store.find($0, quietly) } ?? []
        }
        let groups = Dictionary(grouping: self) { [$0.store: $0.entry.identity] }
        return groups.values.filter { $0.count > 1 && $0[0].entry.identity != nil }
            .flatMap { versions in
                let given = find(versions[0].entry.askedQuery).first
                return versions.filter { version in
                    let login = find(Query(replacedBy: version.entry))
                        .first { $0.entry == version.entry }
                    guard let given, let login else { return version != versions[0] }
                    return version.entry != given.entry && !given.isSame(as: login)
                }
            }.sorted()
    }
}

extension Inventory.Login {
    /// Returns the report of a login that is passed over.
    func left(_ words: String, in place: String? = nil) -> Report {
        Report(
            entry, in: place ?? store, .left, words,
            problem: StoreError(
                .anotherLogin, "the \(store) has another login for this server, which clients get",
                hint: "to keep this one, log in with it again"))
    }
}
