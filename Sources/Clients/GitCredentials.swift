package import Credentials
internal import TextEditing

/// `.git-credentials`, in which git's helper `store` keeps passwords in plain text: a URL a line,
/// `PROTOCOL://USER:PASSWORD@HOST[/PATH]`, each part percent-encoded (git-credential-store(1)).
package struct GitCredentials: PlaintextTarget {
    package let file: ClientFile

    package init(_ file: ClientFile) { self.file = file }

    package var client: String { "git" }

    package func contents(of content: Secret) throws(StoreError) -> PlaintextContents {
        PlaintextContents(logins: logins(of: content).map(\.login))
    }

    /// A new line is the first one, as git puts it.
    package func adding(_ login: Credential, to content: Secret) throws(StoreError) -> Secret {
        let line = try line(of: login)
        let others = logins(of: content).filter { $0.login.entry.login == login.entry.login }
        if !others.isEmpty, others.allSatisfy({ $0.login.secret == login.secret }) {
            return content
        }
        var edits = Edits()
        edits.replace(others.first?.line ?? 0..<0, with: line)
        for other in others.dropFirst() { edits.replace(other.line) }
        return edits.applied(to: content)
    }

    private func line(of login: Credential) throws(StoreError) -> Secret {
        let secret = GitSecret(stored: login.secret)
        guard let scheme = login["protocol"], let server = login["server"],
            let user = secret.token ?? login["user"]?.string.secret
        else { throw StoreError(.failed, "it has no user name") }
        guard let password = secret.password, secret.isOfLines, secret.credential == nil,
            secret.expiry == nil, secret.refreshToken == nil
        else {
            throw StoreError(
                .failed, "it is more than a password, which is all that a line can hold")
        }
        let host = server.string + (login["port"].map { ":\($0)" } ?? "")
        var parts = [scheme.string.secret.percentEncoded(), "://".secret]
        parts += [user.percentEncoded(), ":".secret, password.percentEncoded()]
        parts += ["@".secret, host.secret.percentEncoded()]
        if let path = login["object"] {
            guard path.bytes.first != UInt8(ascii: "/") else {
                throw StoreError(.failed, "git does not find a path in it that begins with /")
            }
            parts += ["/".secret, path.string.secret.percentEncoded(except: "!*'();:@&=+$,/?#[]")]
        }
        return Secret(joining: parts + ["\n".secret])
    }

    @discardableResult
    package func remove(
        where isMeant: (PlaintextLogin) -> Bool
    ) throws(StoreError) -> [Entry] {
        var removed: [Entry] = []
        try file.edit { content throws(StoreError) in
            removed = []
            guard let content else { return nil }
            var edits = Edits()
            for (line, login) in logins(of: content) where isMeant(login) {
                edits.replace(line)
                removed.append(login.entry)
            }
            return edits.isEmpty ? nil : edits.applied(to: content)
        }
        return removed
    }

    private func logins(of content: Secret) -> [(line: Range<Int>, login: PlaintextLogin)] {
        let lines = content.expose { bytes in
            var lines: [Range<Int>] = []
            var start = 0
            for index in bytes.indices where bytes[index] == 0x0A {
                lines.append(start..<index + 1)
                start = index + 1
            }
            return start < bytes.count ? lines + [start..<bytes.count] : lines
        }
        return lines.compactMap { line in login(content[line]).map { (line, $0) } }
    }

    /// The login in a line; nil for a line that git does not understand either.
    private func login(_ line: Secret) -> PlaintextLogin? {
        let parts: (scheme: Int, at: Int, colon: Int, slash: Int, end: Int)? = line.expose {
            bytes in
            var end = bytes.count
            while end > 0, bytes[end - 1] == 0x0A || bytes[end - 1] == 0x0D { end -= 1 }
            func first(_ byte: UInt8, _ range: Range<Int>) -> Int? {
                range.first { bytes[$0] == byte }
            }
            guard let scheme = first(UInt8(ascii: ":"), 0..<end), scheme + 3 <= end, scheme > 0,
                bytes[scheme + 1] == UInt8(ascii: "/"), bytes[scheme + 2] == UInt8(ascii: "/"),
                let at = first(UInt8(ascii: "@"), scheme + 3..<end),
                let colon = first(UInt8(ascii: ":"), scheme + 3..<at)
            else { return nil }
            return (scheme, at, colon, first(UInt8(ascii: "/"), at..<end) ?? end, end)
        }
        guard let parts,
            let scheme = Text(copying: line[0..<parts.scheme].percentDecoded),
            let user = Text(copying: line[parts.scheme + 3..<parts.colon].percentDecoded),
            let host = Text(copying: line[parts.at + 1..<parts.slash].percentDecoded),
            let path = Text(
                copying: line[min(parts.slash + 1, parts.end)..<parts.end].percentDecoded)
        else { return nil }
        let password = line[parts.colon + 1..<parts.at].percentDecoded
        guard !host.isEmpty || !path.isEmpty else { return nil }
        let (server, port) = host.splittingPort
        var secret = GitSecret()
        secret.password = password
        return PlaintextLogin(
            .git(
                .git(
                    protocol: scheme, server: server, port: port,
                    object: path.isEmpty ? nil : path, user: user), secret))
    }
}

extension Text {
    /// A host and its port, if it names one.
    fileprivate var splittingPort: (host: Text, port: Text?) {
        guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")), colon > 0,
            bytes.last != UInt8(ascii: "]"),
            bytes[(colon + 1)...].allSatisfy({
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }),
            let host = Text(validating: bytes[..<colon]),
            let port = Text(validating: bytes[(colon + 1)...]), !port.isEmpty
        else { return (self, nil) }
        return (host, port)
    }
}

extension Secret {
    /// As git encodes it (credential-store.c): all but what RFC 3986 calls unreserved, in small
    /// letters.
    fileprivate func percentEncoded(except plain: String = "") -> Secret {
        Secret(capacity: 3 * count) { memory in
            expose { bytes in
                var written = 0
                for index in bytes.indices {
                    let byte = bytes[index]
                    guard !byte.isUnreserved, !plain.utf8.contains(byte) else {
                        memory[written] = byte
                        written += 1
                        continue
                    }
                    memory[written] = UInt8(ascii: "%")
                    memory[written + 1] = UInt8(hexDigit: byte >> 4)
                    memory[written + 2] = UInt8(hexDigit: byte & 0xF)
                    written += 3
                }
                return written
            }
        }
    }

    fileprivate var percentDecoded: Secret {
        Secret(capacity: count) { memory in
            expose { bytes in
                var (read, written) = (0, 0)
                while read < bytes.count {
                    let isEscape =
                        bytes[read] == UInt8(ascii: "%") && read + 2 < bytes.count
                    if isEscape, let high = bytes[read + 1].hexDigit,
                        let low = bytes[read + 2].hexDigit
                    {
                        memory[written] = high << 4 | low
                        read += 3
                    } else {
                        memory[written] = bytes[read]
                        read += 1
                    }
                    written += 1
                }
                return written
            }
        }
    }
}

extension UInt8 {
    /// The small digit of a value below 16.
    fileprivate init(hexDigit value: UInt8) {
        self = value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    fileprivate var isUnreserved: Bool {
        switch self {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    fileprivate var hexDigit: UInt8? {
        Character(Unicode.Scalar(self)).hexDigitValue.map { UInt8($0) }
    }
}
