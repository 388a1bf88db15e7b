/// The codes of all errors that a person or a script may see. A code stays the same when the words
/// of its error change.
package enum ErrorCode: String, CaseIterable, Sendable {
    // The call of the program, and its input.
    case badInput = "bad-input"
    case badSecret = "bad-secret"
    case badServer = "bad-server"
    case badUserName = "bad-user-name"
    case borrowedRights = "borrowed-rights"
    case inputTimedOut = "input-timed-out"
    case inputUnreadable = "input-unreadable"
    case notSupported = "not-supported"
    case passwordInAddress = "password-in-address"
    case tooLong = "too-long"
    case usage = "usage"

    // The terminal.
    case anotherQuestion = "another-question"
    case answerTimedOut = "answer-timed-out"
    case declined = "declined"
    case noTerminal = "no-terminal"
    case notAnswered = "not-answered"

    // Configuration and the environment.
    case badAccount = "bad-account"
    case badConfiguration = "bad-configuration"
    case badPath = "bad-path"
    case noHome = "no-home"
    case storeLeftOut = "store-left-out"

    // Logins.
    case anotherLogin = "another-login"
    case changedMeanwhile = "changed-meanwhile"
    case emptyQuery = "empty-query"
    case loginExpired = "login-expired"
    case loginRemains = "login-remains"
    case loginsUnseen = "logins-unseen"
    case namelessLogin = "nameless-login"
    case noPassword = "no-password"
    case noUserName = "no-user-name"
    case notEncodable = "not-encodable"
    case notLoggedIn = "not-logged-in"
    case notReadBack = "not-read-back"
    case removalUnknown = "removal-unknown"
    case severalLogins = "several-logins"

    // The keyring.
    case keyringAbsent = "keyring-absent"
    case keyringAltersSecret = "keyring-alters-secret"
    case keyringAnswersWrongly = "keyring-answers-wrongly"
    case keyringConfirms = "keyring-confirms"
    case keyringCopyRemains = "keyring-copy-remains"
    case keyringDeclined = "keyring-declined"
    case keyringFailed = "keyring-failed"
    case keyringGone = "keyring-gone"
    case keyringHidesSecret = "keyring-hides-secret"
    case keyringItemUnreadable = "keyring-item-unreadable"
    case keyringLocked = "keyring-locked"
    case keyringNotUnlocked = "keyring-not-unlocked"
    case keyringOutOfReach = "keyring-out-of-reach"
    case keyringRefused = "keyring-refused"
    case keyringRejectsLogin = "keyring-rejects-login"
    case keyringRemovedNothing = "keyring-removed-nothing"
    case keyringRestoresLogin = "keyring-restores-login"
    case keyringStaysLocked = "keyring-stays-locked"
    case keyringStoredNothing = "keyring-stored-nothing"
    case keyringStaysUnlocked = "keyring-stays-unlocked"
    case keyringTakesNoPassword = "keyring-takes-no-password"
    case keyringTimedOut = "keyring-timed-out"
    case markerDamaged = "marker-damaged"
    case noDefaultCollection = "no-default-collection"
    case noSessionBus = "no-session-bus"
    case noSuchCollection = "no-such-collection"
    case wrongPassword = "wrong-password"

    // The encrypted file and its keys.
    case fileAltered = "file-altered"
    case fileDamaged = "file-damaged"
    case fileFull = "file-full"
    case fileNewer = "file-newer"
    case fileStaysUnlocked = "file-stays-unlocked"
    case hasPassphrase = "has-passphrase"
    case kernelHidesKeys = "kernel-hides-keys"
    case kernelKeepsNoKey = "kernel-keeps-no-key"
    case keyMissing = "key-missing"
    case keyTooShort = "key-too-short"
    case noKeySource = "no-key-source"
    case noLoginSession = "no-login-session"
    case noPassphrase = "no-passphrase"
    case outOfMemory = "out-of-memory"
    case passphraseCommandFailed = "passphrase-command-failed"
    case passphraseCommandTimedOut = "passphrase-command-timed-out"
    case passphraseLength = "passphrase-length"
    case passphraseNeeded = "passphrase-needed"
    case passphrasesDiffer = "passphrases-differ"
    case wrongKey = "wrong-key"
    case wrongPassphrase = "wrong-passphrase"

    // Files, folders and programs.
    case danglingLink = "dangling-link"
    case diskFull = "disk-full"
    case foreignFile = "foreign-file"
    case foreignFolder = "foreign-folder"
    case hardLinked = "hard-linked"
    case lockHeld = "lock-held"
    case lockTimedOut = "lock-timed-out"
    case noSuchFile = "no-such-file"
    case notDurable = "not-durable"
    case openToOthers = "open-to-others"
    case programNotRun = "program-not-run"
    case programTimedOut = "program-timed-out"
    case symbolicLink = "symbolic-link"
    case systemError = "system-error"
    case wrongKindOfFile = "wrong-kind-of-file"

    // Clients, their files and their helpers.
    case copyRemains = "copy-remains"
    case helperFailed = "helper-failed"
    case helperKeepsNothing = "helper-keeps-nothing"
    case noIndexName = "no-index-name"
    case notAsked = "not-asked"
    case notImportable = "not-importable"
    case notJSON = "not-json"
    case notTOML = "not-toml"
    case notUTF8 = "not-utf-8"
    case plainTextRefused = "plain-text-refused"
    case recordDamaged = "record-damaged"
    case sameStore = "same-store"
    case settingOverridden = "setting-overridden"
    case unexpectedContent = "unexpected-content"
    case unfitForFile = "unfit-for-file"

    // Routes.
    case noRoute = "no-route"
    case routeFailed = "route-failed"
    case routeLoop = "route-loop"
    case routeTimedOut = "route-timed-out"
    case routeUnreachable = "route-unreachable"
    case servedByRoute = "served-by-route"

    // Registries.
    case registryAnswersWrongly = "registry-answers-wrongly"
    case registryIsUnsafe = "registry-is-unsafe"
    case registryNotAsked = "registry-not-asked"
    case registryRefuses = "registry-refuses"
    case registryUnreachable = "registry-unreachable"

    /// The outcome, which tells the caller of a store what to do next.
    package var outcome: StoreError.Outcome {
        switch self {
        case .keyringAbsent, .noDefaultCollection, .noSessionBus: .absent
        case .keyMissing, .keyringConfirms, .keyringLocked, .keyringNotUnlocked,
            .keyringStaysLocked, .keyringTakesNoPassword, .loginsUnseen, .passphraseNeeded,
            .wrongKey, .wrongPassphrase, .wrongPassword:
            .locked
        case .declined, .keyringDeclined, .notAnswered, .passphrasesDiffer: .declined
        case .anotherQuestion, .answerTimedOut, .inputTimedOut, .keyringTimedOut, .lockTimedOut,
            .passphraseCommandTimedOut, .programTimedOut, .routeTimedOut:
            .timedOut
        case .keyringGone: .gone
        case .fileAltered, .fileDamaged, .markerDamaged, .recordDamaged: .damaged
        default: .failed
        }
    }
}
