/// A schema is one family of clients and the shape of its logins in a keyring.
///
/// The schemas and attributes are those of the tools that already keep such logins (README.md,
/// "Logins"), so that no login is lost when Keyfob is installed or removed.
package enum Schema: String, CaseIterable, Sendable {
    /// docker, podman and all clients of the docker-credential helper protocol.
    case docker
    /// cargo's registry tokens, as `cargo:libsecret` keeps them.
    case cargo
    /// git's passwords, as `git-credential-libsecret` keeps them.
    case git
    /// Tokens of all other clients: terraform, pulumi.
    case token

    /// The value of `xdg:schema`.
    package var name: Text {
        switch self {
        case .docker: "io.docker.Credentials"
        case .cargo: "org.rust-lang.cargo.registry"
        case .git: "org.git.Password"
        case .token: "org.keyfob.Token"
        }
    }

    /// The `xdg:schema` under which a client stored the same logins before, and older versions of
    /// it still do; nil if there is none. Keyfob neither gives nor removes such items, since other
    /// programs use that schema, too.
    package var formerName: Text? {
        switch self {
        // git-credential-libsecret before git 2.41. gvfs keeps passwords of file shares under it.
        case .git: "org.gnome.keyring.NetworkPassword"
        case .docker, .cargo, .token: nil
        }
    }

    /// The attributes that every item of the schema has, with the same values.
    package var constants: [String: Text] {
        switch self {
        case .docker: ["label": "Docker Credentials", "docker_cli": "1"]
        case .cargo, .git, .token: [:]
        }
    }

    /// The names of the attributes that say what a login is for.
    package var placeNames: [String] {
        switch self {
        case .docker: ["server"]
        case .cargo: ["url"]
        case .git: ["protocol", "server", "port"]
        case .token: ["client", "key"]
        }
    }

    /// The names of the attributes that tell two logins for the same place apart. docker has none:
    /// a server has one login.
    package var accountNames: [String] {
        switch self {
        case .docker, .cargo, .token: []
        case .git: ["object", "user"]
        }
    }

    /// The names of the attributes that identify a login.
    package var identityNames: [String] { placeNames + accountNames }

    /// The names of all attributes of the schema's items.
    package var names: Set<String> {
        let details: [String] =
            switch self {
            case .docker, .token: ["username"]
            case .cargo, .git: []
            }
        return Set(constants.keys).union(identityNames).union(details)
    }

    /// The names of the attributes that an item may lack.
    private var optionalNames: Set<String> {
        switch self {
        case .docker, .cargo, .token: []
        case .git: ["port", "object", "user"]
        }
    }

    /// Returns the place that the attributes name, or nil if they do not name one.
    package func place(of attributes: [String: Text]) -> Place? {
        place(of: attributes, naming: placeNames)
    }

    /// Returns the identity of a login with these attributes, or nil if they do not name one. A
    /// store replaces the login that has the same identity.
    package func identity(of attributes: [String: Text]) -> Place? {
        place(of: attributes, naming: identityNames)
    }

    /// Returns a value in the form in which it is compared.
    package func normalForm(of value: Text, named name: String) -> Text {
        self == .docker && name == "server" ? ServerKey(value).normalForm : value
    }

    /// Returns the server that the attributes name; nil for schemas whose servers have only one
    /// spelling.
    package func serverKey(in attributes: [String: Text]) -> ServerKey? {
        self == .docker ? attributes["server"].map { ServerKey($0) } : nil
    }

    /// Returns the client's name for the server, if labels of this schema contain it; otherwise
    /// nil.
    func serverName(in label: Text) -> Text? {
        let prefix = Array("cargo-registry:".utf8)
        guard self == .cargo, label.bytes.starts(with: prefix) else { return nil }
        return Text(validating: label.bytes.dropFirst(prefix.count))
    }

    private func place(of attributes: [String: Text], naming names: [String]) -> Place? {
        var parts: [Text?] = []
        for name in names {
            guard let value = attributes[name] else {
                guard optionalNames.contains(name) else { return nil }
                parts.append(nil)
                continue
            }
            parts.append(normalForm(of: value, named: name))
        }
        return Place(schema: self, parts: parts)
    }
}
