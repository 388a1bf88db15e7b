/// An entry is a login without its secret, as a store describes it.
package struct Entry: Hashable, Sendable {
    package let schema: Schema
    /// The attributes that are not among the schema's constants, in the order of the bytes of their
    /// names. They are an array because a file may have many logins, with a few attributes each.
    package let facts: [Fact]
    /// The name that a keyring's own window shows for it.
    package let label: Text
    /// The time at which it was stored, in seconds since 1970; nil if the store does not know.
    package let modified: UInt64?

    /// One attribute, without `xdg:schema`.
    package struct Fact: Hashable, Sendable {
        package let name: String
        package let value: Text

        package init(name: String, value: Text) {
            self.name = name
            self.value = value
        }
    }

    /// Makes an entry with these attributes and the schema's constants.
    package init(
        schema: Schema, attributes: [String: Text], label: Text, modified: UInt64? = nil
    ) {
        var facts: [Fact] = []
        for (name, value) in attributes where !schema.hasConstant(name, value) {
            facts.append(Fact(name: name, value: value))
        }
        facts.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        self.init(schema: schema, facts: facts, label: label, modified: modified)
    }

    /// Makes an entry of facts that are as the property `facts` requires.
    package init(schema: Schema, facts: [Fact], label: Text, modified: UInt64?) {
        self.schema = schema
        self.facts = facts
        self.label = label
        self.modified = modified
    }

    /// Returns the value of an attribute; nil if there is none of that name.
    package subscript(name: String) -> Text? {
        facts.first { $0.name == name }?.value ?? schema.constants[name]
    }

    /// All attributes, including the schema's constants; without `xdg:schema`.
    package var attributes: [String: Text] {
        var all = schema.constants
        for fact in facts { all[fact.name] = fact.value }
        return all
    }

    /// The place that it is for; nil for an item of another program that does not name one.
    package var place: Place? { schema.place(of: attributes) }

    /// The identity of the login: a store replaces the entry that has the same one. Nil as for
    /// `place`.
    package var identity: Place? { schema.identity(of: attributes) }
}

extension Entry {
    /// Returns the same entry in an account, or (nil) outside every account.
    package func `in`(_ account: AccountName?) -> Entry {
        Entry(
            schema: Schema(schema.family, in: account), facts: facts, label: label,
            modified: modified)
    }
}

extension Entry {
    /// Returns the entry of a login at a registry, for docker, podman and other clients of their
    /// kind. Its label is the server, since upstream's `list` gives the label for the key
    /// (docker-credential-helpers 0.9.0 and newer).
    package static func docker(server: Text, username: Text) -> Entry {
        Entry(
            schema: .docker, attributes: ["server": server, "username": username], label: server)
    }

    /// Returns the entry of a token for a registry of cargo's, under its index URL; `name` is
    /// cargo's name for it.
    package static func cargo(url: Text, name: Text?) -> Entry {
        Entry(
            schema: .cargo, attributes: ["url": url],
            label: Text("cargo-registry:\(name ?? url)") ?? url)
    }

    /// cargo's name for the registry of the token; nil if it was stored without one.
    package var cargoName: Text? { schema.serverName(in: label) }

    /// Returns the entry of a token of a client that has no schema of its own.
    package static func token(of client: Text, key: Text, username: Text? = nil) -> Entry {
        var facts: [String: Text] = ["client": client, "key": key]
        facts["username"] = username
        return Entry(schema: .token, attributes: facts, label: Text("\(client): \(key)") ?? key)
    }
}

extension Entry {
    /// Returns the entry of a password of git's. Its label is that of git-credential-libsecret (git
    /// 2.39, contrib).
    package static func git(
        protocol scheme: Text, server: Text, port: Text? = nil, object: Text? = nil, user: Text?
    ) -> Entry {
        var facts: [String: Text] = ["protocol": scheme, "server": server]
        facts["port"] = port
        facts["object"] = object
        facts["user"] = user
        let address = "\(scheme)://\(server)" + (port.map { ":\($0)" } ?? "")
        return Entry(
            schema: .git, attributes: facts,
            label: Text("Git: \(address)/\(object ?? "")") ?? server)
    }
}
