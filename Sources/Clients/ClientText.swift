package import Credentials
package import Files
internal import JSON
package import TextEditing

// The contents of client files as the texts that they are.

extension ClientFile {
    /// Returns the content as a JSON object; nil if it is blank, or there is no file. Throws `notJSON`
    /// if it is anything else, and `unexpectedContent` if it has a name twice.
    package func object(_ content: Secret?) throws(StoreError) -> JSONText? {
        guard let content else { return nil }
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
        _ place: [JSONText.Step], to string: Secret, in content: Secret, indent: String
    ) throws(StoreError) -> Secret {
        var text = try object(content)
        if text == nil { text = try object("{}".secret) }
        let value = try JSONText.quoted(string)
        guard let changed = text?.setting(place, to: value, indent: indent) else {
            throw StoreError(
                .unexpectedContent, "\(path) has something unexpected in its place",
                hint: "correct the file by hand")
        }
        return changed
    }

    func toml(_ content: Secret?) throws(StoreError) -> TOMLText {
        do throws(LineFault) {
            return try TOMLText(content ?? .empty)
        } catch {
            throw StoreError(
                .notTOML, "\(path) is not valid TOML, at line \(error.line)",
                hint: "correct the file by hand")
        }
    }

    func hcl(_ content: Secret) throws(StoreError) -> HCLText {
        do throws(LineFault) {
            return try HCLText(content)
        } catch {
            throw StoreError(
                .unexpectedContent, "\(path) is not valid HCL, at line \(error.line)",
                hint: "correct the file by hand")
        }
    }

    func unusual(_ name: String) -> StoreError {
        StoreError(
            .unexpectedContent, "\(path) has \(name) in a form that keyfob cannot edit",
            hint: "write it as a block with one label: \(name) \"NAME\" { ... }")
    }
}

extension HCLText.Item {
    /// True if it is a block with one label, and nothing in its keys or in those of its attributes
    /// is escaped.
    var isPlainBlock: Bool {
        guard case .object(let attributes) = value else { return false }
        return keys.count == 2
            && (keys + attributes.flatMap(\.keys)).allSatisfy { !$0.contains("\\") }
    }
}

extension Secret {
    /// True if HCL parses it as JSON.
    var isJSON: Bool { trimmed.hasPrefix("{") }
}
