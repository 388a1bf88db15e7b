internal import Credentials

/// An open keyring is the provider that a store is connected to, and what both need to know of the
/// process they run in.
struct OpenKeyring {
    let service: SecretService
    let options: KeyringStore.Options

    /// The path of the collection for new logins.
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

    /// The locked collections that may hold items which a search does not show.
    func hidingCollections() throws(StoreError) -> [String] {
        guard !service.findsLockedItems else { return [] }
        return try service.collections().filter { $0.isLocked && $0.itemCount == 0 }
            .map { $0.path }
    }

    /// Unlocks items or collections. Whether they are unlocked then is for the caller to look at.
    func unlock(_ paths: [String]) throws(StoreError) {
        guard let prompt = try service.unlock(paths) else { return }
        guard options.mayPrompt else {
            throw try asksForAccess(to: paths) ? .keePassXCConfirms : .keyringLocked
        }
        options.willPrompt()
        try service.show(prompt: prompt, seconds: options.promptTimeout)
    }

    /// Whether items are locked only because KeePassXC wants each access to be confirmed: their
    /// collection is open.
    private func asksForAccess(to paths: [String]) throws(StoreError) -> Bool {
        guard service.isKeePassXC else { return false }
        let open = try service.collections().filter { !$0.isLocked }.map { $0.path + "/" }
        return paths.allSatisfy { path in open.contains { path.hasPrefix($0) } }
    }

    /// Has a change confirmed, which the provider waits for. Where nobody can answer it asks only one
    /// that may answer itself, and not for long; else it throws `locked`.
    func confirmChange(_ prompt: String) throws(StoreError) {
        let isSeen = options.mayPrompt
        guard isSeen || options.mayConfirmUnseen && service.isKeePassXC else {
            throw .nobodyToConfirm
        }
        options.willPrompt()
        do throws(StoreError) {
            // KeePassXC takes a tenth of a second where it asks nobody.
            try service.show(prompt: prompt, seconds: isSeen ? options.promptTimeout : 5)
        } catch let error where !isSeen && error.outcome == .timedOut {
            throw .keePassXCConfirms
        }
    }

    func delete(_ path: String) throws(StoreError) {
        if let prompt = try service.finish(service.beginDelete(path)) { try confirmChange(prompt) }
    }

    /// Looks whether items that were deleted are gone.
    func expectGone(_ paths: [String], _ query: Query) throws(StoreError) {
        guard !paths.isEmpty else { return }
        let left = try service.search(query.patterns)
        guard !left.contains(where: { paths.contains($0.path) }) else {
            throw .keyringRemovedNothing
        }
    }
}

/// The one policy for trying again: a step that found the keyring changed meanwhile, or has just
/// changed it, returns nil, and is made again, four times in all. Throws the error if that is not
/// enough.
func untilSettled<Value>(
    or error: StoreError, _ step: () throws(StoreError) -> Value?
) throws(StoreError) -> Value {
    for _ in 0..<4 {
        if let value = try step() { return value }
    }
    throw error
}
