internal import CLibc
internal import CPlatform
package import Credentials

/// A run folder is a private folder that is removed when a run of a program ends.
///
/// It is locked as long as the run, or a program that it has started, is alive. A folder that is
/// not locked was left by a run that was killed, and is removed by the next one.
package struct RunFolder: ~Copyable {
    package let path: String
    /// The descriptor that holds the lock; the run's own program inherits it.
    private let folder: Descriptor

    private static let prefix = "exec-"
    private static let attempts = 10

    /// Makes a folder in `base`, which is created if it is missing, and removes folders that
    /// earlier runs have left there.
    package init(in base: String) throws(StoreError) {
        RunFolder.sweep(base)
        try ClientFile(base + "/x").makeFolder()
        for _ in 0..<RunFolder.attempts {
            var template = Array("\(base)/\(RunFolder.prefix)XXXXXX".utf8CString)
            guard unsafe mkdtemp(&template) != nil else { break }
            let path = String(
                decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            // Another run may have removed it as a leftover.
            if let folder = RunFolder.locked(path) {
                self.path = path
                self.folder = folder
                return
            }
        }
        throw failure("make a folder in", base, SystemError.last)
    }

    /// The number of the descriptor that holds the lock.
    var descriptor: Int32 { folder.number }

    /// Removes the folder and everything in it. Throws `loginRemains` if something of it remains.
    package consuming func remove() throws(StoreError) {
        unsafe platform_remove_folder(path)
        guard FileStatus(of: path, followsLinks: false) == nil else {
            throw StoreError(
                .loginRemains, "\(path) cannot be removed, and may contain a login",
                hint: "remove it: rm -r \(path.shellWord)")
        }
    }

    private static func sweep(_ base: String) {
        guard let folder = try? OpenFolder.ofAnyone(base) else { return }
        try? folder.forEachName { name in
            let path = base + "/" + name
            if name.hasPrefix(prefix), locked(path) != nil { unsafe platform_remove_folder(path) }
        }
    }

    /// Returns the folder at the path, locked; nil if another run holds it, or it no longer exists.
    private static func locked(_ path: String) -> Descriptor? {
        guard let folder = try? Descriptor.ofDirectory(path, O_NOFOLLOW),
            flock(folder.number, LOCK_EX | LOCK_NB) == 0, let held = try? folder.status(),
            let found = FileStatus(of: path), held.isSameFile(as: found)
        else { return nil }
        return folder
    }
}
