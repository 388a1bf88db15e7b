internal import Clients
internal import Credentials
internal import Files

/// A setup link is a symbolic link to a program of Keyfob's in the user's own folder for programs.
/// A client needs it if it calls a program by a name that is not installed: the helper of an
/// account, or `keyring`.
struct SetupLink {
    let path: String
    private let target: String

    /// Nil if the program is on the PATH under that name already, in another folder. Throws
    /// `failed` if the client could not run it by the link, or would run another program.
    init?(
        _ wanted: OwnLink, of client: any Client, in surroundings: Surroundings
    ) throws(StoreError) {
        target = try surroundings.program(wanted.target, for: client)
        path = surroundings.binFolder + "/" + wanted.name
        if let found = surroundings.program(wanted.name) {
            guard (try? Path.resolve(found)) == (try? Path.resolve(target)) else {
                throw StoreError(
                    .wrongKindOfFile, "\(found) is another program, which \(client.name) would run",
                    hint: "remove it, or take its folder off the PATH")
            }
            if found != path { return nil }
        }
        guard surroundings.isOnPath(surroundings.binFolder) else {
            throw StoreError(
                .programNotRun,
                "\(surroundings.binFolder) is not on the PATH, so \(client.name) could not run "
                    + wanted.name,
                hint: "add it: export PATH=\(surroundings.binFolder.shellWord):\"$PATH\"")
        }
    }

    /// True if the link is there.
    var exists: Bool { Path.isExecutable(path) }

    /// Makes the link. A link whose target does not exist is replaced.
    func make() throws(StoreError) { try SetupLink.make(path, to: target) }

    /// Makes a link at a path, in the same way.
    static func make(_ path: String, to target: String) throws(StoreError) {
        guard !Path.isExecutable(path) else { return }
        try ClientFile(path).makeFolder()
        try attempt("link", path) { () throws(SystemError) in
            try Path.removeLink(path)
            try Path.makeLink(path, to: target)
        }
    }

    /// Removes the link at a path, and nothing else that may be there.
    static func remove(_ path: String) throws(StoreError) {
        try ClientFile(path).requireOwnWay()
        try attempt("remove", path) { () throws(SystemError) in try Path.removeLink(path) }
    }
}

extension Surroundings {
    /// Returns the path of a program of Keyfob's that the client is to run. Throws `failed` if it is
    /// not on the PATH.
    func program(_ name: String, for client: any Client) throws(StoreError) -> String {
        guard let path = program(name) else {
            throw StoreError(
                .programNotRun, "\(name) is not on the PATH, so \(client.name) could not run it",
                hint: "install it: make install")
        }
        return path
    }
}
