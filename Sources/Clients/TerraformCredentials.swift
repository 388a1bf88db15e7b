package import Credentials
internal import TextEditing

/// `credentials.tfrc.json`, in which terraform (1.11) keeps tokens where it has no helper:
/// `{"credentials": {HOST: {"token": …}}}`.
package struct TerraformCredentials: PlaintextTarget {
    package let file: ClientFile

    package init(_ file: ClientFile) { self.file = file }

    package var client: String { "terraform" }

    package func contents(of content: Secret) throws(StoreError) -> PlaintextContents {
        guard let text = try file.object(content), let hosts = text.root?[Name.credentials] else {
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

    package func adding(_ login: Credential, to content: Secret) throws(StoreError) -> Secret {
        guard let host = login["key"] else { throw StoreError(.failed, "it names no host") }
        if try contents(of: content).logins.contains(where: { $0.isSame(as: login) }) {
            return content
        }
        var text = try file.object(content)
        if text == nil { text = try file.object("{}".secret) }
        let place: [JSONText.Step] = [
            .field(Name.credentials), .key(host), .field(Name.token),
        ]
        guard
            let changed = text?.setting(
                place, to: try JSONText.quoted(login.secret), indent: "  ")
        else {
            throw StoreError(
                .failed, "\(file.path) has something else in its place", hint: "mend it by hand")
        }
        return changed
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
