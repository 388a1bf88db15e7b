package import Credentials
package import Files
package import TextEditing

/// A plaintext file is a client's own file with logins that every process can read that can read
/// the file.
package protocol PlaintextFile: Sendable {
    /// The client whose file it is.
    var client: any Client { get }

    var file: ClientFile { get }

    /// True if Keyfob removes logins from the file.
    var isEdited: Bool { get }

    /// Returns the logins in a content of the file, and notes for the user. Throws if its format is
    /// unknown.
    func contents(of content: Secret) throws(StoreError) -> PlaintextContents

    /// Adds the edits that remove every login for which `isMeant` returns true, as the client's own
    /// logout does, or with `keepsMarks` that leave what the client still needs to know about it.
    /// Returns these logins.
    func cut(
        where isMeant: LoginTest, of content: Secret, in edits: inout Edits, keepsMarks: Bool
    ) throws(StoreError) -> [Entry]

    /// Returns true if the client uses the login for a server although it is another server's.
    func isUsed(_ login: PlaintextLogin, for server: Text) -> Bool
}

/// Returns true for the logins of a file that are meant.
package typealias LoginTest = (PlaintextLogin) -> Bool

extension PlaintextFile {
    /// Returns the logins in the file, and notes for the user. Throws if the file cannot be read or
    /// its format is unknown.
    package func contents() throws(StoreError) -> PlaintextContents {
        guard let content = try file.read() else { return PlaintextContents() }
        return try contents(of: content)
    }

    /// The logins in the file; none if it cannot be read.
    package var readableLogins: [PlaintextLogin] { (try? contents())?.logins ?? [] }

    package var isEdited: Bool { false }

    package func cut(
        where isMeant: LoginTest, of content: Secret, in edits: inout Edits, keepsMarks: Bool
    ) throws(StoreError) -> [Entry] { [] }

    package func isUsed(_ login: PlaintextLogin, for server: Text) -> Bool { false }

    /// Removes every login for which `isMeant` returns true, as the client's own logout does, and
    /// keeps every other byte. Returns the logins that it removed.
    @discardableResult
    package func remove(where isMeant: LoginTest) throws(StoreError) -> [Entry] {
        try edit(where: isMeant, keepsMarks: false)
    }

    /// Does what `remove` does, for logins that are now stored elsewhere: it keeps what the client
    /// still needs to know about them.
    @discardableResult
    package func scrub(where isMeant: LoginTest) throws(StoreError) -> [Entry] {
        try edit(where: isMeant, keepsMarks: true)
    }

    private func edit(
        where isMeant: LoginTest, keepsMarks: Bool
    ) throws(StoreError) -> [Entry] {
        guard isEdited else { return [] }
        var removed: [Entry] = []
        try file.edit { content throws(StoreError) in
            var edits = Edits()
            removed = try cut(
                where: isMeant, of: content ?? .empty, in: &edits, keepsMarks: keepsMarks)
            return edits.isEmpty ? nil : content.map(edits.applied)
        }
        return removed
    }
}

/// A login in a plaintext file.
package struct PlaintextLogin: Sendable {
    /// The login as a store keeps it.
    package let entry: Entry
    /// The secret; empty if the file only says that a helper keeps the login.
    package let secret: Secret
    /// The reason for which the client could not get it from a helper; nil if it can.
    package internal(set) var obstacle: String?
    /// True if the client does not use it, but another login if there is one.
    package internal(set) var isShadowed = false
    /// True if it is an entry without a secret: it is no login to lose, but the client stops there.
    package internal(set) var isBare = false
    /// The server as the file spells it; nil if that is how it is stored.
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

    init(_ credential: Credential, obstacle: String? = nil) {
        self.init(credential.entry, secret: credential.secret, obstacle: obstacle)
    }

    /// Makes one from a login of docker's that another helper keeps.
    package init(ofHelper login: Credential) {
        let isWhole = login["username"]?.isEmpty == false && !login.secret.isEmpty
        self.init(
            login.entry, secret: login.secret,
            obstacle: isWhole ? nil : "it has no user or no password, so it cannot be stored",
            spelling: login["server"]?.string == login.entry.serverName ? nil : login["server"])
    }

    /// Returns true if a store keeps only one of the two.
    func isForSame(as other: Credential) -> Bool { entry.identity == other.entry.identity }

    /// Returns true if both are the same login, of the same user and with the same secret.
    func isSame(as other: Credential) -> Bool {
        isForSame(as: other) && credential.isSame(as: other)
    }

    /// Returns true if both are the same login of the file.
    package func isSamePlace(as other: PlaintextLogin) -> Bool {
        entry.attributes == other.entry.attributes && spelling == other.spelling
            && secret == other.secret
    }

    /// `docker registry.example.com (alice)`, as the file spells it.
    package var description: String {
        guard let spelling else { return entry.description }
        return "\(entry.clientName) \(spelling)" + (entry.shownUser.map { " (\($0))" } ?? "")
    }

    /// Returns true if one of the queries matches the login, as a store keeps it or as the file
    /// spells it.
    package func isMeant(by queries: [Query]) -> Bool {
        let spelled = spelling.map { Entry.docker(server: $0, username: entry.username ?? "") }
        return queries.contains { query in
            query.matches(entry) || spelled.map(query.matches) == true
        }
    }

    package var credential: Credential { Credential(entry, secret: secret) }
}

/// The logins in a plaintext file, and notes about it.
package struct PlaintextContents: Sendable {
    package var logins: [PlaintextLogin] = []
    /// Notes for the user, one line each.
    package var notes: [String] = []
    /// The variables from which the file takes logins, each with a login for the same server.
    package var references: [(variable: String, login: PlaintextLogin)] = []

    /// Returns true if the login is there, and no other one that a store would keep in its place.
    func hasOnly(_ login: Credential) -> Bool {
        let found = logins.filter { $0.isForSame(as: login) }
        return !found.isEmpty && found.allSatisfy { $0.isSame(as: login) }
    }
}
