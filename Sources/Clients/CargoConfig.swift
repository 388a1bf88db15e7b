internal import Credentials
internal import Files
internal import TextEditing

/// The settings of registries in cargo's config files and variables.
struct CargoConfig {
    private let surroundings: Surroundings
    private var values: [[Text]: [TOMLText.Value]] = [:]
    /// The names of the registries in the config files.
    private(set) var names: [Text] = []

    init(_ surroundings: Surroundings, _ files: [ClientFile]? = nil) {
        self.surroundings = surroundings
        var seen: Set<Text> = []
        let files = files ?? Cargo().configs(surroundings)
        for (keys, place) in files.compactMap({ try? $0.toml($0.read()) }).flatMap(\.places) {
            values[keys, default: []].append(place.entry.value)
            if keys.count == 3, keys[0] == "registries", seen.insert(keys[1]).inserted {
                names.append(keys[1])
            }
        }
    }

    private func variable(_ name: Text, _ suffix: String) -> String? {
        let upper = name.string.uppercased().replacing("-", with: "_")
        return surroundings["CARGO_REGISTRIES_\(upper)_\(suffix)"]
    }

    /// Returns the name of the variable with a registry's token; nil if it is not set.
    func tokenVariable(of name: Text) -> String? {
        let upper = name.string.uppercased().replacing("-", with: "_")
        let variable =
            name == "crates-io" ? "CARGO_REGISTRY_TOKEN" : "CARGO_REGISTRIES_\(upper)_TOKEN"
        return surroundings[variable] == nil ? nil : variable
    }

    /// Returns the index URL of a registry as cargo asks for it. Nil if it is not known, or if the
    /// config files disagree: then cargo would not find the token in another folder.
    func index(of name: Text) -> Text? {
        if let index = variable(name, "INDEX") {
            return Text(index).flatMap { CargoIndex.normalForm(of: $0) }
        }
        let indexes = Set((values[["registries", name, "index"]] ?? []).map(\.text))
        guard indexes.count == 1, let index = indexes.first ?? nil else { return nil }
        return CargoIndex.normalForm(of: index)
    }

    private static func words(_ text: String) -> [String] {
        text.split(separator: " ").map(String.init)
    }

    /// Returns the words of the nearest value; nil if there is none.
    private func words(_ keys: [Text]) -> [String]? {
        guard let value = values[keys]?.first else { return nil }
        return value.text.map { CargoConfig.words($0.string) }
            ?? value.elements.compactMap(\.text?.string)
    }

    private static let globalKeys: [Text] = ["registry", "global-credential-providers"]

    /// True if a file names the providers for all registries.
    var hasGlobalList: Bool { values[CargoConfig.globalKeys] != nil }

    /// The providers for all registries, of all files, without their arguments, which may be
    /// secrets; cargo asks the last one first. Nil if none is set.
    var globalProviders: [String]? {
        let lists = values[CargoConfig.globalKeys]?.reversed()
            .flatMap { $0.elements.compactMap(\.text?.string) }
        let more = surroundings["CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS"]
            .map(CargoConfig.words)
        guard lists != nil || more != nil else { return nil }
        return ((lists ?? []) + (more ?? [])).map { CargoConfig.words($0).first ?? "" }
    }

    /// Returns the keys of the table with the settings of a registry.
    static func table(of name: Text) -> [Text] {
        name == "crates-io" ? ["registry"] : ["registries", name]
    }

    private static func keys(ofOwnProvider name: Text) -> [Text] {
        table(of: name) + ["credential-provider"]
    }

    /// The registries that have a provider of their own.
    var ownProviders: [(registry: Text, provider: String)] {
        (names + ["crates-io"]).compactMap { name in ownProvider(of: name).map { (name, $0) } }
    }

    /// Returns the provider that is set for one registry, without its arguments, which may be
    /// secrets; nil if there is none.
    func ownProvider(of name: Text) -> String? {
        let value =
            name == "crates-io"
            ? surroundings["CARGO_REGISTRY_CREDENTIAL_PROVIDER"]
            : variable(name, "CREDENTIAL_PROVIDER")
        return (value.map(CargoConfig.words) ?? words(CargoConfig.keys(ofOwnProvider: name)))?.first
    }

    /// True if a file names the provider of a registry in a list: cargo accepts no string beside it.
    func hasList(forOwnProvider name: Text) -> Bool {
        values[CargoConfig.keys(ofOwnProvider: name)]?.contains { $0.text == nil } == true
    }

    /// True if cargo asks Keyfob for a registry, perhaps after others.
    func asksKeyfob(for name: Text) -> Bool {
        ownProvider(of: name).map(CargoSetting.namesKeyfob)
            ?? globalProviders?.contains(where: CargoSetting.namesKeyfob) == true
    }

    func isAlias(_ word: String) -> Bool { program(word) != word }

    /// Returns the program of a provider, which may be an alias.
    private func program(_ word: String) -> String {
        Text(word).flatMap { words(["credential-alias", $0])?.first } ?? word
    }

    /// True if cargo finds tokens in its files, unless a registry has a provider of its own.
    var readsFile: Bool {
        globalProviders?.contains { program($0) == Cargo.builtIn } ?? true
    }

    /// The program, not Keyfob's, that cargo asks before its own files; nil if there is none.
    var rival: String? {
        (globalProviders ?? []).reversed().prefix { program($0) != Cargo.builtIn }
            .first { !CargoSetting.namesKeyfob(program($0)) }
    }
}
