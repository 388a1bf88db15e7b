internal import Credentials
internal import Registry
internal import Web

/// A login verification asks a registry if it accepts a login, before the login is stored.
struct LoginVerification {
    private let login: RegistryLogin
    private let console: Console
    private var greeting: RegistryLogin.Greeting?

    init(of registry: RegistryName, _ trust: Trust, _ invocation: Invocation) {
        login = RegistryLogin(
            to: registry, over: Curl(trust, invocation), isInsecure: trust.isUnverified)
        console = invocation.console
    }

    /// Sends the registry a request without a login, so that the user types no password for a
    /// registry that cannot be reached. Notes if the registry requires no login.
    mutating func greet() throws(StoreError) {
        guard greeting == nil else { return }
        do throws(RegistryError) {
            let greeting = try login.greet()
            if greeting.asksNobody { console.note("not verified: the registry requires no login") }
            self.greeting = greeting
        } catch {
            throw LoginVerification.failure(error)
        }
    }

    /// Asks the registry if it accepts the login. Returns the identity token to store in place of
    /// the password; nil if the registry gave none.
    mutating func verify(_ user: Text, _ password: Secret) throws(StoreError) -> Secret? {
        try greet()
        guard let greeting else { return nil }
        do throws(RegistryError) {
            guard
                case .acceptedWithToken(let token) = try login.verify(
                    user, password, after: greeting)
            else { return nil }
            console.note(
                "the registry returned an identity token, which is stored instead of the password")
            return token
        } catch {
            throw LoginVerification.failure(error)
        }
    }

    private static func failure(_ error: RegistryError) -> StoreError {
        let hint =
            switch error {
            case .refused, .exposing, .exposed: "nothing was stored"
            case .untrusted:
                "nothing was stored; name the file of its certificate: --ca-file FILE"
            case .unavailable, .unreachable, .notTLS, .redirected, .unexpected, .unknownChallenge:
                "nothing was stored; to store the login without asking the registry: --no-verify"
            }
        return StoreError(error.code, error.message, hint: hint)
    }
}
