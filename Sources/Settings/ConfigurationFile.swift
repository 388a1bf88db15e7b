internal import Credentials
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

extension ConfigurationFile.Failure {
    fileprivate init(errno: Int32) {
        self.init(reason: unsafe String(cString: strerror(errno)))
    }
}
