package import Credentials
internal import Files
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

    /// The name contains the host, with `_` for each dot and `__` for each hyphen. An empty value
    /// counts, too. A host that only terraform can map may be any.
    package func isLogin(variable name: String, for server: Text?) -> Bool {
        let prefix = "TF_TOKEN_"
        guard name.hasPrefix(prefix) else { return false }
        let named = name.dropFirst(prefix.count).replacing("__", with: "-").replacing(
            "_", with: ".")
        guard let server, let host = Text(String(named)).flatMap(Terraform.host) else {
            return true
        }
        return host == Terraform.host(server) ?? server
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

    /// Returns a host as terraform asks for it; nil if it cannot be one, or if that is not known.
    static func host(_ host: Text) -> Text? {
        let parts = host.string.split(
            separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = Text(String(parts[0])).flatMap(WebHost.normalForm),
            !name.bytes.contains(UInt8(ascii: "_"))
        else { return nil }
        guard parts.count > 1 else { return name }
        guard parts[1].utf8.allSatisfy(\.isDigit), let port = UInt16(parts[1]) else { return nil }
        return port == 443 ? name : Text("\(name):\(port)")
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
            .filter { FileStatus(of: $0.path)?.kind != .folder }
    }

    private func configs(_ surroundings: Surroundings) -> [ClientFile] {
        [config(surroundings)] + (named(surroundings) == nil ? added(surroundings) : [])
    }

    private func files(_ surroundings: Surroundings) -> [ClientFile] {
        let files = [written(surroundings), config(surroundings)]
        return files + added(surroundings).filter { !files.contains($0) }
    }

    package func plaintextFiles(in surroundings: Surroundings) -> [any PlaintextFile] {
        let files = files(surroundings)
        let named = named(surroundings)
        func isRead(_ file: ClientFile) -> Bool {
            named.map { $0.identity == file.identity } ?? true
        }
        return files.map { file in
            TerraformCredentials(
                file: file, others: files.filter { $0 != file && isRead($0) }, isRead: isRead(file)
            ) {
                do throws(StoreError) {
                    guard let (setting, value) = try found(surroundings) else { return nil }
                    return setting.helperName(value) == nil
                        ? "terraform uses another helper, \(value)" : nil
                } catch {
                    return error.message
                }
            }
        }
    }

    package func plaintextTarget(
        in surroundings: Surroundings
    ) throws(StoreError) -> any PlaintextTarget {
        let file = written(surroundings)
        return TerraformCredentials(
            file: file, others: files(surroundings).filter { $0 != file })
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

    /// Returns the programs that it may run for the helper: there, or in the folder of its platform,
    /// also under a name with a version, of which it runs the newest.
    private func plugins(_ name: String, _ surroundings: Surroundings) -> [ClientFile] {
        #if arch(arm64)
        let platform = "linux_arm64"
        #else
        let platform = "linux_amd64"
        #endif
        let folder = folder(surroundings) + "/plugins"
        return [folder, "\(folder)/\(platform)"].flatMap { ClientFile.files(in: $0, named: "") }
            .filter { file in
                let program = "terraform-credentials-\(name)"
                return (file.name == program || file.name.lowercased().hasPrefix("\(program)_v"))
                    && surroundings.program(file.path) != nil
            }
    }

    /// Returns the setting and its helper; nil if there is none. Throws if it is not known which
    /// program answers: of several helpers terraform takes any.
    private func found(
        _ surroundings: Surroundings
    ) throws(StoreError) -> (setting: TerraformSetting, value: String)? {
        var found: [(setting: TerraformSetting, value: String)] = []
        for file in configs(surroundings) {
            let setting = TerraformSetting(file: file)
            found += try setting.values(in: try file.read()).map { (setting, $0) }
        }
        guard let first = found.first else { return nil }
        if let other = found.first(where: { $0.value != first.value }) {
            throw StoreError(
                .unexpectedContent,
                "\(first.setting.file.path) names the helper \(first.value), and "
                    + "\(other.setting.file.path) names \(other.value); terraform takes one of them",
                hint: "remove one of the two blocks")
        }
        if first.setting.helperName(first.value) != nil,
            let other = plugins(first.value, surroundings).first(where: {
                ProgramName.reading(ClientFile($0.identity).name) == nil
            })
        {
            throw StoreError(
                .wrongKindOfFile, "terraform runs \(other.path) instead of Keyfob",
                hint: "remove it")
        }
        return first
    }

    package func keeper(in surroundings: Surroundings) throws(StoreError) -> Keeper {
        guard let (setting, value) = try found(surroundings) else { return Keeper() }
        var keeper = Keeper(value, setting.helperName(value))
        if plugins(value, surroundings).isEmpty { keeper.missing = [plugin(value, surroundings)] }
        return keeper
    }

    /// Names the helper that terraform asks instead of Keyfob.
    package func remainders(
        for server: Text?, in surroundings: Surroundings
    ) -> [Remainder] {
        guard let keeper = try? keeper(in: surroundings), let name = keeper.name, !keeper.isOurs,
            keeper.missing.isEmpty, server.map({ Terraform.host($0) != nil }) ?? true
        else { return [] }
        return [
            Remainder(
                place: "terraform",
                problem: StoreError(
                    .loginRemains, "terraform also asks the helper \(name), which may have one",
                    hint: "remove it there: terraform logout"))
        ]
    }

    package func helperNames(
        in surroundings: Surroundings
    ) throws(StoreError) -> (Entry) -> [HelperName] {
        let helperName = try found(surroundings).flatMap { $0.setting.helperName($0.value) }
        return { _ in [helperName].compactMap(\.self) }
    }

    package func plan(
        for registry: String?, in surroundings: Surroundings
    ) throws(StoreError) -> SetupPlan {
        guard registry == nil else { throw noPlaceForOne() }
        let setting =
            try found(surroundings)?.setting ?? TerraformSetting(file: config(surroundings))
        return try SetupPlan(
            setting, advice: [])
    }

    package func link(in surroundings: Surroundings) -> String? {
        let found = try? found(surroundings)
        let name = found.flatMap { $0.setting.isOurs($0.value) ? $0.value : nil }
        return plugin(name ?? "keyfob", surroundings)
    }
}

/// terraform's `credentials_helper` in its CLI configuration, which may have only one.
private struct TerraformSetting: HelperSetting {
    let file: ClientFile
    private let helper = "keyfob"

    var name: String { "credentials_helper" }

    func value(in content: Secret?) throws(StoreError) -> String? {
        try values(in: content).first
    }

    func values(in content: Secret?) throws(StoreError) -> [String] {
        guard let content else { return [] }
        guard content.isJSON else {
            let items = try file.hcl(content).items.filter { $0.isNamed(name) }
            guard items.allSatisfy(\.isPlainBlock) else { throw file.unusual(name) }
            return items.map { $0.keys[1] }
        }
        guard let member = try member(in: file.object(content)) else { return [] }
        guard let members = member.value.members else { throw file.unusual(name) }
        return members.map(\.name.string)
    }

    private func member(in text: JSONText?) -> JSONText.Member? {
        text?.root?.member("credentials_helper")
    }

    func isOurs(_ value: String) -> Bool { helperName(value) != nil }

    /// Returns the helper name that terraform makes of the value; nil if that is another helper's.
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
            if let member = member(in: text) {
                return text.addition("\"\(helper)\": {}", to: member.value, depth: 2)
            }
            return text.addition("\"\(name)\": {\"\(helper)\": {}}", to: root, depth: 1)
        }
        return Splice(block, atEndOf: content)
    }
}
