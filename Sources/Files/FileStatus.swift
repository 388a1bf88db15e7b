internal import CLibc
internal import CPlatform

/// The status of a file at the time when it was read.
package struct FileStatus: Sendable {
    package enum Kind: Sendable {
        case file, folder, link, socket, other
    }

    private let status: stat

    init(_ status: stat) { self.status = status }

    /// Reads the status of the entry at a path; nil if there is none or its status cannot be read.
    package init?(of path: String, followsLinks: Bool = true) {
        var status = stat()
        let result = followsLinks ? unsafe stat(path, &status) : unsafe lstat(path, &status)
        guard result == 0 else { return nil }
        self.status = status
    }

    package var kind: Kind {
        switch Int32(bitPattern: status.st_mode) & S_IFMT {
        case S_IFREG: .file
        case S_IFDIR: .folder
        case S_IFLNK: .link
        case S_IFSOCK: .socket
        default: .other
        }
    }

    package var owner: UInt32 { status.st_uid }
    package var isMine: Bool { owner == System.user }
    package var isMineOrRoots: Bool { isMine || owner == 0 }
    /// True also if root is shown as another user (`platform_is_user_or_root`).
    var isOfUserOrRoot: Bool { platform_is_user_or_root(owner) }

    package var size: Int { Int(status.st_size) }
    var names: UInt { status.st_nlink }
    var group: UInt32 { status.st_gid }
    var permissions: UInt32 { status.st_mode & 0o7777 }
    /// The permissions as `chmod` takes them.
    package var mode: String { "0" + String(permissions, radix: 8) }
    package var isWritableByOthers: Bool { permissions & 0o022 != 0 }

    /// Returns true if it is the same file, unchanged.
    func isSame(as other: FileStatus) -> Bool {
        isSameFile(as: other) && size == other.size && wasChangedWith(other)
    }

    func isSameFile(as other: FileStatus) -> Bool {
        status.st_dev == other.status.st_dev && status.st_ino == other.status.st_ino
    }

    /// Returns true if both were changed at the same time.
    func wasChangedWith(_ other: FileStatus) -> Bool {
        status.st_mtim.tv_sec == other.status.st_mtim.tv_sec
            && status.st_mtim.tv_nsec == other.status.st_mtim.tv_nsec
    }
}
