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

    private static func upper(_ name: String) -> String {
        name.uppercased().replacing("-", with: "_")
    }

    private func variable(_ name: Text, _ suffix: String) -> String? {
        surroundings["CARGO_REGISTRIES_\(CargoConfig.upper(name.string))_\(suffix)"]
    }

    /// Returns the name of the variable with a registry's token; nil if it is not set.
    func tokenVariable(of name: Text) -> String? {
        let variable =
            name == "crates-io"
            ? "CARGO_REGISTRY_TOKEN" : "CARGO_REGISTRIES_\(CargoConfig.upper(name.string))_TOKEN"
        return surroundings[variable] == nil ? nil : variable
    }

    /// Returns the index URL of a registry as cargo asks for it. Nil if it is not known, or if the
    /// config files and a variable disagree: then cargo would not find the token elsewhere.
    func index(of name: Text) -> Text? {
        var indexes = Set((values[["registries", name, "index"]] ?? []).map(\.text))
        if let index = variable(name, "INDEX") { indexes.insert(Text(index)) }
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

    /// The providers that the files name for all registries.
    private var list: [String] {
        (values[["registry", "global-credential-providers"]] ?? []).reversed()
            .flatMap { $0.elements.compactMap(\.text?.string) }
    }

    /// True if a file names the providers for all registries.
    var hasGlobalList: Bool { !list.isEmpty }

    /// The providers for all registries, of all files, without their arguments, which may be
    /// secrets; cargo asks the last one first. Nil if none is set.
    var globalProviders: [String]? { all.isEmpty ? nil : all.map(\.program) }

    /// The providers for all registries, as they are named, and their programs.
    private var all: [(name: String, program: String)] {
        let variable = surroundings["CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS"] ?? ""
        return (list + CargoConfig.words(variable)).map(CargoConfig.words).map {
            ($0.first ?? "", program($0))
        }
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
        return (value.map(CargoConfig.words) ?? words(CargoConfig.keys(ofOwnProvider: name)))
            .map(program)
    }

    /// True if a file names the provider of a registry in a list: cargo accepts no string beside it.
    func hasList(forOwnProvider name: Text) -> Bool {
        values[CargoConfig.keys(ofOwnProvider: name)]?.contains { $0.text == nil } == true
    }

    /// True if cargo's own provider is asked for a registry, perhaps after others.
    func asksBuiltIn(for name: Text) -> Bool {
        ownProvider(of: name).map { $0 == Cargo.builtIn } ?? readsFile
    }

    /// True if cargo asks Keyfob for a registry, perhaps after others.
    func asksKeyfob(for name: Text) -> Bool {
        ownProvider(of: name).map(CargoSetting.namesKeyfob)
            ?? globalProviders?.contains(where: CargoSetting.namesKeyfob) == true
    }

    /// Returns the program of a provider, which may be an alias if it has no arguments.
    private func program(_ provider: [String]) -> String {
        let word = provider.first ?? ""
        guard provider.count == 1, !word.hasPrefix("cargo:"), let name = Text(word) else {
            return word
        }
        let variable = surroundings["CARGO_CREDENTIAL_ALIAS_\(CargoConfig.upper(word))"]
        return (variable.map(CargoConfig.words) ?? words(["credential-alias", name]))?.first ?? word
    }

    /// True if cargo finds tokens in its files, unless a registry has a provider of its own.
    var readsFile: Bool {
        globalProviders?.contains(Cargo.builtIn) ?? true
    }

    /// The program, not Keyfob's, that cargo asks before its own files; nil if there is none.
    var rival: String? {
        all.reversed().prefix { $0.program != Cargo.builtIn }
            .first { !CargoSetting.namesKeyfob($0.program) }?.name
    }
}
