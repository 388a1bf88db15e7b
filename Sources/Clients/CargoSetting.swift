package import Credentials
package import TextEditing

/// cargo's `registry.global-credential-providers`, of which the last is asked first, or for one
/// registry its `credential-provider` (cargo 1.95).
package struct CargoSetting: HelperSetting {
    package let file: ClientFile
    /// The registry's name; nil for all of them.
    private let registry: Text?
    private let provider = "cargo-credential-keyfob"

    package init(_ file: ClientFile, registry: Text? = nil) {
        self.file = file
        self.registry = registry
    }

    package var name: String { (table + [key]).map(\.string).joined(separator: ".") }

    private var table: [Text] {
        guard let registry, registry != "crates-io" else { return ["registry"] }
        return ["registries", registry]
    }

    private var key: Text {
        registry == nil ? "global-credential-providers" : "credential-provider"
    }

    package func value(in content: Secret?) throws(StoreError) -> String? {
        guard let content, let entry = entry(try file.toml(content)) else { return nil }
        return providers(entry)?.joined(separator: ", ") ?? "?"
    }

    package func isOurs(_ value: String) -> Bool {
        value == provider || value.hasSuffix(", " + provider)
    }

    package func splice(into content: Secret?) throws(StoreError) -> Splice {
        // Without a list cargo asks its own provider, which also knows tokens in the environment.
        let others = registry == nil ? ["cargo:token"] : []
        guard let content, content.count > 0 else { return Splice(0..<0, header + line(others)) }
        let text = try file.toml(content)
        if let entry = entry(text) {
            guard let providers = providers(entry) else {
                throw StoreError(
                    .failed, "\(name) in \(file.path) is not a list", hint: "mend it by hand")
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
                .failed,
                "\(file.path) has \(table.map(\.string).joined(separator: ".")) without a table of its own",
                hint: "add \(name) = \(list(others)) by hand")
        }
        return text.newLine("\n" + header + line(others), at: content.count)
    }

    private func entry(_ text: TOMLText) -> TOMLText.Entry? {
        text.places.first { $0.keys == table + [key] }?.place.entry
    }

    /// A list, or words in one string.
    private func providers(_ entry: TOMLText.Entry) -> [String]? {
        if let words = entry.value.text {
            return words.string.split(separator: " ").map(String.init)
        }
        guard case .array(let values) = entry.value.kind else { return nil }
        let providers = values.compactMap { $0.text?.string }
        return providers.count == values.count ? providers : nil
    }

    private var header: String { "[\(table.map(TOMLText.spelled).joined(separator: "."))]\n" }

    private func line(_ others: [String]) -> String { "\(key) = \(list(others))\n" }

    private func list(_ others: [String]) -> String {
        let all = others.filter { $0 != provider } + [provider]
        return "[" + all.map { "\"\($0)\"" }.joined(separator: ", ") + "]"
    }
}
