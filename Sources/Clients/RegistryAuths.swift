package import Credentials
package import Files
internal import JSON
package import TextEditing

/// Registry auths are the logins that docker, podman and similar programs keep in plain text: the
/// map `auths` of `config.json` and `auth.json`, or the whole of `.dockercfg`.
///
/// Each is a base64 of `user:password` under `auth`, or a token under `identitytoken`, which
/// helpers keep under the user name `<token>` (docker CLI, cli/config/credentials). An object
/// without either is the mark that docker leaves if a helper has the login; docker 20.10 cannot log
/// out of a server without a mark.
package struct RegistryAuths: PlaintextTarget {
    package enum Format: Sendable {
        /// docker's `config.json`.
        case docker
        /// `auth.json` of podman, buildah and skopeo.
        case podman
        /// `.dockercfg`, docker's file before 1.7, which podman reads and docker 28 does not.
        case dockercfg

        /// Returns the key by which the client looks a server up; nil if it cannot. docker looks up
        /// a name that is no host as it was stored.
        func key(of server: ServerKey) -> Text? {
            guard let host = server.podmanHost else {
                return self == .podman ? nil : server.spelling
            }
            // The client asks by the host as it was typed.
            return server.spelling.asked(hub: self == .podman ? host : ServerKey.hub.spelling)
        }
    }

    package let file: ClientFile
    private let format: Format
    /// True if podman reads the file, too.
    private let isPodmans: Bool

    package init(_ file: ClientFile, _ format: Format, isPodmans: Bool = false) {
        self.file = file
        self.format = format
        self.isPodmans = isPodmans || format == .podman
    }

    package var client: any Client { format == .docker ? Docker() : Podman() }

    package func contents(of content: Secret) throws(StoreError) -> PlaintextContents {
        guard let text = try file.object(content) else { return PlaintextContents() }
        if let auths = auths(of: text), auths.members == nil, !auths.json.isNull {
            throw StoreError(
                .unexpectedContent, "\(Name.auths) in \(file.path) is not an object",
                hint: "correct the file by hand")
        }
        return PlaintextContents(
            logins: logins(of: text).map(\.login).filter { !$0.secret.isEmpty })
    }

    package func cut(
        where isMeant: LoginTest, of content: Secret, in edits: inout Edits, keepsMarks: Bool
    ) throws(StoreError) -> [Entry] {
        guard let text = try file.object(content), let auths = auths(of: text) else { return [] }
        let meant = logins(of: text).filter { isMeant($0.login) }
        let all = auths.members ?? []
        let keys = Dictionary(grouping: all, by: \.name)
        // A key that the file has twice goes on to hide the login that is not used.
        let marks = meant.map(\.index).filter {
            keepsMarks && (format == .docker || keys[all[$0].name]?.count != 1)
        }
        for index in marks { cutSecrets(of: all[index].value, text, &edits) }
        text.cut(Set(meant.map(\.index)).subtracting(marks), of: auths, in: &edits)
        return meant.map(\.login).filter { !$0.secret.isEmpty }.map(\.entry)
    }

    package func adding(_ login: Credential, to content: Secret) throws(StoreError) -> Secret {
        let server = ServerKey(login["server"] ?? "")
        guard let key = format.key(of: server) else {
            throw StoreError(.badServer, "podman does not accept this server name")
        }
        let fields = try fields(of: login)
        var content = content
        if let text = try file.object(content) {
            let members = (auths(of: text)?.members ?? []).filter {
                ServerKey(self.server(of: $0.name)).normalForm == server.normalForm
            }
            let logins = members.filter { self.login($0, of: text)?.secret.isEmpty == false }
            if logins.count == 1, logins[0].start == auths(of: text)?.entry(key)?.start,
                self.login(logins[0], of: text)?.isSame(as: login) == true
            {
                return content
            }
            // No other key may decide for the server. The name by which podman asks would do so even
            // without a login.
            var edits = Edits()
            let own = auths(of: text)?.entry(key)?.start
            var stale: Set<Int> = []
            for member in members {
                if member.start != own, [key, server.podmanHost].contains(member.name) {
                    stale.insert(member.start)
                } else {
                    let kept = member.start == own ? fields.map(\.name) : []
                    cutSecrets(of: member.value, but: kept, text, &edits)
                }
            }
            if let auths = auths(of: text) {
                text.cut(auths.indices { stale.contains($0.start) }, of: auths, in: &edits)
            }
            if !edits.isEmpty { content = edits.applied(to: content) }
        }
        let place: [JSONText.Step] =
            format == .dockercfg ? [.key(key)] : [.field(Name.auths), .key(key)]
        for (name, value) in fields {
            content = try file.setting(
                place + [.field(name)], to: value, in: content, indent: "\t")
        }
        return content
    }

    /// Removes the fields of an entry that hold secrets, except those with these names.
    private func cutSecrets(
        of entry: JSONText.Value, but kept: [Text] = [], _ text: JSONText, _ edits: inout Edits
    ) {
        let stale = entry.indices { field in
            Name.isSecret(field.name) && !kept.contains { $0.equalsIgnoringCase(field.name) }
        }
        text.cut(stale, of: entry, in: &edits)
    }

    /// Returns the fields of an entry for the login.
    private func fields(of login: Credential) throws(StoreError) -> [(name: Text, value: Secret)] {
        let user = login["username"] ?? ""
        if user == Name.tokenUser {
            // podman ignores a token without a user name beside it (containers/image).
            let name = (name: Name.auth, value: Secret(base64Of: "\(user):".secret))
            return (format == .podman ? [name] : []) + [(Name.identityToken, login.secret)]
        }
        // docker rejects the whole file if an entry has an empty user name.
        guard !user.isEmpty, !user.bytes.contains(UInt8(ascii: ":")) else {
            throw StoreError(
                .unfitForFile,
                user.isEmpty ? "it has no user name" : "its user name contains a colon")
        }
        let pair = Secret(joining: ["\(user):".secret, login.secret])
        return [(Name.auth, Secret(base64Of: pair))]
    }

    private func auths(of text: JSONText) -> JSONText.Value? {
        format == .dockercfg ? text.root : text.root?[Name.auths]
    }

    /// podman uses the login with the longest key that fits, else one for the host.
    package func isUsed(_ login: PlaintextLogin, for server: Text) -> Bool {
        let isOld = format == .dockercfg
        guard isPodmans || isOld, let slash = server.bytes.firstIndex(of: UInt8(ascii: "/"))
        else { return false }
        let host = Text(validating: server.bytes[..<slash]).map(ServerKey.init)
        let key = login.key.hasScheme || isOld ? login.key.podmanKeyHost : login.key
        return host?.normalForm == ServerKey(key).normalForm
            || !isOld && !login.key.hasScheme && server.bytes.starts(with: key.bytes + "/".utf8)
    }

    /// Returns the host for which the client uses the login under a key.
    private func host(of key: Text) -> Text {
        format == .docker ? key.dockerHost : key.podmanKeyHost
    }

    // MARK: Reading

    /// Returns the logins, each with the index of its member. Those without a secret are the marks
    /// of a helper's logins.
    private func logins(of text: JSONText) -> [(index: Int, login: PlaintextLogin)] {
        let members = auths(of: text)?.members ?? []
        // Of equal keys the client uses the last.
        let last = Dictionary(members.map { ($0.name, $0.start) }) { $1 }
        var found: [(index: Int, login: PlaintextLogin)] = []
        var ranks: [Int] = []
        for (index, member) in members.enumerated() {
            guard let login = login(member, of: text) else { continue }
            found.append((index, login))
            let rank = rank(of: login)
            let isUsed = last[member.name] == member.start
            ranks.append(!isUsed ? 5 : login.secret.isEmpty && rank > 0 ? 4 : rank)
        }
        for group in Dictionary(grouping: found.indices, by: { found[$0].login.entry.identity })
            .values
        {
            let first = group.min { ranks[$0] < ranks[$1] } ?? 0
            let winner = found[first].login
            for index in group where index != first && !found[index].login.secret.isEmpty {
                guard !found[index].login.isSame(as: winner.credential) else { continue }
                let isShadowed = ranks[first] < ranks[index]
                if isShadowed { found[index].login.isShadowed = true }
                guard found[index].login.obstacle == nil else { continue }
                found[index].login.obstacle =
                    winner.secret.isEmpty
                    ? "\(client.name) finds no login under \(winner.key), and does not look further"
                    : "the file has another login for this server, under \(winner.key), and Keyfob keeps one"
                // The client uses either of them at random.
                if !isShadowed, ranks[first] > 1 {
                    found[first].login.obstacle =
                        "\(client.name) uses one of several logins at random"
                    found[index].login.obstacle = found[first].login.obstacle
                }
            }
        }
        return found
    }

    /// Returns the order in which the client looks for the login of a server: 0 for the exact key
    /// that it asks for, 1 for another name of the same server, 2 for others of its host, 3 for
    /// those of another host that is the same server to Keyfob.
    private func rank(of login: PlaintextLogin) -> Int {
        let server = ServerKey(login.entry["server"] ?? "")
        let asked =
            server.isHub && format != .podman ? ServerKey.hub.spelling : server.podmanHost
        if login.key == asked { return 0 }
        let host = host(of: login.key)
        return login.key == (server.isHub ? "docker.io" : host) ? 1 : host == asked ? 2 : 3
    }

    private func login(_ member: JSONText.Member, of text: JSONText) -> PlaintextLogin? {
        guard member.value.members != nil || member.value.json.isNull else { return nil }
        let content = content(of: member.value, text)
        let entry = Entry.docker(server: server(of: member.name), username: content.user)
        var login = PlaintextLogin(
            entry, secret: content.secret,
            obstacle: content.obstacle ?? obstacle(member.name, of: text)
                ?? (content.secret.isUTF8
                    ? nil : "its password is not UTF-8, so no helper can return it"),
            spelling: entry.serverName == member.name.string ? nil : member.name)
        login.isShadowed =
            !content.isRead || format != .docker && helper(of: member.name, text)?.isEmpty == true
            // podman asks for no path that is empty.
            || isPodmans && !member.name.hasScheme && member.name.bytes.last == UInt8(ascii: "/")
        return login
    }

    /// Returns what an entry holds.
    private func content(of entry: JSONText.Value, _ text: JSONText) -> Content {
        func secret(_ name: Text) -> Secret? {
            entry[name]?.secret.flatMap { $0.isEmpty ? nil : $0 }
        }
        let isDockers = format == .docker
        let (auth, password) = (secret(Name.auth), secret(Name.password))
        let pair = auth.flatMap(UserAndPassword.init(base64:))
        if let token = secret(Name.identityToken) {
            guard isDockers || pair != nil else {
                return Content(Name.tokenUser, token, Content.alone("token"), isRead: false)
            }
            // The client sends both, and the registry takes the one that it asks for.
            let other = auth == nil ? password : pair?.password
            return Content(
                Name.tokenUser, token,
                other.map(\.isEmpty) == false
                    ? "it has both a password and a token, and a helper returns one of them" : nil)
        }
        if let token = secret(Name.registryToken) {
            return Content(
                Name.tokenUser, token, "it is a registry token, which no helper can return")
        }
        if let auth {
            guard let pair else {
                // podman passes over a text without a colon.
                let isRead = isDockers || Secret(base64: auth) == nil
                return Content("?", auth, "its format is unknown", isRead: isRead)
            }
            guard pair.isWhole else { return Content("?", auth, Content.part) }
            return Content(
                pair.user, pair.password,
                pair.user == Name.tokenUser
                    ? "the client takes it for a token if a helper returns it" : nil)
        }
        let user = entry[Name.username]?.text ?? ""
        guard let alone = password ?? secret(Name.username) else { return Content("", .empty) }
        guard isDockers else {
            return Content(user, alone, Content.alone("password"), isRead: false)
        }
        return user.isEmpty || password == nil
            ? Content("?", alone, Content.part) : Content(user, alone)
    }

    /// The content of an entry, and the reason for which no helper could return it.
    private struct Content {
        let user: Text
        let secret: Secret
        let obstacle: String?
        /// False if the client does not use it.
        let isRead: Bool

        init(_ user: Text, _ secret: Secret, _ obstacle: String? = nil, isRead: Bool = true) {
            self.user = user
            self.secret = secret
            self.obstacle = obstacle
            self.isRead = isRead
        }

        // The user name may be the secret, so it is not shown.
        static let part = "it has no user or no password, so no helper can return it"

        static func alone(_ what: String) -> String {
            "podman reads no \(what) that stands by itself"
        }
    }

    /// Returns the server by which the client asks its helper for the login under a key; the key
    /// itself if that is the same server.
    private func server(of key: Text) -> Text {
        guard key.hasScheme || format != .podman else { return key }
        let (server, host) = (ServerKey(key), ServerKey(host(of: key)))
        // docker asks for Docker Hub and its tokens by their whole keys.
        let isWhole = (ServerKey.hub.logout + [host]).contains {
            $0.normalForm == server.normalForm
        }
        // A key that ends in a colon is no host, and the client uses the login for none.
        return isWhole || host.spelling.bytes.last == UInt8(ascii: ":") ? key : host.spelling
    }

    private func obstacle(_ key: Text, of text: JSONText) -> String? {
        // podman 4.3.1: "namespaced key is not supported".
        if isPodmans, !key.hasScheme, key.bytes.contains(UInt8(ascii: "/")),
            format == .podman || key.bytes.firstRange(of: "://".utf8) == nil
        {
            return "podman uses no helper for a login for a single path"
        }
        guard let helper = helper(of: key, text), !helper.isOurHelper else { return nil }
        guard helper.isEmpty else {
            return "credHelpers makes \(client.name) use docker-credential-\(helper) for it"
        }
        return format == .docker
            ? "credHelpers makes docker keep this registry's login in the file"
            : "podman gets no login for it: credHelpers names an empty helper"
    }

    /// Returns the helper that the file names for the registry of a key; nil if it names none.
    private func helper(of key: Text, _ text: JSONText) -> Text? {
        let asked =
            ServerKey(key).isHub && format != .podman ? ServerKey.hub.spelling : host(of: key)
        return text.root?[Name.helpers]?.entry(asked).map { $0.value.text ?? "" }
    }

    private enum Name {
        static let auths: Text = "auths"
        static let helpers: Text = "credHelpers"
        static let auth: Text = "auth"
        static let identityToken: Text = "identitytoken"
        static let registryToken: Text = "registrytoken"
        static let username: Text = "username"
        static let password: Text = "password"
        static let tokenUser: Text = "<token>"

        static func isSecret(_ name: Text) -> Bool {
            [auth, identityToken, username, password].contains { $0.equalsIgnoringCase(name) }
        }
    }
}

/// A user name and a password, joined as in HTTP's basic authentication.
private struct UserAndPassword {
    let user: Text
    let password: Secret

    /// True if both are there, as a helper needs them.
    var isWhole: Bool { !user.isEmpty && password.count > 0 }

    init?(base64: Secret) {
        guard let decoded = Secret(base64: base64),
            let colon = decoded.first(where: { $0 == UInt8(ascii: ":") }),
            let user = Text(copying: decoded[0..<colon])
        else { return nil }
        self.user = user
        // docker and podman both drop NULs around the password.
        let start = decoded.first(from: colon + 1) { $0 != 0 } ?? decoded.count
        password = decoded[start..<max(start, (decoded.last { $0 != 0 } ?? 0) + 1)]
    }
}

extension PlaintextLogin {
    /// The key of the login in the file.
    fileprivate var key: Text { spelling ?? entry["server"] ?? "" }
}

extension Text {
    var lowerCased: Text { Text(validating: bytes.map(\.lowerCased)) ?? self }
}
