package import Credentials
internal import Files

/// The directories in which Keyfob keeps its files, by the XDG Base Directory Specification 0.8: a
/// path that is empty or relative is ignored. The directories need not exist.
package struct Directories: Hashable, Sendable {
    package let config: String
    package let data: String
    package let state: String
    /// Nil if the system has none for this user.
    package let runtime: String?
    /// The directories in which tokens are cached. New ones are written to the first; the others
    /// may have some of processes with other variables, such as those of cron.
    package let tokens: [String]

    package init(_ environment: Environment) throws(StoreError) {
        func directory(_ name: Environment.Name, else path: String) throws(StoreError) -> String {
            if let directory = environment.path(name) { return directory + "/keyfob" }
            return try Directories.home(environment) + path + "/keyfob"
        }
        config = try directory(.configHome, else: "/.config")
        data = try directory(.dataHome, else: "/.local/share")
        state = try directory(.stateHome, else: "/.local/state")
        let cache = try directory(.cacheHome, else: "/.cache")
        runtime = environment.runtimeDirectory.map { $0 + "/keyfob" }
        let usual = environment.systemRuntimeDirectory.map { $0 + "/keyfob" }
        tokens = [runtime, cache, usual == runtime ? nil : usual].compactMap { path in
            path.map { $0 + "/tokens" }
        }
    }

    /// Returns the user's home, from `HOME` or else from the password database.
    package static func home(_ environment: Environment) throws(StoreError) -> String {
        if let home = environment.path(.home) { return home }
        guard let home = System.home, home.isAbsolutePath else {
            throw StoreError(.noHome, "this user has no home directory", hint: "set HOME")
        }
        return home
    }
}

extension Environment {
    /// Returns an absolute path without a slash at its end; nil for anything else.
    func path(_ name: Name) -> String? {
        guard let path = self[name], path.isAbsolutePath else { return nil }
        return path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    /// `XDG_RUNTIME_DIR`, if it is a directory of this user, otherwise nil: `su` and `sudo` may
    /// leave the variable of another user.
    package var runtimeDirectory: String? {
        guard let path = path(.runtimeDirectory), isOwnDirectory(path) else { return nil }
        return path
    }

    /// The directory that systemd makes for this user, independent of the environment; nil if there
    /// is none.
    var systemRuntimeDirectory: String? {
        let path = "/run/user/\(System.user)"
        return isOwnDirectory(path) ? path : nil
    }

    private func isOwnDirectory(_ path: String) -> Bool {
        guard let status = FileStatus(of: path) else { return false }
        return status.kind == .folder && status.isMine
    }
}

extension String {
    /// True if it can be the path of a file, whatever the current folder is.
    var isAbsolutePath: Bool {
        utf8.first == UInt8(ascii: "/") && !unicodeScalars.contains("\u{FFFD}")
    }
}
