internal import Credentials
internal import Files
internal import Glibc
internal import JSON

/// The configuration file: one JSON object.
struct ConfigurationFile {
    let path: String

    /// Why it could not be read, in words that quote nothing of it.
    struct Failure: Error {
        let reason: String
    }

    private static let limit = 1 << 16

    /// What is in it; nothing if there is no such file.
    func members() throws(Failure) -> [JSON.Member] {
        guard let content = try content() else { return [] }
        let value: JSON
        do throws(JSON.Fault) {
            value = try JSON(decoding: content)
        } catch {
            throw Failure(reason: "not JSON: \(error)")
        }
        guard let members = value.members else { throw Failure(reason: "not a JSON object") }
        return members
    }

    /// A symbolic link is followed: many keep such files in a repository of their own.
    ///
    /// The file can name a program that is run, so nobody but this user and root may decide what is in
    /// it: they own it, the folder that it lies in and the one that a link leads to, and no one else may
    /// write there. A sticky folder is no exception, for another user may put the file there first.
    private func content() throws(Failure) -> Secret? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw Failure(errno: errno)
        }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw Failure(errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Failure(reason: "not a file") }
        try require(status, of: path)
        try requireWay()
        guard status.st_size <= ConfigurationFile.limit else {
            throw Failure(reason: "longer than \(ConfigurationFile.limit) bytes")
        }
        return try Secret(capacity: Int(status.st_size)) { memory throws(Failure) in
            var count = 0
            while count < memory.count {
                let length = unsafe memory.withUnsafeMutableBytes { memory in
                    unsafe read(file, memory.baseAddress! + count, memory.count - count)
                }
                if length < 0, errno == EINTR { continue }
                guard length >= 0 else { throw Failure(errno: errno) }
                if length == 0 { break }
                count += length
            }
            return count
        }
    }
}

extension ConfigurationFile {
    private func requireWay() throws(Failure) {
        do throws(StoreError) {
            try PathOwners.check(path, before: "used")
        } catch {
            throw Failure(reason: error.message)
        }
        guard let target = unsafe realpath(path, nil) else { throw Failure(errno: errno) }
        defer { unsafe free(target) }
        for path in [path, unsafe String(cString: target)] {
            let folder = path.folder
            var status = stat()
            guard unsafe stat(folder, &status) == 0 else { throw Failure(errno: errno) }
            try require(status, of: folder)
        }
    }

    private func require(_ status: stat, of path: String) throws(Failure) {
        let what = path == self.path ? "" : "\(path) is "
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw Failure(
                reason: "\(what)owned by uid \(status.st_uid), not by you (uid \(geteuid()))")
        }
        guard status.st_mode & (S_IWGRP | S_IWOTH) == 0 else {
            let mode = String(status.st_mode & 0o7777, radix: 8)
            throw Failure(
                reason: "\(what)open to changes by others (mode 0\(mode)); run: chmod go-w \(path)")
        }
    }
}

extension String {
    /// The folder that an absolute path lies in.
    fileprivate var folder: String {
        guard let slash = utf8.lastIndex(of: UInt8(ascii: "/")), slash != startIndex else {
            return "/"
        }
        return String(self[..<slash])
    }
}

extension ConfigurationFile.Failure {
    fileprivate init(errno: Int32) {
        self.init(reason: unsafe String(cString: strerror(errno)))
    }
}
