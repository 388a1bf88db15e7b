/// A place where logins are kept.
///
/// What every store must do, and `StoreContract` checks of each:
///
/// - What `save` was given, `find` gives back byte for byte, secret and spelling.
/// - `save` leaves exactly one entry for the login (`Entry.login`), whatever was there before and
///   however it was spelled, or throws and leaves what was there.
/// - `remove` returns only when nothing that matches is left, and it has looked.
/// - `find` and `list` write nothing.
/// - Every method may throw any outcome of `StoreError`. Only `absent` lets the caller go on to
///   another store.
package protocol CredentialStore: AnyObject, Sendable {
    /// What the store is, for people: `keyring`, `file`.
    var name: String { get }

    /// All that match, the best answer first (`Query.prefers`); empty if there is none. Unlocks
    /// the store if it must and may.
    func find(_ query: Query, _ options: FindOptions) throws(StoreError) -> [Credential]

    /// What is there, of one schema or of all, without a secret being read. Never unlocks.
    func list(_ schema: Schema?, _ options: FindOptions) throws(StoreError) -> Listing

    /// Keeps the credential in place of every entry with the same login.
    func save(_ credential: Credential) throws(StoreError)

    /// Removes all that match any of the queries, and returns what it removed; nothing there is
    /// success. A query that names no fact is refused.
    @discardableResult
    func remove(_ queries: [Query]) throws(StoreError) -> [Entry]
}

extension CredentialStore {
    package func find(_ query: Query) throws(StoreError) -> [Credential] {
        try find(query, FindOptions())
    }

    package func list(_ schema: Schema?) throws(StoreError) -> Listing {
        try list(schema, FindOptions())
    }
}

/// How logins are looked for.
package struct FindOptions: Hashable, Sendable {
    /// Whether `Entry.label` and `Entry.modified` are wanted. Without it a store may leave them out
    /// where there is one entry for a login: gnome-keyring 42 takes four times as long to tell them.
    package var wantsDetails: Bool
    /// Whether somebody may be asked to unlock the store, if the store is set to ask at all.
    package var mayAsk: Bool

    package init(wantsDetails: Bool = true, mayAsk: Bool = true) {
        self.wantsDetails = wantsDetails
        self.mayAsk = mayAsk
    }

    /// For a login and no more.
    package static let quick = FindOptions(wantsDetails: false)
}

/// What `list` found, and what the user should know about what it may have missed.
package struct Listing: Hashable, Sendable {
    package var entries: [Entry]
    /// One line each: a part of the store that could not be read.
    package var warnings: [String]

    package init(entries: [Entry] = [], warnings: [String] = []) {
        self.entries = entries
        self.warnings = warnings
    }
}
