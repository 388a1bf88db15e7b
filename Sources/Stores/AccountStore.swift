package import Credentials

/// The view of a store that shows the logins of one account, or those outside every account. Its
/// callers get and give them as logins outside every account.
package final class AccountStore: CredentialStore {
    private let store: any CredentialStore
    private let account: AccountName?

    /// `account` is nil for the logins outside every account.
    package init(_ store: any CredentialStore, _ account: AccountName?) {
        self.store = store
        self.account = account
    }

    package var name: String { store.name }

    package func find(_ query: Query, _ options: FindOptions) throws(StoreError) -> [Credential] {
        try store.find(query.in(account), options)
            .map { Credential($0.entry.in(nil), secret: $0.secret) }
    }

    package func list(_ schema: Schema?, _ options: FindOptions) throws(StoreError) -> Listing {
        var listing = try store.list(schema.map { Schema($0.family, in: account) }, options)
        listing.entries.removeAll { $0.schema.account != account }
        if account != nil { listing.entries = listing.entries.map { $0.in(nil) } }
        return listing
    }

    package func save(_ credential: Credential) throws(StoreError) {
        try store.save(Credential(credential.entry.in(account), secret: credential.secret))
    }

    package func save(_ credentials: [Credential]) throws(StoreError) {
        try store.save(
            credentials.map { Credential($0.entry.in(account), secret: $0.secret) })
    }

    @discardableResult
    package func remove(_ queries: [Query]) throws(StoreError) -> [Entry] {
        try store.remove(queries.map { $0.in(account) }).map { $0.in(nil) }
    }
}
