package import Credentials
package import Files
internal import TextEditing

/// cargo (1.95).
///
/// It asks the provider of a registry (`credential-provider`), else those of
/// `registry.global-credential-providers`, the last one first, by the URL of the index.
/// `cargo:token` finds a token in a variable, then in `credentials.toml`, then in `config.toml`.
/// cargo also reads the `config.toml` of the folder that it runs in, and of those above: the
/// nearest wins, and lists are joined, the nearest last.
package struct Cargo: Client {
    package init() {}

    package var name: Text { "cargo" }
    package var schema: Schema { .cargo }
    package var serversHaveNames: Bool { true }
    package var program: ProgramName? { .credentialProvider }
    package var variables: [String] { ["CARGO_HOME", "CARGO_REGISTRIES_*", "CARGO_REGISTRY_*"] }

    /// `CARGO_REGISTRY_TOKEN` is for crates.io; the others name a registry, and not its URL.
    package func isLogin(variable name: String, for server: Text?) -> Bool {
        guard name.hasPrefix("CARGO_REGISTR"), name.hasSuffix("_TOKEN") || name.hasSuffix("_KEY")
        else { return false }
        let isOfCratesIO = server.map { server in
            queries(for: server, among: []).contains { $0.facts["url"] == CargoIndex.cratesIO }
        }
        return isOfCratesIO.map { $0 == name.hasPrefix("CARGO_REGISTRY_") } ?? true
    }

    // MARK: Lookup

    /// Users know registries by their names, which are in the labels of logins.
    package func queries(for server: Text, among entries: [Entry]) -> [Query] {
        var urls = [CargoIndex.normalForm(of: server) ?? server, server]
        if ["crates-io", "crates.io"].contains(server.string) { urls.append(CargoIndex.cratesIO) }
        for entry in entries where entry.cargoName == server {
            urls += [entry["url"]].compactMap(\.self)
        }
        var seen: Set<Text> = []
        return urls.filter { seen.insert($0).inserted }.map { Query(.cargo, ["url": $0]) }
    }

    /// A registry's name consists of letters, digits, `-` and `_`.
    package func knowsByLabel(_ server: Text) -> Bool {
        server.bytes.allSatisfy { $0.isAlphanumeric || "-_".utf8.contains($0) }
    }

    package func place(
        of server: Text, named name: String?, among entries: [Entry]
    ) throws(StoreError) -> LoginPlace {
        let urls = queries(for: server, among: entries).compactMap { $0.facts["url"] }
        let form = "the URL of its index, as in sparse+https://registry.example.com/index/"
        guard let url = urls.first(where: { $0.string.contains("://") }) else {
            throw refusal(of: server, form)
        }
        // cargo asks for crates.io by the URL of its git index, not by this one.
        guard url != "sparse+https://index.crates.io/" else {
            return try place(of: "crates-io", named: name, among: entries)
        }
        guard CargoIndex.normalForm(of: url) == url else { throw refusal(of: server, form) }
        let isURL = server.string.contains("://")
        let label = isURL ? name.flatMap { Text($0) } : server
        return LoginPlace { _ in .cargo(url: url, name: label) }
    }

    // MARK: Its own files

    /// cargo's own provider, which finds tokens in plain text.
    fileprivate static let builtIn = "cargo:token"

    private func folder(_ surroundings: Surroundings) -> String {
        surroundings.folder("CARGO_HOME", else: "/.cargo")
    }

    /// The file under its old name, without `.toml`, which wins if it exists, and under its new
    /// one.
    private func files(_ name: String, in folder: String) -> [ClientFile] {
        [name, "\(name).toml"].map { ClientFile("\(folder)/\($0)") }
    }

    /// Returns cargo's config files, the one with the highest precedence first. `areAll` adds those
    /// that do not exist, or that cargo does not read because one with the older name exists.
    func configs(_ surroundings: Surroundings, areAll: Bool = false) -> [ClientFile] {
        let own = folder(surroundings)
        var folders = [ClientFile(".cargo").path]
        while let here = folders.last?.folder, here != "/" {
            folders.append((here.folder == "/" ? "" : here.folder) + "/.cargo")
        }
        if !folders.contains(own) { folders.append(own) }
        return folders.flatMap { folder in
            let files = files("config", in: folder)
            return areAll ? files : Array([files.first(where: \.exists)].compactMap(\.self))
        }.flatMap { Cargo.withIncluded($0) }
    }

    /// Returns a config file, and those that it includes (cargo 1.94) and takes precedence over.
    private static func withIncluded(_ file: ClientFile, depth: Int = 0) -> [ClientFile] {
        let included = depth < 8 ? (try? file.toml())?.place(["include"])?.value.elements : nil
        return [file]
            + (included ?? []).reversed().flatMap { element -> [ClientFile] in
                guard let path = (element.text ?? element["path"]?.text)?.string else { return [] }
                let isWhole = path.hasPrefix("/")
                return withIncluded(
                    ClientFile(isWhole ? path : "\(file.path.folder)/\(path)"), depth: depth + 1)
            }
    }

    package func plaintextFiles(in surroundings: Surroundings) -> [any PlaintextFile] {
        let files = files("credentials", in: folder(surroundings))
        return (files + configs(surroundings, areAll: true)).map {
            CargoCredentials($0, surroundings)
        }
    }

    package func plaintextTarget(
        in surroundings: Surroundings
    ) throws(StoreError) -> any PlaintextTarget {
        let files = files("credentials", in: folder(surroundings))
        return CargoCredentials(files.first(where: \.exists) ?? files[1], surroundings)
    }

    // MARK: Its helper

    package func helperNames(
        in surroundings: Surroundings
    ) throws(StoreError) -> (Entry) -> HelperName? {
        let config = CargoConfig(surroundings)
        let first = (config.globalProviders ?? []).lazy.reversed()
            .compactMap(CargoSetting.helperName).first
        return { entry in
            guard let own = entry.cargoName.flatMap(config.ownProvider) else { return first }
            return CargoSetting.helperName(own)
        }
    }

    package func keeper(in surroundings: Surroundings) throws(StoreError) -> Keeper {
        let config = CargoConfig(surroundings)
        var keeper = Keeper()
        var programs: [String] = []
        if let providers = config.globalProviders {
            let first = providers.last.flatMap(CargoSetting.helperName)
            keeper = Keeper(providers.joined(separator: ", "), isOurs: first != nil)
            keeper.account = first?.account
            // If cargo's own provider finds no token, cargo asks the next one.
            keeper.isAsked =
                providers.last { $0 != Cargo.builtIn }.map(CargoSetting.isOurs) == true
            if keeper.isAsked, !keeper.isOurs {
                keeper.leak = (
                    "`cargo login` writes tokens in plain text here, because another file or "
                        + "variable puts \(Cargo.builtIn) before Keyfob",
                    "remove it from registry.global-credential-providers there"
                )
            }
            keeper.readsFile = providers.contains(Cargo.builtIn)
            programs = providers
        }
        for name in config.names + ["crates-io"] {
            guard let own = config.ownProvider(of: name) else { continue }
            programs.append(own)
            guard CargoSetting.isOurs(own) != keeper.isOurs || !keeper.isOurs else { continue }
            keeper.exceptions.append(
                Keeper.Exception(
                    registry: name.string, name: own, isOurs: CargoSetting.isOurs(own)))
        }
        keeper.missing = Set(
            programs.compactMap { $0.split(separator: " ").first.map(String.init) }
        )
        .filter { !$0.hasPrefix("cargo:") && !config.isAlias($0) }
        .filter { surroundings.program($0) == nil }.sorted()
        return keeper
    }

    private func setting(
        _ registry: String?, _ surroundings: Surroundings
    ) -> CargoSetting {
        let configs = files("config", in: folder(surroundings))
        return CargoSetting(
            configs.first(where: \.exists) ?? configs[1], registry: registry.flatMap(Text.init))
    }

    package func plan(
        for registry: String?, in surroundings: Surroundings
    ) throws(StoreError) -> SetupPlan {
        var advice = ["to move logins from cargo's plain-text files: keyfob import"]
        let config = CargoConfig(surroundings)
        for name in config.names + ["crates-io"] where registry == nil {
            guard let own = config.ownProvider(of: name), !CargoSetting.isOurs(own) else {
                continue
            }
            advice.append(
                "cargo still uses \(own) for \(name); to change that: keyfob setup cargo "
                    + "--registry \(name)"
            )
        }
        return try SetupPlan(setting(registry, surroundings), advice: advice)
    }
}

/// `credentials.toml`, in which cargo keeps tokens in plain text: `registry.token` for crates.io,
/// `registries.NAME.token` for others; `secret-key` is a private key of its asymmetric tokens.
package struct CargoCredentials: PlaintextTarget {
    package let file: ClientFile
    private let surroundings: Surroundings

    package init(_ file: ClientFile, _ surroundings: Surroundings) {
        self.file = file
        self.surroundings = surroundings
    }

    package var client: any Client { Cargo() }

    package func contents(of content: Secret) throws(StoreError) -> PlaintextContents {
        let config = CargoConfig(surroundings)
        return PlaintextContents(
            logins: try file.toml(content).places.compactMap { login($0, config) })
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
                .unexpectedContent, "\(file.path) sets \(table) in a form that keyfob cannot edit",
                hint: "edit the file by hand")
        }
        return changed
    }

    /// Returns the keys under which cargo looks for a login's token. Throws `failed` if cargo's
    /// configuration has no name for a registry with that index.
    private func keys(of entry: Entry) throws(StoreError) -> [Text] {
        let url = entry["url"] ?? ""
        if url == CargoIndex.cratesIO { return ["registry", "token"] }
        let config = CargoConfig(surroundings)
        let known = [entry.cargoName].compactMap(\.self) + config.names
        guard let name = known.first(where: { config.index(of: $0) == url }) else {
            throw StoreError(
                .noIndexName, "cargo's config.toml has no name for it",
                hint: "name it there: registries.NAME.index = \"\(url)\"")
        }
        return ["registries", name, "token"]
    }

    @discardableResult
    package func remove(where isMeant: LoginTest) throws(StoreError) -> [Entry] {
        let config = CargoConfig(surroundings)
        return try edit { content, edits throws(StoreError) in
            let text = try file.toml(content)
            var removed: [Entry] = []
            var places: [TOMLText.Place] = []
            for found in text.places {
                guard let login = login(found, config), isMeant(login) else { continue }
                places.append(found.place)
                removed.append(login.entry)
            }
            text.cut(places, in: &edits)
            return removed
        }
    }

    private func login(
        _ found: (keys: [Text], place: TOMLText.Place), _ config: CargoConfig
    ) -> PlaintextLogin? {
        guard let kind = found.keys.last, ["token", "secret-key"].contains(kind),
            let secret = found.place.entry.value.secret, !secret.isEmpty
        else { return nil }
        let name: Text
        switch found.keys.dropLast() {
        case ["registry"]: name = "crates-io"
        case let keys where keys.count == 2 && keys.first == "registries": name = found.keys[1]
        default: return nil
        }
        // If the index is not known, the name takes its place.
        let url = name == "crates-io" ? CargoIndex.cratesIO : config.index(of: name)
        let entry = Entry.cargo(url: url ?? name, name: name)
        var obstacle: String?
        if url == nil { obstacle = "cargo's configuration has no single index for it" }
        if let own = config.ownProvider(of: name), !CargoSetting.isOurs(own) {
            obstacle = "credential-provider makes cargo use only \(own) for it"
        }
        if kind == "secret-key" { obstacle = "it is a private key, which no provider can return" }
        return PlaintextLogin(entry, secret: secret, obstacle: obstacle)
    }
}

/// cargo's `registry.global-credential-providers`, of which the last is asked first, or the
/// `credential-provider` of one registry (cargo 1.95).
private struct CargoSetting: HelperSetting {
    let file: ClientFile
    /// The registry's name; nil for all registries.
    private let registry: Text?
    private static let provider = ProgramName.credentialProvider.rawValue

    init(_ file: ClientFile, registry: Text?) {
        self.file = file
        self.registry = registry
    }

    var name: String { (table + [key]).map(\.string).joined(separator: ".") }

    private var table: [Text] {
        guard let registry, registry != "crates-io" else { return ["registry"] }
        return ["registries", registry]
    }

    private var key: Text {
        registry == nil ? "global-credential-providers" : "credential-provider"
    }

    func value(in content: Secret?) throws(StoreError) -> String? {
        guard let content, let entry = entry(try file.toml(content)) else { return nil }
        return providers(entry)?.joined(separator: ", ") ?? "?"
    }

    func isOurs(_ value: String) -> Bool {
        CargoSetting.helperName(value).map { $0.account == nil } ?? false
    }

    /// Returns true if the provider that cargo asks first is Keyfob's.
    static func isOurs(_ value: String) -> Bool { helperName(value) != nil }

    /// Returns the name of Keyfob's that the last provider of the list is, which cargo asks first;
    /// nil if that is another program.
    static func helperName(_ value: String) -> HelperName? {
        let last = value.split(separator: ", ").last ?? value[...]
        return HelperName(last.split(separator: " ").first ?? "", of: .credentialProvider)
    }

    func splice(into content: Secret?) throws(StoreError) -> Splice {
        // Without a list cargo asks its own provider, which also finds tokens in variables: it
        // stays.
        let others = registry == nil ? [Cargo.builtIn] : []
        guard let content, content.count > 0 else { return Splice(0..<0, header + line(others)) }
        let text = try file.toml(content)
        if let entry = entry(text) {
            guard let providers = providers(entry) else {
                throw StoreError(
                    .unexpectedContent, "\(name) in \(file.path) is not a list",
                    hint: "edit the file by hand")
            }
            let keys = text.keys(of: entry)
            return Splice(
                entry.range, "\(keys) = \(list(registry == nil ? providers : []))")
        }
        if let table = text.tables.first(where: { $0.keys == self.table && !$0.isElement }) {
            return text.newLine(line(others), at: table.bodyStart)
        }
        guard !text.places.contains(where: { $0.keys.starts(with: table) }) else {
            throw StoreError(
                .unexpectedContent,
                "\(file.path) sets \(table.map(\.string).joined(separator: ".")) in a form that "
                    + "keyfob cannot edit",
                hint: "add \(name) = \(list(others)) by hand")
        }
        return text.newLine("\n" + header + line(others), at: content.count)
    }

    private func entry(_ text: TOMLText) -> TOMLText.Entry? {
        text.places.first { $0.keys == table + [key] }?.place.entry
    }

    /// Returns the elements of a list, or the words of a string; nil if the value is neither.
    private func providers(_ entry: TOMLText.Entry) -> [String]? {
        if let words = entry.value.text {
            return words.string.split(separator: " ").map(String.init)
        }
        guard case .array(let values) = entry.value.kind else { return nil }
        let providers = values.compactMap(\.text?.string)
        return providers.count == values.count ? providers : nil
    }

    private var header: String { "[\(table.map(TOMLText.spelled).joined(separator: "."))]\n" }

    private func line(_ others: [String]) -> String { "\(key) = \(list(others))\n" }

    private func list(_ others: [String]) -> String {
        let all = others.filter { $0 != CargoSetting.provider } + [CargoSetting.provider]
        return "[" + all.map { "\"\($0)\"" }.joined(separator: ", ") + "]"
    }
}
