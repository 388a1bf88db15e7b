internal import Credentials
internal import Files
internal import TextEditing

/// The files in which npm looks for its settings (@npmcli/config). Some of them are named by a
/// setting, which npm finds in its environment first, then in the files of the project and the
/// user, then in its own.
struct NpmPlaces {
    private let surroundings: Surroundings
    private let builtin: ClientFile?
    private let project: ClientFile
    /// The files of the folders above that may be the roots of a workspace with the project in it.
    private let roots: [ClientFile]
    /// The user's file.
    let user: ClientFile
    /// The machine's file.
    private let global: ClientFile
    /// A file that names another one by a variable, so that it is not known.
    private let unread: UnreadFile?

    init(_ surroundings: Surroundings) {
        self.surroundings = surroundings
        builtin = surroundings.program("npm").map {
            ClientFile(ClientFile($0).identity.folder.folder + "/npmrc")
        }
        (project, roots) = NpmPlaces.projects()
        /// Returns the path that a setting means, and the file with the setting; nil if it is a
        /// variable.
        func setting(
            _ name: Text, _ files: [ClientFile?]
        ) -> (path: String, file: ClientFile?)? {
            // npm accepts its settings in the environment in any case.
            let variable = surroundings.names { $0.lowercased() == "npm_config_\(name)" }.first
            if let variable, let value = surroundings[variable] {
                return (NpmPlaces.path(value, surroundings), nil)
            }
            for file in files.compactMap(\.self) {
                guard let value = NpmSettings(file: file).value(of: name) else { continue }
                return (NpmPlaces.path(value, surroundings), file)
            }
            return nil
        }
        // In a workspace npm reads the root's file.
        let projects = roots + [project]
        let users = setting("userconfig", projects + [builtin])
        user = ClientFile(users?.path ?? surroundings.home + "/.npmrc")
        let files = projects + [user, builtin]
        let node = surroundings.program("node").map { ClientFile($0).identity.folder.folder }
        let prefix = setting("prefix", files)
        let machines = setting("globalconfig", files)
        let folder =
            prefix?.path ?? surroundings["PREFIX"]
            ?? (surroundings["DESTDIR"] ?? "") + (node ?? "/usr/local")
        global = ClientFile(machines?.path ?? folder + "/etc/npmrc")
        let naming = [users, machines ?? prefix].compactMap(\.self).first {
            $0.path.contains("${")
        }
        unread = naming?.file.map { file in
            UnreadFile(
                client: Npm(), file: file,
                error: StoreError(
                    .unexpectedContent, "\(file.path) names another file by a variable",
                    hint: "write the path without it"))
        }
    }

    /// The files, the one that npm prefers first.
    var files: [any PlaintextFile] {
        let isUncertain = !roots.isEmpty
        let above = (roots + [project]).filter { $0 != user && $0.exists }
        let last = [global, builtin].compactMap(\.self).filter(\.exists)
        let variables = surroundings.names { _ in true }
        func settings(_ file: ClientFile, _ obstacle: String?) -> any PlaintextFile {
            if let unread, unread.file == file { return unread }
            return NpmSettings(file: file, variables: variables, obstacle: obstacle)
        }
        return above.map {
            settings(
                $0,
                isUncertain
                    ? "npm reads only one .npmrc in a workspace; run keyfob in "
                        + roots[0].path.folder : nil)
        } + ([user] + last).map { settings($0, nil) }
    }

    static let variables =
        ["PREFIX", "DESTDIR"] + ["userconfig", "globalconfig", "prefix"].map { "npm_config_" + $0 }

    /// Returns the path that a setting means.
    private static func path(_ value: String, _ surroundings: Surroundings) -> String {
        let path = value.replacing("${HOME}", with: surroundings.home)
        return path.hasPrefix("~/") ? surroundings.home + path.dropFirst() : path
    }

    /// Returns the project's file, and those of the folders above that have workspaces. The project
    /// is the nearest folder, from the current one up, that has a `package.json` or `node_modules`;
    /// else the current folder.
    private static func projects() -> (ClientFile, [ClientFile]) {
        let here = ClientFile(".npmrc")
        var folders = [here.path.folder]
        while let last = folders.last, last != "/" { folders.append(last.folder) }
        func has(_ name: String, _ folder: String) -> Bool {
            ClientFile("\(folder)/\(name)").exists
        }
        guard
            let index = folders.firstIndex(where: {
                has("package.json", $0) || has("node_modules", $0)
            })
        else { return (here, []) }
        let roots = folders[(index + 1)...].filter { folder in
            let package = ClientFile(folder + "/package.json")
            return has("package.json", folders[index])
                && (try? package.object(package.read()))?.root?.entry("workspaces") != nil
        }
        return (
            ClientFile(folders[index] + "/.npmrc"), roots.map { ClientFile($0 + "/.npmrc") }
        )
    }
}
