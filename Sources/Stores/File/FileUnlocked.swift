package import Credentials
package import Files

/// A file with a passphrase is unlocked while the kernel keeps its data key (`KernelKey`), which
/// opens the file without a question.
///
/// The kernel key's name has the store's id and the salt of the slot. When the passphrase is set,
/// changed or removed, the file gets another slot and another data key, so an earlier kernel key is
/// not found, and does not open the file.
extension FileStore {
    /// The processes that the file is unlocked for, and the seconds that are left.
    package struct Unlocking: Sendable {
        package let scope: KernelKey.Scope
        package let secondsLeft: Int
    }

    /// The longest time that the file may be unlocked for, in seconds: 7 days.
    package static let longestUnlocking = 7 * 24 * 60 * 60

    /// The prefix of the names of all of Keyfob's kernel keys.
    package static let keyNames = "keyfob:"

    /// Asks for the passphrase, even if the file is unlocked, and unlocks the file for so many
    /// seconds from now, for the processes of this scope only. Returns nil, and does nothing, if
    /// there is no file or if it opens with a key.
    ///
    /// Throws an error if the passphrase cannot be asked for or is wrong; `failed` if the kernel
    /// keeps no key, which the error says of an earlier one too, or if the passphrase was changed
    /// meanwhile.
    package func unlock(
        for seconds: Int, _ scope: KernelKey.Scope
    ) throws(StoreError) -> Unlocking? {
        guard try protection() == .passphrase, let folder = try options.folder.open(),
            let (sealed, unlocked) = try asking.unlock(in: folder, for: "the encrypted file")
        else { return nil }
        try keep(unlocked, in: folder, for: seconds, scope)
        if let unlocking = kept(for: sealed)?.unlocking, unlocking.scope == scope {
            return unlocking
        }
        guard let now = try read(in: folder), unlocked.opens(now.header) else {
            throw changedMeanwhile
        }
        let isLocked = forget(sealed.header) == nil
        throw StoreError(
            .kernelKeepsNoKey,
            "the kernel took the key and does not give it back; the file "
                + (isLocked ? "is locked" : "may be unlocked for other processes of yours"),
            hint: isLocked ? "try again, and for longer" : "to lock it: keyfob lock")
    }

    /// Returns the state of an unlocked file; nil if it is locked, or if it opens with a key.
    package func unlocking() throws(StoreError) -> Unlocking? {
        guard let folder = try options.folder.open(), let sealed = try read(in: folder) else {
            return nil
        }
        return kept(for: sealed)?.unlocking
    }

    /// Returns true if the kernel keeps a key of the file that it does not give to this process,
    /// such as one for another login session; nil if the kernel does not show that.
    package func isUnlockedElsewhere() throws(StoreError) -> Bool? {
        guard let folder = try options.folder.open(), let sealed = try read(in: folder) else {
            return false
        }
        guard kept(for: sealed) == nil else { return false }
        return KernelKey.all(FileStore.keyNames(of: sealed.header)).map { !$0.isEmpty }
    }

    /// Locks this file: removes the kernel keys that this process can see.
    package func lock() throws(StoreError) {
        guard let folder = try options.folder.open(), let sealed = try read(in: folder) else {
            return
        }
        forget(sealed.header)
    }

    // MARK: The data key

    /// Unlocks with the data key that the kernel keeps; returns nil if it keeps none. A kernel key
    /// that does not open the file is removed.
    func unlockFromKernel(_ sealed: FileFormat.Sealed) -> Unlocked? { kept(for: sealed)?.unlocked }

    /// The same store, which asks for the passphrase even if the file is unlocked.
    var asking: FileStore {
        var options = options
        options.looksIntoKernel = false
        return FileStore(options, now: now)
    }

    /// Unlocks the file after its passphrase has been typed, if the settings say so; otherwise
    /// tells the user once about `keyfob unlock`. The file stays locked if the kernel keeps no key.
    func keepTyped(_ unlocked: Unlocked, in folder: borrowing OpenFolder) {
        guard options.looksIntoKernel else { return }
        guard options.unlockSeconds == 0 else {
            try? keep(unlocked, in: folder, for: options.unlockSeconds, options.unlockScope)
            return
        }
        // An empty file records that the user has been told.
        guard let folder = try? options.keyFolder.create(),
            (try? folder.add("told-of-unlock", with: .empty)) == true
        else { return }
        options.notice("to be asked once, and not each time: keyfob unlock")
    }

    /// Removes all kernel keys of the file, also those of other login sessions. Returns the error
    /// that says, once the file is encrypted anew, that one remains or may remain; nil if none
    /// does.
    @discardableResult
    func forget(_ header: FileFormat.Header) -> StoreError? {
        for key in FileStore.keys(of: header) { key.remove() }
        let left = KernelKey.removeAll(FileStore.keyNames(of: header))
        if let left, !left.isEmpty {
            return StoreError(
                .fileStaysUnlocked,
                "\(path) is encrypted anew, but the kernel still keeps \(left.count) of its former "
                    + "keys, which opens an older copy",
                hint: "to remove it: keyfob lock")
        }
        // A file without a passphrase was never unlocked.
        guard left == nil, header.slots.contains(where: { $0.kind != .raw }) else { return nil }
        return StoreError(
            .kernelHidesKeys,
            "\(path) is encrypted anew, but the kernel does not show its keys here, so an older "
                + "copy may still be unlocked",
            hint: "outside the container: keyfob lock")
    }

    /// Gives the data key to the kernel, under the lock of writers: who changes the passphrase then
    /// removes it again. Throws `failed` if that was done since the file was opened.
    private func keep(
        _ unlocked: Unlocked, in folder: borrowing OpenFolder, for seconds: Int,
        _ scope: KernelKey.Scope
    ) throws(StoreError) {
        let lock: Folder.Lock?
        do throws(StoreError) {
            lock = try folder.lock(FileStore.fileName)
        } catch let error where error.code == .lockTimedOut {
            throw error
        } catch {
            // Where nobody can hold the lock, as in a read-only folder, nobody can change the file.
            lock = nil
        }
        try keep(unlocked, in: folder, for: seconds, scope, under: lock)
    }

    private func keep(
        _ unlocked: Unlocked, in folder: borrowing OpenFolder, for seconds: Int,
        _ scope: KernelKey.Scope, under lock: borrowing Folder.Lock?
    ) throws(StoreError) {
        guard let sealed = try read(in: folder), unlocked.opens(sealed.header) else {
            throw changedMeanwhile
        }
        let name = FileStore.keyName(of: unlocked.slot, sealed.header)
        do throws(KernelKey.Failure) {
            try KernelKey(name, scope).publish(unlocked.dataKey, seconds: seconds)
        } catch {
            throw refusal(of: error, sealed)
        }
        // The last call decides for which processes the file is unlocked.
        for other in KernelKey.Scope.allCases where other != scope {
            KernelKey(name, other).remove()
        }
    }

    private var changedMeanwhile: StoreError {
        StoreError(
            .changedMeanwhile, "the passphrase of \(path) was changed just now", hint: "try again")
    }

    private func kept(
        for sealed: FileFormat.Sealed
    ) -> (unlocked: Unlocked, unlocking: Unlocking)? {
        guard options.looksIntoKernel else { return nil }
        for slot in sealed.header.slots where slot.kind != .raw {
            let name = FileStore.keyName(of: slot, sealed.header)
            for scope in KernelKey.Scope.allCases {
                let key = KernelKey(name, scope)
                guard let (dataKey, secondsLeft) = key.read() else { continue }
                if dataKey.count == Seal.keySize,
                    (try? sealed.authenticate(with: dataKey)) != nil
                {
                    return (
                        Unlocked(dataKey, slot, sealed.header),
                        Unlocking(scope: scope, secondsLeft: secondsLeft)
                    )
                }
                key.remove()
            }
        }
        return nil
    }

    private static func keys(of header: FileFormat.Header) -> [KernelKey] {
        header.slots.flatMap { slot in
            KernelKey.Scope.allCases.map { KernelKey(keyName(of: slot, header), $0) }
        }
    }

    private static func keyName(
        of slot: FileFormat.Slot, _ header: FileFormat.Header
    ) -> String {
        keyNames(of: header) + slot.salt.hexadecimal
    }

    /// Returns the prefix of the names of all kernel keys of this file.
    private static func keyNames(of header: FileFormat.Header) -> String {
        keyNames + "file:" + header.storeID.hexadecimal + ":"
    }

    private func refusal(
        of error: KernelKey.Failure, _ sealed: FileFormat.Sealed
    ) -> StoreError {
        let names = FileStore.keyNames(of: sealed.header)
        let isUnlocked = kept(for: sealed) != nil || KernelKey.all(names)?.isEmpty == false
        let state =
            isUnlocked ? "so the file stays unlocked as it was" : "so the file stays locked"
        switch error {
        case .noSession:
            return StoreError(
                .noLoginSession,
                "there is no login session of your own here that it could be unlocked for",
                hint: "to unlock it for all your processes: keyfob unlock --scope user")
        case .tooMany:
            return StoreError(
                .kernelKeepsNoKey,
                "the kernel keeps no key, \(state): you have as many as you may",
                hint: "to see them: keyctl show @u; the limit is kernel.keys.maxkeys")
        case .refused(let error):
            return StoreError(
                .kernelKeepsNoKey,
                "the kernel keeps no key here, \(state): \(error.reason)",
                hint: "in a container, or where this is forbidden, set passphraseCommand in the "
                    + "config file")
        }
    }
}
