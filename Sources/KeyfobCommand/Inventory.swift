internal import Clients
internal import Credentials

/// An inventory is all logins that the stores show, and the errors of the stores that could not be
/// read.
struct Inventory {
    /// A login and the store that holds it.
    struct Login {
        let entry: Entry
        /// The store's name.
        let store: String
        /// The time at which it expires, in seconds since 1970; nil if it is not known.
        fileprivate(set) var expires: UInt64?
        /// True if its client renews it by itself.
        fileprivate(set) var isRenewed = false

        init(_ entry: Entry, in store: String) {
            self.entry = entry
            self.store = store
        }
    }

    var logins: [Login] = []
    /// The logins that may be missing, one line for each reason.
    var warnings: [String] = []
    /// The stores, by name, and the files, by path, that could not be read.
    var unread: [(place: String, error: StoreError)] = []

    /// True if the missing logins may be in a keyring that is absent.
    var isOutOfReach = false

    var failures: [StoreError] { unread.map(\.error) }

    /// The error that logins may be missing; nil if none may.
    func doubt(_ words: String) -> StoreError? {
        warnings.first.map {
            StoreError(isOutOfReach ? .keyringOutOfReach : .loginsUnseen, "\(words)\($0)")
        }
    }
}

extension Inventory.Login: Comparable {
    private var order: [String] {
        [
            entry.clientName, entry.serverName, entry.shownUser ?? "",
            entry.schema.account?.string ?? "", store,
        ]
    }

    static func == (left: Self, right: Self) -> Bool { left.order == right.order }

    static func < (left: Self, right: Self) -> Bool {
        left.order.lexicographicallyPrecedes(right.order)
    }
}

extension [Inventory.Login] {
    /// Adds the time at which each login expires, if its secret contains that and can be read
    /// without a prompt.
    mutating func addExpiries(from stores: [any CredentialStore]) {
        for store in stores {
            for schema in Set(filter { $0.store == store.name }.map(\.entry.schema)) {
                let quietly = FindOptions(mayAsk: false)
                guard let found = try? store.find(Query(schema), quietly) else { continue }
                for index in indices where self[index].store == store.name {
                    let entry = self[index].entry
                    guard let login = found.first(where: { $0.entry == entry }) else { continue }
                    self[index].expires = login.expiry
                    self[index].isRenewed = login.isRenewed
                }
            }
        }
    }
}

extension Entry {
    /// Returns the query by which its client asks for exactly this login. Throws `namelessLogin` if
    /// there is none.
    func ownQuery() throws(StoreError) -> Query {
        guard let query = askedQuery else {
            throw StoreError(.namelessLogin, "it does not name its server")
        }
        return query
    }
}

extension StoreError {
    /// True if the error is one of the store, which every other login would get too.
    var isTheStores: Bool {
        switch outcome {
        case .failed: false
        case .absent, .locked, .declined, .timedOut, .gone, .damaged: true
        }
    }
}
