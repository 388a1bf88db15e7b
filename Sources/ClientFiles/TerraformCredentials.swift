package import Credentials

/// `credentials.tfrc.json`, in which terraform (1.11) keeps tokens where it has no helper:
/// `{"credentials": {HOST: {"token": …}}}`.
package struct TerraformCredentials: PlaintextFile {
    package let file: ClientFile

    package init(_ file: ClientFile) { self.file = file }

    package var client: String { "terraform" }

    package func contents() throws(StoreError) -> PlaintextContents {
        guard let text = try file.json(), let hosts = text.root?[Name.credentials] else {
            return PlaintextContents()
        }
        return PlaintextContents(logins: (hosts.members ?? []).compactMap { login($0, of: text) })
    }

    @discardableResult
    package func remove(
        where isMeant: (PlaintextLogin) -> Bool
    ) throws(StoreError) -> [Entry] {
        var removed: [Entry] = []
        try file.editJSON { text, root, edits in
            removed = []
            guard let hosts = root[Name.credentials], let members = hosts.members else { return }
            var meant: Set<Int> = []
            for (index, member) in members.enumerated() {
                guard let login = login(member, of: text), isMeant(login) else { continue }
                meant.insert(index)
                removed.append(login.entry)
            }
            if !meant.isEmpty { text.cut(meant, of: hosts, in: &edits) }
        }
        return removed
    }

    private func login(_ member: JSONText.Member, of text: JSONText) -> PlaintextLogin? {
        guard let token = text.secret(member.value[Name.token]), !token.isEmpty else { return nil }
        return PlaintextLogin(.token(of: "terraform", key: member.name), secret: token)
    }

    private enum Name {
        static let credentials: Text = "credentials"
        static let token: Text = "token"
    }
}
