internal import CLibc
internal import CPlatform
package import Credentials

/// An open folder is a directory that is held open, with operations on the files in it.
///
/// Names are single path components that the stores choose. A file is never changed in place. It is
/// replaced, so that a reader without a lock sees the old one or the new one, complete; or it is
/// empty, and only its existence has a meaning.
package struct OpenFolder: ~Copyable, Sendable {
    private let directory: Descriptor
    package let path: String
    /// True if other programs keep files in it too.
    private let isShared: Bool

    init(_ directory: consuming Descriptor, path: String, isShared: Bool = false) {
        self.directory = directory
        self.path = path
        self.isShared = isShared
    }

    /// Opens the directory at this path, to read files that another program has put there; returns
    /// nil if there is none. The directory itself is not checked, only the files in it.
    package static func ofAnyone(_ path: String) throws(StoreError) -> OpenFolder? {
        do throws(SystemError) {
            return OpenFolder(try Descriptor.ofDirectory(path), path: path, isShared: true)
        } catch let error where error.code == ENOENT {
            return nil
        } catch {
            throw failure("open", path, error)
        }
    }

    /// Returns the path of a file in it, for messages.
    package func path(of name: String) -> String {
        path.hasSuffix("/") ? path + name : path + "/" + name
    }

    /// Returns the bytes of a file; nil if there is none.
    ///
    /// Throws `failed` if it is not a regular file with one name, not accessible to the user alone,
    /// or longer than `limit` bytes; nothing of it has been read then.
    package func read(_ name: String, atMost limit: Int) throws(StoreError) -> [UInt8]? {
        try read(name, atMost: limit, .mine) { file, size throws(SystemError) in
            try [UInt8](capacity: size) { output throws(SystemError) in try file.fill(&output) }
        }
    }

    /// Like `read`, but reads into guarded memory, and checks the given ownership. `isSealed` is
    /// true if the bytes are encrypted.
    package func readSecret(
        _ name: String, atMost limit: Int, owned: Ownership = .mine, isSealed: Bool = false
    ) throws(StoreError) -> Secret? {
        try read(name, atMost: limit, owned) { file, size throws(SystemError) in
            try Secret(capacity: size, isSealed: isSealed) { output throws(SystemError) in
                try file.fill(&output)
            }
        }
    }

    private func read<Bytes>(
        _ name: String, atMost limit: Int, _ owned: Ownership,
        _ body: (borrowing Descriptor, Int) throws(SystemError) -> Bytes
    ) throws(StoreError) -> Bytes? {
        let path = path(of: name)
        // Without O_NONBLOCK, opening a FIFO would wait for a writer.
        guard let file = try open(name, O_RDONLY | O_NONBLOCK, owned) else { return nil }
        let status = try attempt("inspect", path) { () throws(SystemError) in try file.status() }
        try owned.check(status, of: path)
        guard status.size <= limit else {
            throw StoreError(
                .tooLong, "\(path) is longer than \(limit) bytes, the most it may be")
        }
        return try attempt("read", path) { () throws(SystemError) in
            try body(file, status.size)
        }
    }

    /// Waits for the lock `NAME.lock` and returns it; see `Folder.lock`.
    package func lock(_ name: String) throws(StoreError) -> Folder.Lock {
        let file = try openLock(name)
        let path = path(of: name + ".lock")
        let result = platform_lock(file.number, UInt32(Folder.Lock.patience))
        guard result >= 0 else { throw failure("lock", path, SystemError(code: -result)) }
        guard result > 0 else {
            throw StoreError(
                .lockTimedOut,
                "\(path) is locked by another process, which did not release it in time",
                hint:
                    "wait for that process or end it, then try again; to find it: fuser -v "
                    + "\(path.shellWord)"
            )
        }
        let status = try attempt("lock", path) { () throws(SystemError) in try file.status() }
        guard status.names > 0 else {
            // A user must have removed it; another process may already hold a new lock of this
            // name.
            throw StoreError(.changedMeanwhile, "\(path) was removed; try again")
        }
        return Folder.Lock(holding: file)
    }

    /// Opens the file of the lock `NAME.lock`, which is created if it is missing, and does not lock
    /// it.
    func openLock(_ name: String) throws(StoreError) -> Descriptor {
        let name = name + ".lock"
        let path = path(of: name)
        guard let file = try open(name, O_RDWR | O_CREAT, .mine) else {
            throw StoreError(.changedMeanwhile, "\(self.path) was removed; try again")
        }
        let status = try attempt("inspect", path) { () throws(SystemError) in try file.status() }
        try Ownership.mine.check(status, of: path)
        return file
    }

    /// Replaces the file of this name, if there is one, by a file with these bytes and mode 0600.
    /// It is on the disk when this returns, and at any moment either the old or the new one is
    /// there. The caller holds the lock of that name.
    package func replace(
        _ name: String, with content: Secret, under lock: borrowing Folder.Lock
    ) throws(StoreError) {
        _ = try replace(name, with: content)
    }

    /// Like the function above, for a file that the caller has locked itself. The new file has the
    /// owner, the group and the permissions of `like`, if given, or the given permissions. If
    /// `isStill` returns false, the old file has changed: this changes nothing and returns false.
    func replace(
        _ name: String, with content: Secret, like old: FileStatus? = nil,
        permissions: UInt32? = nil, _ isStill: () -> Bool = { true }
    ) throws(StoreError) -> Bool {
        let temporary = try writeTemporary(for: name, content, like: old, permissions)
        guard isStill() else {
            unlink(temporary)
            return false
        }
        do throws(SystemError) {
            try SystemError.check {
                unsafe renameat(directory.number, temporary, directory.number, name)
            }
        } catch {
            unlink(temporary)
            throw failure("replace", path(of: name), error)
        }
        try syncEntries(of: name)
        return true
    }

    /// Like `replace`, but if a file of this name exists already, it stays, and this returns false.
    /// The caller holds the lock of that name.
    package func add(
        _ name: String, with content: Secret, under lock: borrowing Folder.Lock
    ) throws(StoreError) -> Bool {
        try add(name, with: content)
    }

    /// Like the function above, for a file that has no lock.
    package func add(_ name: String, with content: Secret) throws(StoreError) -> Bool {
        let temporary = try writeTemporary(for: name, content)
        do throws(SystemError) {
            try SystemError.check {
                unsafe linkat(directory.number, temporary, directory.number, name, 0)
            }
        } catch {
            unlink(temporary)
            if error.code == EEXIST { return false }
            throw failure("create", path(of: name), error)
        }
        // Readers refuse a file that has two names.
        try attempt("create", path(of: name)) { () throws(SystemError) in
            _ = try SystemError.check { unsafe unlinkat(directory.number, temporary, 0) }
        }
        try syncEntries(of: name)
        return true
    }

    /// Removes temporary files that a writer of this name left when it died. The caller holds the
    /// lock of that name, so that no such writer is running.
    package func removeTemporaries(of name: String, under lock: borrowing Folder.Lock) {
        removeTemporaries(of: name)
    }

    func removeTemporaries(of name: String) {
        let prefix = Array(temporaryPrefix(of: name).utf8)
        try? forEachName { name in
            if name.utf8.starts(with: prefix) { unlink(name) }
        }
    }

    /// Calls `body` with the names in it, in no order.
    package func forEachName(_ body: (String) -> Void) throws(StoreError) {
        // fdopendir owns the descriptor it is given.
        let entries = unsafe try attempt("read", path) { () throws(SystemError) in
            let directory = try Descriptor.ofDirectory(".", from: directory.number)
            guard let entries = unsafe fdopendir(directory.release()) else {
                throw SystemError.last
            }
            return unsafe entries
        }
        defer { unsafe closedir(entries) }
        libc_set_errno(0)
        while let entry = unsafe readdir(entries) {
            body(unsafe String(cString: libc_entry_name(entry)))
            libc_set_errno(0)
        }
        let error = SystemError.last
        guard error.code == 0 else { throw failure("read", path, error) }
    }

    // MARK: Files whose existence has a meaning

    /// Returns true if there is a file of this name.
    package func has(_ name: String) throws(StoreError) -> Bool {
        do throws(SystemError) {
            _ = try status(of: name)
            return true
        } catch let error where error.code == ENOENT {
            return false
        } catch {
            throw failure("look for", path(of: name), error)
        }
    }

    /// Makes sure that there is a file of this name, on the disk: an existing one stays, whichever
    /// process created it; a new one is empty.
    package func touch(_ name: String) throws(StoreError) {
        do throws(SystemError) {
            _ = try open(name, O_WRONLY | O_CREAT | O_EXCL)
        } catch let error where error.code == EEXIST {
            // The process that created it may have died before it was on the disk.
        } catch {
            throw failure("create", path(of: name), error)
        }
        try syncEntries(for: path)
    }

    /// Removes the file of this name, if there is one. A power failure may bring it back.
    package func remove(_ name: String) throws(StoreError) {
        do throws(SystemError) {
            try SystemError.check { unsafe unlinkat(directory.number, name, 0) }
        } catch let error where error.code == ENOENT {
            // There is no such file, which is the aim.
        } catch {
            throw failure("remove", path(of: name), error)
        }
    }

    // MARK: Writing

    /// Returns the start of the names of a file's temporary files: hidden, and different for each
    /// file.
    private func temporaryPrefix(of name: String) -> String {
        ".\(name).\(isShared ? "keyfob" : "tmp")."
    }

    /// Writes a new file with this content to the disk, and returns its name.
    private func writeTemporary(
        for name: String, _ content: Secret, like old: FileStatus? = nil,
        _ permissions: UInt32? = nil
    ) throws(StoreError) -> String {
        let temporary =
            temporaryPrefix(of: name) + String(System.randomNumber, radix: 16)
        do throws(SystemError) {
            let file = try open(temporary, O_WRONLY | O_CREAT | O_EXCL)
            do throws(SystemError) {
                try file.write(content)
                let new = try file.status()
                if let old, new.owner != old.owner || new.group != old.group {
                    try SystemError.check { fchown(file.number, old.owner, old.group) }
                }
                let mode = permissions ?? old?.permissions ?? 0o600
                try SystemError.check { fchmod(file.number, mode) }
                try file.sync()
            } catch {
                unlink(temporary)
                throw error
            }
        } catch {
            throw failure("write", path(of: name), error)
        }
        return temporary
    }

    /// Waits until the file of this name is on the disk under that name, whichever process created
    /// it.
    package func syncEntries(of name: String) throws(StoreError) {
        try syncEntries(for: path(of: name))
    }

    private func syncEntries(for path: String) throws(StoreError) {
        do throws(SystemError) {
            try directory.sync()
        } catch {
            throw StoreError(
                .notDurable,
                "\(path) was written, but may not survive a power failure:"
                    + " \(error.reason)")
        }
    }

    func unlink(_ name: String) {
        _ = try? SystemError.check { unsafe unlinkat(directory.number, name, 0) }
    }

    // MARK: Opening

    /// Returns the status of the entry of this name; a symbolic link is not followed.
    func status(of name: String) throws(SystemError) -> FileStatus {
        var status = stat()
        try SystemError.check {
            unsafe fstatat(directory.number, name, &status, AT_SYMLINK_NOFOLLOW)
        }
        return FileStatus(status)
    }

    private func open(_ name: String, _ flags: Int32) throws(SystemError) -> Descriptor {
        Descriptor(
            owning: try SystemError.check {
                unsafe libc_open_at(
                    directory.number, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY,
                    0o600)
            })
    }

    /// Opens the file; returns nil if there is none. If it cannot be opened, throws the actual
    /// reason if the system's error is not specific.
    private func open(
        _ name: String, _ flags: Int32, _ owned: Ownership
    ) throws(StoreError) -> Descriptor? {
        let path = path(of: name)
        do throws(SystemError) {
            return try open(name, flags)
        } catch let error where error.code == ENOENT {
            return nil
        } catch let error where error.code == ELOOP {
            throw Ownership.symbolicLink(path)
        } catch {
            if let status = try? status(of: name) { try owned.check(status, of: path) }
            throw failure("open", path, error)
        }
    }
}
