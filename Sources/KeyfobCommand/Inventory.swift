internal import Clients
internal import Credentials

/// An inventory is what the stores say that they hold.
struct Inventory {
    /// A login and the store that holds it.
    struct Login {
        let entry: Entry
        /// The store's name.
        let store: String

        init(_ entry: Entry, in store: String) {
            self.entry = entry
            self.store = store
        }

        var client: String { entry.clientName }
        var server: String { entry.serverName }
        /// As it is shown: no token.
        var username: String? { entry.shownUser }
    }

    var logins: [Login] = []
    /// What may be missing, a line each.
    var warnings: [String] = []
    /// Why a place could not be read.
    private(set) var failures: [StoreError] = []
    /// The same, by the store's name or the file's path.
    private(set) var unread: [String: StoreError] = [:]

    mutating func fail(_ error: StoreError, in place: String) {
        failures.append(error)
        unread[place] = error
    }
}

extension Inventory.Login: Comparable {
    private var order: [String] { [client, server, username ?? "", store] }

    static func == (left: Self, right: Self) -> Bool { left.order == right.order }

    static func < (left: Self, right: Self) -> Bool {
        left.order.lexicographicallyPrecedes(right.order)
    }
}
