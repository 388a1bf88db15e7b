package import Credentials
package import Files
internal import JSON
package import TextEditing

extension ClientFile {
    /// Returns the content as a JSON object; nil if it is blank. Throws `notJSON` if it is
    /// anything else, and `unexpectedContent` if it has a name twice.
    package func object(_ content: Secret) throws(StoreError) -> JSONText? {
        let text: JSONText
        do throws(JSON.Fault) {
            text = try JSONText(content)
        } catch {
            throw StoreError(
                .notJSON, "\(path) is not JSON: \(error)", hint: "correct the file by hand")
        }
        guard let root = text.root else { return nil }
        guard let members = root.members else {
            throw StoreError(.notJSON, "\(path) is not a JSON object")
        }
        // Go's decoder merges names that differ only in case, so it is not known which logins there
        // are.
        let names = Set(members.map(\.name.folded))
        guard names.count == members.count else {
            throw StoreError(
                .unexpectedContent, "\(path) has the same name twice",
                hint: "correct the file by hand")
        }
        return text
    }

    /// Returns the content with a string at the end of a path of objects; see `JSONText.setting`.
    func setting(
        _ path: [JSONText.Step], to string: Secret, in content: Secret, indent: String
    ) throws(StoreError) -> Secret {
        var text = try object(content)
        if text == nil { text = try object("{}".secret) }
        let value = try JSONText.quoted(string)
        guard let changed = text?.setting(path, to: value, indent: indent) else {
            throw StoreError(
                .unexpectedContent, "\(self.path) has something unexpected in its place",
                hint: "correct the file by hand")
        }
        return changed
    }
}
