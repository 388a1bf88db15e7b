internal import Credentials

/// The attributes of a login's item in a keyring, and the patterns that find it.

/// The attribute, on Keyfob's items, that holds a docker server's normal form. Other helpers that
/// write the item drop it.
private let normalFormName = "keyfob_server"

/// The attributes, on items of an account, that hold its name and the family of the schema.
private let accountName = "keyfob_account"
private let familyName = "keyfob_family"

let schemaName = "xdg:schema"

extension Schema {
    /// The attributes of a search for all items of the schema.
    var pattern: [String: Text] {
        itemConstants.isEmpty ? [schemaName: itemSchema] : itemConstants
    }

    /// The patterns for all items, those of every account as well.
    static var patternsOfAll: [[String: Text]] { all.map { $0.pattern } + patternsOfAccounts }

    /// The patterns for all items of all accounts.
    static let patternsOfAccounts = Family.allCases.map {
        [familyName: Text($0.rawValue) ?? ""]
    }

    /// The value of `xdg:schema`. Items of accounts have one of their own, and none of the
    /// attributes by which other helpers search.
    fileprivate var itemSchema: Text { account == nil ? name : "org.keyfob.Account" }

    /// The attributes that every item has, with the same values.
    fileprivate var itemConstants: [String: Text] {
        guard let account else { return constants }
        return [
            accountName: account.text, familyName: Text(family.rawValue) ?? "",
        ]
    }

    /// Returns the name of an attribute on an item.
    fileprivate func itemName(_ name: String) -> String {
        account == nil ? name : "login_" + name
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
            var pattern = schema.itemConstants
            for (name, fact) in facts { pattern[schema.itemName(name)] = fact }
            return [pattern]
        }
        guard schema.account == nil else { return [pattern(normalFormName, key.normalForm)] }
        return [pattern("server", key.spelling), pattern(normalFormName, key.normalForm)]
    }

    /// The patterns of the other spellings, which other helpers may have written.
    var otherPatterns: [[String: Text]] {
        guard schema.account == nil, let key = schema.serverKey(in: facts) else { return [] }
        return key.spellings.filter { $0 != key.spelling }.map { pattern("server", $0) }
    }

    private func pattern(_ name: String, _ value: Text) -> [String: Text] {
        var pattern = schema.itemConstants
        pattern[name] = value
        return pattern
    }
}

extension Entry {
    /// True unless it is a docker item without a user name, which is not a login.
    var isLogin: Bool { schema.family != .docker || self["username"] != nil }

    /// The attributes of its item in a keyring.
    var itemAttributes: [String: Text] {
        var item = schema.itemConstants
        for (name, value) in attributes where schema.constants[name] == nil {
            item[schema.itemName(name)] = value
        }
        item[schemaName] = schema.itemSchema
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
        guard let attributes, attributes[schemaName] == name ?? schema.itemSchema,
            schema.itemConstants.allSatisfy({ attributes[$0] == $1 })
        else { return nil }
        var own = schema.constants
        for name in schema.names where own[name] == nil {
            own[name] = attributes[schema.itemName(name)]
        }
        return Entry(schema: schema, attributes: own, label: label ?? "", modified: modified)
    }

    /// The item as an entry of its account; nil if it has no account.
    var entryOfAccount: Entry? {
        guard let account = attributes?[accountName].flatMap({ AccountName($0.string) }),
            let family = attributes?[familyName].flatMap({ Schema.Family(rawValue: $0.string) })
        else { return nil }
        return entry(of: Schema(family, in: account))
    }
}

extension String {
    /// True if D-Bus accepts it as an object path; GDBus never answers a call to any other.
    var isObjectPath: Bool {
        let slash = UInt8(ascii: "/")
        var last: UInt8?
        for byte in utf8 {
            let isInName = byte.isAlphanumeric || byte == UInt8(ascii: "_")
            guard byte == slash ? last != slash : last != nil && isInName else { return false }
            last = byte
        }
        return last != nil && last != slash
    }
}
