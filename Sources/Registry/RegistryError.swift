package import Credentials

/// Why a registry was not asked, or did not accept a login.
package enum RegistryError: Error, Hashable, Sendable {
    /// It does not accept this user with this password.
    case refused
    /// Nothing here speaks HTTP.
    case unavailable(String)
    case unreachable(origin: String, String)
    case notTLS(origin: String, String)
    case untrusted(origin: String, String)
    /// It sends the client elsewhere, where it does not follow.
    case redirected(origin: String, to: String)
    /// It does not answer as a registry or its token server does.
    case unexpected(address: String, String)
    /// It wants the password to be sent where others could read it.
    case exposing(realm: String)
    /// It wants to be shown who asks in a way that is not known here.
    case unknownChallenge(origin: String)

    package var code: ErrorCode {
        switch self {
        case .refused: .registryRefuses
        case .unavailable: .registryNotAsked
        case .unreachable: .registryUnreachable
        case .redirected, .unexpected, .unknownChallenge: .registryAnswersWrongly
        case .notTLS, .untrusted, .exposing: .registryIsUnsafe
        }
    }

    /// One line for people, in lower case, without a full stop.
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
        case .unknownChallenge(let origin):
            "\(origin) asks for a kind of login that keyfob does not support"
        }
    }
}
