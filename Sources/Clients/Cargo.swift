package import Credentials
package import Files
package import TextEditing

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
    package var variables: [String] {
        ["CARGO_HOME", "CARGO_CREDENTIAL_ALIAS_*", "CARGO_REGISTRIES_*", "CARGO_REGISTRY_*"]
    }

    /// `CARGO_REGISTRY_TOKEN` is for crates.io; the others name a registry, and not its URL.
    package func isLogin(variable name: String, for server: Text?) -> Bool {
        guard name.hasPrefix("CARGO_REGISTR"), name.hasSuffix("_TOKEN") || name.hasSuffix("_KEY")
        else { return false }
        guard let server else { return true }
        if queries(for: server, among: []).contains(where: {
            $0.facts["url"] == CargoIndex.cratesIO
        }) {
            return name.hasPrefix("CARGO_REGISTRY_")
        }
        let upper = server.string.uppercased().replacing("-", with: "_")
        return name.hasPrefix(
            knowsByLabel(server) ? "CARGO_REGISTRIES_\(upper)_" : "CARGO_REGISTRIES_")
    }

    // MARK: Lookup

    package func ignores(variable: String, in surroundings: Surroundings) -> Bool {
        let config = CargoConfig(surroundings)
        let names = (config.names + ["crates-io"]).filter {
            config.tokenVariable(of: $0) == variable
        }
        return !names.isEmpty && !names.contains(where: config.asksBuiltIn)
    }

    package func prefersVariables(in surroundings: Surroundings) -> Bool {
        (try? keeper(in: surroundings))?.isOurs != true
    }

    package func remainders(
        for server: Text?, in surroundings: Surroundings
    ) -> [Remainder] {
        let config = CargoConfig(surroundings)
        let known = namedEntries(in: surroundings)
        let urls = server.map { queries(for: $0, among: known).map { $0.facts["url"] } }
        let names = (config.names + ["crates-io"]).filter { name in
            let url = name == "crates-io" ? CargoIndex.cratesIO : config.index(of: name)
            return urls?.contains(url) ?? true
        }
        let asked = names.flatMap { name -> [String] in
            config.ownProvider(of: name).map { [$0] } ?? config.globalProviders ?? []
        }
        // These find nothing here, or what was in the keyring.
        let others =
            ["cargo:macos-keychain", "cargo:wincred", Cargo.builtIn]
            + (surroundings.usesKeyring ? ["cargo:libsecret"] : [])
        return Set(asked).subtracting(others).sorted().filter {
            !CargoSetting.namesKeyfob($0)
                && ($0.hasPrefix("cargo:") || surroundings.program($0) != nil)
        }.map { provider in
            Remainder(
                place: "cargo",
                problem: StoreError(
                    .loginRemains, "cargo also asks \(provider), which may have one",
                    hint: "remove it there: cargo logout"))
        }
    }

    /// Users know registries by their names, which are in the labels of logins.
    package func queries(for server: Text, among entries: [Entry]) -> [Query] {
        var urls = [CargoIndex.normalForm(of: server) ?? server, server]
        if CargoIndex.namesOfCratesIO.contains(urls[0].string) { urls.append(CargoIndex.cratesIO) }
        for entry in entries
        where entry.cargoName == server || entry.serverName == server.string {
            urls += [entry["url"]].compactMap(\.self)
        }
        var seen: Set<Text> = []
        return urls.filter { seen.insert($0).inserted }.map { Query(.cargo, ["url": $0]) }
    }

    package func namedEntries(in surroundings: Surroundings) -> [Entry] {
        let config = CargoConfig(surroundings)
        return config.names.compactMap { name in
            config.index(of: name).map { .cargo(url: $0, name: name) }
        }
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
        // cargo asks for crates.io by the URL of its git index, not by the other one.
        guard url == CargoIndex.cratesIO || !CargoIndex.namesOfCratesIO.contains(url.string) else {
            return try place(of: "crates-io", named: name, among: entries)
        }
        guard CargoIndex.normalForm(of: url) == url else { throw refusal(of: server, form) }
        let isURL = server.string.contains("://")
        let label = isURL ? name.flatMap { Text($0) } : server
        return LoginPlace { _ in .cargo(url: url, name: label) }
    }

    // MARK: Its own files

    /// cargo's own provider, which finds tokens in plain text.
    static let builtIn = "cargo:token"

    private func folder(_ surroundings: Surroundings) -> String {
        surroundings.folder("CARGO_HOME", else: "/.cargo")
    }

    /// The file under its old name, without `.toml`, which wins if it exists, and under its new
    /// one.
    private func files(_ name: String, in folder: String) -> [ClientFile] {
        [name, "\(name).toml"].map { ClientFile("\(folder)/\($0)") }
    }

    /// Returns cargo's config files, the one with the highest precedence first. `areAll` adds those
    /// that do not exist, or that cargo does not read because one with the older name exists;
    /// `everywhere` leaves only those that it reads in every folder.
    func configs(
        _ surroundings: Surroundings, areAll: Bool = false, everywhere: Bool = false
    ) -> [ClientFile] {
        let own = folder(surroundings)
        var folders = everywhere ? [] : [ClientFile(".cargo").path]
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
        guard depth < 8, let text = try? file.toml(file.read()) else { return [file] }
        let list = text.place(["include"])?.value
        let tables = text.tables.filter { $0.isElement && $0.keys == ["include"] }
        let paths =
            (list?.elements ?? [list].compactMap(\.self)).map { $0.text ?? $0["path"]?.text }
            + tables.map { $0.entries.first { $0.keys == ["path"] }?.value.text }
        return [file]
            + paths.compactMap(\.?.string).reversed().flatMap { path in
                let isWhole = path.hasPrefix("/")
                return withIncluded(
                    ClientFile(isWhole ? path : "\(file.path.folder)/\(path)"), depth: depth + 1)
            }
    }

    /// Returns the files of tokens, with those that they include.
    private func credentials(_ surroundings: Surroundings, areAll: Bool) -> [ClientFile] {
        let files = files("credentials", in: folder(surroundings))
        return (areAll ? files : Array(files.filter(\.exists).prefix(1))).flatMap {
            Cargo.withIncluded($0)
        }
    }

    package func plaintextFiles(in surroundings: Surroundings) -> [any PlaintextFile] {
        let read = credentials(surroundings, areAll: false) + configs(surroundings)
        let all =
            credentials(surroundings, areAll: true) + configs(surroundings, areAll: true)
        return all.map {
            CargoCredentials(file: $0, surroundings: surroundings, isRead: read.contains($0))
        }
    }

    /// Returns the reason why cargo would not ask Keyfob for a registry that has no provider of its
    /// own; nil if it does, or may be set up to.
    fileprivate func refusal(_ surroundings: Surroundings) -> String? {
        guard let keeper = try? keeper(in: surroundings), !keeper.isAsked,
            keeper.exceptions.contains(where: \.isOurs)
        else { return nil }
        return "cargo asks Keyfob for other registries alone"
    }

    package func plaintextTarget(
        in surroundings: Surroundings
    ) throws(StoreError) -> any PlaintextTarget {
        let files = files("credentials", in: folder(surroundings))
        return CargoCredentials(
            file: files.first(where: \.exists) ?? files[1], surroundings: surroundings)
    }

    // MARK: Its helper

    package func helperNames(
        in surroundings: Surroundings
    ) throws(StoreError) -> (Entry) -> [HelperName] {
        let config = CargoConfig(surroundings)
        let global = (config.globalProviders ?? []).reversed().compactMap(CargoSetting.helperName)
        let indexes = Dictionary(grouping: config.names, by: config.index)
        return { entry in
            // cargo may know the registry by another name now than when the login was stored.
            let isCratesIO = entry["url"] == CargoIndex.cratesIO
            let names =
                [entry.cargoName].compactMap(\.self)
                + (isCratesIO ? ["crates-io"] : indexes[entry["url"]] ?? [])
            let own = names.compactMap(config.ownProvider)
            return own.isEmpty ? global : own.compactMap(CargoSetting.helperName)
        }
    }

    package func keeper(in surroundings: Surroundings) throws(StoreError) -> Keeper {
        let config = CargoConfig(surroundings)
        var keeper = Keeper()
        var programs: [String] = []
        if let providers = config.globalProviders {
            let first = providers.last.flatMap(CargoSetting.helperName)
            keeper = Keeper(providers.joined(separator: ", "), first)
            // If cargo's own provider finds no token, cargo asks the next one.
            keeper.isAsked =
                providers.last { $0 != Cargo.builtIn }.map(CargoSetting.namesKeyfob) == true
            if keeper.isAsked, !keeper.isOurs {
                keeper.leak = (
                    "`cargo login` writes tokens in plain text here, because another file or "
                        + "variable puts \(Cargo.builtIn) before Keyfob",
                    "remove it from registry.global-credential-providers there"
                )
            }
            keeper.readsFile = config.readsFile
            keeper.asksFirst = config.rival != nil
            programs = providers
        }
        for (name, own) in config.ownProviders {
            programs.append(own)
            guard CargoSetting.namesKeyfob(own) != keeper.isOurs || !keeper.isOurs else { continue }
            keeper.exceptions.append(
                Keeper.Exception(
                    registry: name.string, name: own == Cargo.builtIn ? nil : own,
                    isOurs: CargoSetting.namesKeyfob(own)))
        }
        keeper.missing = Set(programs)
            .filter { !$0.hasPrefix("cargo:") && surroundings.program($0) == nil }.sorted()
        return keeper
    }

    package func isAsked(
        for registry: String?, in surroundings: Surroundings
    ) throws(StoreError) -> Bool {
        guard let registry else { return try keeper(in: surroundings).isAsked }
        let own = Text(registry).flatMap(CargoConfig(surroundings).ownProvider)
        return own.map(CargoSetting.namesKeyfob) == true
    }

    private func setting(
        _ registry: String?, _ surroundings: Surroundings
    ) -> CargoSetting {
        let configs = files("config", in: folder(surroundings))
        let file = configs.first(where: \.exists) ?? configs[1]
        let name = registry.flatMap(Text.init)
        // Without a list cargo asks its own provider, which also finds tokens in variables: it
        // stays. A list in an included file is joined to that of the file.
        let isJoined = CargoConfig(surroundings, Cargo.withIncluded(file)).hasGlobalList
        return CargoSetting(
            file: file, registry: name, others: name == nil && !isJoined ? [Cargo.builtIn] : [],
            isString: name.map { !CargoConfig(surroundings).hasList(forOwnProvider: $0) } ?? false)
    }

    package func plan(
        for registry: String?, in surroundings: Surroundings
    ) throws(StoreError) -> SetupPlan {
        var advice: [String] = []
        let config = CargoConfig(surroundings)
        if let registry {
            let name = Text(registry)
            guard let name, name == "crates-io" || config.index(of: name) != nil else {
                throw StoreError(
                    .noIndexName, "cargo's configuration has no registry named \(registry)",
                    hint: "name it there: registries.NAME.index = \"URL\"")
            }
            if let variable = config.tokenVariable(of: name) {
                advice.append("cargo does not use \(variable) any more: unset \(variable)")
            }
        } else {
            advice += (config.names + ["crates-io"]).compactMap(config.tokenVariable).map {
                "cargo uses \($0) only if Keyfob has no login: unset \($0)"
            }
        }
        for (name, own) in config.ownProviders
        where registry == nil && !CargoSetting.namesKeyfob(own) {
            advice.append(
                "cargo still uses \(own) for \(name); to change that: keyfob setup cargo "
                    + "--registry \(name)"
            )
        }
        let setting = self.setting(registry, surroundings)
        let files = configs(surroundings).prefix { $0 != setting.file }
        let nearer = CargoConfig(surroundings, Array(files))
        let first =
            registry.map { Text($0).flatMap(nearer.ownProvider) }
            ?? nearer.globalProviders?.last { $0 != Cargo.builtIn }
        guard first.map(CargoSetting.namesKeyfob) != false else {
            throw StoreError(
                .settingOverridden,
                "cargo does not follow \(setting.name) in \(setting.file.path): another file or "
                    + "variable overrides it",
                hint: "see: keyfob status")
        }
        return try SetupPlan(setting, advice: advice)
    }
}

/// `credentials.toml`, in which cargo keeps tokens in plain text: `registry.token` for crates.io,
/// `registries.NAME.token` for others; `secret-key` is a private key of its asymmetric tokens.
package struct CargoCredentials: PlaintextTarget {
    package let file: ClientFile
    let surroundings: Surroundings
    var isRead = true

    package var client: any Client { Cargo() }

    package func contents(of content: Secret) throws(StoreError) -> PlaintextContents {
        let config = CargoConfig(surroundings)
        let refusal = Cargo().refusal(surroundings)
        let everywhere = Cargo().configs(surroundings, everywhere: true)
        let elsewhere = CargoConfig(
            Surroundings(home: surroundings.home, variables: [:], user: surroundings.user),
            everywhere)
        let isReadElsewhere =
            everywhere.contains(file)
            || isRead && !Cargo().configs(surroundings).contains(file)
        var logins = try file.toml(content).places.compactMap { login($0, config, refusal) }
        for index in logins.indices where isReadElsewhere && logins[index].obstacle == nil {
            guard let name = logins[index].entry.cargoName, config.asksKeyfob(for: name),
                !elsewhere.asksKeyfob(for: name)
            else { continue }
            logins[index].obstacle =
                "cargo asks Keyfob for it only here, by this folder or a variable"
        }
        return PlaintextContents(logins: logins)
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

    /// Returns the keys under which cargo looks for a login's token. Throws if cargo's
    /// configuration has no name for a registry with that index.
    private func keys(of entry: Entry) throws(StoreError) -> [Text] {
        let url = entry["url"] ?? ""
        if url == CargoIndex.cratesIO { return ["registry", "token"] }
        let config = CargoConfig(surroundings)
        let known = [entry.cargoName].compactMap(\.self) + config.names
        guard let name = known.first(where: { config.index(of: $0) == url }) else {
            throw StoreError(
                .noIndexName, "cargo's config.toml has no name for it",
                hint: "name it there: registries.NAME.index = \"\(entry.serverName)\"")
        }
        return ["registries", name, "token"]
    }

    package func cut(
        where isMeant: LoginTest, of content: Secret, in edits: inout Edits, keepsMarks: Bool
    ) throws(StoreError) -> [Entry] {
        let config = CargoConfig(surroundings)
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

    private func login(
        _ found: (keys: [Text], place: TOMLText.Place), _ config: CargoConfig,
        _ refusal: String? = nil
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
        let own = config.ownProvider(of: name)
        let rival = own == nil ? config.rival : nil
        var obstacle: String?
        if own == nil { obstacle = refusal }
        if let rival {
            obstacle = "registry.global-credential-providers makes cargo ask \(rival) first"
        }
        if url == nil { obstacle = "cargo's configuration has no single index for it" }
        if let own, !CargoSetting.namesKeyfob(own) {
            obstacle = "credential-provider makes cargo use only \(own) for it"
        }
        if kind == "secret-key" { obstacle = "it is a private key, which no provider can return" }
        let unused = unused(found.keys, config)
        var login = PlaintextLogin(entry, secret: secret, obstacle: unused ?? obstacle)
        login.isShadowed = unused != nil || rival != nil && !config.readsFile
        return login
    }

    /// Returns the reason why cargo does not use a token of the file; nil if it may use it.
    private func unused(_ keys: [Text], _ config: CargoConfig) -> String? {
        if !isRead { return "cargo does not read this file" }
        if keys.prefix(2) == ["registries", "crates-io"] {
            return "cargo reads only registry.token for crates.io"
        }
        return config.tokenVariable(of: keys.count == 2 ? "crates-io" : keys[1])
            .map { "cargo uses the variable \($0) instead" }
    }
}
