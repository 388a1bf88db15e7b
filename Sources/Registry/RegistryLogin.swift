package import Credentials
internal import Web

/// A registry login asks a registry if it accepts a user, as docker does
/// (distribution/registry/client/auth): first it requests the root of the API without
/// authentication, then with the scheme that the registry asks for. A bearer token is preferred to
/// a password.
///
/// Invariants: the password goes to the registry's own origin, or to the https address that the
/// registry names for tokens, and nowhere else. http is used with this machine only, or with a host
/// that the user has called insecure, and only if the registry does not speak TLS.
package struct RegistryLogin: Sendable {
    /// The registry's verdict on a login that it did not refuse.
    package enum Verdict: Sendable {
        case accepted
        /// The login is accepted, and this token is to be stored in place of the password.
        case acceptedWithToken(Secret)
        /// The registry requires no authentication, and was not sent the password.
        case asksNobody
    }

    /// The reply to a request without authentication.
    package struct Greeting: Sendable {
        /// The root that replied, by https or by http.
        let root: WebAddress
        let reply: HTTPAnswer

        /// True if the registry requires no authentication.
        package var asksNobody: Bool { reply.status == 200 }
    }

    /// The user name of a login with an identity token for its secret, as docker stores it.
    package static let tokenUser: Text = "<token>"

    private let root: WebAddress
    private let client: any HTTPClient
    private let isInsecure: Bool

    /// `isInsecure` says if the user has called the registry's host insecure.
    package init(
        to registry: RegistryName, over client: any HTTPClient, isInsecure: Bool = false
    ) {
        root = WebAddress(rootOf: registry)
        self.client = client
        self.isInsecure = isInsecure
    }

    /// Requests the root without authentication. Throws if the reply is not a registry's.
    package func greet() throws(RegistryError) -> Greeting {
        let greeting = try knock()
        guard [200, 401].contains(greeting.reply.status) else {
            throw .unexpected(greeting.reply, from: greeting.root)
        }
        return greeting
    }

    private func knock() throws(RegistryError) -> Greeting {
        do throws(RegistryError) {
            return Greeting(root: root, reply: try client.reply(to: HTTPRequest(root)))
        } catch {
            guard case .notTLS = error, root.isLoopback || isInsecure else { throw error }
            let root = root.inTheOpen
            return Greeting(root: root, reply: try client.reply(to: HTTPRequest(root)))
        }
    }

    /// Authenticates the user with the scheme that the registry's greeting asks for.
    package func verify(
        _ username: Text, _ password: Secret, after greeting: Greeting
    ) throws(RegistryError) -> Verdict {
        if greeting.asksNobody { return .asksNobody }
        let (root, challenges) = (greeting.root, greeting.reply.challenges)
        if let bearer = challenges.first(where: { $0.scheme == "bearer" }) {
            let server = try TokenServer(bearer, of: root, isInsecure: isInsecure)
            let request = server.request(for: username, password)
            let tokens = try server.tokens(in: try client.admission(to: request))
            _ = try client.admission(to: HTTPRequest(root, as: .bearer(tokens.access)))
            return tokens.identity.map(Verdict.acceptedWithToken) ?? .accepted
        }
        guard challenges.contains(where: { $0.scheme == "basic" }),
            username != RegistryLogin.tokenUser
        else { throw .unknownChallenge(origin: root.origin) }
        let request = HTTPRequest(root, as: .basic(username: username, password: password))
        _ = try client.admission(to: request)
        return .accepted
    }
}
