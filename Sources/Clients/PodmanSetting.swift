package import Credentials
package import TextEditing

/// podman's `credential-helpers` in a file of the form of `registries.conf`
/// (containers-registries.conf(5), version 2).
///
/// Where the first helper of the list fails to store a login, podman gives it to the next, and the
/// built-in `containers-auth.json` writes it down in plain text: that one is left out.
package struct PodmanSetting: HelperSetting {
    package let file: ClientFile
    private let helper = "keyfob-podman"

    package init(_ file: ClientFile) { self.file = file }

    package var name: String { PodmanSetting.key }

    private static let key = "credential-helpers"
    private static let builtIn = "containers-auth.json"

    package func value(in content: Secret?) throws(StoreError) -> String? {
        guard let content, let entry = try entry(file.toml(content)) else { return nil }
        return helpers(entry)?.joined(separator: ", ") ?? "?"
    }

    package func isOurs(_ value: String) -> Bool {
        value == helper || value.hasPrefix(helper + ", ")
    }

    package func splice(into content: Secret?) throws(StoreError) -> Splice {
        guard let content else { return Splice(0..<0, line([])) }
        let text = try file.toml(content)
        if let entry = entry(text) {
            guard let others = helpers(entry) else {
                throw StoreError(
                    .failed, "\(PodmanSetting.key) in \(file.path) is not a list",
                    hint: "mend it by hand")
            }
            return Splice(entry.range, String(line(others).dropLast()))
        }
        guard !text.tables.contains(where: { $0.keys.first == "registries" }) else {
            throw StoreError(
                .failed, "\(file.path) is in podman's old format, which knows no helpers",
                hint: "see: man containers-registries.conf")
        }
        // Before the first table, or it would be a key of that.
        guard let last = text.tables[0].entries.last else { return Splice(0..<0, line([])) }
        return text.newLine(line([]), after: last.range)
    }

    private func entry(_ text: TOMLText) -> TOMLText.Entry? {
        text.tables[0].entries.first { $0.keys.map(\.string) == [PodmanSetting.key] }
    }

    private func helpers(_ entry: TOMLText.Entry) -> [String]? {
        guard case .array(let values) = entry.value.kind else { return nil }
        let helpers = values.compactMap { $0.text?.string }
        return helpers.count == values.count ? helpers : nil
    }

    private func line(_ others: [String]) -> String {
        let rest = others.filter { $0 != helper && $0 != PodmanSetting.builtIn }
        let list = ([helper] + rest).map { "\"\($0)\"" }.joined(separator: ", ")
        return "\(PodmanSetting.key) = [\(list)]\n"
    }
}
