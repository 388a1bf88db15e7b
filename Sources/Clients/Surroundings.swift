internal import Files

/// The surroundings of a client are where it looks for its files and programs: the home, and the
/// variables that name another place.
package struct Surroundings: Sendable {
    package let home: String
    /// The user's number.
    package let user: UInt32
    private let variables: [String: String]

    package init(home: String, variables: [String: String], user: UInt32) {
        self.home = home
        self.variables = variables
        self.user = user
    }

    /// Whether the value of a variable matters here, and is no secret.
    package static func reads(_ name: String) -> Bool {
        ["NETRC", "PATH", "TMPDIR", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"].contains(name)
            || Clients.all.contains { client in
                client.variables.contains {
                    $0.hasSuffix("*") ? name.hasPrefix($0.dropLast()) : name == $0
                }
                    && !client.isLogin(variable: name)
            }
    }

    /// A variable that is set, and not to nothing.
    package subscript(name: String) -> String? {
        guard let value = variables[name], !value.isEmpty else { return nil }
        return value
    }

    /// The names of the variables that are set and wanted.
    package func names(where isWanted: (String) -> Bool) -> [String] {
        variables.filter { !$1.isEmpty && isWanted($0) }.map(\.key).sorted()
    }

    func folder(_ variable: String, else path: String) -> String {
        self[variable]?.withoutSlash ?? home + path
    }

    var configFolder: String { folder("XDG_CONFIG_HOME", else: "/.config") }

    /// Where a program of that name, or at that path, is; nil if it is not there or may not be run.
    package func program(_ name: String) -> String? {
        let places =
            name.hasPrefix("/")
            ? [name]
            : (self["PATH"] ?? "").split(separator: ":").filter { $0.hasPrefix("/") }
                .map { "\($0)/\(name)" }
        return places.first { Path.isExecutable($0) && FileStatus(of: $0)?.kind == .file }
    }

    package var netrc: Netrc { Netrc(ClientFile(self["NETRC"] ?? home + "/.netrc")) }
}

extension String {
    var withoutSlash: String { count > 1 && hasSuffix("/") ? String(dropLast()) : self }
}
