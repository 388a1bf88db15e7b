internal import CLibc
package import Credentials

/// A folder is a directory of Keyfob's own.
///
/// It is a path until it is opened. Its files are then reached through the open directory
/// (`OpenFolder`) and never by path again, so that no other user can exchange the directory in
/// between. It must be a directory, not a symbolic link to one, that the user owns and no other
/// user may enter.
package struct Folder: Hashable, Sendable {
    package let path: String

    package init(_ path: String) { self.path = path }

    /// Returns a folder in this one.
    package func folder(named name: String) -> Folder {
        Folder(path.hasSuffix("/") ? path + name : path + "/" + name)
    }

    /// Opens the folder; returns nil if it does not exist.
    ///
    /// Throws `failed` if it is not the user's own, or other users may enter it.
    package func open() throws(StoreError) -> OpenFolder? {
        try requireAbsolutePath()
        let directory: Descriptor
        do throws(SystemError) {
            directory = try Descriptor.ofDirectory(path, O_NOFOLLOW)
        } catch let error where error.code == ENOENT {
            return nil
        } catch {
            throw refusal(of: error)
        }
        try PathOwners.check(path, before: "used")
        return try checked(directory)
    }

    /// Opens the folder. It and the directories above it are created, for the user alone, if they
    /// are missing.
    ///
    /// Nothing is created below a directory that belongs to another user: under sudo, `HOME` may be
    /// another user's.
    package func create() throws(StoreError) -> OpenFolder {
        if let folder = try open() { return folder }
        try PathOwners.check(path, before: "created")
        var (above, names) = try nearestAncestor()
        var directory = try attempt("open", above) { () throws(SystemError) in
            try Descriptor.ofDirectory(above)
        }
        let status = try attempt("inspect", above) { () throws(SystemError) in
            try directory.status()
        }
        guard status.isMineOrRoots else {
            throw .foreignFolder(path, "created", above, status.owner)
        }
        for name in names {
            above += above.hasSuffix("/") ? name : "/" + name
            directory = try attempt("create", above) { () throws(SystemError) in
                try subdirectory(name, of: directory)
            }
        }
        return try checked(directory)
    }

    /// Waits until no other process holds this lock, and takes it. It is held until `release`, or
    /// until the returned value goes out of scope. The folder is created if it is missing.
    ///
    /// Throws `timedOut` if another process holds it for `Lock.patience` seconds. The lock is a
    /// file `NAME.lock` that is never removed, since removing it would let two writers hold two
    /// files of one name.
    package func lock(_ name: String) throws(StoreError) -> Lock {
        try create().lock(name)
    }

    /// A lock is held from its creation until it is released or goes out of scope.
    package struct Lock: ~Copyable, Sendable {
        /// The longest wait for a lock, in seconds: less than the helper's watchdog allows.
        package static let patience = 15

        private let file: Descriptor

        init(holding file: consuming Descriptor) { self.file = file }

        /// Sets the modification time of its file to now.
        func touch() { _ = futimens(file.number, nil) }

        /// Releases the lock.
        package consuming func release() {}
    }

    // MARK: Opening

    private func requireAbsolutePath() throws(StoreError) {
        guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0) else {
            throw StoreError(
                .badPath, "\"\(path)\" is not an absolute path",
                hint: "set HOME, or the XDG variables, to absolute paths")
        }
    }

    /// Returns the deepest existing directory above the folder, and the names from there to the
    /// folder.
    private func nearestAncestor() throws(StoreError) -> (path: String, missing: [String]) {
        var names = path.utf8.split(separator: UInt8(ascii: "/")).compactMap(String.init)
        var missing: [String] = []
        while let name = names.popLast() {
            missing.insert(name, at: 0)
            let ancestor = "/" + names.joined(separator: "/")
            if unsafe access(ancestor, F_OK) == 0 { return (ancestor, missing) }
            guard SystemError.last == .notFound else {
                throw failure("create", path, SystemError.last)
            }
        }
        throw StoreError(.badPath, "\(path) is the root directory")
    }

    private func checked(_ directory: consuming Descriptor) throws(StoreError) -> OpenFolder {
        let status = try attempt("inspect", path) { () throws(SystemError) in
            try directory.status()
        }
        try Ownership.mine.check(status, of: path, isDirectory: true)
        return OpenFolder(directory, path: path)
    }

    /// Returns the error of a folder that could not be opened: the actual reason if the system's
    /// error is not specific.
    private func refusal(of error: SystemError) -> StoreError {
        guard let status = FileStatus(of: path, followsLinks: false) else {
            return failure("open", path, error)
        }
        guard status.kind != .link else { return Ownership.symbolicLink(path) }
        do throws(StoreError) {
            try Ownership.mine.check(status, of: path, isDirectory: true)
        } catch {
            return error
        }
        return failure("open", path, error)
    }
}

/// Opens the directory of this name, which is created if it is missing; never through a symbolic
/// link.
private func subdirectory(
    _ name: String, of parent: borrowing Descriptor
) throws(SystemError) -> Descriptor {
    do throws(SystemError) {
        try SystemError.check { unsafe mkdirat(parent.number, name, 0o700) }
        try parent.sync()
    } catch let error where error.code == EEXIST {
        // Another process has just created it in the same way.
    }
    return try Descriptor.ofDirectory(name, from: parent.number, O_NOFOLLOW)
}
