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
    /// True if npm reads no file of a project.
    private let isGlobal: Bool
    /// The user's file; several if several variables name it, of which npm takes any.
    private let users: [ClientFile]
    /// The machine's file, likewise.
    private let globals: [ClientFile]

    init(_ surroundings: Surroundings) {
        self.surroundings = surroundings
        builtin = surroundings.program("npm").map {
            ClientFile(ClientFile($0).identity.folder.folder + "/npmrc")
        }
        func variables(_ name: String) -> [String] {
            // npm accepts its settings in the environment in any case.
            surroundings.names { $0.lowercased() == "npm_config_\(name)" }
                .compactMap { surroundings[$0] }
        }
        func setting(_ name: Text, _ files: [ClientFile?]) -> [String]? {
            let named = variables(name.string)
            let inFile = files.lazy.compactMap {
                $0.flatMap { NpmSettings(file: $0).value(of: name) }
            }
            let values = named.isEmpty ? inFile.first.map { [$0] } : named
            return values?.map { NpmPlaces.path($0, surroundings) }
        }
        (project, roots) = NpmPlaces.projects()
        isGlobal = variables("global").contains("true") || variables("location").contains("global")
        // In a workspace npm reads the root's file.
        let projects = isGlobal ? [] : roots + [project]
        users = (setting("userconfig", projects + [builtin]) ?? [surroundings.home + "/.npmrc"])
            .map { ClientFile($0) }
        let files = projects + users + [builtin]
        let node = surroundings.program("node").map { ClientFile($0).identity.folder.folder }
        let prefixes =
            setting("prefix", files)
            ?? [
                surroundings["PREFIX"]
                    ?? (surroundings["DESTDIR"] ?? "") + (node ?? "/usr/local")
            ]
        globals = (setting("globalconfig", files) ?? prefixes.map { $0 + "/etc/npmrc" })
            .map { ClientFile($0) }
    }

    /// The files, the one that npm prefers first.
    var files: [NpmSettings] {
        let above = isGlobal ? [] : (roots + [project]).filter { !users.contains($0) && $0.exists }
        let last = (globals + [builtin]).compactMap(\.self).filter(\.exists)
        let variables = surroundings.names { _ in true }
        return (above + users + last).map { file in
            NpmSettings(
                file: file, variables: variables,
                obstacle: above.contains(file) && !roots.isEmpty
                    ? "npm reads only one .npmrc in a workspace; run keyfob in "
                        + roots[0].path.folder : nil,
                files: above + users + last)
        }
    }

    /// Returns the user's file. Throws if it is not known.
    func target() throws(StoreError) -> NpmSettings {
        guard users.count == 1, !users[0].path.contains("${"),
            let settings = files.first(where: { $0.file == users[0] })
        else {
            throw StoreError(
                .unfitForFile, "it is not known which file npm_config_userconfig means",
                hint: "set it once, to a path without variables")
        }
        return settings
    }

    static let variables =
        ["PREFIX", "DESTDIR"]
        + ["userconfig", "globalconfig", "prefix", "global", "location", "registry", "@*"]
        .map { "npm_config_" + $0 }

    /// Returns the path that a setting means: npm puts in the values of variables that are set.
    private static func path(_ value: String, _ surroundings: Surroundings) -> String {
        let named = System.variables { value.contains("${\($0)}") }
        let path = named.reduce(value) { $0.replacing("${\($1.key)}", with: $1.value) }
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
            guard package.exists, has("package.json", folders[index]) else { return false }
            // One that is refused here may have them.
            guard let text = try? package.object(package.read()) else { return true }
            return text.root?.entry("workspaces") != nil
        }
        return (
            ClientFile(folders[index] + "/.npmrc"), roots.map { ClientFile($0 + "/.npmrc") }
        )
    }
}
