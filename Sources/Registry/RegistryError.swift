package import Credentials

/// The reason for which a registry was not asked, or did not accept a login.
package enum RegistryError: Error, Hashable, Sendable {
    /// The registry does not accept this user with this password.
    case refused
    /// libcurl is not installed, or it cannot do what is required.
    case unavailable(String)
    case unreachable(origin: String, String)
    case notTLS(origin: String, String)
    case untrusted(origin: String, String)
    /// The registry redirects the client, which follows no redirection.
    case redirected(origin: String, to: String)
    /// The registry or its token server sent a reply that no registry sends.
    case unexpected(address: String, String)
    /// The registry names an address for the password at which others could read it.
    case exposing(realm: String)
    /// The address for the password is one at which others could read it.
    case exposed(origin: String)
    /// The registry asks for a scheme of authentication that Keyfob does not support.
    case unknownChallenge(origin: String)

    package var code: ErrorCode {
        switch self {
        case .refused: .registryRefuses
        case .unavailable: .registryNotAsked
        case .unreachable: .registryUnreachable
        case .redirected, .unexpected, .unknownChallenge: .registryAnswersWrongly
        case .notTLS, .untrusted, .exposing, .exposed: .registryIsUnsafe
        }
    }

    /// One line for the user, in lower case, without a full stop.
    package var message: String {
        switch self {
        case .refused: "the registry refused the user name or password"
        case .unavailable(let reason): "the registry cannot be asked: \(reason)"
        case .unreachable(let origin, let reason): "\(origin) cannot be reached: \(reason)"
        case .notTLS(let origin, let reason): "\(origin) does not speak TLS: \(reason)"
        case .untrusted(let origin, let reason): "\(origin) is not trusted: \(reason)"
        case .redirected(let origin, let location):
            "\(origin) redirects to \(location), and keyfob does not send the password there"
        case .unexpected(let address, let what):
            "\(address) does not answer like a registry: \(what)"
        case .exposing(let realm):
            "the registry wants the password sent to \(realm), which is not safe"
        case .exposed(let origin):
            "others could read what is sent to \(origin), which has no TLS"
        case .unknownChallenge(let origin):
            "\(origin) asks for a kind of login that keyfob does not support"
        }
    }
}
