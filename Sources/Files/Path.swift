internal import CLibc

/// Functions for paths, and for the files and links at them.
package enum Path {
    /// Returns the path without symbolic links.
    package static func resolve(_ path: String) throws(SystemError) -> String {
        guard let target = unsafe realpath(path, nil) else { throw SystemError.last }
        defer { unsafe free(target) }
        return unsafe String(cString: target)
    }

    /// Returns the path from the root; a relative path begins at the current folder.
    package static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let folder = unsafe getcwd(nil, 0) else { return path }
        defer { unsafe free(folder) }
        return unsafe String(cString: folder) + "/" + path
    }

    /// Returns the path of a program: an absolute path itself, or where its name is found in the
    /// folders of `PATH`; nil if it is nowhere. Only absolute folders are looked into, so that
    /// nothing is run because it lies in the current folder.
    package static func program(_ name: String) -> String? {
        let slash = UInt8(ascii: "/")
        guard !name.utf8.contains(slash) else { return name.utf8.first == slash ? name : nil }
        let folders = System.variable("PATH") ?? "/bin:/usr/bin"
        for folder in folders.utf8.split(separator: UInt8(ascii: ":")) where folder.first == slash {
            let path = String(decoding: folder, as: UTF8.self) + "/" + name
            if isExecutable(path), FileStatus(of: path)?.kind == .file { return path }
        }
        return nil
    }

    package static func isExecutable(_ path: String) -> Bool { unsafe access(path, X_OK) == 0 }

    /// Returns true if there may be a file: a path in a folder that cannot be entered counts as
    /// existing.
    package static func mayExist(_ path: String) -> Bool {
        unsafe access(path, F_OK) == 0 || ![ENOENT, ENOTDIR].contains(SystemError.last.code)
    }

    /// Returns true if this user may not enter the folder.
    package static func isForbidden(_ folder: String) -> Bool {
        unsafe access(folder, X_OK) != 0 && SystemError.last.code == EACCES
    }

    /// Removes the symbolic link at the path; anything else stays.
    package static func removeLink(_ path: String) throws(SystemError) {
        guard FileStatus(of: path, followsLinks: false)?.kind == .link else { return }
        try SystemError.check { unsafe unlink(path) }
    }

    /// Returns the path that a symbolic link contains; nil if there is no link.
    package static func target(ofLink path: String) -> String? {
        guard FileStatus(of: path, followsLinks: false)?.kind == .link else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe readlink(path, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }

    package static func makeLink(_ path: String, to target: String) throws(SystemError) {
        try SystemError.check { unsafe symlink(target, path) }
    }
}

extension String {
    /// The folder of the file at an absolute path.
    package var folder: String {
        guard let slash = utf8.lastIndex(of: UInt8(ascii: "/")), slash != startIndex else {
            return "/"
        }
        return String(self[..<slash])
    }
}
