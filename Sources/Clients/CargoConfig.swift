internal import Credentials
internal import TextEditing

/// The settings of registries in cargo's config files and variables.
struct CargoConfig {
    private let surroundings: Surroundings
    private var values: [[Text]: [TOMLText.Value]] = [:]
    /// The names of the registries in the config files.
    private(set) var names: [Text] = []

    init(_ surroundings: Surroundings) {
        self.surroundings = surroundings
        var seen: Set<Text> = []
        let files = Cargo().configs(surroundings)
        for (keys, place) in files.compactMap({ try? $0.toml() }).flatMap(\.places) {
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

    /// Returns the words of the joined lists, or of the string that wins; nil if there is none.
    private func words(_ keys: [Text]) -> [String]? {
        guard let values = values[keys] else { return nil }
        if let text = values[0].text {
            return text.string.split(separator: " ").map(String.init)
        }
        return values.reversed().flatMap { $0.elements.compactMap(\.text?.string) }
    }

    /// The providers for all registries; cargo asks the last one first. Nil if none is set.
    var globalProviders: [String]? {
        let list = words(["registry", "global-credential-providers"])
        let more = surroundings["CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS"]?
            .split(separator: " ").map(String.init)
        return more.map { (list ?? []) + $0 } ?? list
    }

    /// Returns the provider that is set for one registry; nil if there is none.
    func ownProvider(of name: Text) -> String? {
        if name == "crates-io" {
            if let provider = surroundings["CARGO_REGISTRY_CREDENTIAL_PROVIDER"] { return provider }
        } else if let provider = variable(name, "CREDENTIAL_PROVIDER") {
            return provider
        }
        let table: [Text] = name == "crates-io" ? ["registry"] : ["registries", name]
        return words(table + ["credential-provider"])?.joined(separator: " ")
    }

    func isAlias(_ word: String) -> Bool { program(word) != word }

    /// Returns the program of a provider, which may be an alias.
    private func program(_ provider: String) -> String {
        let word = provider.split(separator: " ").first.map(String.init) ?? ""
        return Text(word).flatMap { words(["credential-alias", $0])?.first } ?? word
    }

    /// True if cargo finds tokens in its files, unless a registry has a provider of its own.
    var readsFile: Bool {
        globalProviders?.contains { program($0) == Cargo.builtIn } ?? true
    }

    /// True if a program that is not Keyfob's is among the providers for all registries.
    var hasOtherProvider: Bool {
        globalProviders?.contains { program($0) != Cargo.builtIn && !CargoSetting.isOurs($0) }
            ?? false
    }
}
