package import Credentials
package import Files

/// The surroundings of a client are the home directory and the variables by which it finds its
/// files and programs.
package struct Surroundings: Sendable {
    package let home: String
    /// The user's ID.
    package let user: UInt32
    /// The account that the client is to ask for; nil for logins outside every account.
    package var account: AccountName?
    /// The files that are to be seen as if their logins had been removed.
    package var emptied: Set<ClientFile> = []
    /// True if Keyfob keeps its logins in the keyring, as docker-credential-secretservice and
    /// `cargo:libsecret` do, and in the same items.
    package var usesKeyring = false
    private var variables: [String: String]

    package init(home: String, variables: [String: String], user: UInt32) {
        self.home = home
        self.variables = variables
        self.user = user
    }

    /// The user's own folder for programs: the first of `~/.local/bin` and `~/bin` that is on the
    /// PATH, else `~/.local/bin`.
    package var binFolder: String {
        let folders = ["\(home)/.local/bin", "\(home)/bin"]
        return folders.first(where: isOnPath) ?? folders[0]
    }

    package func isOnPath(_ folder: String) -> Bool {
        (self["PATH"] ?? "").split(separator: ":").contains { String($0).withoutSlash == folder }
    }

    /// Returns true if the variable is read here, perhaps in another case, and is not secret.
    package static func reads(_ name: String) -> Bool {
        ["NETRC", "PATH", "TMPDIR", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"].contains(name)
            || Clients.all.contains { client in
                client.variables.contains {
                    $0.hasSuffix("*")
                        ? name.hasPrefix($0.dropLast()) : name.uppercased() == $0.uppercased()
                }
                    && !client.isLogin(variable: name, for: nil)
            }
    }

    /// The value of a variable; nil if it is not set, or empty.
    package subscript(name: String) -> String? {
        guard let value = variables[name], !value.isEmpty else { return nil }
        return value
    }

    /// True if the variable is set, and empty.
    func isEmpty(_ name: String) -> Bool { variables[name]?.isEmpty == true }

    /// Returns the names of the variables that are set and for which `isWanted` returns true. An empty
    /// one of terraform's takes precedence, too.
    package func names(where isWanted: (String) -> Bool) -> [String] {
        variables.filter { (!$1.isEmpty || $0.hasPrefix("TF_TOKEN_")) && isWanted($0) }
            .map(\.key).sorted()
    }

    func folder(_ variable: String, else path: String) -> String {
        self[variable]?.withoutSlash ?? home + path
    }

    package var configFolder: String { folder("XDG_CONFIG_HOME", else: "/.config") }

    /// Returns the path of the program with that name or path; nil if it does not exist or is not
    /// executable. `others` are folders to look into after those of the PATH.
    package func program(_ name: String, alsoIn others: [String] = []) -> String? {
        let folders = (self["PATH"] ?? "").split(separator: ":").map { String($0) } + others
        let places =
            name.hasPrefix("/")
            ? [name] : folders.filter { $0.hasPrefix("/") }.map { "\($0)/\(name)" }
        return places.first { Path.isExecutable($0) && FileStatus(of: $0)?.kind == .file }
            .flatMap { name == Docker().name.string && isPodmans($0) ? nil : $0 }
    }

    /// Returns true if the program is the script of podman-docker, by which podman is called docker.
    private func isPodmans(_ path: String) -> Bool {
        guard let file = (try? Descriptor.ofFile(path)) ?? nil,
            let start = try? file.start(atMost: 4096)
        else { return false }
        return start.starts(with: "#!".utf8) && start.firstRange(of: Array("podman".utf8)) != nil
    }

    /// Returns the same surroundings, in which a variable has another value.
    package func setting(_ name: String, to value: String) -> Surroundings {
        var other = self
        other.variables[name] = value
        return other
    }

    /// The files of passwords that curl, pip and others read. git reads the usual one alone.
    package var netrcs: [Netrc] {
        Set([self["NETRC"], home + "/.netrc", home + "/_netrc"].compactMap(\.self)).sorted()
            .map { Netrc(file: ClientFile($0)) }
    }
}

extension String {
    var withoutSlash: String { count > 1 && hasSuffix("/") ? String(dropLast()) : self }
}
