internal import Credentials

/// An open keyring is the provider that a store is connected to, and the store's options.
struct OpenKeyring {
    let service: SecretService
    let options: KeyringStore.Options

    /// Returns the path of the collection for new logins.
    func collection() throws(StoreError) -> String {
        let wanted = options.collection
        if wanted.isObjectPath { return wanted }
        if let path = try service.collection(withAlias: wanted) { return path }
        guard wanted != KeyringStore.defaultAlias else {
            throw StoreError(.noDefaultCollection, "the keyring has no default collection")
        }
        let labelled = try service.collections().first { $0.label == Text(wanted) }
        guard let labelled else {
            throw StoreError(.noSuchCollection, "the keyring has no collection named \(wanted)")
        }
        return labelled.path
    }

    /// Returns the locked collections that may hold items which a search does not show.
    func hidingCollections() throws(StoreError) -> [String] {
        guard !service.findsLockedItems else { return [] }
        return try service.collections().filter { $0.isLocked && $0.itemCount == 0 }
            .map { $0.path }
    }

    /// Asks the provider to unlock items or collections. The caller must check that they are
    /// unlocked.
    func unlock(_ paths: [String]) throws(StoreError) {
        guard let prompt = try service.unlock(paths) else { return }
        guard options.mayPrompt else {
            throw try asksForAccess(to: paths) ? .keePassXCConfirms : .keyringLocked
        }
        options.willPrompt()
        try service.show(prompt: prompt, seconds: options.promptTimeout)
    }

    /// The next step for a user whose keyring is locked. Only a keyring that takes its password from
    /// a program can be unlocked by `keyfob unlock` where there is no desktop.
    var wayToUnlock: String {
        let way =
            !service.findsLockedItems
            ? "unlock it at the desktop"
            : options.neverPrompts
                ? "keyfob unlock --password-stdin" : "at a terminal: keyfob unlock"
        return way + "; or use the encrypted file: export KEYFOB_STORE=file; see: keyfob status"
    }

    /// Returns true if items are locked only because KeePassXC wants each access to be confirmed:
    /// their collection is unlocked.
    private func asksForAccess(to paths: [String]) throws(StoreError) -> Bool {
        guard service.isKeePassXC else { return false }
        let open = try service.collections().filter { !$0.isLocked }.map { $0.path + "/" }
        return paths.allSatisfy { path in open.contains { path.hasPrefix($0) } }
    }

    /// Shows the prompt that a provider requires before a change. If the user cannot answer, only
    /// KeePassXC may show one, since it may answer by itself, and only for 5 seconds. Otherwise
    /// this throws `locked`.
    func confirmChange(_ prompt: String) throws(StoreError) {
        let isSeen = options.mayPrompt
        guard isSeen || options.mayConfirmUnseen && service.isKeePassXC else {
            throw .nobodyToConfirm
        }
        options.willPrompt()
        do throws(StoreError) {
            // KeePassXC takes a tenth of a second if it does not ask the user.
            try service.show(prompt: prompt, seconds: isSeen ? options.promptTimeout : 5)
        } catch let error where !isSeen && error.outcome == .timedOut {
            throw .keePassXCConfirms
        }
    }

    func delete(_ path: String) throws(StoreError) {
        if let prompt = try service.finish(service.beginDelete(path)) { try confirmChange(prompt) }
    }

    /// Throws if one of the items that were deleted is still found.
    func expectGone(_ paths: [String], _ query: Query) throws(StoreError) {
        guard !paths.isEmpty else { return }
        let left = try service.search(query.patterns)
        guard !left.contains(where: { paths.contains($0.path) }) else {
            throw .keyringRemovedNothing
        }
    }
}

/// Makes a step until it returns a value, four times at most; then throws the error. A step returns
/// nil if it found that the keyring had changed meanwhile, or has just changed it. All repeated
/// steps use this function.
func untilSettled<Value>(
    or error: StoreError, _ step: () throws(StoreError) -> Value?
) throws(StoreError) -> Value {
    for _ in 0..<4 {
        if let value = try step() { return value }
    }
    throw error
}
