internal import Credentials

/// The attributes of a login's item in a keyring, and the patterns that find it.

/// The attribute, on Keyfob's items, that holds a docker server's normal form. Other helpers that
/// write the item drop it.
private let normalFormName = "keyfob_server"

let schemaName = "xdg:schema"

extension Schema {
    /// The attributes of a search for all items of the schema.
    var pattern: [String: Text] {
        constants.isEmpty ? [schemaName: name] : constants
    }
}

extension Query {
    /// All patterns that must be searched for.
    var patterns: [[String: Text]] { likelyPatterns + otherPatterns }

    /// The patterns that are searched for first: the exact spelling, and the normal form that
    /// Keyfob's items have.
    var likelyPatterns: [[String: Text]] {
        guard !facts.isEmpty else { return [schema.pattern] }
        guard let key = schema.serverKey(in: facts) else {
            var pattern = schema.constants
            for (name, fact) in facts { pattern[name] = fact }
            return [pattern]
        }
        return [pattern("server", key.spelling), pattern(normalFormName, key.normalForm)]
    }

    /// The patterns of the other spellings, which other helpers may have written.
    var otherPatterns: [[String: Text]] {
        guard let key = schema.serverKey(in: facts) else { return [] }
        return key.spellings.filter { $0 != key.spelling }.map { pattern("server", $0) }
    }

    private func pattern(_ name: String, _ value: Text) -> [String: Text] {
        var pattern = schema.constants
        pattern[name] = value
        return pattern
    }
}

extension Entry {
    /// True unless it is a docker item without a user name, which is not a login.
    var isLogin: Bool { schema != .docker || attributes["username"] != nil }

    /// The attributes of its item in a keyring.
    var itemAttributes: [String: Text] {
        var item = attributes
        item[schemaName] = schema.name
        if let server = schema.serverKey(in: attributes) {
            item[normalFormName] = server.normalForm
        }
        return item
    }
}

extension SecretService.Item {
    /// Returns the item as an entry of the schema; nil if it is an item of another kind, or no
    /// longer exists. Attributes that a provider adds (KeePassXC: URL, Title, UserName, …) are left
    /// out. `name` is the value of `xdg:schema` that it must have: the schema's own unless another
    /// is given.
    func entry(of schema: Schema, named name: Text? = nil) -> Entry? {
        guard let attributes, attributes[schemaName] == name ?? schema.name,
            schema.constants.allSatisfy({ attributes[$0] == $1 })
        else { return nil }
        return Entry(
            schema: schema, attributes: attributes.filter { schema.names.contains($0.key) },
            label: label ?? "", modified: modified)
    }
}

extension String {
    /// True if D-Bus accepts it as an object path; GDBus never answers a call to any other.
    var isObjectPath: Bool {
        let slash = UInt8(ascii: "/")
        var last: UInt8?
        for byte in utf8 {
            guard byte == slash ? last != slash : last != nil && byte.isInObjectPath else {
                return false
            }
            last = byte
        }
        return last != nil && last != slash
    }
}

extension UInt8 {
    fileprivate var isInObjectPath: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) || self == UInt8(ascii: "_")
    }
}
