package import Credentials

/// Unlocks a keyring with its password, and locks it.
///
/// Only GNOME Keyring takes a password from a program (gnome-keyring 42 to 48, by its interface
/// `InternalUnsupportedGuiltRiddenInterface`); other keyrings ask in their own window.
extension KeyringStore {
    /// Unlocks a collection with its password, without a window. Returns false if it is wrong.
    ///
    /// Throws `failed` if the provider has no such call.
    package func unlock(
        _ collection: KeyringState.Collection, with password: Secret
    ) throws(StoreError) -> Bool {
        try open { keyring throws(StoreError) in
            // A provider's first call must be a search.
            _ = try keyring.service.search(Schema.patternsOfAll)
            return try keyring.service.unlock(collection.path, with: password)
        }
    }

    /// Locks every collection that has logins or that new ones go to, and checks that it is locked.
    package func lock() throws(StoreError) {
        try open { keyring throws(StoreError) in
            let service = keyring.service
            let hits = try service.search(Schema.patternsOfAll)
            let target = try keyring.collection()
            let isMeant = { (collection: SecretService.Collection) in
                collection.path == target
                    || hits.contains { $0.path.hasPrefix(collection.path + "/") }
            }
            let open = { () throws(StoreError) in
                try service.collections().filter { !$0.isLocked && isMeant($0) }.map { $0.path }
            }
            let paths = try open()
            guard !paths.isEmpty else { return }
            if let prompt = try service.lock(paths) {
                guard options.mayPrompt else { throw .nobodyToConfirm }
                try service.show(prompt: prompt, seconds: options.promptTimeout)
            }
            guard try open().isEmpty else {
                throw StoreError(
                    .keyringStaysUnlocked,
                    "the keyring reported that it was locked, but it is unlocked")
            }
        }
    }
}
