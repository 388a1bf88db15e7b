package import Credentials
package import TextEditing

/// terraform's `credentials_helper` in its CLI configuration, of which there may be one.
package struct TerraformSetting: HelperSetting {
    package let file: ClientFile
    private let helper = "keyfob"

    package init(_ file: ClientFile) { self.file = file }

    package var name: String { "credentials_helper" }

    package func value(in content: Secret?) throws(StoreError) -> String? {
        content.flatMap { HCLText($0).labels(of: name).first }
    }

    package func isOurs(_ value: String) -> Bool { value == helper }

    package func splice(into content: Secret?) throws(StoreError) -> Splice {
        let block = "\(name) \"\(helper)\" {}\n"
        guard let content else { return Splice(0..<0, block) }
        if let other = try value(in: content) {
            throw StoreError(
                .failed, "\(file.path) names another helper, \(other), and terraform takes one",
                hint: "take that block out, then try again")
        }
        let endsWithLine = content.expose { $0.count == 0 || $0[$0.count - 1] == 0x0A }
        return Splice(content.count..<content.count, (endsWithLine ? "" : "\n") + block)
    }

    /// The hosts whose tokens stand in the file itself.
    package func hostsWithTokens() throws(StoreError) -> [String] {
        try file.read().map { HCLText($0).labels(of: "credentials") } ?? []
    }
}
