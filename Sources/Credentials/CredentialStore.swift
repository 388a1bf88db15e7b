/// A place where logins are kept.
///
/// Every store must keep these rules, which `StoreContract` checks:
///
/// - `find` gives back what `save` was given, byte for byte: the secret and the spelling.
/// - `save` leaves exactly one entry for the login (`Entry.identity`), whatever was stored before
///   and however it was spelled, or throws and leaves what was stored.
/// - `remove` returns only after it has searched and found that nothing that matches is left.
/// - `find` and `list` write nothing.
/// - Every method may throw any outcome of `StoreError`. Only after `absent` may the caller use
///   another store instead.
package protocol CredentialStore: AnyObject, Sendable {
    /// The name of the store, for people: `keyring`, `file`.
    var name: String { get }

    /// Returns all that match, the best answer first (`Query.prefers`); empty if there is none.
    /// Unlocks the store if it must and may.
    func find(_ query: Query, _ options: FindOptions) throws(StoreError) -> [Credential]

    /// Returns the entries of one schema or of all. Reads no secret and never unlocks.
    func list(_ schema: Schema?, _ options: FindOptions) throws(StoreError) -> Listing

    /// Stores the credential in place of every entry of the same login.
    func save(_ credential: Credential) throws(StoreError)

    /// Stores each of the credentials as `save` does, in their order. If one cannot be stored, an
    /// earlier one may have been. A store that is written as a whole is written once.
    func save(_ credentials: [Credential]) throws(StoreError)

    /// Removes all that match any of the queries, and returns what it removed. If there is nothing
    /// to remove, that is success. A query that names no fact is refused.
    @discardableResult
    func remove(_ queries: [Query]) throws(StoreError) -> [Entry]
}

extension CredentialStore {
    package func save(_ credentials: [Credential]) throws(StoreError) {
        for credential in credentials { try save(credential) }
    }

    package func find(_ query: Query) throws(StoreError) -> [Credential] {
        try find(query, FindOptions())
    }

    package func list(_ schema: Schema?) throws(StoreError) -> Listing {
        try list(schema, FindOptions())
    }
}

/// The options of a search for logins.
package struct FindOptions: Hashable, Sendable {
    /// True if `Entry.label` and `Entry.modified` are wanted. Otherwise a store may leave them out
    /// of a login's only entry: gnome-keyring 42 takes four times as long if they are read.
    package var wantsDetails: Bool
    /// True if the user may be asked to unlock the store, if the store is set to ask at all.
    package var mayAsk: Bool

    package init(wantsDetails: Bool = true, mayAsk: Bool = true) {
        self.wantsDetails = wantsDetails
        self.mayAsk = mayAsk
    }

    /// The options if neither label nor time is needed.
    package static let quick = FindOptions(wantsDetails: false)
}

/// The entries that `list` found, and warnings about what it may have missed.
package struct Listing: Hashable, Sendable {
    package var entries: [Entry]
    /// One line for each part of the store that could not be read.
    package var warnings: [String]
    /// True if it is known that no two entries are for the same place.
    package var isDistinct: Bool

    package init(entries: [Entry] = [], warnings: [String] = [], isDistinct: Bool = false) {
        self.entries = entries
        self.warnings = warnings
        self.isDistinct = isDistinct || entries.isEmpty
    }
}
