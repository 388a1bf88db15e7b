internal import Credentials
internal import Files
internal import TextEditing

extension HCLText.Item {
    /// True if it is a block with one label, and nothing in its keys or in those of its attributes
    /// is escaped.
    var isPlainBlock: Bool {
        guard case .object(let attributes) = value else { return false }
        return keys.count == 2
            && (keys + attributes.flatMap(\.keys)).allSatisfy { !$0.contains("\\") }
    }
}

extension ClientFile {
    func hcl(_ content: Secret) throws(StoreError) -> HCLText {
        do throws(HCLText.Fault) {
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

extension Secret {
    /// True if HCL parses it as JSON.
    var isJSON: Bool { trimmed.hasPrefix("{") }
}
