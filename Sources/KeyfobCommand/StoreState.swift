internal import Credentials
internal import JSON

/// The state of a store: whether it serves this user now, and what can be told of it without a
/// question to anybody.
struct StoreState {
    enum Kind: Text {
        case ready, locked
        /// There is no such store yet.
        case none
        /// It cannot be reached here.
        case absent
        case failed
        /// The setting `store` leaves it out.
        case off
    }

    var kind: Kind
    /// How many logins it shows; nil where it shows none because it is not open.
    var logins: Int?
    /// Why it does not serve.
    var error: StoreError?
    /// The program that provides a keyring, and the label of the collection that new logins go to.
    var provider: String?
    var collection: String?
    /// Where a file is, and what protects it: `key` or `passphrase`.
    var path: String?
    var protection: String?
}

extension StoreState {
    /// One line for people.
    var line: String {
        let count = logins.map { $0 == 1 ? "1 login" : "\($0) logins" }
        let protected = protection.map { "protected by a \($0)" }
        switch kind {
        case .off: return "not used"
        case .none: return "none yet"
        case .absent: return "none: \(error?.message ?? "")"
        case .failed: return path == nil ? error?.message ?? "" : "cannot be used"
        case .ready, .locked: break
        }
        if let provider {
            let name = collection.map { "\(provider), collection \"\($0)\"" } ?? provider
            return kind == .locked ? "\(name), locked" : "\(name), \(count ?? "")"
        }
        return kind == .locked
            ? "\(protected ?? ""), asked for when needed"
            : [count, protected].compactMap(\.self).joined(separator: ", ")
    }

    private var members: [JSON.Member] {
        [
            JSON.Member("state", .text(kind.rawValue)),
            JSON.Member("locked", .bool(kind == .locked)),
            JSON.Member("logins", logins.map { .integer(Int64($0)) } ?? .null),
            JSON.Member("error", error?.json ?? .null),
        ]
    }

    var jsonOfKeyring: JSON {
        .object(
            members + [
                JSON.Member("provider", .name(provider)),
                JSON.Member("collection", .name(collection)),
            ])
    }

    var jsonOfFile: JSON {
        .object(
            members + [
                JSON.Member("path", .name(path)), JSON.Member("protection", .name(protection)),
            ])
    }
}
