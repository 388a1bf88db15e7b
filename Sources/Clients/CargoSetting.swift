internal import Credentials
internal import Files
internal import TextEditing

/// cargo's `registry.global-credential-providers`, of which the last is asked first, or the
/// `credential-provider` of one registry (cargo 1.95).
struct CargoSetting: HelperSetting {
    let file: ClientFile
    /// The registry's name; nil for all registries.
    let registry: Text?
    /// The providers that a new list names before Keyfob.
    let others: [String]
    /// True if the value is to be a string. Of one registry it usually is one, and cargo accepts no
    /// list beside a string in another file, such as a project's.
    let isString: Bool
    private static let provider = ProgramName.credentialProvider.rawValue

    var name: String { (table + [key]).map(\.string).joined(separator: ".") }

    private var table: [Text] { CargoConfig.table(of: registry ?? "crates-io") }

    private var key: Text {
        registry == nil ? "global-credential-providers" : "credential-provider"
    }

    func value(in content: Secret?) throws(StoreError) -> String? {
        guard let entry = entry(try file.toml(content)) else { return nil }
        // The other words of a provider are its arguments, which may be secrets.
        let programs = providers(entry)?.map { $0.split(separator: " ").first ?? "" }
        return programs?.prefix(registry == nil ? .max : 1).joined(separator: ", ") ?? "?"
    }

    func isOurs(_ value: String) -> Bool {
        // A path may lead nowhere.
        let program = value.split(separator: " ").last.map(String.init) ?? ""
        return CargoSetting.helperName(value).map { $0.account == nil } == true
            && (!program.hasPrefix("/") || Path.isExecutable(program))
    }

    /// Returns true if the provider that cargo asks first is Keyfob's.
    static func namesKeyfob(_ value: String) -> Bool { helperName(value) != nil }

    /// Returns the helper name of the last provider of the list, which cargo asks first; nil if that
    /// is another program.
    static func helperName(_ value: String) -> HelperName? {
        let last = value.split(separator: ", ").last ?? value[...]
        return HelperName(last.split(separator: " ").first ?? "", of: .credentialProvider)
    }

    func splice(into content: Secret?) throws(StoreError) -> Splice {
        guard let content, content.count > 0 else { return Splice(0..<0, header + line) }
        let text = try file.toml(content)
        if let entry = entry(text) {
            guard let providers = providers(entry) else {
                throw StoreError(
                    .unexpectedContent, "\(name) in \(file.path) is not a list",
                    hint: "edit the file by hand")
            }
            let before = providers.isEmpty ? others : providers
            return Splice(
                entry.range, "\(text.keys(of: entry)) = \(list(registry == nil ? before : []))")
        }
        if let table = text.tables.first(where: { $0.keys == self.table && !$0.isElement }) {
            return text.newLine(line, at: table.bodyStart)
        }
        guard !text.places.contains(where: { $0.keys.starts(with: table) }) else {
            throw StoreError(
                .unexpectedContent,
                "\(file.path) sets \(table.map(\.string).joined(separator: ".")) in a form that "
                    + "keyfob cannot edit",
                hint: "add \(name) = \(list(others)) by hand")
        }
        return text.newLine("\n" + header + line, at: content.count)
    }

    private func entry(_ text: TOMLText) -> TOMLText.Entry? {
        text.places.first { $0.keys == table + [key] }?.place.entry
    }

    /// Returns the elements of a list, or the words of a string; nil if the value is neither.
    private func providers(_ entry: TOMLText.Entry) -> [String]? {
        if let words = entry.value.text {
            return words.string.split(separator: " ").map(String.init)
        }
        return entry.value.strings
    }

    private var header: String { "[\(table.map(TOMLText.spelled).joined(separator: "."))]\n" }

    private var line: String { "\(key) = \(list(others))\n" }

    private func list(_ others: [String]) -> String {
        if isString { return "\"\(CargoSetting.provider)\"" }
        let all = others.filter { $0 != CargoSetting.provider } + [CargoSetting.provider]
        return "[" + all.map { "\"\($0)\"" }.joined(separator: ", ") + "]"
    }
}
