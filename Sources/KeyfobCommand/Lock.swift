internal import ArgumentParser
internal import Credentials
internal import Files
internal import JSON
internal import Settings
internal import Stores

/// `keyfob lock`: locks what `keyfob unlock` unlocked.
///
/// Invariant: it succeeds only if it has seen that the kernel keeps no key of Keyfob's any more, of
/// any file and any login session of the user.
struct Lock: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lock",
        abstract: "Ask again: lock what keyfob unlock has unlocked.",
        discussion: """
            This holds for all encrypted files and login sessions of yours. The keyring stays as \
            it is, unless you ask for it.
            """)

    @Flag(help: "Lock the keyring, too.")
    var keyring = false

    @OptionGroup var output: Output

    func run() throws {
        var lines: [String] = []
        var failures: [StoreError] = []
        // The keys are removed even if the environment or the settings are not valid.
        let invocation = failures.catching { () throws(StoreError) in try Invocation(output.console)
        }
        failures.catching { () throws(StoreError) in
            try Lock.removeKeys(invocation)
            lines.append("no encrypted file is unlocked")
        }
        failures.catching { () throws(StoreError) in
            guard keyring, let invocation else { return }
            try lockKeyring(invocation)
            lines.append("the keyring is locked")
        }
        try output.answer(
            ["done": .bool(failures.isEmpty)], lines: output.quiet ? [] : lines, errors: failures)
    }

    private static func removeKeys(_ invocation: Invocation?) throws(StoreError) {
        // The kernel may not show its keys, but the name of this file's key is known.
        try? invocation?.choice.fileStore?.lock()
        guard let left = KernelKey.removeAll(FileStore.keyNames) else {
            throw StoreError(
                .kernelHidesKeys,
                "the kernel does not show its keys here, so a file may still be unlocked",
                hint: "run this outside the container")
        }
        guard left.isEmpty else {
            throw StoreError(
                .fileStaysUnlocked,
                "the kernel still keeps \(left.count) of Keyfob's keys: "
                    + left.values.sorted().joined(separator: ", "),
                hint: "try again; a new data key makes it worthless: keyfob passphrase rekey")
        }
    }

    private func lockKeyring(_ invocation: Invocation) throws(StoreError) {
        guard let store = invocation.choice.keyringStore else {
            throw StoreError(
                .storeLeftOut, "the setting `store` excludes the keyring",
                hint: "for this command: set KEYFOB_STORE=secret-service")
        }
        try store.lock()
    }
}
