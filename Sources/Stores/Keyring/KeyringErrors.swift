internal import Credentials

/// The errors of the keyring store, and what they say of a change that they interrupted.
extension StoreError {
    /// The keyring holds, or may hold, what was asked, and nobody can unlock it here.
    static let keyringLocked = StoreError(
        .keyringLocked, "the keyring is locked and nobody can be asked here to unlock it",
        hint: "unlock the keyring and try again, or set KEYFOB_STORE=file to keep logins in the "
            + "encrypted file; see: keyfob status")

    /// After the keyring said that it unlocked what was asked.
    static let keyringStaysLocked = StoreError(
        .keyringStaysLocked, "the keyring said that it was unlocked, and it is locked",
        hint: keyringLocked.hint)

    /// Somebody could answer a prompt, and is not asked for a list.
    static let listDoesNotUnlock = StoreError(
        .keyringNotUnlocked, "the keyring is locked, and a list does not unlock it",
        hint: keyringLocked.hint)

    /// The provider asks before it does what it was told, and nobody can answer.
    static let nobodyToConfirm = StoreError(
        .keyringConfirms, "the keyring asks for a confirmation and nobody can answer here",
        hint: "do it where there is a display, or set KEYFOB_STORE=file to keep logins in the "
            + "encrypted file")

    /// KeePassXC is set to ask, and nobody can answer.
    static let keePassXCConfirms = StoreError(
        .keyringConfirms, "KeePassXC wants a confirmation and nobody can answer here",
        hint: "do it where KeePassXC can be answered, or let it not confirm: in KeePassXC, "
            + "Settings, Secret Service Integration")

    /// The keyring answered, and not as the protocol says: it may have done what it was told.
    static let keyringAnswersWrongly = StoreError(
        .keyringAnswersWrongly, "the keyring answered with something of the wrong type")

    static let itemCannotBeRead = StoreError(
        .keyringItemUnreadable, "the keyring has an item that cannot be read")

    static let keyringGivesNoSecret = StoreError(
        .keyringHidesSecret, "the keyring has the login but does not give its secret")

    /// What was read back is not what was written (KWallet cuts at a NUL, KeePassXC resolves
    /// `{REF:`).
    static let keyringAltersSecrets = StoreError(
        .keyringAltersSecret, "the keyring does not keep this secret as it is")

    static let keyringTakesNoLogin = StoreError(
        .keyringRejectsLogin, "the keyring does not take the login; nothing was stored")

    static let keyringStoredNothing = StoreError(
        .keyringStoredNothing, "the keyring said that it stored the login and did not")

    static let keyringRemovedNothing = StoreError(
        .keyringRemovedNothing, "the keyring said that it removed the login and did not")

    static let loginComesBack = StoreError(
        .keyringRestoresLogin, "the login comes back as often as it is removed")

    /// The same error, and what has become of the login.
    func and(_ state: String) -> StoreError {
        StoreError(code, "\(message); \(state)", hint: hint)
    }

    /// The same error where something was written, which locked and declined deny.
    func leaving(_ state: String) -> StoreError {
        let wrote = outcome == .locked || outcome == .declined ? .keyringFailed : code
        return StoreError(wrote, "\(state): \(message)", hint: hint)
    }

    /// Whether the keyring does not answer any more.
    var isTheEnd: Bool { outcome == .timedOut || outcome == .gone }

    /// Whether the keyring may have done what it was told, or may do it yet.
    var leavesOutcomeUnknown: Bool { isTheEnd || self == .keyringAnswersWrongly }

    /// An error of a call that writes.
    var whileWriting: StoreError {
        leavesOutcomeUnknown ? leaving("whether the login was stored is unknown") : self
    }
}
