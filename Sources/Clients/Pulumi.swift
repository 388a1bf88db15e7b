package import Credentials
package import Files
package import TextEditing

/// pulumi (3.258), which has no credential helpers: `keyfob exec` gives it its token. The URLs of
/// its clouds are compared as they are written.
package struct Pulumi: Client {
    package init() {}

    package var name: Text { "pulumi" }
    package var schema: Schema { .token }
    package var variables: [String] {
        ["PULUMI_BACKEND_URL", "PULUMI_CREDENTIALS_PATH", "PULUMI_HOME"]
    }

    package func isLogin(variable name: String, for server: Text?) -> Bool {
        name == "PULUMI_ACCESS_TOKEN"
    }

    package var readsEnvironment: Bool { true }

    /// pulumi writes a token from its environment to its file, so it gets a folder of its own.
    package func execution(
        of login: Credential, in surroundings: Surroundings
    ) throws(StoreError) -> Execution? {
        Execution(
            secret: ("PULUMI_ACCESS_TOKEN", login.secret),
            others: [("PULUMI_BACKEND_URL", (login["key"]?.string ?? "").secret)],
            // The file has what pulumi remembers about its clouds.
            folder: (
                "PULUMI_CREDENTIALS_PATH", ClientFile(folder(surroundings) + "/config.json")
            ))
    }

    package func queries(for server: Text, among entries: [Entry]) -> [Query] {
        let address = address(server)
        return (address == server ? [server] : [server, address]).map(tokenQuery)
    }

    package func place(
        of server: Text, named name: String?, among entries: [Entry]
    ) throws(StoreError) -> LoginPlace {
        tokenPlace(address(server))
    }

    private func address(_ server: Text) -> Text {
        server.string.contains("://") ? server : Text("https://" + server.string) ?? server
    }

    /// Returns the folder of its logins, and of the settings that belong to them.
    package func folder(_ surroundings: Surroundings) -> String {
        (surroundings["PULUMI_CREDENTIALS_PATH"] ?? surroundings["PULUMI_HOME"]
            ?? surroundings.home + "/.pulumi").withoutSlash
    }

    package func plaintextFiles(in surroundings: Surroundings) -> [any PlaintextFile] {
        [PulumiCredentials(file: ClientFile(folder(surroundings) + "/credentials.json"))]
    }

    package func plaintextTarget(
        in surroundings: Surroundings
    ) throws(StoreError) -> any PlaintextTarget {
        throw StoreError(
            .unfitForFile, "pulumi's file needs more than the stored token",
            hint: "to write it: pulumi login")
    }
}

/// `credentials.json`, in which pulumi keeps the token of each of its clouds twice: in
/// `accessTokens` and in `accounts`.
///
/// Newer pulumi (3.258) may encrypt the file. Then it is an envelope, which is never changed, and
/// neither is the item in the keyring that decrypts it.
package struct PulumiCredentials: PlaintextFile {
    package let file: ClientFile

    package var client: any Client { Pulumi() }
    package var isEdited: Bool { true }

    package func contents(of content: Secret) throws(StoreError) -> PlaintextContents {
        guard let text = try file.object(content), let root = text.root else {
            return PlaintextContents()
        }
        guard root.member(Name.envelope) == nil else {
            return PlaintextContents(notes: [
                "pulumi has encrypted it; to remove it: pulumi logout --all"
            ])
        }
        return PlaintextContents(logins: logins(of: root))
    }

    package func cut(
        where isMeant: LoginTest, of content: Secret, in edits: inout Edits, keepsMarks: Bool
    ) throws(StoreError) -> [Entry] {
        guard let text = try file.object(content), let root = text.root,
            root.member(Name.envelope) == nil
        else { return [] }
        let removed = logins(of: root).filter(isMeant).map(\.entry)
        let urls = Set(removed.compactMap { $0["key"] })
        func cut(_ name: Text) {
            guard let object = root[name] else { return }
            text.cut(object.indices { urls.contains($0.name) }, of: object, in: &edits)
        }
        cut(Name.accessTokens)
        guard !keepsMarks else {
            for account in root[Name.accounts]?.members ?? [] where urls.contains(account.name) {
                let token = account.value.indices {
                    $0.name.equalsIgnoringCase(Name.accessToken)
                }
                text.cut(token, of: account.value, in: &edits)
            }
            return removed
        }
        cut(Name.accounts)
        if let current = root[Name.current], let url = current.text, urls.contains(url) {
            edits.replace(current.range, with: #""""#)
        }
        return removed
    }

    private func logins(of root: JSONText.Value) -> [PlaintextLogin] {
        let (tokens, accounts) = (root[Name.accessTokens], root[Name.accounts])
        var seen: Set<Text> = []
        let urls = ((tokens?.members ?? []) + (accounts?.members ?? [])).map(\.name)
            .filter { seen.insert($0).inserted }
        return urls.compactMap { url in
            let account = accounts?.entry(url)?.value
            let second = tokens?.entry(url)?.value.secret
            let first = account?[Name.accessToken]?.secret
            let renewing = account?[Name.refreshToken]?.secret
            guard
                let token = [first, second, renewing].compactMap(\.self)
                    .first(where: { !$0.isEmpty })
            else { return nil }
            let username = account?[Name.username]?.text
            let differs = first.map { !$0.isEmpty && second != nil && second != $0 } ?? false
            return PlaintextLogin(
                .token(
                    of: "pulumi", key: url, username: username?.isEmpty == true ? nil : username),
                secret: token,
                obstacle: renewing?.isEmpty == false
                    ? "pulumi renews it in this file"
                    : differs ? "the file has it twice, with different values" : nil)
        }
    }

    private enum Name {
        static let envelope: Text = "$pulumiSecureStore"
        static let current: Text = "current"
        static let accessTokens: Text = "accessTokens"
        static let accounts: Text = "accounts"
        static let accessToken: Text = "accessToken"
        static let refreshToken: Text = "refreshToken"
        static let username: Text = "username"
    }
}
