package import Credentials
package import Files
internal import TextEditing

/// A plaintext file is a client's own file in which logins stand for everyone to read who can read
/// the file.
package protocol PlaintextFile: Sendable {
    /// Whose file it is.
    var client: any Client { get }

    var file: ClientFile { get }

    /// The logins in a content of the file, and what else there is to say of it. Throws if its
    /// format is unknown.
    func contents(of content: Secret) throws(StoreError) -> PlaintextContents

    /// Takes out every login that is meant, as the client's own logout does, and keeps all else
    /// byte for byte. Returns what was there.
    @discardableResult
    func remove(
        where isMeant: (PlaintextLogin) -> Bool
    ) throws(StoreError) -> [Entry]

    /// As `remove`, but for a login that is kept elsewhere from now on: what the client needs to
    /// know of it stays.
    @discardableResult
    func scrub(
        where isMeant: (PlaintextLogin) -> Bool
    ) throws(StoreError) -> [Entry]

    /// Whether the client uses the login for a server although it is another one's.
    func isUsed(_ login: PlaintextLogin, for server: Text) -> Bool
}

extension PlaintextFile {
    /// The logins in it, and what else there is to say of it. Throws if it cannot be read or is
    /// not understood.
    package func contents() throws(StoreError) -> PlaintextContents {
        guard let content = try file.read() else { return PlaintextContents() }
        return try contents(of: content)
    }

    package func scrub(
        where isMeant: (PlaintextLogin) -> Bool
    ) throws(StoreError) -> [Entry] {
        try remove(where: isMeant)
    }

    package func isUsed(_ login: PlaintextLogin, for server: Text) -> Bool { false }

    /// Changes the content, if there is a file, by edits. `change` returns what they take out, and may
    /// be called more than once.
    func edit(
        _ change: (Secret, inout Edits) throws(StoreError) -> [Entry]
    ) throws(StoreError) -> [Entry] {
        var removed: [Entry] = []
        try file.edit { content throws(StoreError) in
            var edits = Edits()
            removed =
                try content.map { content throws(StoreError) in try change(content, &edits) } ?? []
            return edits.isEmpty ? nil : content.map(edits.applied)
        }
        return removed
    }
}

/// A login that stands in a plaintext file.
package struct PlaintextLogin: Sendable {
    /// What it is in a store.
    package let entry: Entry
    /// Empty where the file only says that there is one, kept by a helper.
    package let secret: Secret
    /// Why its client could not be given it by a helper; nil if it can.
    package internal(set) var obstacle: String?
    /// Whether the client does not take it, but another one if there is any.
    package internal(set) var isShadowed = false
    /// How the file spells what it is for; nil where that is how it is stored.
    package let spelling: Text?

    init(_ entry: Entry, secret: Secret, obstacle: String? = nil, spelling: Text? = nil) {
        self.entry = entry
        self.secret = secret
        self.spelling = spelling
        self.obstacle =
            obstacle
            ?? (entry.attributes.values.contains(where: \.hasControlCharacter)
                ? "its name contains a control character" : nil)
    }

    /// A login that another helper keeps.
    package init(_ credential: Credential, obstacle: String? = nil) {
        self.init(credential.entry, secret: credential.secret, obstacle: obstacle)
    }

    /// Whether a store keeps one of the two.
    func isForSame(as other: Credential) -> Bool { entry.identity == other.entry.identity }

    /// Whether it is the same login with the same secret. Only docker's files have the name of a
    /// user that is not what the login is for.
    func isSame(as other: Credential) -> Bool {
        isForSame(as: other) && secret == other.secret
            && (entry.schema != .docker
                || entry.attributes["username"] == other.entry.attributes["username"])
    }

    /// Whether it is the same one in the file.
    package func isSamePlace(as other: PlaintextLogin) -> Bool {
        entry.attributes == other.entry.attributes && spelling == other.spelling
            && secret == other.secret
    }

    /// `docker registry.example.com (alice)`, as the file spells it.
    package var description: String {
        guard let spelling else { return entry.description }
        return "\(entry.clientName) \(spelling)" + (entry.shownUser.map { " (\($0))" } ?? "")
    }

    /// Whether one of the queries asks for it, by what it is in a store or as the file spells it.
    package func isMeant(by queries: [Query]) -> Bool {
        let spelled = spelling.map { Entry.docker(server: $0, username: entry.username ?? "") }
        return queries.contains { query in
            query.matches(entry) || spelled.map(query.matches) == true
        }
    }

    package var credential: Credential { Credential(entry, secret: secret) }
}

/// What stands in a plaintext file.
package struct PlaintextContents: Sendable {
    package var logins: [PlaintextLogin] = []
    /// One line each.
    package var notes: [String] = []

    /// Whether the login is there, and no other one for the same.
    func hasOnly(_ login: Credential) -> Bool {
        let found = logins.filter { $0.isForSame(as: login) }
        return !found.isEmpty && found.allSatisfy { $0.isSame(as: login) }
    }
}
