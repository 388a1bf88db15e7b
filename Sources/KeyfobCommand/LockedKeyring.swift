internal import Credentials
internal import Files
internal import Settings
internal import Stores

/// A locked keyring, which the user unlocks at the terminal.
struct LockedKeyring {
    private let store: KeyringStore
    private let state: KeyringState

    /// The number of times that the user may type the password of a collection.
    private static let attempts = 3

    /// Nil if the keyring is unlocked, or is not used, or is absent and the file is used.
    init?(_ invocation: Invocation) throws(StoreError) {
        guard let store = invocation.choice.keyringStore else { return nil }
        do throws(StoreError) {
            let state = try store.state()
            guard state.isLocked else { return nil }
            self.store = store
            self.state = state
        } catch let error where error.outcome == .absent && invocation.choice.file != nil {
            return nil
        }
    }

    /// Unlocks the keyring with the password from standard input, or else with one that the user
    /// types. If there is no terminal, or if the keyring takes no password from a program, the
    /// keyring's own window asks.
    ///
    /// Throws `locked` if the password is wrong, or if the keyring takes none from a program and
    /// has no window here; `failed` if it takes one, and there is neither a terminal nor a window.
    func unlock(with given: Secret?, _ invocation: Invocation) throws(StoreError) {
        guard state.takesPassword else {
            guard store.options.mayPrompt, given == nil else { throw refusal }
            return try store.unlock()
        }
        for collection in state.locked {
            if let given {
                guard try store.unlock(collection, with: given) else { throw wrongPassword }
            } else if try !ask(for: collection, invocation) {
                guard store.options.mayPrompt else { throw noTerminal(invocation) }
                return try store.unlock()
            }
        }
        guard try !store.state().isLocked else {
            throw StoreError(.keyringStaysLocked, "the keyring took the password, and is locked")
        }
    }

    /// Asks for the password of a collection and unlocks it, unless it was unlocked while this
    /// waited for another question. Returns false if there is no terminal, or no prompt may be
    /// shown.
    private func ask(
        for collection: KeyringState.Collection, _ invocation: Invocation
    ) throws(StoreError) -> Bool {
        guard invocation.choice.settings.prompt != .never,
            var turn = try invocation.terminal.takeTurn()
        else { return false }
        guard try store.state().locked.contains(collection) else { return true }
        let question = "Keyfob: password of the keyring \"\(collection.label)\": "
        var notice: String?
        for left in (0..<LockedKeyring.attempts).reversed() {
            guard
                let password = try turn.ask(
                    question, notice: notice, for: "password",
                    seconds: invocation.choice.settings.promptTimeout)
            else { return false }
            if try store.unlock(collection, with: password) { return true }
            notice = "Keyfob: wrong password, try again (\(left) left)"
        }
        throw wrongPassword
    }

    private var wrongPassword: StoreError {
        StoreError(.wrongPassword, "wrong password for the keyring", hint: "try again")
    }

    private func noTerminal(_ invocation: Invocation) -> StoreError {
        guard invocation.choice.settings.prompt == .never else {
            return .noTerminal(for: "password", "on standard input, with --password-stdin")
        }
        return StoreError(
            .keyringLocked, "the keyring is locked, and the setting `prompt` is never",
            hint: "give the password on standard input: keyfob unlock --password-stdin")
    }

    /// The error for a keyring that asks only in its own window.
    private var refusal: StoreError {
        let name = state.providerName ?? "this keyring"
        return StoreError(
            .keyringTakesNoPassword, "\(name) takes its password in its own window alone",
            hint: "unlock it at the desktop, or use the encrypted file: export KEYFOB_STORE=file")
    }
}
