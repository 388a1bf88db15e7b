internal import ArgumentParser
internal import Credentials
internal import Files
internal import JSON
internal import Settings
internal import Stores

/// `keyfob unlock`: asks for a passphrase or a password once, so that no other program has to.
struct Unlock: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unlock",
        abstract: "Ask for a passphrase or the keyring's password once.",
        usage: """
            keyfob unlock [--for <for>] [--scope <scope>] [<options>]
            """,
        discussion: """
            The encrypted file then opens without a question until that time is over, or until \
            keyfob lock. A locked keyring is unlocked, too.
            """)

    @Option(
        name: .customLong("for"),
        help: "How long: 90s, 30m, 8h or 2d; at most 7d, 8h by default.",
        transform: Unlock.seconds)
    var duration: Int?

    @Option(help: "Whose processes may open the file: user (default) or session.")
    var scope: KernelKey.Scope?

    @Flag(help: "Read what is asked for from standard input, its first line.")
    var passwordStdin = false

    @OptionGroup var output: Output

    func run() throws {
        let invocation = try Invocation(output.console)
        try invocation.requireSettings(before: "unlocked")
        var failures: [StoreError] = []
        let keyring = failures.catching { () throws(StoreError) in try LockedKeyring(invocation) }
        let asks =
            failures.catching { () throws(StoreError) in
                try invocation.choice.fileStore?.protection()
            } == .passphrase
        guard !(passwordStdin && keyring != nil && asks) else {
            throw StoreError(
                .usage, "both the keyring and the encrypted file are locked",
                hint: "choose one: KEYFOB_STORE=secret-service or KEYFOB_STORE=file")
        }
        let typed =
            passwordStdin && (keyring != nil || asks)
            ? try Secret(firstLineOfStandardInput: "password") : nil
        var lines: [String] = []
        var (ofKeyring, ofFile) = (JSON.null, JSON.null)
        failures.catching { () throws(StoreError) in
            guard let keyring else { return }
            try keyring.unlock(with: typed, invocation)
            lines.append("the keyring is unlocked")
            ofKeyring = ["locked": .bool(false)]
        }
        failures.catching { () throws(StoreError) in
            guard asks, let unlocking = try unlockFile(with: typed, invocation) else { return }
            lines.append("the encrypted file is \(unlocking.words)")
            ofFile = unlocking.json
        }
        if keyring == nil, !asks, failures.isEmpty {
            lines.append("nothing here asks for a passphrase or a password")
        }
        try output.answer(
            ["keyring": ofKeyring, "file": ofFile], lines: output.quiet ? [] : lines,
            errors: failures)
    }

    /// Returns nil if the file needs no unlocking any more.
    private func unlockFile(
        with typed: Secret?, _ invocation: Invocation
    ) throws(StoreError) -> FileStore.Unlocking? {
        guard var options = invocation.choice.file else { return nil }
        let settings = invocation.choice.settings
        let usual = settings.unlockSeconds > 0 ? settings.unlockSeconds : Unlock.usualSeconds
        if let typed {
            options.passphrase = typed
            options.passphraseCommand = nil
            options.mayPrompt = false
        }
        let file = FileStore(options)
        do throws(StoreError) {
            return try file.unlock(
                for: duration ?? usual, scope ?? settings.unlockScope)
        } catch let error where typed != nil && error.code == .wrongKey {
            throw StoreError(.wrongPassphrase, "wrong passphrase for \(file.path)")
        }
    }

    /// The time, in seconds, if neither the command nor the setting names one.
    private static let usualSeconds = 8 * 60 * 60

    /// Returns the seconds of a time as it is typed.
    private static func seconds(_ typed: String) throws -> Int {
        guard let seconds = typed.seconds, (1...FileStore.longestUnlocking).contains(seconds)
        else { throw ValidationError("it must be a time such as 30m or 8h, of at most 7d") }
        return seconds
    }
}

extension [StoreError] {
    /// Returns the result of `body`; nil if it throws an error, which is added.
    @discardableResult
    mutating func catching<Result>(_ body: () throws(StoreError) -> Result?) -> Result? {
        do throws(StoreError) {
            return try body()
        } catch {
            append(error)
            return nil
        }
    }
}

extension KernelKey.Scope: ExpressibleByArgument {}

extension FileStore.Unlocking {
    /// The time at which the file is locked again, in seconds since 1970.
    private var end: UInt64 { System.seconds + UInt64(secondsLeft) }

    /// The state in words.
    var words: String {
        let until = LocalTime(end).map { " until \($0.minute)" } ?? ""
        return "unlocked\(until) for "
            + (scope == .user ? "all your processes" : "this login session")
    }

    var json: JSON {
        ["until": .integer(Int64(clamping: end)), "scope": .name(scope.rawValue)]
    }
}
