package import Credentials
package import Files
internal import TextEditing

/// terraform (1.11) and OpenTofu.
///
/// It looks for the token of a host in a variable, then in the `credentials` of its CLI
/// configuration, which is `.terraformrc` and the files of `~/.terraform.d`, or only the file that
/// `TF_CLI_CONFIG_FILE` names; then it asks the one `credentials_helper`. Hosts are compared in
/// lower case and punycode, without `:443` (terraform-svchost, ForComparison).
package struct Terraform: Client {
    package init() {}

    package var name: Text { "terraform" }
    package var schema: Schema { .token }
    package var program: ProgramName? { .tokenHelper }
    package var variables: [String] { ["TF_CLI_CONFIG_FILE", "TERRAFORM_CONFIG"] }

    /// The name contains the host, with `_` for each dot and `__` for each hyphen.
    package func isLogin(variable name: String, for server: Text?) -> Bool {
        let (prefix, host) = ("TF_TOKEN_", server.map { Terraform.host($0) ?? $0 }?.string)
        guard name.hasPrefix(prefix) else { return false }
        let named = name.dropFirst(prefix.count).replacing("__", with: "-").replacing(
            "_", with: ".")
        return host.map { $0 == named.lowercased() } ?? true
    }

    // MARK: Lookup

    package func queries(for server: Text, among entries: [Entry]) -> [Query] {
        var keys = [Terraform.host(server) ?? server.lowerCased]
        // An earlier version's import may have stored the host as it was spelled.
        if keys != [server] { keys.append(server) }
        return keys.map(tokenQuery)
    }

    package func place(
        of server: Text, named name: String?, among entries: [Entry]
    ) throws(StoreError) -> LoginPlace {
        guard let host = Terraform.host(server) else {
            throw refusal(of: server, "host[:port], as in app.terraform.io")
        }
        return tokenPlace(host)
    }

    /// Returns a host as terraform asks for it; nil if it cannot be one.
    static func host(_ host: Text) -> Text? {
        guard let (name, port) = GitAddress.split(host), let plain = WebHost.normalForm(of: name),
            !plain.bytes.contains(UInt8(ascii: "_")), plain.bytes.first != UInt8(ascii: "[")
        else { return nil }
        return port == nil || port == "443" ? plain : Text("\(plain):\(port ?? "")")
    }

    // MARK: Its own files

    private func folder(_ surroundings: Surroundings) -> String {
        surroundings.home + "/.terraform.d"
    }

    private func named(_ surroundings: Surroundings) -> ClientFile? {
        (surroundings["TF_CLI_CONFIG_FILE"] ?? surroundings["TERRAFORM_CONFIG"]).map(
            ClientFile.init)
    }

    /// Returns the file to which it writes tokens.
    private func written(_ surroundings: Surroundings) -> ClientFile {
        ClientFile(folder(surroundings) + "/credentials.tfrc.json")
    }

    private func config(_ surroundings: Surroundings) -> ClientFile {
        named(surroundings) ?? ClientFile(surroundings.home + "/.terraformrc")
    }

    private func added(_ surroundings: Surroundings) -> [ClientFile] {
        [".tfrc", ".tfrc.json"].flatMap { ClientFile.files(in: folder(surroundings), named: $0) }
    }

    /// Returns the files of its configuration.
    private func configs(_ surroundings: Surroundings) -> [ClientFile] {
        [config(surroundings)] + (named(surroundings) == nil ? added(surroundings) : [])
    }

    private func files(_ surroundings: Surroundings) -> [ClientFile] {
        let files = [written(surroundings), config(surroundings)]
        return files + added(surroundings).filter { !files.contains($0) }
    }

    package func plaintextFiles(in surroundings: Surroundings) -> [any PlaintextFile] {
        let files = files(surroundings)
        return files.map { file in
            TerraformCredentials(
                file, others: files.filter { $0 != file },
                helper: {
                    guard let (setting, value) = try? found(surroundings) else { return nil }
                    return setting.helperName(value) == nil ? value : nil
                })
        }
    }

    package func plaintextTarget(
        in surroundings: Surroundings
    ) throws(StoreError) -> any PlaintextTarget {
        let file = written(surroundings)
        return TerraformCredentials(
            file, others: files(surroundings).filter { $0 != file })
    }

    /// terraform reads its files before it asks a helper.
    package func reading(
        beside keeper: Keeper, of entries: [Entry], in surroundings: Surroundings
    ) -> Reading {
        let (named, written) = (named(surroundings), written(surroundings))
        return named == nil || named?.identity == written.identity
            ? .found : .needs("so that terraform reads the file: unset TF_CLI_CONFIG_FILE")
    }

    // MARK: Its helper

    /// Returns the path at which it looks for a helper; it does not search the PATH.
    private func plugin(_ name: String, _ surroundings: Surroundings) -> String {
        folder(surroundings) + "/plugins/terraform-credentials-\(name)"
    }

    /// Returns the setting and its helper, of the first file that has one; nil if none has.
    private func found(
        _ surroundings: Surroundings
    ) throws(StoreError) -> (setting: TerraformSetting, value: String)? {
        for file in configs(surroundings) {
            let setting = TerraformSetting(file)
            if let value = try setting.value(in: try file.read()) { return (setting, value) }
        }
        return nil
    }

    package func keeper(in surroundings: Surroundings) throws(StoreError) -> Keeper {
        guard let (setting, value) = try found(surroundings) else { return Keeper() }
        let helperName = setting.helperName(value)
        var keeper = Keeper(value, isOurs: helperName != nil)
        keeper.account = helperName?.account
        let plugin = plugin(value, surroundings)
        if surroundings.program(plugin) == nil { keeper.missing = [plugin] }
        return keeper
    }

    package func helperNames(
        in surroundings: Surroundings
    ) throws(StoreError) -> (Entry) -> HelperName? {
        let helperName = try found(surroundings).flatMap { $0.setting.helperName($0.value) }
        return { _ in helperName }
    }

    package func plan(
        for registry: String?, in surroundings: Surroundings
    ) throws(StoreError) -> SetupPlan {
        guard registry == nil else { throw noPlaceForOne() }
        let setting = try found(surroundings)?.setting ?? TerraformSetting(config(surroundings))
        return try SetupPlan(
            setting, advice: ["to move logins from terraform's plain-text files: keyfob import"])
    }

    package func link(in surroundings: Surroundings) -> String? { plugin("keyfob", surroundings) }
}

/// terraform's `credentials_helper` in its CLI configuration, which may have only one.
private struct TerraformSetting: HelperSetting {
    let file: ClientFile
    private let helper = "keyfob"

    init(_ file: ClientFile) { self.file = file }

    var name: String { "credentials_helper" }

    func value(in content: Secret?) throws(StoreError) -> String? {
        guard let content else { return nil }
        guard content.isJSON else {
            return HCLText(content).blocks.first { $0.words.first == name && $0.words.count > 1 }?
                .words[1]
        }
        guard let text = try file.object(content),
            let member = text.root?.entry("credentials_helper")
        else { return nil }
        return member.value.members?.first?.name.string ?? "?"
    }

    func isOurs(_ value: String) -> Bool { value == helper }

    /// Returns the name of Keyfob's that the value is; nil if it is another helper's.
    func helperName(_ value: String) -> HelperName? {
        HelperName("terraform-credentials-\(value)", of: .tokenHelper)
    }

    func splice(into content: Secret?) throws(StoreError) -> Splice {
        let block = "\(name) \"\(helper)\" {}\n"
        guard let content else { return Splice(0..<0, block) }
        if let other = try value(in: content) {
            throw StoreError(
                .unexpectedContent,
                "\(file.path) names another helper, \(other), and terraform uses only one",
                hint: "remove that block, then try again")
        }
        if content.isJSON, let text = try file.object(content), let root = text.root {
            return text.addition("\"\(name)\": {\"\(helper)\": {}}", to: root, depth: 1)
        }
        return Splice(block, atEndOf: content)
    }
}

/// The tokens in a file of terraform: `credentials.tfrc.json`, to which it writes them if it has no
/// helper, or a file of its CLI configuration, which may be JSON as well.
package struct TerraformCredentials: PlaintextTarget {
    package let file: ClientFile
    /// The other files in which terraform finds tokens.
    private let others: [ClientFile]
    /// Returns the helper that terraform asks, if that is not Keyfob's; it asks only one.
    private let helper: @Sendable () -> String?

    package init(
        _ file: ClientFile, others: [ClientFile] = [],
        helper: @escaping @Sendable () -> String? = { nil }
    ) {
        self.file = file
        self.others = others
        self.helper = helper
    }

    package var client: any Client { Terraform() }

    package func contents(of content: Secret) throws(StoreError) -> PlaintextContents {
        var logins = try items(of: content).map(\.login)
        // terraform may use either token, and one that stays in a file takes precedence over a
        // helper.
        let elsewhere = Dictionary(grouping: elsewhere, by: \.login.entry.identity)
        let here = Dictionary(grouping: logins, by: \.entry.identity)
        let helper = helper()
        for index in logins.indices where logins[index].obstacle == nil {
            let login = logins[index].credential
            let others = elsewhere[login.entry.identity] ?? []
            if let other = others.first(where: { !$0.login.isSame(as: login) }) {
                logins[index].obstacle = "\(other.file.path) has another token for it"
            } else if here[login.entry.identity]?.contains(where: { !$0.isSame(as: login) }) == true
            {
                logins[index].obstacle = "the file has it twice, with different values"
            } else if let helper {
                logins[index].obstacle = "terraform uses another helper, \(helper)"
            }
        }
        return PlaintextContents(logins: logins)
    }

    private var elsewhere: [(login: PlaintextLogin, file: ClientFile)] {
        others.flatMap { file in
            (try? TerraformCredentials(file).contents())?.logins.map { ($0, file) } ?? []
        }
    }

    @discardableResult
    package func remove(where isMeant: LoginTest) throws(StoreError) -> [Entry] {
        try edit { content, edits throws(StoreError) in
            let logins = try contents(of: content).logins
            let meant = zip(try items(of: content), logins).filter { isMeant($1) }
            if let text = try json(content), let hosts = text.root?[Name.credentials] {
                text.cut(Set(meant.map(\.0.index)), of: hosts, in: &edits)
            } else {
                let text = HCLText(content)
                for (item, _) in meant { edits.replace(text.lines(of: text.blocks[item.index])) }
            }
            return meant.map(\.1.entry)
        }
    }

    package func adding(_ login: Credential, to content: Secret) throws(StoreError) -> Secret {
        guard let host = login["key"] else { throw StoreError(.unfitForFile, "it names no host") }
        // terraform may use either token.
        if let other = elsewhere.first(where: {
            $0.login.isForSame(as: login) && !$0.login.isSame(as: login)
        }) {
            throw StoreError(
                .anotherLogin, "\(other.file.path) has another token for \(host)",
                hint: "to remove it: keyfob logout --files --client terraform \(host)")
        }
        var content = content
        let same = try items(of: content).filter { $0.login.isForSame(as: login) }
        if same.contains(where: { $0.login.isSame(as: login) }) { return content }
        // The entries with the host in another spelling are removed.
        if same.contains(where: { $0.spelling != host }), let text = try json(content),
            let hosts = text.root?[Name.credentials]
        {
            var edits = Edits()
            text.cut(Set(same.map(\.index)), of: hosts, in: &edits)
            content = edits.applied(to: content)
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
                .unexpectedContent, "\(file.path) has something unexpected in its place",
                hint: "correct the file by hand")
        }
        return changed
    }

    private typealias Item = (index: Int, spelling: Text, login: PlaintextLogin)

    /// Returns the tokens, each with the index of its member or block.
    private func items(of content: Secret) throws(StoreError) -> [Item] {
        if let text = try json(content) {
            let hosts = text.root?[Name.credentials]?.members ?? []
            return hosts.enumerated().compactMap { index, member in
                guard let token = text.secret(member.value[Name.token]), !token.isEmpty else {
                    return nil
                }
                return (index, member.name, login(member.name, token))
            }
        }
        let text = HCLText(content)
        return text.blocks.enumerated().compactMap { index, block in
            guard block.words.count == 2, block.words[0] == Name.credentials.string,
                let host = Text(block.words[1])
            else { return nil }
            let token = text.string(Name.token.string, of: block)
            return (index, host, login(host, token))
        }
    }

    private func login(_ host: Text, _ token: Secret?) -> PlaintextLogin {
        let key = Terraform.host(host)
        return PlaintextLogin(
            .token(of: "terraform", key: key ?? host),
            secret: token ?? .empty,
            obstacle: key == nil
                ? "terraform does not accept this host name"
                : token == nil ? "its token is not written as a plain string" : nil)
    }

    private func json(_ content: Secret) throws(StoreError) -> JSONText? {
        guard content.isJSON || file.path.hasSuffix(".json") else { return nil }
        return try file.object(content)
    }

    private enum Name {
        static let credentials: Text = "credentials"
        static let token: Text = "token"
    }
}

extension Secret {
    /// True if HCL parses it as JSON.
    fileprivate var isJSON: Bool {
        trimmed.hasPrefix("{")
    }
}
