internal import CPlatform
internal import Clients
internal import Credentials
internal import Glibc
internal import Settings

/// An exec folder is where one run of a client writes what it keeps with its login: a private folder
/// that goes when the run ends.
///
/// It is locked as long as the run, or what it has started, lives. One that is not locked was left
/// by a run that was killed, and goes with the next.
struct ExecFolder {
    let path: String
    /// Holds the lock; the run's own program is given it too.
    let descriptor: Int32
    private let settings: ClientFile
    private let copied: Secret?

    private static let prefix = "exec-"
    private static let attempts = 10

    /// `settings` is a file that the client keeps beside its logins.
    init(_ session: Session, settings: ClientFile) throws(StoreError) {
        let base = session.directories.runtime ?? session.directories.state
        ExecFolder.sweep(base)
        try ClientFile(base + "/x").makeFolder()
        (path, descriptor) = try ExecFolder.make(in: base)
        self.settings = settings
        copied = try settings.read()
        if let copied {
            try copy.edit { _ throws(StoreError) in copied }
        }
    }

    private var copy: ClientFile { ClientFile(path + "/" + settings.name) }

    /// Removes it, once what the client has changed in its settings is back where it was.
    func remove() {
        if let now = try? copy.read(), now != copied {
            do throws(StoreError) {
                try settings.edit { _ throws(StoreError) in now }
            } catch {
                Console().report(error)
            }
        }
        unsafe platform_remove_folder(path)
        close(descriptor)
    }

    private static func make(
        in base: String
    ) throws(StoreError) -> (path: String, descriptor: Int32) {
        for _ in 0..<attempts {
            var template = Array("\(base)/\(prefix)XXXXXX".utf8CString)
            guard unsafe mkdtemp(&template) != nil else { break }
            let path = String(
                decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            // Another run may have taken it for one that is left over.
            var (held, found) = (stat(), stat())
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0, unsafe fstat(descriptor, &held) == 0,
                unsafe stat(path, &found) == 0, held.st_ino == found.st_ino
            {
                return (path, descriptor)
            }
            close(descriptor)
        }
        throw StoreError(
            .systemError,
            "cannot make a folder in \(base): \(unsafe String(cString: strerror(errno)))")
    }

    /// Removes what runs have left that were killed.
    private static func sweep(_ base: String) {
        guard let folder = unsafe opendir(base) else { return }
        defer { unsafe closedir(folder) }
        while let entry = unsafe readdir(folder) {
            guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { return }
            let name = unsafe String(
                cString: (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self))
            guard name.hasPrefix(prefix) else { continue }
            let path = base + "/" + name
            let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unsafe platform_remove_folder(path) }
            close(descriptor)
        }
    }
}
