internal import Clients
internal import Credentials
internal import Files
internal import Registry
internal import Web

/// A verdict is the result of `keyfob check` for one stored login.
struct Verdict: Sendable {
    enum Result: Text {
        case accepted, refused, expired, unreachable
        /// The server could not prove its identity, so it was not sent the secret.
        case untrusted
        /// The server sent a reply that its protocol does not define.
        case unclear
        case notChecked = "not-checked"
    }

    let result: Result
    /// The reason, unless the login is accepted.
    let error: StoreError?

    /// True if the server has refused the login or could not say if it accepts it, or if it has
    /// expired.
    var isFault: Bool { result != .accepted && result != .notChecked }

    /// `refused`, or `unreachable: ` and the reason.
    var words: String {
        let word = result == .notChecked ? "not checked" : result.rawValue.string
        guard let error, result != .refused else { return word }
        return "\(word): \(error.message)"
    }

    private init(_ result: Result, _ error: StoreError?) {
        self.result = result
        self.error = error
    }

    private static func notChecked(_ reason: String) -> Verdict {
        Verdict(.notChecked, StoreError(.registryNotAsked, reason))
    }
}

extension Verdict {
    /// Asks the server of the login, unless it has expired or its protocol defines no harmless
    /// request.
    init(of login: Credential, _ invocation: Invocation) {
        if let expiry = login.expiry, expiry <= System.seconds {
            let time = LocalTime(expiry).map { " on \($0.minute)" } ?? ""
            self.init(.expired, StoreError(.loginExpired, "the login has expired\(time)"))
            return
        }
        do throws(RegistryError) {
            switch try Verdict.ask(login, invocation) {
            case .accepted, .acceptedWithToken: self.init(.accepted, nil)
            case .asksNobody: self = .notChecked("the server requires no login")
            case nil:
                self = .notChecked("no request that needs a login is known for this server")
            }
        } catch {
            let result: Result =
                switch error {
                case .refused: .refused
                case .unavailable: .notChecked
                case .unreachable: .unreachable
                case .notTLS, .untrusted, .exposing, .exposed: .untrusted
                case .redirected, .unexpected, .unknownChallenge: .unclear
                }
            self.init(result, StoreError(error.code, error.message))
        }
    }

    /// Asks the server of the login. Returns nil if no request to it is known that would check the
    /// login.
    private static func ask(
        _ login: Credential, _ invocation: Invocation
    ) throws(RegistryError) -> RegistryLogin.Verdict? {
        if login.entry.schema.isRoutable { return try askRegistry(login, invocation) }
        let client = Curl(Trust(), invocation)
        if let index = login["url"] {
            return try ProtectedPage(ofCargoIndex: index, login.secret)?.verify(over: client)
        }
        if login["protocol"] != nil {
            let secret = GitSecret(stored: login.secret)
            guard login["object"] != nil, let user = login["user"], secret.credential == nil,
                let password = secret.password
            else { return nil }
            return try ProtectedPage(ofGitRepository: login.entry.serverName, user, password)?
                .verify(over: client)
        }
        guard login["client"] == Terraform().name else { return nil }
        return try ProtectedPage(
            ofTerraformHost: login["key"] ?? "", login.secret, over: client)?
            .verify(over: client)
    }

    /// Returns nil for a login about which no registry can be asked: one of a single path, such as
    /// Docker Hub's tokens, or of an http server.
    private static func askRegistry(
        _ login: Credential, _ invocation: Invocation
    ) throws(RegistryError) -> RegistryLogin.Verdict? {
        guard let server = login["server"], let user = login["username"],
            ServerKey(server).podmanHost != nil, let registry = RegistryName(server)
        else { return nil }
        let trust = Trust(in: registry, invocation)
        let request = RegistryLogin(to: registry, over: Curl(trust, invocation))
        return try request.verify(user, login.secret, after: try request.greet())
    }
}
