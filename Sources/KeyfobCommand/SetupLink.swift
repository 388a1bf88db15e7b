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
    /// `programNotRun` if the client could not run it by the link, and `wrongKindOfFile` if it would
    /// run another program.
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

    /// Makes the link of a client that calls the program by a path.
    init(_ path: String, to target: String) {
        self.path = path
        self.target = target
    }

    /// True if the client can run the program by this path already.
    var exists: Bool { Path.isExecutable(path) && FileStatus(of: path)?.kind == .file }

    /// Throws `wrongKindOfFile` if something is there that is not the user's to lose: anything but a link
    /// that was made for a program that is gone.
    func requireRoom() throws(StoreError) {
        guard !exists, FileStatus(of: path, followsLinks: false) != nil else { return }
        guard SetupLink.isOurs(path), !Path.mayExist(path) else {
            throw StoreError(
                .wrongKindOfFile, "\(path) is not a link to \(target)", hint: "move it away")
        }
    }

    /// Makes the link.
    func make() throws(StoreError) {
        guard !exists else { return }
        let file = ClientFile(path)
        try file.requireOwnWay()
        try requireRoom()
        try file.makeFolder()
        try attempt("link", path) { () throws(SystemError) in
            try Path.removeLink(path)
            try Path.makeLink(path, to: target)
        }
    }

    /// Returns true if there is a link to a program of Keyfob's.
    static func isOurs(_ path: String) -> Bool {
        let name = Path.target(ofLink: path)?.split(separator: "/").last.map(String.init) ?? ""
        return name == "keyfob" || ProgramName.reading(name) != nil
    }

    /// Removes the link at a path, if it leads to a program of Keyfob's, and nothing else that may
    /// be there.
    static func remove(_ path: String) throws(StoreError) {
        guard isOurs(path) else { return }
        try ClientFile(path).requireOwnWay()
        try attempt("remove", path) { () throws(SystemError) in try Path.removeLink(path) }
    }
}

extension Surroundings {
    /// Returns the path of a program of Keyfob's that the client is to run. Throws `programNotRun`
    /// if it is not on the PATH.
    func program(_ name: String, for client: any Client) throws(StoreError) -> String {
        guard let path = program(name) else {
            throw StoreError(
                .programNotRun, "\(name) is not on the PATH, so \(client.name) could not run it",
                hint: "install it: make install")
        }
        return path
    }
}
