package import Credentials
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
    package init(_ path: String) { self.path = Path.absolute(path) }

    /// Its name in its folder.
    package var name: String { String(path.split(separator: "/").last ?? "") }

    /// Whether there may be such a file; see `Path.mayExist`.
    package var exists: Bool { Path.mayExist(path) }

    /// The same for two paths to one file, where it is there.
    package var identity: String { (try? Path.resolve(path)) ?? path }

    /// The files of a folder whose names end so, in the order of their names.
    package static func files(in folder: String, named ending: String) -> [ClientFile] {
        var names: [String] = []
        if let open = try? OpenFolder.ofAnyone(folder) {
            try? open.forEachName { if $0.hasSuffix(ending) { names.append($0) } }
        }
        return names.sorted().map { ClientFile("\(folder)/\($0)") }
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
        let status = try status(of: file)
        guard status.isMineOrRoots else { throw foreign(status.owner) }
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
            let target = try target()
            guard let file = try open(target.path) else {
                guard let content = try change(nil) else { return false }
                try makeFolder()
                let folder = try target.folder()
                let isAdded = try content.expose { bytes throws(StoreError) in
                    try folder.add(target.name, with: bytes)
                }
                if isAdded { return true }
                continue
            }
            try lock(file)
            let before = try status(of: file)
            guard target.isStill(before) else { continue }
            guard let content = try change(try self.content(of: file)) else { return false }
            try requireOwn(before)
            let folder = try target.folder()
            folder.removeTemporaries(of: target.name)
            let permissions = isPrivate ? before.permissions & 0o700 : before.permissions
            let isReplaced = try content.expose { bytes throws(StoreError) in
                try folder.replace(
                    target.name, with: bytes, like: before, permissions: permissions
                ) { target.isStill(before) }
            }
            if isReplaced { return true }
        }
        throw StoreError(.changedMeanwhile, "\(path) keeps changing, so it was not edited")
    }

    /// Makes the folder that it lies in, and those above, for the user alone, where there are none.
    ///
    /// Nothing is made in a folder that belongs to somebody else: under sudo, `HOME` may be another
    /// user's.
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

    /// Removes the file if it holds these bytes and nothing else. Returns whether it did.
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

    // MARK: How

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
        return try attempt("read", path) { () throws(SystemError) in
            try Secret(capacity: status.size) { output throws(SystemError) in
                try file.fill(&output)
            }
        }
    }

    /// The file itself, where the path is a symbolic link.
    private func target() throws(StoreError) -> ClientFile {
        do throws(SystemError) {
            return ClientFile(try Path.resolve(path))
        } catch let error where error != .notFound {
            throw failure("open", path, error)
        } catch {
            // It is to be made, unless it is a link.
        }
        guard FileStatus(of: path, followsLinks: false) == nil else {
            throw StoreError(
                .danglingLink, "\(path) is a symbolic link to nothing",
                hint: "remove it: rm \(path.shellWord)")
        }
        return self
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
                // A file system without locks.
                return
            }
        }
        throw StoreError(.lockHeld, "another program holds the lock of \(path)", hint: "try again")
    }

    /// Whether the path still leads to that very file, unchanged.
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
