internal import Clients
internal import Credentials

/// An inventory is all logins that the stores show, and the errors of those that could not be read.
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
        /// The user name; nil if there is none or it is a token.
        var username: String? { entry.shownUser }
    }

    var logins: [Login] = []
    /// The logins that may be missing, one line for each reason.
    var warnings: [String] = []
    /// The errors of the stores and files that could not be read.
    private(set) var failures: [StoreError] = []
    /// The same errors, by the store's name or the file's path.
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
