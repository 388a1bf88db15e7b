package import Credentials
internal import JSON
package import TextEditing

/// docker's `credsStore`, or for one registry `credHelpers`, in its `config.json`.
package struct DockerSetting: HelperSetting {
    package let file: ClientFile
    /// The registry as docker spells it; nil for all of them.
    private let registry: Text?
    private let helper = "keyfob"

    package init(_ file: ClientFile, registry: Text? = nil) {
        self.file = file
        self.registry = registry
    }

    package var name: String {
        registry.map { "credHelpers of \($0)" } ?? Name.store.string
    }

    package func value(in content: Secret?) throws(StoreError) -> String? {
        guard let content, let text = try file.object(content), let root = text.root else {
            return nil
        }
        let value = registry.map { root[Name.helpers]?[$0] } ?? root[Name.store]
        return text.text(value)?.string
    }

    package func isOurs(_ value: String) -> Bool { value == helper }

    package func splice(into content: Secret?) throws(StoreError) -> Splice {
        guard let content, let text = try file.object(content), let root = text.root else {
            return Splice(0..<(content?.count ?? 0), "{\n\t\(member(depth: 1))\n}\n")
        }
        guard let registry else { return set(Name.store, in: root, of: text, depth: 1) }
        guard let helpers = root[Name.helpers] else {
            return text.addition(member(depth: 1), to: root, depth: 1)
        }
        guard helpers.members != nil else {
            throw StoreError(
                .failed, "\(Name.helpers) in \(file.path) is not an object",
                hint: "mend it by hand")
        }
        return set(registry, in: helpers, of: text, depth: 2)
    }

    package func restoration(of content: Secret, before: String) throws(StoreError) -> Splice? {
        guard let text = try file.object(content), let root = text.root else { return nil }
        let object = registry == nil ? root : root[Name.helpers]
        guard let object, let member = object.member(registry ?? Name.store),
            text.text(member.value).map({ isOurs($0.string) }) == true
        else { return nil }
        // What was there is the whole member; else there was none.
        if before.hasPrefix("\"") { return Splice(member.range, before) }
        return text.removal(member.name, of: object)
    }

    private func set(
        _ name: Text, in object: JSONText.Value, of text: JSONText, depth: Int
    ) -> Splice {
        let member = "\(JSONText.quoted(name)): \"\(helper)\""
        guard let old = object.member(name) else {
            return text.addition(member, to: object, depth: depth)
        }
        return Splice(old.range, member)
    }

    /// The whole setting as a member of the root.
    private func member(depth: Int) -> String {
        guard let registry else { return "\"\(Name.store)\": \"\(helper)\"" }
        let indent = String(repeating: "\t", count: depth)
        return
            "\"\(Name.helpers)\": {\n\(indent)\t\(JSONText.quoted(registry)): \"\(helper)\"\n\(indent)}"
    }

    private enum Name {
        static let store: Text = "credsStore"
        static let helpers: Text = "credHelpers"
    }
}
