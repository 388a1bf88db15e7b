internal import Credentials
internal import Glibc
internal import TextEditing

/// The surroundings of a client are where it looks for its files: the home, and the variables that
/// name another place (docker 28, podman 4.3, cargo 1.95, terraform 1.11, pulumi 3.258).
package struct Surroundings: Sendable {
    package let home: String
    private let variables: [String: String]
    private let user: UInt32

    /// `user` is the user's number.
    package init(home: String, variables: [String: String], user: UInt32) {
        self.home = home
        self.variables = variables
        self.user = user
    }

    /// Whether the value of a variable matters here, and is no secret.
    package static func reads(_ name: String) -> Bool {
        [
            "CARGO_HOME", "CONTAINERS_REGISTRIES_CONF", "DOCKER_CONFIG", "GIT_CONFIG_GLOBAL",
            "NETRC", "PATH", "PULUMI_CREDENTIALS_PATH", "PULUMI_HOME", "REGISTRY_AUTH_FILE",
            "TF_CLI_CONFIG_FILE", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR",
        ].contains(name) || name.hasPrefix("CARGO_REGISTRIES_") && name.hasSuffix("_INDEX")
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

    private func folder(_ variable: String, else path: String) -> String {
        self[variable]?.withoutSlash ?? home + path
    }

    private var configFolder: String { folder("XDG_CONFIG_HOME", else: "/.config") }

    // MARK: docker

    package var dockerConfig: ClientFile {
        ClientFile(folder("DOCKER_CONFIG", else: "/.docker") + "/config.json")
    }

    private var dockercfg: ClientFile { ClientFile(home + "/.dockercfg") }

    // MARK: podman

    /// The file that podman writes, and the one that it reads besides.
    package var podmanAuths: [ClientFile] {
        var paths: [String] = []
        if let named = self["REGISTRY_AUTH_FILE"] { paths.append(named) }
        paths.append(
            (self["XDG_RUNTIME_DIR"]?.withoutSlash ?? "/run") + "/containers"
                + (self["XDG_RUNTIME_DIR"] == nil ? "/\(user)" : "") + "/auth.json")
        paths.append(configFolder + "/containers/auth.json")
        return paths.map(ClientFile.init)
    }

    /// The file that podman reads in place of the system's.
    package var registriesConf: ClientFile {
        ClientFile(
            self["CONTAINERS_REGISTRIES_CONF"] ?? configFolder + "/containers/registries.conf")
    }

    /// A file of ours that adds to it.
    package var registriesAddition: ClientFile {
        ClientFile(configFolder + "/containers/registries.conf.d/keyfob.conf")
    }

    // MARK: cargo

    private var cargoFolder: String { folder("CARGO_HOME", else: "/.cargo") }

    /// cargo's old names of its files, without `.toml`, win if they exist.
    package var cargoConfigs: [ClientFile] {
        [ClientFile(cargoFolder + "/config"), ClientFile(cargoFolder + "/config.toml")]
    }

    private var cargoCredentials: [ClientFile] {
        [ClientFile(cargoFolder + "/credentials"), ClientFile(cargoFolder + "/credentials.toml")]
    }

    /// Returns what gives the index URL of a registry of cargo's by its name, from cargo's
    /// configuration as it is now; nil of a registry that it does not name.
    private func cargoIndexes() -> (Text) -> Text? {
        var indexes: [Text: Text] = [:]
        for file in cargoConfigs {
            guard let text = try? file.toml() else { continue }
            for (keys, place) in text.places
            where keys.count == 3 && keys[0] == "registries" && keys[2] == "index" {
                guard indexes[keys[1]] == nil else { continue }
                indexes[keys[1]] = place.entry.value.text?.asCargoIndex
            }
        }
        return { [self, indexes] name in
            let variable = name.string.uppercased().replacing("-", with: "_")
            let index = self["CARGO_REGISTRIES_\(variable)_INDEX"]
            return index.map { Text($0)?.asCargoIndex } ?? indexes[name]
        }
    }

    /// The names of the registries in cargo's configuration.
    private var cargoNames: [Text] {
        let texts = cargoConfigs.compactMap { try? $0.toml() }
        return texts.flatMap(\.places).map(\.keys)
            .filter { $0.count == 3 && $0[0] == "registries" && $0[2] == "index" }.map { $0[1] }
    }

    // MARK: git

    /// The files that git may mean by the user's configuration.
    package var gitConfigs: [ClientFile] {
        if let named = self["GIT_CONFIG_GLOBAL"] { return [ClientFile(named)] }
        return [ClientFile(home + "/.gitconfig"), ClientFile(configFolder + "/git/config")]
    }

    private var gitCredentials: [ClientFile] {
        [ClientFile(home + "/.git-credentials"), ClientFile(configFolder + "/git/credentials")]
    }

    // MARK: terraform

    package var terraformFolder: String { home + "/.terraform.d" }

    package var terraformConfig: ClientFile {
        ClientFile(self["TF_CLI_CONFIG_FILE"] ?? home + "/.terraformrc")
    }

    // MARK: pulumi

    /// Where pulumi keeps its logins, and the settings that belong to them.
    package var pulumiFolder: String {
        (self["PULUMI_CREDENTIALS_PATH"] ?? self["PULUMI_HOME"] ?? home + "/.pulumi").withoutSlash
    }

    // MARK: Programs

    /// Where a program of that name is found; nil if it is not.
    package func program(_ name: String) -> String? {
        (self["PATH"] ?? "").split(separator: ":").filter { $0.hasPrefix("/") }
            .map { "\($0)/\(name)" }.first { unsafe access($0, X_OK) == 0 }
    }

    // MARK: All of them

    package var netrc: Netrc { Netrc(ClientFile(self["NETRC"] ?? home + "/.netrc")) }

    /// The file into which a client puts a login if it has no helper; nil for one that has none, and
    /// for pulumi, which keeps more of a login there than there is of it elsewhere.
    package func plaintextTarget(of client: String) -> (any PlaintextTarget)? {
        switch client {
        case "docker":
            return RegistryAuths(dockerConfig, .docker)
        case "podman":
            // What is in the first lasts as long as the session, so one that lasts is gone on with.
            let files = self["REGISTRY_AUTH_FILE"] == nil ? podmanAuths : [podmanAuths[0]]
            return RegistryAuths(files.first(where: \.exists) ?? files[0], .podman)
        case "cargo":
            return CargoCredentials(
                cargoCredentials.first(where: \.exists) ?? cargoCredentials[1],
                indexes: cargoIndexes, names: { cargoNames })
        case "git":
            return GitCredentials(gitCredentials.first(where: \.exists) ?? gitCredentials[0])
        case "terraform":
            return terraformCredentials
        default:
            return nil
        }
    }

    private var terraformCredentials: TerraformCredentials {
        TerraformCredentials(ClientFile(terraformFolder + "/credentials.tfrc.json"))
    }

    /// Every file in which one of the clients may keep logins in plain text, whether it is there or
    /// not, each once.
    package var plaintextFiles: [any PlaintextFile] {
        var files: [any PlaintextFile] = [RegistryAuths(dockerConfig, .docker)]
        files.append(RegistryAuths(dockercfg, .dockercfg))
        files += podmanAuths.map { RegistryAuths($0, .podman) }
        files += cargoCredentials.map { CargoCredentials($0, indexes: cargoIndexes) }
        files += gitCredentials.map { GitCredentials($0) }
        files.append(terraformCredentials)
        files.append(PulumiCredentials(ClientFile(pulumiFolder + "/credentials.json")))
        var seen: Set<String> = []
        return files.filter { seen.insert($0.file.path).inserted }
    }
}

extension String {
    fileprivate var withoutSlash: String { count > 1 && hasSuffix("/") ? String(dropLast()) : self }
}

extension Text {
    /// As cargo compares it: the host of an https index in lower case, without the default port; a
    /// sparse index as it stands (cargo 1.95).
    fileprivate var asCargoIndex: Text {
        let scheme = "https://"
        guard string.lowercased().hasPrefix(scheme) else { return self }
        let rest = string.dropFirst(scheme.count)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var host = rest[..<slash].lowercased()
        if host.hasSuffix(":443") { host.removeLast(4) }
        return Text(scheme + host + (slash == rest.endIndex ? "/" : rest[slash...])) ?? self
    }
}
