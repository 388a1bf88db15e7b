package import Credentials
internal import Files
internal import Glibc

/// A client file is a file of another program's: its logins in plain text, or its configuration.
///
/// What must hold:
///
/// - It is replaced and never changed in place: whoever reads it sees the old one or the new one,
///   whole. Its owner stays, and so does its mode unless it is made private.
/// - A symbolic link is followed, and stays: many keep such files in a folder of their own.
/// - Nothing that another program writes meanwhile is lost: the change is made anew. Programs that
///   lock the file (cargo 1.95, pulumi 3.258) are waited for.
package struct ClientFile: Hashable, Sendable {
    package let path: String

    /// A relative path begins where the process is.
    package init(_ path: String) {
        guard !path.hasPrefix("/"), let folder = unsafe getcwd(nil, 0) else {
            self.path = path
            return
        }
        defer { unsafe free(folder) }
        self.path = unsafe String(cString: folder) + "/" + path
    }

    /// Its name in its folder.
    package var name: String { String(path.split(separator: "/").last ?? "") }

    /// Whether there may be such a file: one in a folder that cannot be entered is not known not to
    /// be there.
    package var exists: Bool {
        unsafe access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR)
    }

    /// The same for two paths to one file, where it is there.
    package var identity: String {
        guard let target = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(target) }
        return unsafe String(cString: target)
    }

    /// The files of a folder whose names end so, in the order of their names.
    static func files(in folder: String, named ending: String) -> [ClientFile] {
        ClientFile.names(in: folder).filter { $0.hasSuffix(ending) }.sorted()
            .map { ClientFile("\(folder)/\($0)") }
    }

    private static func names(in path: String) -> [String] {
        guard let folder = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { break }
            names.append(
                unsafe String(
                    cString: (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self))
            )
        }
        return names
    }

    /// The longest file that is read, in bytes.
    private static let limit = 16 << 20
    /// How often a change is made anew when the file has been changed meanwhile.
    private static let attempts = 20
    /// How long another program may hold its lock, in seconds.
    private static let patience = 5

    /// What is in it; nil if there is no such file.
    package func read() throws(StoreError) -> Secret? {
        guard let file = try open(path) else { return nil }
        return try content(of: file)
    }

    /// Throws `failed` if the file, or a symbolic link on the way to it, is another user's: what is in
    /// it is theirs, and no login of this user. A file that does not exist is nobody's.
    package func requireOwn() throws(StoreError) {
        try PathOwners.check(path, before: "read")
        guard let file = try open(path) else { return }
        let owner = try status(of: file).st_uid
        guard owner == geteuid() || owner == 0 else { throw foreign(owner) }
    }

    /// Throws `failed` if it is reached through what another user may exchange: nothing of theirs is
    /// changed, and they do not lead this user to change what they could not.
    package func requireOwnWay() throws(StoreError) {
        try PathOwners.check(path, before: "changed")
    }

    /// Puts what `change` makes of the content (nil: there is no file) in its place; nil leaves it
    /// as it is. `change` may be called more than once. Returns whether it was replaced.
    ///
    /// Throws `failed` if the file is not the user's own, or has another name: the content would
    /// live on under that. `isPrivate` says whether it becomes a file that its owner alone may read.
    @discardableResult
    package func edit(
        isPrivate: Bool = false,
        _ change: (Secret?) throws(StoreError) -> Secret?
    ) throws(StoreError) -> Bool {
        try requireOwnWay()
        for _ in 0..<ClientFile.attempts {
            let target = try resolved()
            guard let file = try open(target) else {
                guard let content = try change(nil) else { return false }
                if try create(content, at: target) { return true }
                continue
            }
            try lock(file)
            let before = try status(of: file)
            guard try isStill(target, before) else { continue }
            guard let content = try change(try self.content(of: file)) else { return false }
            try requireOwn(before)
            if try replace(target, before, with: content, isPrivate) { return true }
        }
        throw StoreError(.changedMeanwhile, "\(path) is changed all the time; it was left as it is")
    }

    /// Makes the folder that it lies in, and those above, for the user alone, where there are none.
    ///
    /// Nothing is made in a folder that belongs to somebody else: under sudo, `HOME` may be another
    /// user's.
    package func makeFolder() throws(StoreError) {
        try requireOwnWay()
        var above = path.folder
        var status = stat()
        while unsafe stat(above, &status) != 0, above != "/" { above = above.folder }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw StoreError(
                .foreignFolder,
                "\(path) is not created: \(above) is owned by uid \(status.st_uid), not by you"
                    + " (uid \(geteuid()))",
                hint: "run this as the user whose home it is, or set HOME to your own")
        }
        var made = ""
        for part in path.folder.split(separator: "/") {
            made += "/\(part)"
            guard unsafe mkdir(made, 0o700) == 0 || errno == EEXIST else {
                throw failure("create", made, SystemError(code: errno))
            }
        }
    }

    /// Removes the file if it holds these bytes and nothing else. Returns whether it did.
    package func remove(ifItIs content: Secret) throws(StoreError) -> Bool {
        try requireOwnWay()
        guard let file = try open(path) else { return false }
        try lock(file)
        guard try self.content(of: file) == content, try isStill(path, try status(of: file))
        else { return false }
        _ = try attempt("remove", path) { () throws(SystemError) in
            try SystemError.check { unsafe unlink(path) }
        }
        return true
    }

    // MARK: Reading

    private func open(_ path: String) throws(StoreError) -> Descriptor? {
        do throws(SystemError) {
            // Without O_NONBLOCK, opening a FIFO would wait for a writer.
            return Descriptor(
                owning: try SystemError.check {
                    unsafe Glibc.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
                })
        } catch let error where error.code == ENOENT || error.code == ENOTDIR {
            return nil
        } catch {
            throw failure("open", path, error)
        }
    }

    private func status(of file: borrowing Descriptor) throws(StoreError) -> stat {
        try attempt("inspect", path) { () throws(SystemError) in try file.status() }
    }

    private func content(of file: borrowing Descriptor) throws(StoreError) -> Secret {
        let status = try status(of: file)
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw StoreError(.wrongKindOfFile, "\(path) is not a regular file")
        }
        guard status.st_size <= ClientFile.limit else {
            throw StoreError(.tooLong, "\(path) is longer than \(ClientFile.limit) bytes")
        }
        return try attempt("read", path) { () throws(SystemError) in
            try Secret(capacity: Int(status.st_size)) { memory throws(SystemError) in
                try file.fill(&memory)
                return memory.count
            }
        }
    }

    // MARK: Writing

    /// The file itself, where the path is a symbolic link.
    private func resolved() throws(StoreError) -> String {
        if let target = unsafe realpath(path, nil) {
            defer { unsafe free(target) }
            return unsafe String(cString: target)
        }
        guard errno == ENOENT else { throw failure("open", path, SystemError(code: errno)) }
        var status = stat()
        guard unsafe lstat(path, &status) != 0 else {
            throw StoreError(
                .danglingLink, "\(path) is a symbolic link to nothing",
                hint: "remove it: rm \(path.shellWord)")
        }
        return path
    }

    private func lock(_ file: borrowing Descriptor) throws(StoreError) {
        for _ in 0..<ClientFile.patience * 100 {
            do throws(SystemError) {
                try SystemError.check { flock(file.number, LOCK_EX | LOCK_NB) }
                return
            } catch let error where error.code == EWOULDBLOCK {
                usleep(10_000)
            } catch {
                // A file system without locks.
                return
            }
        }
        throw StoreError(.lockHeld, "another program holds the lock of \(path)", hint: "try again")
    }

    /// Whether the path still leads to that very file, unchanged.
    private func isStill(_ path: String, _ before: stat) throws(StoreError) -> Bool {
        var now = stat()
        guard unsafe stat(path, &now) == 0 else { return false }
        return now.st_dev == before.st_dev && now.st_ino == before.st_ino
            && now.st_size == before.st_size && now.st_mtim.tv_sec == before.st_mtim.tv_sec
            && now.st_mtim.tv_nsec == before.st_mtim.tv_nsec
    }

    private func requireOwn(_ status: stat) throws(StoreError) {
        guard status.st_uid == geteuid() || geteuid() == 0 else {
            throw foreign(status.st_uid)
        }
        guard status.st_nlink == 1 else {
            throw StoreError(
                .hardLinked,
                "\(path) has \(status.st_nlink) hard links, and would live on under others",
                hint: "remove its other names; find them with: find ~ -samefile \(path.shellWord)")
        }
    }

    private func foreign(_ owner: uid_t) -> StoreError {
        StoreError(
            .foreignFile, "\(path) is owned by uid \(owner), not by you (uid \(geteuid()))",
            hint: "run this as the user whose it is")
    }

    /// Puts a new file in the place of none; false if there is one meanwhile.
    private func create(_ content: Secret, at target: String) throws(StoreError) -> Bool {
        try makeFolder()
        let temporary = try writeTemporary(content, beside: target, like: nil)
        defer { unsafe unlink(temporary) }
        do throws(SystemError) {
            try SystemError.check { unsafe link(temporary, target) }
        } catch let error where error.code == EEXIST {
            return false
        } catch {
            throw failure("create", target, error)
        }
        try syncFolder(of: target)
        return true
    }

    /// False if another program has written the file meanwhile.
    private func replace(
        _ target: String, _ before: stat, with content: Secret, _ isPrivate: Bool
    ) throws(StoreError) -> Bool {
        sweepTemporaries(of: target)
        var like = before
        if isPrivate { like.st_mode &= S_IFMT | 0o700 }
        let temporary = try writeTemporary(content, beside: target, like: like)
        guard try isStill(target, before) else {
            unsafe unlink(temporary)
            return false
        }
        do throws(SystemError) {
            try SystemError.check { unsafe rename(temporary, target) }
        } catch {
            unsafe unlink(temporary)
            throw failure("replace", target, error)
        }
        try syncFolder(of: target)
        return true
    }

    private func writeTemporary(
        _ content: Secret, beside target: String, like before: stat?
    ) throws(StoreError) -> String {
        let random = String(UInt64.random(in: 0...UInt64.max), radix: 16)
        let temporary = target.folder + "/" + target.temporaryPrefix + random
        do throws(SystemError) {
            let file = Descriptor(
                owning: try SystemError.check {
                    unsafe Glibc.open(
                        temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600 as mode_t)
                })
            do throws(SystemError) {
                try content.expose { bytes throws(SystemError) in try file.write(bytes) }
                if let before {
                    let own = try file.status()
                    if own.st_uid != before.st_uid || own.st_gid != before.st_gid {
                        try SystemError.check { fchown(file.number, before.st_uid, before.st_gid) }
                    }
                    try SystemError.check { fchmod(file.number, before.st_mode & 0o7777) }
                }
                try file.sync()
            } catch {
                unsafe unlink(temporary)
                throw error
            }
        } catch {
            throw failure("write", target, error)
        }
        return temporary
    }

    /// Removes what one that was killed has left. The caller holds the lock of the file.
    private func sweepTemporaries(of target: String) {
        for name in ClientFile.names(in: target.folder)
        where name.utf8.starts(with: target.temporaryPrefix.utf8) {
            unsafe unlink(target.folder + "/" + name)
        }
    }

    private func syncFolder(of target: String) throws(StoreError) {
        try attempt("write", target) { () throws(SystemError) in
            try Descriptor.ofDirectory(target.folder).sync()
        }
    }
}

extension String {
    /// The folder that an absolute path lies in.
    var folder: String {
        guard let slash = utf8.lastIndex(of: UInt8(ascii: "/")), slash != startIndex else {
            return "/"
        }
        return String(self[..<slash])
    }

    /// How the names of temporaries for it begin: hidden, and of that file alone.
    fileprivate var temporaryPrefix: String {
        let name = utf8.lastIndex(of: UInt8(ascii: "/")).map { self[utf8.index(after: $0)...] }
        return ".\(name ?? self[...]).keyfob."
    }
}
