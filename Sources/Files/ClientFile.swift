internal import CLibc
package import Credentials

/// A client file is a file of another program's: its logins in plain text, or its configuration.
///
/// Invariants:
///
/// - It is replaced and never changed in place: a reader sees the old one or the new one, complete.
///   Its owner stays, and so does its mode unless it is made private.
/// - A symbolic link is followed, and stays: many users keep such files in a folder of their own.
/// - Nothing that another program writes meanwhile is lost: the change is made again. Programs that
///   lock the file (cargo 1.95, pulumi 3.258) are waited for.
package struct ClientFile: Hashable, Sendable {
    package let path: String

    /// Makes a client file; a relative path begins at the current folder.
    package init(_ path: String) { self.path = Path.absolute(path) }

    /// The file's name in its folder.
    package var name: String { String(path.split(separator: "/").last ?? "") }

    /// True if there may be such a file; see `Path.mayExist`.
    package var exists: Bool { Path.mayExist(path) }

    /// A path that is the same for all paths to one file, if the file exists.
    package var identity: String { (try? Path.resolve(path)) ?? path }

    /// Returns the files of a folder whose names end in `ending`, in the order of their names.
    package static func files(in folder: String, named ending: String) -> [ClientFile] {
        var names: [String] = []
        if let open = try? OpenFolder.ofAnyone(folder) {
            try? open.forEachName { if $0.hasSuffix(ending) { names.append($0) } }
        }
        return names.sorted().map { ClientFile("\(folder)/\($0)") }
    }

    /// The longest file that is read, in bytes.
    private static let limit = 16 << 20
    /// The number of times that a change is made, at most, if the file keeps changing.
    private static let attempts = 20
    /// The longest time that another program may hold its lock, in seconds.
    private static let patience = 5

    /// Returns the content; nil if there is no such file.
    package func read() throws(StoreError) -> Secret? {
        guard let file = try open(path) else { return nil }
        return try content(of: file)
    }

    /// Throws `failed` if the file, or a symbolic link on the way to it, is another user's: its
    /// content is not a login of this user. A file that does not exist is accepted.
    package func requireOwn() throws(StoreError) {
        try PathOwners.check(path, before: "read")
        guard let file = try open(path) else { return }
        let status = try status(of: file)
        guard status.isMineOrRoots else { throw foreign(status.owner) }
    }

    /// Throws `failed` if another user could exchange a part of the way to it: that user's files
    /// are not changed, and that user cannot lead this one to change other files.
    package func requireOwnWay() throws(StoreError) {
        try PathOwners.check(path, before: "changed")
    }

    /// Replaces the content by the result of `change`, which is given the content, or nil if there
    /// is no file. If the result is nil, the file stays as it is. `change` may be called more than
    /// once. Returns true if the file was replaced.
    ///
    /// Throws `failed` if the file is not the user's own (root may edit any), or has another name,
    /// under which the old content would remain. If `isPrivate` is true, only its owner may read
    /// the new file.
    @discardableResult
    package func edit(
        isPrivate: Bool = false,
        _ change: (Secret?) throws(StoreError) -> Secret?
    ) throws(StoreError) -> Bool {
        try requireOwnWay()
        for _ in 0..<ClientFile.attempts {
            let target = try target()
            guard let file = try open(target.path) else {
                guard let content = try change(nil) else { return false }
                try makeFolder()
                if try target.put(content) { return true }
                continue
            }
            try lock(file)
            let before = try status(of: file)
            guard target.isStill(before) else { continue }
            guard let content = try change(try self.content(of: file)) else { return false }
            try requireOwn(before)
            if try target.put(content, over: before, isPrivate: isPrivate) { return true }
        }
        throw StoreError(.changedMeanwhile, "\(path) keeps changing, so it was not edited")
    }

    /// Throws `failed` if the file is not to be edited, as `edit` does.
    package func requireEditable() throws(StoreError) {
        try requireOwnWay()
        guard let file = try open(try target().path) else { return }
        try requireOwn(try status(of: file))
    }

    /// Creates the missing folders above the file, for the user alone.
    ///
    /// Nothing is created in a folder that belongs to another user: under sudo, `HOME` may be
    /// another user's.
    package func makeFolder() throws(StoreError) {
        try requireOwnWay()
        var above = path.folder
        while above != "/", FileStatus(of: above) == nil { above = above.folder }
        if let status = FileStatus(of: above), !status.isMineOrRoots {
            throw .foreignFolder(path, "created", above, status.owner)
        }
        var made = ""
        for part in path.folder.split(separator: "/") {
            made += "/\(part)"
            do throws(SystemError) {
                try SystemError.check { unsafe mkdir(made, 0o700) }
            } catch let error where error.code == EEXIST {
                continue
            } catch {
                throw failure("create", made, error)
            }
        }
    }

    /// Removes the file if its content is exactly this. Returns true if it was removed.
    package func remove(ifItIs content: Secret) throws(StoreError) -> Bool {
        try requireOwnWay()
        guard let file = try open(path) else { return false }
        try lock(file)
        guard try self.content(of: file) == content, isStill(try status(of: file)) else {
            return false
        }
        _ = try attempt("remove", path) { () throws(SystemError) in
            try SystemError.check { unsafe unlink(path) }
        }
        return true
    }

    // MARK: Implementation

    private func open(_ path: String) throws(StoreError) -> Descriptor? {
        try attempt("open", path) { () throws(SystemError) in try Descriptor.ofFile(path) }
    }

    private func status(of file: borrowing Descriptor) throws(StoreError) -> FileStatus {
        try attempt("inspect", path) { () throws(SystemError) in try file.status() }
    }

    private func content(of file: borrowing Descriptor) throws(StoreError) -> Secret {
        let status = try status(of: file)
        guard status.kind == .file else {
            throw StoreError(.wrongKindOfFile, "\(path) is not a regular file")
        }
        guard status.size <= ClientFile.limit else {
            throw StoreError(.tooLong, "\(path) is longer than \(ClientFile.limit) bytes")
        }
        return try attempt("read", path) { () throws(SystemError) in try file.secret(status.size) }
    }

    /// Returns the file that the path leads to, if the path is a symbolic link.
    private func target() throws(StoreError) -> ClientFile {
        do throws(SystemError) {
            return ClientFile(try Path.resolve(path))
        } catch let error where error != .notFound {
            throw failure("open", path, error)
        } catch {
            // The file is to be created, unless the path is a link.
        }
        guard FileStatus(of: path, followsLinks: false) == nil else {
            throw StoreError(
                .danglingLink, "\(path) is a symbolic link to nothing",
                hint: "remove it: rm \(path.shellWord)")
        }
        return self
    }

    /// Returns false if the file is no longer as it was `before` (nil: it did not exist).
    private func put(
        _ content: Secret, over before: FileStatus? = nil, isPrivate: Bool = false
    ) throws(StoreError) -> Bool {
        let folder = try folder()
        if before != nil { folder.removeTemporaries(of: name) }
        guard let before else { return try folder.add(name, with: content) }
        let permissions = isPrivate ? before.permissions & 0o700 : before.permissions
        return try folder.replace(name, with: content, like: before, permissions: permissions) {
            isStill(before)
        }
    }

    private func folder() throws(StoreError) -> OpenFolder {
        let path = path.folder
        guard let folder = try OpenFolder.ofAnyone(path) else {
            throw failure("open", path, .notFound)
        }
        return folder
    }

    private func lock(_ file: borrowing Descriptor) throws(StoreError) {
        for _ in 0..<ClientFile.patience * 100 {
            do throws(SystemError) {
                try SystemError.check { flock(file.number, LOCK_EX | LOCK_NB) }
                return
            } catch let error where error.code == EWOULDBLOCK {
                System.sleep(milliseconds: 10)
            } catch {
                // The file system has no locks.
                return
            }
        }
        throw StoreError(.lockHeld, "another program holds the lock of \(path)", hint: "try again")
    }

    /// Returns true if the path still leads to the same file, unchanged.
    private func isStill(_ before: FileStatus) -> Bool {
        FileStatus(of: path)?.isSame(as: before) ?? false
    }

    private func requireOwn(_ status: FileStatus) throws(StoreError) {
        guard status.isMine || System.user == 0 else { throw foreign(status.owner) }
        guard status.names == 1 else {
            throw StoreError(
                .hardLinked,
                "\(path) has \(status.names) hard links, so its old content would remain under "
                    + "the other names",
                hint: "remove its other names; find them with: find ~ -samefile \(path.shellWord)")
        }
    }

    private func foreign(_ owner: UInt32) -> StoreError {
        StoreError(
            .foreignFile, "\(path) is owned by uid \(owner), not by you (uid \(System.user))",
            hint: "run this as its owner")
    }
}
