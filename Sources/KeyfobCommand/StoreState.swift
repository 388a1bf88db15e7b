internal import Credentials
internal import JSON
internal import Stores

/// The state of a store: if it can be used now, and what is known about it without a prompt.
struct StoreState {
    enum Kind: Text {
        case ready, locked
        /// The store does not exist yet.
        case none
        /// The store cannot be reached.
        case absent
        case failed
        /// The setting `store` excludes the store.
        case off
    }

    var kind: Kind
    /// The number of logins that the store shows; nil if it was not listed.
    var logins: Int?
    /// The reason for which it cannot be used; nil if it can.
    var error: StoreError?
    /// The program that provides the keyring, and the label of the collection for new logins.
    var provider: String?
    var collection: String?
    /// The path of the file, and its protection: `key` or `passphrase`.
    var path: String?
    var protection: String?
    /// The scope and the remaining time for which the file is unlocked; nil if it is not.
    var unlocking: FileStore.Unlocking?
}

extension StoreState {
    /// One line for the user.
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
            : [count, protected, unlocking?.words].compactMap(\.self).joined(separator: ", ")
    }

    private var json: JSON {
        [
            "state": .text(kind.rawValue), "locked": .bool(kind == .locked),
            "logins": .count(logins), "error": error?.json ?? .null,
        ]
    }

    var jsonOfKeyring: JSON {
        json + ["provider": .name(provider), "collection": .name(collection)]
    }

    var jsonOfFile: JSON {
        json + [
            "path": .name(path), "protection": .name(protection),
            "unlocked": unlocking?.json ?? .null,
        ]
    }
}

extension KeyringState {
    /// The usual name of the provider, by the name of its process; nil if that is not known.
    var providerName: String? {
        guard let provider else { return nil }
        if provider.hasPrefix("gnome-keyring") { return "GNOME Keyring" }
        if provider.hasPrefix("kwallet") || provider.hasPrefix("ksecret") { return "KWallet" }
        return provider == "keepassxc" ? "KeePassXC" : provider
    }
}
