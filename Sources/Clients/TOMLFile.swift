internal import Credentials
internal import Files
internal import TextEditing

extension ClientFile {
    /// Returns the content as TOML; nil if there is no file.
    func toml() throws(StoreError) -> TOMLText? {
        guard let content = try read() else { return nil }
        return try toml(content)
    }

    /// Changes the TOML in the file by edits of its text. Without edits the file is not written.
    /// Returns true if it was.
    @discardableResult
    func editTOML(_ change: (TOMLText, inout Edits) -> Void) throws(StoreError) -> Bool {
        try edit { content throws(StoreError) in
            guard let content else { return nil }
            let text = try toml(content)
            var edits = Edits()
            change(text, &edits)
            return edits.isEmpty ? nil : edits.applied(to: content)
        }
    }

    func toml(_ content: Secret) throws(StoreError) -> TOMLText {
        do throws(TOMLText.Fault) {
            return try TOMLText(content)
        } catch {
            throw StoreError(
                .notTOML, "\(path) is not valid TOML, at line \(error.line)",
                hint: "correct the file by hand")
        }
    }
}
