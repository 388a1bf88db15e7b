package import Credentials
package import Files
internal import TextEditing

/// pulumi (3.258), which has no credential helpers: `keyfob exec` gives it its token. The URLs of
/// its clouds are compared as they are written.
package struct Pulumi: Client {
    package init() {}

    package var name: Text { "pulumi" }
    package var schema: Schema { .token }
    package var files: ClientFiles { .read }
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
    ) throws(StoreError) -> Execution {
        var execution = Execution(secret: ("PULUMI_ACCESS_TOKEN", login.secret))
        execution.others = [("PULUMI_BACKEND_URL", (login["key"]?.string ?? "").secret)]
        execution.folder = Execution.Folder(
            variable: "PULUMI_CREDENTIALS_PATH",
            // The file has what pulumi remembers about its clouds.
            settings: ClientFile(folder(surroundings) + "/config.json"))
        return execution
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
        [PulumiCredentials(ClientFile(folder(surroundings) + "/credentials.json"))]
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

    package init(_ file: ClientFile) { self.file = file }

    package var client: any Client { Pulumi() }

    package func contents(of content: Secret) throws(StoreError) -> PlaintextContents {
        guard let text = try file.object(content), let root = text.root else {
            return PlaintextContents()
        }
        guard root.member(Name.envelope) == nil else {
            return PlaintextContents(notes: [
                "pulumi has encrypted it; to remove it: pulumi logout --all"
            ])
        }
        return PlaintextContents(logins: logins(of: text, root))
    }

    @discardableResult
    package func remove(where isMeant: LoginTest) throws(StoreError) -> [Entry] {
        try edit(where: isMeant) { keys, text, root, edits in
            for part in [root[Name.accessTokens], root[Name.accounts]].compactMap(\.self) {
                text.cut(part.indices { keys.contains($0.name) }, of: part, in: &edits)
            }
            if let current = root[Name.current], let url = text.text(current), keys.contains(url) {
                edits.replace(current.range, with: #""""#)
            }
        }
    }

    @discardableResult
    package func scrub(where isMeant: LoginTest) throws(StoreError) -> [Entry] {
        try edit(where: isMeant) { keys, text, root, edits in
            if let tokens = root[Name.accessTokens] {
                text.cut(tokens.indices { keys.contains($0.name) }, of: tokens, in: &edits)
            }
            for account in root[Name.accounts]?.members ?? [] where keys.contains(account.name) {
                let token = account.value.indices { $0.name == Name.accessToken }
                text.cut(token, of: account.value, in: &edits)
            }
        }
    }

    private func edit(
        where isMeant: LoginTest,
        _ change: (Set<Text>, JSONText, JSONText.Value, inout Edits) -> Void
    ) throws(StoreError) -> [Entry] {
        try edit { content, edits throws(StoreError) in
            guard let text = try file.object(content), let root = text.root,
                root.member(Name.envelope) == nil
            else { return [] }
            let removed = logins(of: text, root).filter(isMeant).map(\.entry)
            let keys = Set(removed.compactMap { $0["key"] })
            if !keys.isEmpty { change(keys, text, root, &edits) }
            return removed
        }
    }

    private func logins(of text: JSONText, _ root: JSONText.Value) -> [PlaintextLogin] {
        let tokens = root[Name.accessTokens]?.members ?? []
        let accounts = root[Name.accounts]?.members ?? []
        let tokenOf = lastValues(tokens)
        let accountOf = lastValues(accounts)
        var seen: Set<Text> = []
        let urls = (tokens + accounts).map(\.name).filter { seen.insert($0).inserted }
        return urls.compactMap { url in
            let account = accountOf[url]
            let second = text.secret(tokenOf[url])
            let first = text.secret(account?[Name.accessToken])
            guard let token = [first, second].compactMap(\.self).first(where: { !$0.isEmpty })
            else { return nil }
            let username = text.text(account?[Name.username])
            let differs = first.map { !$0.isEmpty && second != nil && second != $0 } ?? false
            let isRenewed = text.secret(account?[Name.refreshToken]).map { !$0.isEmpty } ?? false
            return PlaintextLogin(
                .token(
                    of: "pulumi", key: url, username: username?.isEmpty == true ? nil : username),
                secret: token,
                obstacle: isRenewed
                    ? "pulumi renews it in this file"
                    : differs ? "the file has it twice, with different values" : nil)
        }
    }

    /// Returns the last value of each name, which is the one that counts.
    private func lastValues(_ members: [JSONText.Member]) -> [Text: JSONText.Value] {
        Dictionary(members.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
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
