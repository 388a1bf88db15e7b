internal import Credentials

/// How logins are written as items of a keyring, and what is searched for to find them.

/// The attribute, on items of ours, that holds a docker server's normal form. Other helpers that
/// write the item drop it.
private let normalFormName = "keyfob_server"

let schemaName = "xdg:schema"

extension Schema {
    /// What a search for all items of the schema looks for.
    var pattern: [String: Text] {
        constants.isEmpty ? [schemaName: name] : constants
    }
}

extension Query {
    /// All that must be searched for.
    var patterns: [[String: Text]] { likelyPatterns + otherPatterns }

    /// What is searched for first: the exact spelling, and the normal form that our own items
    /// carry.
    var likelyPatterns: [[String: Text]] {
        guard let key = schema.serverKey(in: facts) else {
            var pattern = schema.constants
            for (name, fact) in facts { pattern[name] = fact }
            return [pattern]
        }
        return [pattern("server", key.spelling), pattern(normalFormName, key.normalForm)]
    }

    /// The other spellings, which other helpers may have written.
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
    /// Whether it says whose login it is, where that is part of one.
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
    /// The item as an entry of the schema; nil if it is an item of another kind, or gone. What a
    /// provider adds to an item (KeePassXC: URL, Title, UserName, …) is left out. `name` is the
    /// value of `xdg:schema` that it must have: the schema's own unless another is given.
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
    /// Whether D-Bus takes it for the path of an object; GDBus never answers a call to another.
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
