package import Credentials
internal import TextEditing

/// `credentials.toml`, in which cargo keeps tokens in plain text: `registry.token` for crates.io,
/// `registries.NAME.token` for others; `secret-key` is a private key of its asymmetric tokens.
package struct CargoCredentials: PlaintextTarget {
    package let file: ClientFile
    /// Reads cargo's configuration, and returns what gives the index URL of a registry by its name:
    /// what its token is kept under elsewhere, or nil if it is not known.
    private let indexes: @Sendable () -> (Text) -> Text?
    /// The registries that cargo knows by a name.
    private let names: @Sendable () -> [Text]

    package init(
        _ file: ClientFile, indexes: @escaping @Sendable () -> (Text) -> Text?,
        names: @escaping @Sendable () -> [Text] = { [] }
    ) {
        self.file = file
        self.indexes = indexes
        self.names = names
    }

    package var client: String { "cargo" }

    /// The index of crates.io, as cargo names it whatever protocol it uses.
    package static var cratesIO: Text { "https://github.com/rust-lang/crates.io-index" }

    package func contents(of content: Secret) throws(StoreError) -> PlaintextContents {
        let index = indexes()
        return PlaintextContents(
            logins: try file.toml(content).places.compactMap { login($0, index) })
    }

    package func adding(_ login: Credential, to content: Secret) throws(StoreError) -> Secret {
        let keys = try keys(of: login.entry)
        let token = try JSONText.quoted(login.secret)
        let text = try file.toml(content)
        if let found = text.places.last(where: { $0.keys == keys })?.place.entry {
            if found.value.secret == login.secret { return text.content }
            var edits = Edits()
            edits.replace(found.value.range, with: token)
            return edits.applied(to: text.content)
        }
        guard let changed = text.adding(keys, token) else {
            let table = keys.dropLast().map(TOMLText.spelled).joined(separator: ".")
            throw StoreError(
                .failed, "\(file.path) has \(table) without a table of its own",
                hint: "mend it by hand")
        }
        return changed
    }

    /// Where cargo looks for a token. Throws `failed` if it knows no registry with that index, or
    /// none by a name.
    private func keys(of entry: Entry) throws(StoreError) -> [Text] {
        let url = entry.attributes["url"] ?? ""
        if url == CargoCredentials.cratesIO { return ["registry", "token"] }
        let index = indexes()
        let known = [entry.cargoName].compactMap(\.self) + names()
        guard let name = known.first(where: { index($0) == url }) else {
            throw StoreError(
                .failed, "cargo's config.toml has no name for it",
                hint: "name it there: registries.NAME.index = \"\(url)\"")
        }
        return ["registries", name, "token"]
    }

    @discardableResult
    package func remove(
        where isMeant: (PlaintextLogin) -> Bool
    ) throws(StoreError) -> [Entry] {
        var removed: [Entry] = []
        let index = indexes()
        try file.editTOML { text, edits in
            removed = []
            var places: [TOMLText.Place] = []
            for found in text.places {
                guard let login = login(found, index), isMeant(login) else { continue }
                places.append(found.place)
                removed.append(login.entry)
            }
            text.cut(places, in: &edits)
        }
        return removed
    }

    private func login(
        _ found: (keys: [Text], place: TOMLText.Place), _ index: (Text) -> Text?
    ) -> PlaintextLogin? {
        guard let kind = found.keys.last, ["token", "secret-key"].contains(kind),
            let secret = found.place.entry.value.secret, !secret.isEmpty
        else { return nil }
        let entry: Entry
        var obstacle: String?
        switch found.keys.dropLast() {
        case ["registry"]:
            entry = .cargo(url: CargoCredentials.cratesIO, name: "crates-io")
        case let keys where keys.count == 2 && keys.first == "registries":
            let name = found.keys[1]
            // Without an index it is known by its name alone.
            let url = name == "crates-io" ? CargoCredentials.cratesIO : index(name)
            entry = .cargo(url: url ?? name, name: name)
            if url == nil { obstacle = "cargo's config.toml does not say what index it is for" }
        default:
            return nil
        }
        if kind == "secret-key" { obstacle = "it is a private key, which no provider can give" }
        return PlaintextLogin(entry, secret: secret, obstacle: obstacle)
    }
}
