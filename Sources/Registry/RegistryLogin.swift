package import Credentials
internal import JSON

/// A registry login asks a registry if it accepts a user, as docker does
/// (distribution/registry/client/auth): first it requests the root of the API without
/// authentication, then with the scheme that the registry asks for. A bearer token is preferred to
/// a password.
///
/// Invariants: the password goes to the registry's own origin, or to the https address that the
/// registry names for tokens, and nowhere else. http is used with this machine only, and with a
/// registry only if it does not speak TLS.
package struct RegistryLogin {
    /// The registry's verdict on a login that it did not refuse.
    package enum Verdict: Sendable {
        case accepted
        /// The login is accepted, and this token is to be stored in place of the password.
        case acceptedWithToken(Secret)
        /// The registry requires no authentication, and was not sent the password.
        case asksNobody
    }

    /// The user name of a login with an identity token for its secret, as docker stores it.
    package static let tokenUser: Text = "<token>"

    private let root: WebAddress
    private let client: any HTTPClient

    package init(to registry: RegistryName, over client: any HTTPClient) {
        root = WebAddress(rootOf: registry)
        self.client = client
    }

    package func verify(_ username: Text, _ password: Secret) throws(RegistryError) -> Verdict {
        let (root, greeting) = try knock()
        switch greeting.status {
        case 200: return .asksNobody
        case 401: break
        default: throw unexpected(greeting, from: root)
        }
        if let bearer = greeting.challenges.first(where: { $0.scheme == "bearer" }) {
            let server = try TokenServer(bearer, of: root)
            let request = server.request(for: username, password)
            let tokens = try server.tokens(in: try answer(to: request, at: server.address))
            _ = try answer(to: HTTPRequest(root, as: .bearer(tokens.access)), at: root)
            return tokens.identity.map(Verdict.acceptedWithToken) ?? .accepted
        }
        guard greeting.challenges.contains(where: { $0.scheme == "basic" }),
            username != RegistryLogin.tokenUser
        else { throw .unknownChallenge(origin: root.origin) }
        let request = HTTPRequest(root, as: .basic(username: username, password: password))
        _ = try answer(to: request, at: root)
        return .accepted
    }

    /// Requests the root without authentication. Returns the root that replied, which is http if
    /// this machine does not speak TLS there, and its reply.
    private func knock() throws(RegistryError) -> (root: WebAddress, HTTPAnswer) {
        do throws(RegistryError) {
            return (root, try ask(HTTPRequest(root)))
        } catch {
            guard case .notTLS = error, root.isLoopback else { throw error }
            return (root.inTheOpen, try ask(HTTPRequest(root.inTheOpen)))
        }
    }

    /// Returns the reply to a request that authenticates the user. Throws `refused` if the server
    /// refuses the login.
    private func answer(
        to request: HTTPRequest, at address: WebAddress
    ) throws(RegistryError) -> HTTPAnswer {
        let answer = try ask(request)
        switch answer.status {
        case 200: return answer
        case 401, 403: throw .refused
        // A token server sends this status for a token that it does not know (RFC 6749, 5.2).
        case 400 where request.form != nil: throw .refused
        default: throw unexpected(answer, from: address)
        }
    }

    private func unexpected(_ answer: HTTPAnswer, from address: WebAddress) -> RegistryError {
        if (300..<400).contains(answer.status), let location = answer.location {
            return .redirected(origin: address.origin, to: location)
        }
        return .unexpected(address: address.description, "status \(answer.status)")
    }

    private func ask(_ request: HTTPRequest) throws(RegistryError) -> HTTPAnswer {
        let origin = request.address.origin
        do throws(HTTPFailure) {
            return try client.ask(request)
        } catch {
            switch error {
            case .unavailable(let reason): throw .unavailable(reason)
            case .unreachable(let reason): throw .unreachable(origin: origin, reason)
            case .notTLS(let reason): throw .notTLS(origin: origin, reason)
            case .untrusted(let reason): throw .untrusted(origin: origin, reason)
            case .tooLong: throw .unexpected(address: origin, "a very long answer")
            }
        }
    }
}
