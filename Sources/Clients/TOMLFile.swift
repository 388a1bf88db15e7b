internal import Credentials
internal import Files
internal import TextEditing

extension ClientFile {
    /// Returns the content as TOML; nil if there is no file.
    func toml() throws(StoreError) -> TOMLText? {
        guard let content = try read() else { return nil }
        return try toml(content)
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
