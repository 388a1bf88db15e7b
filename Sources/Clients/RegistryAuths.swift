package import Credentials
internal import TextEditing

/// Registry auths are the logins that docker, podman and their like keep in plain text: the map
/// `auths` of `config.json` and `auth.json`, or the whole of `.dockercfg`.
///
/// Each is a base64 of `user:password` under `auth`, or a token under `identitytoken`, which
/// helpers keep under the user name `<token>` (docker CLI, cli/config/credentials). An object
/// without either is the mark that docker leaves where a helper has the login; docker 20.10 does
/// not log out of what has no mark.
package struct RegistryAuths: PlaintextTarget {
    package enum Format: Sendable {
        /// docker's `config.json`.
        case docker
        /// `auth.json` of podman, buildah and skopeo.
        case podman
        /// docker's file before 1.7, `.dockercfg`.
        case dockercfg
    }

    package let file: ClientFile
    private let format: Format

    package init(_ file: ClientFile, _ format: Format) {
        self.file = file
        self.format = format
    }

    package var client: String { format == .podman ? "podman" : "docker" }

    package func contents(of content: Secret) throws(StoreError) -> PlaintextContents {
        guard let text = try file.object(content), let auths = auths(of: text) else {
            return PlaintextContents()
        }
        let logins = (auths.members ?? []).compactMap { login($0, of: text) }
        return PlaintextContents(logins: logins.filter { !$0.secret.isEmpty })
    }

    @discardableResult
    package func remove(
        where isMeant: (PlaintextLogin) -> Bool
    ) throws(StoreError) -> [Entry] {
        try edit(where: isMeant) { members, auths, text, edits in
            text.cut(Set(members), of: auths, in: &edits)
        }
    }

    @discardableResult
    package func scrub(
        where isMeant: (PlaintextLogin) -> Bool
    ) throws(StoreError) -> [Entry] {
        guard format == .docker else { return try remove(where: isMeant) }
        return try edit(where: isMeant) { members, auths, text, edits in
            for member in members.compactMap({ auths.members?[$0] }) {
                let secrets = member.value.indices { Name.isSecret($0.name) }
                text.cut(secrets, of: member.value, in: &edits)
            }
        }
    }

    private func edit(
        where isMeant: (PlaintextLogin) -> Bool,
        _ change: ([Int], JSONText.Value, JSONText, inout Edits) -> Void
    ) throws(StoreError) -> [Entry] {
        var removed: [Entry] = []
        try file.editJSON { text, _, edits in
            removed = []
            guard let auths = auths(of: text), let members = auths.members else { return }
            var meant: [Int] = []
            for (index, member) in members.enumerated() {
                guard let login = login(member, of: text), isMeant(login) else { continue }
                meant.append(index)
                if !login.secret.isEmpty { removed.append(login.entry) }
            }
            if !meant.isEmpty { change(meant, auths, text, &edits) }
        }
        return removed
    }

    package func adding(_ login: Credential, to content: Secret) throws(StoreError) -> Secret {
        let server = ServerKey(login["server"] ?? "")
        guard let key = key(of: server) else {
            throw StoreError(.failed, "podman knows no such server")
        }
        let fields = try fields(of: login)
        var content = content
        if let text = try file.object(content) {
            let members = (auths(of: text)?.members ?? []).filter {
                ServerKey($0.name).normalForm == server.normalForm
            }
            let logins = members.filter { self.login($0, of: text)?.secret.isEmpty == false }
            if logins.count == 1, logins[0].name == key,
                self.login(logins[0], of: text)?.isSame(as: login) == true
            {
                return content
            }
            // Nothing else speaks for the server.
            var edits = Edits()
            for member in members {
                let kept = member.name == key ? fields.map(\.name) : []
                let stale = member.value.indices { field in
                    Name.isSecret(field.name)
                        && !kept.contains { $0.equalsIgnoringCase(field.name) }
                }
                text.cut(stale, of: member.value, in: &edits)
            }
            if !edits.isEmpty { content = edits.applied(to: content) }
        } else {
            content = "{}".secret
        }
        let place: [JSONText.Step] =
            format == .dockercfg ? [.key(key)] : [.field(Name.auths), .key(key)]
        for (name, value) in fields {
            guard let text = try file.object(content),
                let changed = text.setting(
                    place + [.field(name)], to: try JSONText.quoted(value), indent: "\t")
            else {
                throw StoreError(
                    .failed, "\(file.path) has something else in its place", hint: "mend it by hand"
                )
            }
            content = changed
        }
        return content
    }

    /// What the client looks a server up by; nil if it cannot. docker looks all else up as it was
    /// stored.
    private func key(of server: ServerKey) -> Text? {
        guard format != .podman else { return server.podmanHost }
        return server.isHub ? ServerKey.hub.spelling : server.podmanHost ?? server.spelling
    }

    /// What stands for the login, and the value of each.
    private func fields(of login: Credential) throws(StoreError) -> [(name: Text, value: Secret)] {
        let user = login["username"] ?? ""
        if user == Name.tokenUser {
            // podman passes over a token that has no user name beside it (containers/image).
            let name = (name: Name.auth, value: Secret(base64Of: "\(user):".secret))
            return (format == .podman ? [name] : []) + [(Name.identityToken, login.secret)]
        }
        // docker reads nothing at all from a file in which a user has no name.
        guard !user.isEmpty, !user.bytes.contains(UInt8(ascii: ":")) else {
            throw StoreError(
                .failed, user.isEmpty ? "it has no user name" : "its user name holds a colon")
        }
        let pair = Secret(joining: ["\(user):".secret, login.secret])
        return [(Name.auth, Secret(base64Of: pair))]
    }

    private func auths(of text: JSONText) -> JSONText.Value? {
        format == .dockercfg ? text.root : text.root?[Name.auths]
    }

    private func login(_ member: JSONText.Member, of text: JSONText) -> PlaintextLogin? {
        guard member.value.members != nil else { return nil }
        func entry(_ username: Text) -> Entry { .docker(server: member.name, username: username) }
        if let token = text.secret(member.value[Name.identityToken]), !token.isEmpty {
            return PlaintextLogin(entry(Name.tokenUser), secret: token, obstacle: obstacle(member))
        }
        if let token = text.secret(member.value[Name.registryToken]), !token.isEmpty {
            return PlaintextLogin(
                entry(Name.tokenUser), secret: token,
                obstacle: "it is a registry token, which no helper can give")
        }
        if let auth = text.secret(member.value[Name.auth]), !auth.isEmpty {
            guard let pair = UserAndPassword(base64: auth) else {
                return PlaintextLogin(
                    entry("?"), secret: auth, obstacle: "it is not understood")
            }
            return PlaintextLogin(
                entry(pair.user), secret: pair.password,
                obstacle: pair.isWhole ? obstacle(member) : "it has no user or no password")
        }
        if let user = text.text(member.value[Name.username]), !user.isEmpty,
            let password = text.secret(member.value[Name.password]), !password.isEmpty
        {
            return PlaintextLogin(entry(user), secret: password, obstacle: obstacle(member))
        }
        return PlaintextLogin(entry(""), secret: Secret(capacity: 0) { _ in 0 })
    }

    /// podman asks a helper for hosts alone (podman 4.3.1: "namespaced key is not supported").
    private func obstacle(_ member: JSONText.Member) -> String? {
        guard format == .podman, !member.name.string.contains("://"),
            member.name.bytes.contains(UInt8(ascii: "/"))
        else { return nil }
        return "podman asks no helper for a login of one path"
    }

    private enum Name {
        static let auths: Text = "auths"
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

/// A user name and a password, as HTTP's basic authentication joins them.
private struct UserAndPassword {
    let user: Text
    let password: Secret

    /// Both are needed by a helper.
    var isWhole: Bool { !user.isEmpty && password.count > 0 }

    init?(base64: Secret) {
        guard let decoded = Secret(base64: base64) else { return nil }
        let found: (user: Text, start: Int)? = decoded.expose { bytes in
            guard let colon = bytes.indices.first(where: { bytes[$0] == UInt8(ascii: ":") }),
                let user = Text(validating: (0..<colon).map { bytes[$0] })
            else { return nil }
            return (user, colon + 1)
        }
        guard let found else { return nil }
        user = found.user
        password = decoded[found.start..<decoded.count]
    }
}

extension Secret {
    /// The base64 of the bytes, padded.
    fileprivate init(base64Of bytes: Secret) {
        self.init(capacity: (bytes.count + 2) / 3 * 4) { memory in
            bytes.expose { bytes in
                var written = 0
                for start in stride(from: 0, to: bytes.count, by: 3) {
                    let count = min(3, bytes.count - start)
                    var bits: UInt32 = 0
                    for index in 0..<3 {
                        bits = bits << 8 | (index < count ? UInt32(bytes[start + index]) : 0)
                    }
                    for index in 0..<4 {
                        let digit = UInt8(truncatingIfNeeded: bits >> UInt32(18 - 6 * index)) & 63
                        memory[written] =
                            index <= count ? UInt8(base64Digit: digit) : UInt8(ascii: "=")
                        written += 1
                    }
                }
                return written
            }
        }
    }

    /// The bytes that a base64 (RFC 4648, section 4) stands for; nil if it is none. Padding may
    /// be missing.
    fileprivate init?(base64: Secret) {
        var isBase64 = true
        self.init(capacity: base64.count) { memory in
            base64.expose { bytes in
                var (bits, count, written): (UInt32, Int, Int) = (0, 0, 0)
                var end = bytes.count
                while end > 0, bytes[end - 1] == UInt8(ascii: "=") { end -= 1 }
                isBase64 = bytes.count - end <= 2 && end % 4 != 1
                for index in 0..<end {
                    guard let digit = bytes[index].base64Digit else {
                        isBase64 = false
                        return 0
                    }
                    bits = bits << 6 | digit
                    count += 6
                    guard count >= 8 else { continue }
                    count -= 8
                    memory[written] = UInt8(truncatingIfNeeded: bits >> UInt32(count))
                    written += 1
                }
                return written
            }
        }
        guard isBase64 else { return nil }
    }
}

extension UInt8 {
    /// The digit of a value below 64.
    fileprivate init(base64Digit value: UInt8) {
        self =
            switch value {
            case 0..<26: UInt8(ascii: "A") + value
            case 26..<52: UInt8(ascii: "a") + value - 26
            case 52..<62: UInt8(ascii: "0") + value - 52
            case 62: UInt8(ascii: "+")
            default: UInt8(ascii: "/")
            }
    }

    fileprivate var base64Digit: UInt32? {
        switch self {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(self - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(self - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(self - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
