internal import Credentials
internal import Files

/// A key that opens a slot, and what the slot holds.
struct Unlocked {
    let key: Secret
    let kind: FileFormat.Slot.Kind
    let dataKey: Secret
    private let slots: [FileFormat.Slot]
    private let storeID: [UInt8]

    /// Nil if the key opens none of these slots of the file.
    init?(
        _ slots: [FileFormat.Slot], of header: FileFormat.Header, with key: Secret
    ) throws(FileFormat.Slot.Failure) {
        for slot in slots {
            do throws(FileFormat.Slot.Failure) {
                dataKey = try slot.unwrap(with: key, storeID: header.storeID)
                self.key = key
                kind = slot.kind
                self.slots = header.slots
                storeID = header.storeID
                return
            } catch let error where error == .wrongKey {
                continue
            }
        }
        return nil
    }

    /// Whether it opens a file with this header too: its logins may have changed since, and its
    /// slots not.
    func opens(_ header: FileFormat.Header) -> Bool {
        header.slots == slots && header.storeID == storeID
    }
}

/// What has come of asking for the passphrase, so that one process asks once: the key, or why there
/// is none.
final class PassphraseMemory: Sendable {
    private struct State {
        var unlocked: Unlocked?
        var refusal: StoreError?
        var commandTimeout: StoreError?
    }

    private let state = Guarded(State())

    /// What opens a file with this header.
    func unlocked(_ header: FileFormat.Header) -> Unlocked? {
        guard let unlocked = state.with({ $0.unlocked }), unlocked.opens(header) else { return nil }
        return unlocked
    }

    /// Why nobody is to be asked again.
    var refusal: StoreError? { state.with { $0.refusal } }

    /// That the passphrase command has not ended in time, if it has not; it is not run again then.
    var commandTimeout: StoreError? { state.with { $0.commandTimeout } }

    func keep(_ unlocked: Unlocked) { state.with { $0.unlocked = unlocked } }

    func keep(_ refusal: StoreError) { state.with { $0.refusal = refusal } }

    func keep(commandTimeout: StoreError) { state.with { $0.commandTimeout = commandTimeout } }
}

extension FileStore {
    /// How often a person may type the passphrase.
    private static let attempts = 3

    /// The file as it is, and what opens it; nil if there is no file. A person is asked if need be.
    ///
    /// Nil, too, where `unless` says that the header has nothing of what is wanted, and there is no
    /// key to find out whether the header is right.
    ///
    /// Where the key is missing or wrong, both are read once more: they may be being replaced.
    func unlock(
        in folder: borrowing OpenFolder, for subject: String,
        unless hasNothing: (FileFormat.Header) -> Bool = { _ in false }
    ) throws(StoreError) -> (sealed: FileFormat.Sealed, unlocked: Unlocked)? {
        var hasFailed = false
        while let sealed = try read(in: folder) {
            let header = sealed.header
            do throws(StoreError) {
                let hasNothing = hasNothing(header)
                if let unlocked = options.memory.unlocked(header) { return (sealed, unlocked) }
                if hasNothing {
                    guard let unlocked = try unlockWithKey(header) else { return nil }
                    return (sealed, unlocked)
                }
                if let unlocked = try unlock(header, in: folder, for: subject) {
                    return (sealed, unlocked)
                }
            } catch {
                guard !hasFailed, header.slots.contains(where: { $0.kind == .raw })
                else { throw error }
                hasFailed = true
            }
        }
        return nil
    }

    /// With a key that is at hand; nil if there is none that can be read. Asks nobody.
    ///
    /// Throws `locked` if there is a key, and it is another one's.
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

    /// From the first source whose key opens a slot; nil if the file is to be read again, since a
    /// person has been asked meanwhile.
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
                    if unlocked.kind != .raw { options.memory.keep(unlocked) }
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

    /// What a source has. A passphrase command that does not end in time is run once in a process.
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
            hint: "set KEYFOB_PASSPHRASE, or passphraseCommand in the config file")
    }

    /// Asks for the passphrase until it is right, and remembers what it opens. True if the file is
    /// to be read again now; false where there is no terminal.
    ///
    /// Throws `locked` if what was typed was wrong each time or the terminal has gone away, `declined`
    /// and `timedOut` if nothing was typed; it is not asked for again then.
    private func askPerson(
        _ slots: [FileFormat.Slot], _ header: FileFormat.Header,
        in folder: borrowing OpenFolder, for subject: String
    ) throws(StoreError) -> Bool {
        if let refusal = options.memory.refusal { throw refusal }
        let terminal = Terminal(lockFolder: options.keyFolder, willWait: options.willPrompt)
        do throws(StoreError) {
            guard var turn = try terminal.takeTurn() else { return false }
            // Whoever asked meanwhile may have changed the passphrase.
            if turn.hasWaited, try read(in: folder)?.header.slots != header.slots { return true }
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

    /// Nil if the key opens none of the slots.
    private func unlock(
        _ slots: [FileFormat.Slot], of header: FileFormat.Header, with key: Secret
    ) throws(StoreError) -> Unlocked? {
        do throws(FileFormat.Slot.Failure) {
            return try Unlocked(slots, of: header, with: key)
        } catch {
            throw error.error(of: path)
        }
    }

    /// Why none of the keys of these sources is good.
    private func refusal(of wrong: [KeySource]) -> StoreError {
        StoreError(
            .wrongKey,
            "\(wrong.map { $0.content }.joined(separator: " and ")) does not open \(path)",
            hint: wrong.first?.remedy)
    }
}

extension String {
    /// Short enough for a line of a terminal.
    fileprivate var shortened: String { count <= 100 ? self : prefix(99) + "…" }
}
