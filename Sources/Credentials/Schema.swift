/// A schema is one family of clients and the shape of its logins in a keyring.
///
/// The schemas and attributes are those of the tools that already keep such logins
/// (README.md, "Logins"), so that nobody loses a login by installing Keyfob or by removing it.
package enum Schema: String, CaseIterable, Sendable {
    /// docker, podman and all that speak the docker-credential helper protocol.
    case docker
    /// cargo's registry tokens, as `cargo:libsecret` keeps them.
    case cargo
    /// git's passwords, as `git-credential-libsecret` keeps them.
    case git
    /// Tokens of everything else: terraform, pulumi.
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

    /// The `xdg:schema` by which a client stored the same logins before, and older versions of it
    /// still do; nil where there is none. Keyfob neither gives nor removes them: other programs use
    /// it, too.
    package var formerName: Text? {
        switch self {
        // git-credential-libsecret before git 2.41; gvfs keeps passwords of file shares by it.
        case .git: "org.gnome.keyring.NetworkPassword"
        case .docker, .cargo, .token: nil
        }
    }

    /// Attributes that every item of the schema carries with the same value.
    package var constants: [String: Text] {
        switch self {
        case .docker: ["label": "Docker Credentials", "docker_cli": "1"]
        case .cargo, .git, .token: [:]
        }
    }

    /// The attributes that say for what a login is.
    package var placeNames: [String] {
        switch self {
        case .docker: ["server"]
        case .cargo: ["url"]
        case .git: ["protocol", "server", "port"]
        case .token: ["client", "key"]
        }
    }

    /// The attributes that tell two logins for the same place apart. docker has none: one server,
    /// one login.
    package var accountNames: [String] {
        switch self {
        case .docker, .cargo, .token: []
        case .git: ["object", "user"]
        }
    }

    /// The attributes that make a login one login.
    package var identityNames: [String] { placeNames + accountNames }

    /// All attributes of the schema's items.
    package var names: Set<String> {
        let details: [String] =
            switch self {
            case .docker, .token: ["username"]
            case .cargo, .git: []
            }
        return Set(constants.keys).union(identityNames).union(details)
    }

    /// Attributes that an item may lack.
    private var optionalNames: Set<String> {
        switch self {
        case .docker, .cargo, .token: []
        case .git: ["port", "object", "user"]
        }
    }

    /// Where these attributes belong, or nil if they do not say.
    package func place(of attributes: [String: Text]) -> Place? {
        place(of: attributes, naming: placeNames)
    }

    /// What is replaced when a login with these attributes is stored, or nil if they do not say.
    package func identity(of attributes: [String: Text]) -> Place? {
        place(of: attributes, naming: identityNames)
    }

    /// A value in the form in which it is compared.
    package func normalForm(of value: Text, named name: String) -> Text {
        self == .docker && name == "server" ? ServerKey(value).normalForm : value
    }

    /// The server that attributes name, where one has several spellings; nil for other schemas.
    package func serverKey(in attributes: [String: Text]) -> ServerKey? {
        self == .docker ? attributes["server"].map { ServerKey($0) } : nil
    }

    /// The client's name for the server, where labels tell it; nil for other schemas.
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
