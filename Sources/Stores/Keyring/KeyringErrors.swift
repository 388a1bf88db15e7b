internal import Credentials

/// The errors of the keyring store, and what they say of a change that they interrupted.
extension StoreError {
    /// The keyring holds, or may hold, what was asked, and nobody can unlock it here.
    static let keyringLocked = StoreError(
        .keyringLocked, "the keyring is locked and cannot be unlocked from here",
        hint:
            "unlock it at the desktop, or use the encrypted file: export KEYFOB_STORE=file; see: "
            + "keyfob status"
    )

    /// After the keyring said that it unlocked what was asked.
    static let keyringStaysLocked = StoreError(
        .keyringStaysLocked, "the keyring reported that it was unlocked, but it is locked",
        hint: keyringLocked.hint)

    /// Somebody could answer a prompt, and is not asked for a list.
    static let listDoesNotUnlock = StoreError(
        .keyringNotUnlocked, "the keyring is locked, and a list does not unlock it",
        hint: keyringLocked.hint)

    /// The provider asks before it does what it was told, and nobody can answer.
    static let nobodyToConfirm = StoreError(
        .keyringConfirms, "the keyring asks for a confirmation, which cannot be given from here",
        hint: "run this at the desktop, or use the encrypted file: export KEYFOB_STORE=file")

    /// KeePassXC is set to ask, and nobody can answer.
    static let keePassXCConfirms = StoreError(
        .keyringConfirms, "KeePassXC asks for a confirmation, which cannot be given from here",
        hint:
            "run this at the desktop, or turn off the confirmation in KeePassXC: Settings, "
            + "Secret Service Integration"
    )

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
        .keyringAltersSecret, "the keyring does not store this secret unchanged")

    static let keyringTakesNoLogin = StoreError(
        .keyringRejectsLogin, "the keyring refused the login; nothing was stored")

    static let keyringStoredNothing = StoreError(
        .keyringStoredNothing, "the keyring reported that it stored the login, but did not")

    static let keyringRemovedNothing = StoreError(
        .keyringRemovedNothing, "the keyring reported that it removed the login, but did not")

    static let loginComesBack = StoreError(
        .keyringRestoresLogin, "the login reappears each time it is removed")

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
        leavesOutcomeUnknown ? leaving("the login may or may not have been stored") : self
    }
}
