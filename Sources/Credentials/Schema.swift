/// A schema is one family of clients and the shape of its logins in a keyring.
///
/// The schemas and attributes are those of the tools that already keep such logins (README.md,
/// "Logins"), so that no login is lost when Keyfob is installed or removed.
///
/// The logins of an account have schemas of their own. So a query for logins outside the account
/// does not match them, they are never at the same place, and other helpers do not see them.
package struct Schema: Hashable, Sendable {
    package enum Family: String, CaseIterable, Sendable {
        /// docker, podman and all clients of the docker-credential helper protocol.
        case docker
        /// cargo's registry tokens, as `cargo:libsecret` keeps them.
        case cargo
        /// git's passwords, as `git-credential-libsecret` keeps them.
        case git
        /// Tokens of all other clients: terraform, pulumi.
        case token
    }

    package let family: Family
    /// The account of the logins; nil for those outside every account.
    package let account: AccountName?

    package init(_ family: Family, in account: AccountName? = nil) {
        self.family = family
        self.account = account
    }

    package static let docker = Schema(.docker)
    package static let cargo = Schema(.cargo)
    package static let git = Schema(.git)
    package static let token = Schema(.token)

    /// The schemas of logins outside every account.
    package static let all = Family.allCases.map { Schema($0) }

    /// The schema's name in the encrypted file: `docker`, or `docker@work` in an account.
    package var rawValue: String {
        account.map { "\(family.rawValue)@\($0)" } ?? family.rawValue
    }

    /// Nil if this version knows no schema of that name.
    package init?(rawValue: String) {
        let parts = rawValue.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count <= 2, let family = Family(rawValue: String(parts[0])) else { return nil }
        var account: AccountName?
        if parts.count == 2 {
            account = AccountName(parts[1])
            guard account != nil else { return nil }
        }
        self.init(family, in: account)
    }

    /// The value of `xdg:schema`.
    package var name: Text {
        switch family {
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
        switch family {
        // git-credential-libsecret before git 2.41. gvfs keeps passwords of file shares under it.
        case .git: "org.gnome.keyring.NetworkPassword"
        case .docker, .cargo, .token: nil
        }
    }

    /// True if routes may serve its logins: those of docker's protocol.
    package var isRoutable: Bool { family == .docker }

    /// The attributes that every item of the schema has, with the same values.
    package var constants: [String: Text] { family == .docker ? Schema.dockerConstants : [:] }

    private static let dockerConstants: [String: Text] = [
        "label": "Docker Credentials", "docker_cli": "1",
    ]

    /// Returns true if this is one of the constants.
    package func hasConstant(_ name: String, _ value: Text) -> Bool {
        family == .docker && (name == "label" || name == "docker_cli") && constants[name] == value
    }

    /// The names of the attributes that say what a login is for.
    package var placeNames: [String] {
        switch family {
        case .docker: ["server"]
        case .cargo: ["url"]
        case .git: ["protocol", "server", "port"]
        case .token: ["client", "key"]
        }
    }

    /// The names of the attributes that tell two logins for the same place apart. docker has none:
    /// a server has one login.
    package var accountNames: [String] {
        switch family {
        case .docker, .cargo, .token: []
        case .git: ["object", "user"]
        }
    }

    /// The names of the attributes that identify a login.
    package var identityNames: [String] { placeNames + accountNames }

    /// The names of all attributes of the schema's items.
    package var names: Set<String> {
        let details: [String] =
            switch family {
            case .docker, .token: ["username"]
            case .cargo, .git: []
            }
        return Set(constants.keys).union(identityNames).union(details)
    }

    /// The names of the attributes that an item may lack.
    private var optionalNames: Set<String> {
        switch family {
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
        family == .docker && name == "server" ? ServerKey(value).normalForm : value
    }

    /// Returns the server that the attributes name; nil for schemas whose servers have only one
    /// spelling.
    package func serverKey(in attributes: [String: Text]) -> ServerKey? {
        family == .docker ? attributes["server"].map { ServerKey($0) } : nil
    }

    /// Returns the client's name for the server, if labels of this schema contain it; otherwise
    /// nil.
    func serverName(in label: Text) -> Text? {
        let prefix = Array("cargo-registry:".utf8)
        guard family == .cargo, label.bytes.starts(with: prefix) else { return nil }
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
