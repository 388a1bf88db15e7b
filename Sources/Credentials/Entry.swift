/// An entry is what a store tells about a login without its secret.
package struct Entry: Hashable, Sendable {
    package let schema: Schema
    /// The schema's attributes, the constant ones included; without `xdg:schema`.
    package let attributes: [String: Text]
    /// What a keyring's own window shows for it.
    package let label: Text
    /// When it was stored, in seconds since 1970; nil where the store does not know.
    package let modified: UInt64?

    package init(
        schema: Schema, attributes: [String: Text], label: Text, modified: UInt64? = nil
    ) {
        self.schema = schema
        self.attributes = attributes
        self.label = label
        self.modified = modified
    }

    /// What it is for; nil for an item of another program that does not say.
    package var place: Place? { schema.place(of: attributes) }

    /// What it replaces when it is stored.
    package var identity: Place? { schema.identity(of: attributes) }
}

extension Entry {
    /// A login at a registry, for docker, podman and their like. Its label is the server: upstream's
    /// `list` gives the label for the key (docker-credential-helpers 0.9.0 and newer).
    package static func docker(server: Text, username: Text) -> Entry {
        let facts = ["server": server, "username": username]
        return Entry(
            schema: .docker, attributes: facts.merging(Schema.docker.constants) { own, _ in own },
            label: server)
    }

    /// A token for a registry of cargo's, under its index URL; `name` is what cargo calls it.
    package static func cargo(url: Text, name: Text?) -> Entry {
        Entry(
            schema: .cargo, attributes: ["url": url],
            label: Text("cargo-registry:\(name ?? url)") ?? url)
    }

    /// What cargo calls the registry that a token is for, where it was stored with that name.
    package var cargoName: Text? { schema.serverName(in: label) }

    /// A token of a client that has no schema of its own.
    package static func token(of client: Text, key: Text, username: Text? = nil) -> Entry {
        var facts: [String: Text] = ["client": client, "key": key]
        facts["username"] = username
        return Entry(schema: .token, attributes: facts, label: Text("\(client): \(key)") ?? key)
    }
}

extension Entry {
    /// A password of git's. Its label is git-credential-libsecret's (git 2.39, contrib).
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
