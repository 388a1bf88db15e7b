internal import ArgumentParser
internal import Credentials
internal import Files
internal import JSON
internal import Settings
internal import Stores

/// `keyfob passphrase`: sets, changes and removes the passphrase of the encrypted file, or encrypts
/// it with a new key.
struct Passphrase: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "passphrase",
        abstract: "Set, change or remove the passphrase of the file.",
        discussion: """
            The file is encrypted anew each time. Older copies of it still open as before.
            """,
        subcommands: [Set.self, Change.self, Remove.self, Rekey.self])

    struct Set: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set",
            abstract: "Protect the file with a passphrase.")

        @OptionGroup var source: Source
        @OptionGroup var output: Output

        func run() throws {
            let invocation = try Invocation(output.console)
            let file = try invocation.file
            guard try file.protection() != .passphrase else {
                throw StoreError(
                    .hasPassphrase, "the encrypted file already has a passphrase",
                    hint: "to change it: keyfob passphrase change")
            }
            try file.unlock()
            try file.setPassphrase(try source.ask(invocation))
            try output.answer(
                "the encrypted file is now protected with this passphrase", invocation)
            let keyring = invocation.choice.keyringStore
            if (try? keyring?.list(nil))?.entries.isEmpty == false {
                invocation.console.note(
                    "logins in the keyring are protected by the keyring, not by this passphrase")
            }
            invocation.console.note(Passphrase.advice)
        }
    }

    struct Change: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "change",
            abstract: "Change the passphrase.",
            discussion: "Asks for the old one, unless it is configured, and then for the new one.")

        @OptionGroup var source: Source
        @OptionGroup var output: Output

        func run() throws {
            let invocation = try Invocation(output.console)
            let file = try invocation.file
            try file.requirePassphrase()
            try file.unlock()
            try file.setPassphrase(try source.ask(invocation))
            try output.answer(
                "the encrypted file is now protected with the new passphrase", invocation)
            invocation.console.note(Passphrase.advice)
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Protect the file with a key again, configured or generated.")

        @OptionGroup var output: Output

        func run() throws {
            let invocation = try Invocation(output.console)
            let file = try invocation.file
            try file.requirePassphrase()
            try file.removePassphrase()
            try output.answer(
                "the encrypted file is now protected with a key, and has no passphrase", invocation)
        }
    }

    struct Rekey: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rekey",
            abstract: "Encrypt the file with a new data key.")

        @OptionGroup var output: Output

        func run() throws {
            let invocation = try Invocation(output.console)
            try invocation.file.rekey()
            try output.answer("the file is encrypted with a new data key", invocation)
        }
    }

    /// The options for the source of a new passphrase.
    struct Source: ParsableArguments {
        @Flag(help: "Read the new passphrase from the first line of standard input.")
        var stdin = false

        /// Returns the new passphrase: typed twice at the terminal, or read from standard input.
        func ask(_ invocation: Invocation) throws(StoreError) -> Secret {
            if stdin { return try Secret(firstLineOfStandardInput: "passphrase") }
            let seconds = invocation.choice.settings.promptTimeout
            var turn = try invocation.terminal.takeTurn()
            guard
                let first = try turn?.ask(
                    "Keyfob: new passphrase: ", for: "passphrase", seconds: seconds),
                let second = try turn?.ask(
                    "Keyfob: new passphrase again: ", for: "passphrase", seconds: seconds)
            else {
                throw .noTerminal(for: "passphrase", "on standard input, with --stdin")
            }
            guard first == second else {
                throw StoreError(
                    .passphrasesDiffer, "the two passphrases differ; nothing was changed",
                    hint: "try again")
            }
            return first
        }
    }

    fileprivate static let advice =
        "to be asked for it once: keyfob unlock; where there is no terminal, helpers take it from "
        + "`passphraseCommand` in the config file, or from KEYFOB_PASSPHRASE"
}

extension Invocation {
    /// The file store. Throws `storeLeftOut` if the setting `store` excludes it.
    fileprivate var file: FileStore {
        get throws(StoreError) {
            guard let file = choice.fileStore else {
                throw StoreError(
                    .storeLeftOut, "the setting `store` excludes the encrypted file",
                    hint: "for this command: set KEYFOB_STORE=file")
            }
            return file
        }
    }
}

extension Output {
    /// Prints what was done, and in JSON the file's protection.
    fileprivate func answer(_ line: String, _ invocation: Invocation) throws {
        let protection = try invocation.file.protection()
        try answer(["protection": .name(protection?.rawValue)], lines: quiet ? [] : [line])
    }
}

extension FileStore {
    fileprivate func requirePassphrase() throws(StoreError) {
        guard try protection() == .passphrase else {
            throw StoreError(
                .noPassphrase, "the encrypted file has no passphrase",
                hint: "to set one: keyfob passphrase set")
        }
    }
}
