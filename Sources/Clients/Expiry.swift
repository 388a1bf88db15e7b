package import Credentials
internal import JSON
internal import TextEditing

/// The expiry of a login is the time after which its server no longer accepts it, if the secret
/// itself contains that time.
extension Credential {
    /// The expiry in seconds since 1970: `password_expiry_utc` of a git login (git-credential(1)),
    /// `exp` of a JSON Web Token (RFC 7519, 4.1.4), or `expiration` of a password of Amazon ECR,
    /// whose user name is `AWS`. Nil if the secret contains none.
    package var expiry: UInt64? {
        if schema == .git, let expiry = GitSecret(stored: secret).expiry { return expiry }
        guard secret.count <= Credential.longestToken else { return nil }
        if entry.username == "AWS" {
            return Secret(base64: secret).flatMap { $0.seconds(named: "expiration") }
        }
        return secret.claims.flatMap { $0.seconds(named: "exp") }
    }

    private var schema: Schema.Family { entry.schema.family }

    private static let longestToken = 1 << 16

    /// True if a client renews the login by itself: one of Docker Hub's tokens of a device login,
    /// or a git login with a refresh token.
    package var isRenewed: Bool {
        switch schema {
        case .docker:
            let server = entry["server"].map { ServerKey($0).normalForm }
            return ServerKey.hub.logout.dropFirst().contains { $0.normalForm == server }
        case .git: return GitSecret(stored: secret).refreshToken != nil
        default: return false
        }
    }
}

extension Secret {
    /// The claims of a JSON Web Token, which may follow a scheme such as `Bearer`; nil for anything
    /// else.
    fileprivate var claims: Secret? {
        let isDot = { (byte: UInt8) in byte == UInt8(ascii: ".") }
        guard let first = first(where: isDot), let last = last(where: isDot), first < last,
            !self[first + 1..<last].contains(where: isDot)
        else { return nil }
        let digits = Secret(converting: self[first + 1..<last], growth: 1) { byte, output in
            switch byte {
            case UInt8(ascii: "-"): output.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): output.append(UInt8(ascii: "/"))
            case let byte?: output.append(byte)
            case nil: break
            }
        }
        return Secret(base64: digits)
    }

    /// A time of the JSON object that the secret is; nil if there is none.
    fileprivate func seconds(named name: Text) -> UInt64? {
        guard let object = try? JSON(decoding: self) else { return nil }
        switch object[name] {
        case .integer(let seconds)?: return UInt64(exactly: seconds)
        // The fraction of a second is dropped (RFC 7519, 2, NumericDate).
        case .number(let text)?:
            let parts = text.string.split(separator: ".")
            guard parts.count == 2, UInt64(parts[1]) != nil else { return nil }
            return UInt64(parts[0])
        default: return nil
        }
    }
}
