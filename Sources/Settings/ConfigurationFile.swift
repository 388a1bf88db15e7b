internal import Credentials
internal import Files
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
        guard let file = try attempt({ () throws(SystemError) in try Descriptor.ofFile(path) })
        else { return nil }
        let status = try attempt { () throws(SystemError) in try file.status() }
        guard status.kind == .file else { throw Failure(reason: "not a file") }
        try require(status, of: path)
        try requireWay()
        guard status.size <= ConfigurationFile.limit else {
            throw Failure(reason: "longer than \(ConfigurationFile.limit) bytes")
        }
        return try attempt { () throws(SystemError) in
            try Secret(capacity: status.size) { output throws(SystemError) in
                try file.fill(&output)
            }
        }
    }

    private func requireWay() throws(Failure) {
        do throws(StoreError) {
            try PathOwners.check(path, before: "used")
        } catch {
            throw Failure(reason: error.message)
        }
        let target = try attempt { () throws(SystemError) in try Path.resolve(path) }
        for path in [path, target] {
            let folder = path.folder
            guard let status = FileStatus(of: folder) else {
                throw Failure(reason: SystemError.notFound.reason)
            }
            try require(status, of: folder)
        }
    }

    private func require(_ status: FileStatus, of path: String) throws(Failure) {
        let what = path == self.path ? "" : "\(path) is "
        guard status.isMineOrRoots else {
            throw Failure(
                reason: "\(what)owned by uid \(status.owner), not by you (uid \(System.user))")
        }
        guard !status.isWritableByOthers else {
            throw Failure(
                reason:
                    "\(what)writable by other users (mode \(status.mode)); run: chmod go-w \(path)")
        }
    }

    private func attempt<Result: ~Copyable>(
        _ body: () throws(SystemError) -> Result
    ) throws(Failure) -> Result {
        do throws(SystemError) { return try body() } catch { throw Failure(reason: error.reason) }
    }
}
