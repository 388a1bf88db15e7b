internal import Credentials

/// What is secret of a git login, and how it stands in a store: the password, and on lines below it
/// what else there is, as git-credential-libsecret writes it (git 2.43, contrib).
///
/// A login that is no password but a scheme and a credential (git 2.46) stands below an empty first
/// line, so that no other helper takes the credential for a password.
struct GitSecret {
    var password: Secret?
    var authtype: Text?
    var credential: Secret?
    var refreshToken: Secret?
    /// Seconds since 1970.
    var expiry: UInt64?

    init() {}

    /// Whether there is enough of it to log in with, by the name of a user or without.
    func isWhole(for username: Text?) -> Bool {
        if let credential { return authtype?.isEmpty == false && !credential.isEmpty }
        return username != nil && password?.isEmpty == false
    }

    /// Whether the same is presented to the server.
    func isSame(as other: GitSecret) -> Bool {
        password ?? "".secret == other.password ?? "".secret
            && credential == other.credential && authtype == other.authtype
    }

    /// As it stands in a store.
    init(stored: Secret) {
        let ranges = stored.expose { bytes in
            var ranges: [Range<Int>] = []
            var start = 0
            for index in bytes.indices where bytes[index] == 0x0A {
                ranges.append(start..<index)
                start = index + 1
            }
            return ranges + [start..<bytes.count]
        }
        if !ranges[0].isEmpty { password = stored[ranges[0]] }
        for range in ranges.dropFirst() {
            let line = stored[range]
            if let value = line.value(of: "password_expiry_utc") {
                expiry = GitSecret.seconds(value)
            } else if let value = line.value(of: "oauth_refresh_token") {
                refreshToken = value
            } else if let value = line.value(of: "authtype") {
                authtype = Text(copying: value)
            } else if let value = line.value(of: "credential") {
                credential = value
            }
        }
    }

    var stored: Secret {
        var parts = [password ?? "".secret]
        if let authtype { parts += ["\nauthtype=\(authtype)".secret] }
        if let credential { parts += ["\ncredential=".secret, credential] }
        if let expiry { parts += ["\npassword_expiry_utc=\(expiry)".secret] }
        if let refreshToken { parts += ["\noauth_refresh_token=".secret, refreshToken] }
        return Secret(joining: parts)
    }

    /// A number without a sign; nil for anything else.
    static func seconds(_ value: Secret) -> UInt64? {
        value.expose { bytes in
            guard (1...18).contains(bytes.count) else { return nil }
            var number: UInt64 = 0
            for index in bytes.indices {
                guard (0x30...0x39).contains(bytes[index]) else { return nil }
                number = number * 10 + UInt64(bytes[index] - 0x30)
            }
            return number
        }
    }
}

extension Secret {
    /// What follows `NAME=`; nil if the line is another one.
    fileprivate func value(of name: String) -> Secret? {
        let prefix = Array("\(name)=".utf8)
        let begins = expose { bytes in
            bytes.count >= prefix.count && prefix.indices.allSatisfy { bytes[$0] == prefix[$0] }
        }
        return begins ? self[prefix.count..<count] : nil
    }
}
