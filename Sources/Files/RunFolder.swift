internal import CPlatform
package import Credentials
internal import Glibc

/// A run folder is a private folder that goes when a run of a program ends.
///
/// It is locked as long as the run, or what it has started, lives. One that is not locked was left by a
/// run that was killed, and goes with the next.
package struct RunFolder: ~Copyable {
    package let path: String
    /// Holds the lock; the run's own program is given it too.
    private let folder: Descriptor

    private static let prefix = "exec-"
    private static let attempts = 10

    /// Makes one in a folder, which is made too where there is none, and removes those that are left
    /// there.
    package init(in base: String) throws(StoreError) {
        RunFolder.sweep(base)
        try ClientFile(base + "/x").makeFolder()
        for _ in 0..<RunFolder.attempts {
            var template = Array("\(base)/\(RunFolder.prefix)XXXXXX".utf8CString)
            guard unsafe mkdtemp(&template) != nil else { break }
            let path = String(
                decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            // Another run may have taken it for one that is left over.
            if let folder = RunFolder.locked(path) {
                self.path = path
                self.folder = folder
                return
            }
        }
        throw failure("make a folder in", base, SystemError(code: errno))
    }

    /// The number of the descriptor that holds the lock.
    var descriptor: Int32 { folder.number }

    /// Removes it with all that is in it.
    package consuming func remove() { unsafe platform_remove_folder(path) }

    private static func sweep(_ base: String) {
        guard let folder = try? OpenFolder.ofAnyone(base) else { return }
        try? folder.forEachName { name in
            let path = base + "/" + name
            if name.hasPrefix(prefix), locked(path) != nil { unsafe platform_remove_folder(path) }
        }
    }

    /// The folder at the path, locked; nil if another run holds it, or it is not there any more.
    private static func locked(_ path: String) -> Descriptor? {
        guard let folder = try? Descriptor.ofDirectory(path, O_NOFOLLOW),
            flock(folder.number, LOCK_EX | LOCK_NB) == 0, let held = try? folder.status(),
            let found = FileStatus(of: path), held.isSameFile(as: found)
        else { return nil }
        return folder
    }
}
