package import Credentials
package import Files
package import TextEditing

/// The tokens in a file of terraform: `credentials.tfrc.json`, to which it writes them if it has no
/// helper, or a file of its CLI configuration, which may be JSON as well.
package struct TerraformCredentials: PlaintextTarget {
    package let file: ClientFile
    /// The other files in which terraform finds tokens.
    var others: [ClientFile] = []
    var isRead = true
    /// Returns the reason why terraform does not ask Keyfob; nil if it does, or if it can be set up
    /// to.
    var obstacle: @Sendable () -> String? = { nil }

    package var client: any Client { Terraform() }

    package func contents(of content: Secret) throws(StoreError) -> PlaintextContents {
        var logins = try items(of: content).map(\.login)
        guard isRead else {
            for index in logins.indices {
                logins[index].obstacle =
                    "terraform does not read this file, because a variable names another"
                logins[index].isShadowed = true
            }
            return PlaintextContents(logins: logins)
        }
        // terraform may use either token, and one that stays in a file takes precedence over a
        // helper.
        let (others, unread) = elsewhere
        let elsewhere = Dictionary(grouping: others, by: \.login.entry.identity)
        let here = Dictionary(grouping: logins, by: \.entry.identity)
        let obstacle = unread?.message ?? obstacle()
        for index in logins.indices where logins[index].obstacle == nil {
            let login = logins[index].credential
            let others = elsewhere[login.entry.identity] ?? []
            if let other = others.first(where: { !$0.login.isSame(as: login) }) {
                logins[index].obstacle = "\(other.file.path) has another entry for it"
            } else if here[login.entry.identity]?.contains(where: { !$0.isSame(as: login) }) == true
            {
                logins[index].obstacle = "the file has it twice, with different values"
            } else {
                logins[index].obstacle = obstacle
            }
        }
        return PlaintextContents(logins: logins)
    }

    /// The logins in the other files, and the error of one that may have more.
    private var elsewhere:
        (logins: [(login: PlaintextLogin, file: ClientFile)], unread: StoreError?)
    {
        var found: [(PlaintextLogin, ClientFile)] = []
        var unread: StoreError?
        for file in others {
            do throws(StoreError) {
                found += try TerraformCredentials(file: file).contents().logins.map { ($0, file) }
            } catch {
                unread = error
            }
        }
        return (found, unread)
    }

    /// terraform may take a host that only it can map for the server.
    package func isUsed(_ login: PlaintextLogin, for server: Text) -> Bool {
        guard let host = login.entry["key"], Terraform.host(host) == nil else { return false }
        func labels(_ host: Text) -> [String] {
            host.string.lowercased().split { ".:".contains($0) }.map(String.init)
        }
        let (mine, theirs) = (labels(host), labels(Terraform.host(server) ?? server))
        return mine != theirs && mine.count == theirs.count
            && zip(mine, theirs).allSatisfy { $0 == $1 || TerraformCredentials.mayBe($0, $1) }
    }

    /// Returns true if the label, whose characters that are not ASCII terraform may map to others,
    /// may become the other one, which is ASCII or punycode.
    private static func mayBe(_ label: String, _ other: String) -> Bool {
        func isASCII(_ scalar: Unicode.Scalar) -> Bool { scalar.isASCII }
        let scalars = label.unicodeScalars
        guard !scalars.allSatisfy(isASCII) else { return false }
        let end = scalars.reversed().prefix(while: isASCII).reversed()
        return other.hasPrefix("xn--")
            || other.unicodeScalars.starts(with: scalars.prefix(while: isASCII))
                && other.unicodeScalars.reversed().starts(with: end.reversed())
    }

    package func cut(
        where isMeant: LoginTest, of content: Secret, in edits: inout Edits, keepsMarks: Bool
    ) throws(StoreError) -> [Entry] {
        let logins = try contents(of: content).logins
        let meant = zip(try items(of: content), logins).filter { isMeant($1) }
        if let text = try json(content), let hosts = text.root?[Name.credentials] {
            text.cut(Set(meant.map(\.0.index)), of: hosts, in: &edits)
        } else {
            let text = try file.hcl(content)
            for (item, _) in meant { edits.replace(text.lines(of: text.items[item.index])) }
        }
        return meant.map(\.1.entry)
    }

    package func adding(_ login: Credential, to content: Secret) throws(StoreError) -> Secret {
        guard let host = login["key"] else { throw StoreError(.unfitForFile, "it names no host") }
        // terraform may use either token.
        let (others, unread) = elsewhere
        if let unread { throw unread }
        if let other = others.first(where: {
            $0.login.isForSame(as: login) && !$0.login.isSame(as: login)
        }) {
            throw StoreError(
                .anotherLogin, "\(other.file.path) has another entry for \(host)",
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
        return try file.setting(
            [.field(Name.credentials), .key(host), .key(Name.token)], to: login.secret,
            in: content, indent: "  ")
    }

    private typealias Item = (index: Int, spelling: Text, login: PlaintextLogin)

    /// Returns the entries, each with the index of its member or item. Throws if there may
    /// be one in a form that is not read here.
    private func items(of content: Secret) throws(StoreError) -> [Item] {
        var items: [Item] = []
        if let text = try json(content) {
            guard let hosts = text.root?[Name.credentials] else { return [] }
            guard let members = hosts.members else { throw file.unusual(Name.credentials.string) }
            for (index, member) in members.enumerated() {
                guard member.value.members != nil else {
                    throw file.unusual(Name.credentials.string)
                }
                let token = member.value.entry(Name.token)?.value.secret ?? .empty
                items.append((index, member.name, login(member.name, token)))
            }
            return items
        }
        let text = try file.hcl(content)
        for (index, item) in text.items.enumerated() where item.isNamed(Name.credentials.string) {
            guard item.isPlainBlock, case .object(let attributes) = item.value,
                let host = Text(item.keys[1])
            else { throw file.unusual(Name.credentials.string) }
            let token = attributes.last { $0.keys == [Name.token.string] }
            let secret = token.map { text.plainString($0.value) } ?? .empty
            items.append((index, host, login(host, secret)))
        }
        return items
    }

    private func login(_ host: Text, _ token: Secret?) -> PlaintextLogin {
        let key = Terraform.host(host)
        var login = PlaintextLogin(
            .token(of: "terraform", key: key ?? host),
            secret: token ?? .empty,
            obstacle: key == nil
                ? "keyfob cannot tell which host terraform takes it for"
                : token == nil
                    ? "its token is not written as a plain string"
                    : token?.isEmpty == true
                        ? "it has no token, and terraform asks no helper for it" : nil)
        login.isBare = token?.isEmpty == true
        return login
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
