internal import Credentials
internal import Files

/// A slot of the file that has been opened, and the data key from that slot.
struct Unlocked {
    /// The key or passphrase that opened the slot; nil if the kernel kept the data key.
    let key: Secret?
    let slot: FileFormat.Slot
    let dataKey: Secret
    private let slots: [FileFormat.Slot]
    private let storeID: [UInt8]

    /// Returns nil if the key opens none of these slots of the file.
    init?(
        _ slots: [FileFormat.Slot], of header: FileFormat.Header, with key: Secret
    ) throws(FileFormat.Slot.Failure) {
        for slot in slots {
            do throws(FileFormat.Slot.Failure) {
                dataKey = try slot.unwrap(with: key, storeID: header.storeID)
                self.key = key
                self.slot = slot
                self.slots = header.slots
                storeID = header.storeID
                return
            } catch let error where error == .wrongKey {
                continue
            }
        }
        return nil
    }

    /// Takes a data key of this slot that the kernel has kept.
    init(_ dataKey: Secret, _ slot: FileFormat.Slot, _ header: FileFormat.Header) {
        self.dataKey = dataKey
        self.slot = slot
        key = nil
        slots = header.slots
        storeID = header.storeID
    }

    /// Returns true if it also opens a file with this header: the logins may have changed since,
    /// but the slots have not.
    func opens(_ header: FileFormat.Header) -> Bool {
        header.slots == slots && header.storeID == storeID
    }
}

/// A passphrase memory keeps the result of asking for the passphrase, so that one process asks
/// once: the key, or the error.
final class PassphraseMemory: Sendable {
    private struct State {
        var unlocked: Unlocked?
        var refusal: StoreError?
        var commandTimeout: StoreError?
    }

    private let state = Guarded(State())

    /// Returns the key that was kept, if it opens a file with this header; otherwise nil.
    func unlocked(_ header: FileFormat.Header) -> Unlocked? {
        guard let unlocked = state.with({ $0.unlocked }), unlocked.opens(header) else { return nil }
        return unlocked
    }

    /// The error after which the user is not asked again; nil if there was none.
    var refusal: StoreError? { state.with { $0.refusal } }

    /// The error of a passphrase command that did not end in time, after which it is not run again;
    /// nil if there was none.
    var commandTimeout: StoreError? { state.with { $0.commandTimeout } }

    func keep(_ unlocked: Unlocked) { state.with { $0.unlocked = unlocked } }

    func keep(_ refusal: StoreError) { state.with { $0.refusal = refusal } }

    func keep(commandTimeout: StoreError) { state.with { $0.commandTimeout = commandTimeout } }
}

extension FileStore {
    /// The number of times that the user may type the passphrase.
    private static let attempts = 3

    /// Returns the file as it is now, and the key that opens it; nil if there is no file. The user
    /// is asked for the passphrase if necessary. The file must then be opened or authenticated,
    /// which verifies a checksum that is not verified yet.
    ///
    /// Also returns nil if `hasNothing` is true of the header, and there is no key at hand with
    /// which the header could be authenticated.
    ///
    /// If a key file is missing or wrong, it and the credential file are read once more: another
    /// process may be replacing them.
    func unlock(
        in folder: borrowing OpenFolder, for subject: String,
        unless hasNothing: (FileFormat.Header) -> Bool = { _ in false }
    ) throws(StoreError) -> (sealed: FileFormat.Sealed, unlocked: Unlocked)? {
        var hasFailed = false
        while let sealed = try read(in: folder, opensNext: true) {
            let header = sealed.header
            do throws(StoreError) {
                // A key can do no harm to a damaged file, but nobody is asked for a passphrase.
                if header.slots.contains(where: { $0.kind != .raw }) { try verify(sealed) }
                let hasNothing = hasNothing(header)
                if let unlocked = options.memory.unlocked(header) ?? unlockFromKernel(sealed) {
                    return (sealed, unlocked)
                }
                if hasNothing {
                    guard let unlocked = try unlockWithKey(header) else {
                        try verify(sealed)
                        return nil
                    }
                    return (sealed, unlocked)
                }
                if let unlocked = try unlock(header, in: folder, for: subject) {
                    return (sealed, unlocked)
                }
            } catch {
                try verify(sealed)
                guard !hasFailed, header.slots.contains(where: { $0.kind == .raw })
                else { throw error }
                hasFailed = true
            }
        }
        return nil
    }

    /// Unlocks with a key file, without asking the user; returns nil if no key can be read.
    ///
    /// Throws `locked` if there are keys and none of them opens the file.
    func unlockWithKey(_ header: FileFormat.Header) throws(StoreError) -> Unlocked? {
        let slots = header.slots.filter { $0.kind == .raw }
        guard !slots.isEmpty else { return nil }
        var wrong: [KeySource] = []
        for source in KeySource.all(options) where source.fits(.raw) {
            guard let key = (try? source.read()) ?? nil else { continue }
            if let unlocked = try unlock(slots, of: header, with: key) { return unlocked }
            wrong.append(source)
        }
        if !wrong.isEmpty { throw refusal(of: wrong) }
        return nil
    }

    /// Unlocks with the first source whose key opens a slot; returns nil if the file must be read
    /// again, since the user has been asked meanwhile.
    private func unlock(
        _ header: FileFormat.Header, in folder: borrowing OpenFolder, for subject: String
    ) throws(StoreError) -> Unlocked? {
        var problem: StoreError?
        var wrong: [KeySource] = []
        var missing: [String] = []
        for source in KeySource.all(options) {
            let slots = header.slots.filter { source.fits($0.kind) }
            guard !slots.isEmpty else { continue }
            do throws(StoreError) {
                if case .terminal = source {
                    if try askPerson(slots, header, in: folder, for: subject) { return nil }
                    continue
                }
                guard let key = try read(source) else {
                    if let absence = source.absence { missing.append(absence) }
                    continue
                }
                if let unlocked = try unlock(slots, of: header, with: key) {
                    if unlocked.slot.kind != .raw { options.memory.keep(unlocked) }
                    return unlocked
                }
                wrong.append(source)
            } catch {
                problem = problem ?? error
            }
        }
        if let problem { throw problem }
        guard wrong.isEmpty else { throw refusal(of: wrong) }
        guard missing.isEmpty else {
            throw StoreError(
                .keyMissing, "the key of \(path) is missing: \(missing.joined(separator: " and "))",
                hint: "restore the key; if it is lost, move the file away and log in again")
        }
        throw nobodyToAsk
    }

    /// Returns the key or passphrase of a source; nil if it has none. A passphrase command that did
    /// not end in time is not run again in this process.
    private func read(_ source: KeySource) throws(StoreError) -> Secret? {
        guard case .passphraseCommand = source else { return try source.read() }
        if let timeout = options.memory.commandTimeout { throw timeout }
        do throws(StoreError) {
            return try source.read()
        } catch {
            if error.outcome == .timedOut { options.memory.keep(commandTimeout: error) }
            throw error
        }
    }

    private var nobodyToAsk: StoreError {
        StoreError(
            .passphraseNeeded,
            "\(path) needs its passphrase, which cannot be asked for here",
            hint: (options.neverPrompts
                ? "keyfob unlock --password-stdin; or set KEYFOB_PASSPHRASE, or "
                : "at a terminal: keyfob unlock; without a person: set KEYFOB_PASSPHRASE, or ")
                + "passphraseCommand in the config file")
    }

    /// Asks the user for the passphrase until it is right, and remembers the key. Returns true if
    /// the file must be read again now; false if there is no terminal.
    ///
    /// Throws `locked` if each passphrase was wrong or the terminal has gone away, `declined` or
    /// `timedOut` if nothing was typed. The user is not asked again after that.
    private func askPerson(
        _ slots: [FileFormat.Slot], _ header: FileFormat.Header,
        in folder: borrowing OpenFolder, for subject: String
    ) throws(StoreError) -> Bool {
        if let refusal = options.memory.refusal { throw refusal }
        let terminal = Terminal(lockFolder: options.keyFolder, willWait: options.willPrompt)
        do throws(StoreError) {
            guard var turn = try terminal.takeTurn() else { return false }
            // The process that had the terminal before may have changed the passphrase, or the
            // file is unlocked now.
            guard let sealed = try read(in: folder), sealed.header.slots == header.slots,
                unlockFromKernel(sealed) == nil
            else { return true }
            let question = "Keyfob: passphrase for \((options.purpose ?? subject).shortened): "
            var notice: String?
            for left in (0..<FileStore.attempts).reversed() {
                guard
                    let passphrase = try turn.ask(
                        question, notice: notice, for: "passphrase",
                        seconds: options.promptTimeout)
                else { throw nobodyToAsk }
                if let unlocked = try unlock(slots, of: header, with: passphrase) {
                    options.memory.keep(unlocked)
                    keepTyped(unlocked, in: folder)
                    return true
                }
                notice = "Keyfob: wrong passphrase, try again (\(left) left)"
            }
            throw StoreError(.wrongPassphrase, "wrong passphrase for \(path)", hint: "try again")
        } catch {
            options.memory.keep(error)
            throw error
        }
    }

    /// Returns nil if the key opens none of the slots.
    private func unlock(
        _ slots: [FileFormat.Slot], of header: FileFormat.Header, with key: Secret
    ) throws(StoreError) -> Unlocked? {
        do throws(FileFormat.Slot.Failure) {
            return try Unlocked(slots, of: header, with: key)
        } catch {
            throw error.error(of: path)
        }
    }

    /// Returns the error that says that the keys of these sources do not open the file.
    private func refusal(of wrong: [KeySource]) -> StoreError {
        StoreError(
            .wrongKey,
            "\(wrong.map { $0.content }.joined(separator: " and ")) does not open \(path)",
            hint: wrong.first?.remedy)
    }
}

extension String {
    /// The text, cut so that it fits on a line of a terminal.
    fileprivate var shortened: String { count <= 100 ? self : prefix(99) + "…" }
}
