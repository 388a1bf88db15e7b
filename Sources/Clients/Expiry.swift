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

    private var schema: Schema { entry.schema }

    private static let longestToken = 1 << 16

    /// True if a client renews the login by itself: one of Docker Hub's tokens of a device login,
    /// or a git login with a refresh token.
    package var isRenewed: Bool {
        switch schema {
        case .docker:
            let server = entry.attributes["server"].map { ServerKey($0).normalForm }
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
        let dots = expose { bytes in bytes.indices.filter { bytes[$0] == UInt8(ascii: ".") } }
        guard dots.count == 2 else { return nil }
        let digits = Secret(capacity: dots[1] - dots[0] - 1) { output in
            self[dots[0] + 1..<dots[1]].expose { bytes in
                for index in bytes.indices {
                    switch bytes[index] {
                    case UInt8(ascii: "-"): output.append(UInt8(ascii: "+"))
                    case UInt8(ascii: "_"): output.append(UInt8(ascii: "/"))
                    default: output.append(bytes[index])
                    }
                }
            }
        }
        return Secret(base64: digits)
    }

    /// A time of the JSON object that the secret is; nil if there is none.
    fileprivate func seconds(named name: Text) -> UInt64? {
        guard let members = try? JSON(decoding: self).members,
            case .integer(let seconds) = members.last(where: { $0.name == name })?.value
        else { return nil }
        return UInt64(exactly: seconds)
    }
}
