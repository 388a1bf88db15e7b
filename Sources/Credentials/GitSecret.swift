/// The secret part of a git login, and its form in a store: the password, and on the lines below it
/// further parts, as git-credential-libsecret writes them (git 2.43, contrib).
///
/// Two kinds of logins have an empty first line, so that no other helper takes them for a password:
/// a scheme with a credential (git 2.46), and a user name that is itself the secret.
package struct GitSecret: Sendable {
    /// The user name, if that is what the server checks; such a login has no attribute `user`.
    /// Otherwise nil.
    package var token: Secret?
    /// The password, which may be empty.
    package var password: Secret?
    package var authtype: Text?
    package var credential: Secret?
    package var refreshToken: Secret?
    /// The time at which it expires, in seconds since 1970; nil if none is known.
    package var expiry: UInt64?

    package init() {}

    /// Returns true if it is enough to log in with, together with this user name, or without one.
    /// An empty name and an empty password are enough, as they are for git's own helpers.
    package func isWhole(for username: Text?) -> Bool {
        if let credential { return authtype?.isEmpty == false && !credential.isEmpty }
        return password != nil && (username != nil || token != nil)
    }

    /// Returns true if both present the same to the server.
    package func isSame(as other: GitSecret) -> Bool {
        password ?? "".secret == other.password ?? "".secret && token == other.token
            && credential == other.credential && authtype == other.authtype
    }

    /// Returns true if it has expired at this time, in seconds since 1970.
    package func hasExpired(at now: UInt64) -> Bool { expiry.map { $0 <= now } ?? false }

    /// Returns the part that is enough to log in with: the credential, the token in place of a user
    /// name, or the password. Nil if there is none of them.
    package func alone(for username: Text?) -> Secret? {
        if let credential { return credential }
        if let token { return token }
        if let username, hasToken(for: username) { return username.secret }
        return password
    }

    /// True if it can be given to git: no part contains a line feed, carriage return or NUL, which
    /// git would take for the end of a line.
    package var isOfLines: Bool {
        [token, password, credential, refreshToken].allSatisfy { $0?.isOneLine ?? true }
            && authtype?.hasControlCharacter != true
    }

    /// Reads the form that it has in a store.
    package init(stored: Secret) {
        let lines = stored.lines.map { line in
            stored[line].ends(with: 0x0A)
                ? stored[line.lowerBound..<line.upperBound - 1] : stored[line]
        }
        let first = lines.first ?? .empty
        for line in lines.dropFirst() {
            if let value = line.value(of: "password_expiry_utc") {
                expiry = GitSecret.seconds(value)
            } else if let value = line.value(of: "oauth_refresh_token") {
                refreshToken = value
            } else if let value = line.value(of: "authtype") {
                authtype = Text(copying: value)
            } else if let value = line.value(of: "credential") {
                credential = value
            } else if let value = line.value(of: "username") {
                token = value
            } else if let value = line.value(of: "password") {
                password = value
            }
        }
        if token != nil, first.isEmpty { return }
        // Without a user name on a line of its own, the lines below contain no other password.
        token = nil
        password = first.isEmpty && credential != nil ? nil : first
    }

    package var stored: Secret {
        var parts = [token == nil ? password ?? "".secret : "".secret]
        if let token {
            parts += ["\nusername=".secret, token, "\npassword=".secret, password ?? "".secret]
        }
        if let authtype { parts += ["\nauthtype=\(authtype)".secret] }
        if let credential { parts += ["\ncredential=".secret, credential] }
        if let expiry { parts += ["\npassword_expiry_utc=\(expiry)".secret] }
        if let refreshToken { parts += ["\noauth_refresh_token=".secret, refreshToken] }
        return Secret(joining: parts)
    }

    /// Returns the value of a number without a sign; nil for anything else.
    package static func seconds(_ value: Secret) -> UInt64? {
        guard (1...18).contains(value.count), value.allSatisfy({ $0.isDigit }) else { return nil }
        return value.publicBytes.reduce(0) { $0 * 10 + UInt64($1 - 0x30) }
    }
}

// MARK: A user name that is a secret

extension Credential {
    /// Returns a git login as it is stored. A user name that is what the server checks (GitHub's
    /// `https://TOKEN:x-oauth-basic@github.com`) is kept with the secret and is no attribute. So a
    /// host and a path have one such login.
    package static func git(_ entry: Entry, _ secret: GitSecret) -> Credential {
        guard let user = entry["user"], secret.hasToken(for: user) else {
            return Credential(entry, secret: secret.stored)
        }
        var secret = secret
        secret.token = user.secret
        return Credential(
            .git(
                protocol: entry["protocol"] ?? "",
                server: entry["server"] ?? "", port: entry["port"],
                object: entry["object"], user: nil), secret: secret.stored)
    }
}

extension GitSecret {
    /// The passwords that stand for none, if the user name is what the server checks.
    private static let placeholders: [Text] = [
        "", "x-oauth-basic", "x-access-token", "x-token-auth", "oauth2",
    ]

    /// Returns true if that user name is what the server checks: nothing else of the login is
    /// secret, or it begins as tokens do.
    fileprivate func hasToken(for username: Text) -> Bool {
        guard credential == nil, !username.isEmpty, let password else { return false }
        return username.looksLikeToken
            || GitSecret.placeholders.contains { password == $0.secret }
    }
}

extension Text {
    /// The beginnings of the tokens of GitHub, GitLab, Bitbucket, Atlassian, DigitalOcean, Docker
    /// Hub, Hugging Face, npm and PyPI.
    private static let tokenPrefixes: [Text] = [
        "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glptt-",
        "glcbt-", "glsoat-", "gloas-", "ATBB", "ATCTT3", "ATATT3", "dop_v1_", "doo_v1_", "dor_v1_",
        "dckr_pat_", "dckr_oat_", "hf_", "npm_", "pypi-",
    ]

    /// True if it begins like a token that is sometimes given for a user name, or is 40 hexadecimal
    /// digits, as GitHub's older tokens and Gitea's are. Such a name is not shown.
    package var looksLikeToken: Bool {
        if bytes.count == 40, bytes.allSatisfy({ $0.hexDigit != nil }) { return true }
        return Text.tokenPrefixes.contains {
            bytes.count >= $0.bytes.count + 16 && bytes.starts(with: $0.bytes)
        }
    }
}

extension Secret {
    /// True if it contains no line feed, carriage return or NUL.
    package var isOneLine: Bool {
        allSatisfy { $0 != 0x0A && $0 != 0x0D && $0 != 0 }
    }

    /// Returns the bytes after `NAME=`; nil if the line does not begin with that.
    fileprivate func value(of name: String) -> Secret? {
        hasPrefix(name + "=") ? self[name.utf8.count + 1..<count] : nil
    }
}
