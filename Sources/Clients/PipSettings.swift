internal import Credentials
internal import Files

/// `pip.conf`, in which the address of an index may have a password. Keyfob does not change it.
struct PipSettings: PlaintextFile {
    let file: ClientFile
    var client: any Client { Pip() }

    func contents(of content: Secret) throws(StoreError) -> PlaintextContents {
        var contents = PlaintextContents()
        for line in content.lines {
            let text = content[line].trimmed
            guard !text.hasPrefix("#"), !text.hasPrefix(";") else { continue }
            var start = 0
            while let mark = (start..<text.count).first(where: {
                text.holds(Array("://".utf8), at: $0)
            }) {
                // A password may have a space.
                let host = text[mark + 3..<text.count]
                let user = host[0..<host.pathStart].last { $0 == UInt8(ascii: "@") } ?? 0
                let end = text.first(from: mark + 3 + user) { $0 <= 0x20 } ?? text.count
                let before = text[start..<mark].last { !$0.isAlphanumeric && $0 != 0x2B }
                let url = text[(before.map { start + $0 + 1 } ?? start)..<end]
                contents.logins += [PipSettings.login(in: url)].compactMap(\.self)
                start = end
            }
        }
        return contents
    }

    /// Returns the login in an address; nil if it has no password, nor a token as its user.
    private static func login(in url: Secret) -> PlaintextLogin? {
        guard let parts = GitURL(url),
            let user = parts.user.flatMap({ Text(copying: $0) }),
            let password = parts.password ?? (user.looksLikeToken ? user.secret : nil),
            let key = Text(copying: url).flatMap(Pip.key)
        else { return nil }
        return PlaintextLogin(
            .token(of: "pip", key: key, username: user), secret: password,
            obstacle: "pip takes it from its settings, and asks nobody")
    }
}
