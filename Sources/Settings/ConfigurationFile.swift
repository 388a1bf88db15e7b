internal import Credentials
internal import Files
internal import JSON

/// The configuration file: one JSON object.
struct ConfigurationFile {
    let path: String

    /// The reason why the file could not be read, in words that quote nothing of it.
    struct Failure: Error {
        let reason: String
    }

    private static let limit = 1 << 16

    /// Returns the members of the object; none if there is no such file.
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

    /// True if the file, which cannot be used, has routes; nil if that is not known, since it cannot
    /// be read. The word counts wherever it stands, and an escape may hide it.
    var hasRoutes: Bool? {
        guard let file = (try? Descriptor.ofFile(path)) ?? nil, let status = try? file.status(),
            status.kind == .file, status.size <= ConfigurationFile.limit,
            let content = try? file.start(atMost: ConfigurationFile.limit),
            Text(validating: content) != nil
        else { return nil }
        // In JSON that is written anew, only a control character is an escape.
        let json = try? JSON(decoding: Secret(copying: content.span)).encoded()
        let text = json?.publicBytes ?? content
        func holds(_ word: String) -> Bool {
            text.indices.contains { text[$0...].starts(with: word.utf8) }
        }
        return holds("routes") ? true : holds("\\u") ? nil : false
    }

    /// Returns the content of the file; nil if there is none. A symbolic link is followed: many
    /// users keep such files in a repository.
    ///
    /// The file can name a program that is run, so only this user and root may decide what it
    /// contains. They must own it, its folder and the folder that a link leads to, and no other
    /// user may be able to write there. A sticky folder is no exception, since another user could
    /// create the file first.
    private func content() throws(Failure) -> Secret? {
        guard let file = try attempt({ () throws(SystemError) in try Descriptor.ofFile(path) })
        else {
            guard FileStatus(of: path, followsLinks: false) == nil else {
                throw Failure(reason: "a symbolic link that leads to no file")
            }
            return nil
        }
        let status = try attempt { () throws(SystemError) in try file.status() }
        guard status.kind == .file else { throw Failure(reason: "not a file") }
        try require(status, of: path)
        try requireWay()
        guard status.size <= ConfigurationFile.limit else {
            throw Failure(reason: "longer than \(ConfigurationFile.limit) bytes")
        }
        return try attempt { () throws(SystemError) in try file.secret(status.size) }
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
