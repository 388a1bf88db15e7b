package import Credentials

/// `credentials.toml`, in which cargo keeps tokens in plain text: `registry.token` for crates.io,
/// `registries.NAME.token` for others; `secret-key` is a private key of its asymmetric tokens.
package struct CargoCredentials: PlaintextFile {
    package let file: ClientFile
    /// The index URL of a registry by its name, which is what its token is kept under elsewhere;
    /// nil if it is not known.
    private let index: @Sendable (Text) -> Text?

    package init(_ file: ClientFile, index: @escaping @Sendable (Text) -> Text?) {
        self.file = file
        self.index = index
    }

    package var client: String { "cargo" }

    /// The index of crates.io, as cargo names it whatever protocol it uses.
    package static var cratesIO: Text { "https://github.com/rust-lang/crates.io-index" }

    package func contents() throws(StoreError) -> PlaintextContents {
        guard let text = try file.toml() else { return PlaintextContents() }
        return PlaintextContents(logins: text.places.compactMap(login))
    }

    @discardableResult
    package func remove(
        where isMeant: (PlaintextLogin) -> Bool
    ) throws(StoreError) -> [Entry] {
        var removed: [Entry] = []
        try file.editTOML { text, edits in
            removed = []
            var places: [TOMLText.Place] = []
            for found in text.places {
                guard let login = login(found), isMeant(login) else { continue }
                places.append(found.place)
                removed.append(login.entry)
            }
            text.cut(places, in: &edits)
        }
        return removed
    }

    private func login(_ found: (keys: [Text], place: TOMLText.Place)) -> PlaintextLogin? {
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
