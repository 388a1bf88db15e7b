internal import Credentials

/// The errors of the keyring store, and their messages about an interrupted change.
extension StoreError {
    /// The keyring holds, or may hold, the login, and no prompt can be shown to unlock it.
    static let keyringLocked = StoreError(
        .keyringLocked, "the keyring is locked, and cannot ask for its password here")

    /// The keyring reported that it unlocked the items, but they are locked.
    static let keyringStaysLocked = StoreError(
        .keyringStaysLocked, "the keyring reported that it was unlocked, but it is locked")

    /// The user could answer a prompt, but a list shows none.
    static let listDoesNotUnlock = StoreError(
        .keyringNotUnlocked, "the keyring is locked, and a list does not unlock it")

    /// The provider asks for a confirmation before a change, and the user cannot give it here.
    static let nobodyToConfirm = StoreError(
        .keyringConfirms, "the keyring asks for a confirmation, which cannot be given from here",
        hint: "run this at the desktop, or use the encrypted file: export KEYFOB_STORE=file")

    /// KeePassXC is set to ask for a confirmation, and the user cannot give it here.
    static let keePassXCConfirms = StoreError(
        .keyringConfirms, "KeePassXC asks for a confirmation, which cannot be given from here",
        hint:
            "run this at the desktop, or turn off the confirmation in KeePassXC: Settings, "
            + "Secret Service Integration"
    )

    /// The keyring's reply is not as the protocol says: it may have done what it was told.
    static let keyringAnswersWrongly = StoreError(
        .keyringAnswersWrongly, "the keyring answered with something of the wrong type")

    static let itemCannotBeRead = StoreError(
        .keyringItemUnreadable, "the keyring has an item that cannot be read")

    static let keyringGivesNoSecret = StoreError(
        .keyringHidesSecret, "the keyring has the login but does not give its secret")

    /// The secret that was read back is not the one that was written (KWallet cuts at a NUL,
    /// KeePassXC resolves `{REF:`).
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

    /// Returns the same error, with what has become of the login.
    func and(_ state: String) -> StoreError {
        StoreError(code, "\(message); \(state)", hint: hint)
    }

    /// Returns the same error for a change of which a part was written. The outcomes locked and
    /// declined say that nothing was, so such an error becomes another.
    func leaving(_ state: String) -> StoreError {
        let wrote = outcome == .locked || outcome == .declined ? .keyringFailed : code
        return StoreError(wrote, "\(state): \(message)", hint: hint)
    }

    /// True if the user must unlock the keyring first.
    var isOfLock: Bool {
        code == .keyringLocked || code == .keyringStaysLocked || code == .keyringNotUnlocked
    }

    /// True if the keyring no longer answers.
    var isTheEnd: Bool { outcome == .timedOut || outcome == .gone }

    /// True if the keyring may have done what it was told, or may still do it.
    var leavesOutcomeUnknown: Bool { isTheEnd || self == .keyringAnswersWrongly }

    /// The same error, as a call that writes throws it.
    var whileWriting: StoreError {
        leavesOutcomeUnknown ? leaving("the login may or may not have been stored") : self
    }
}
