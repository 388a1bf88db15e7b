package import Web

/// An HTTP client sends a request and returns the server's reply. It follows no redirection, so
/// that nothing reaches a host that the request does not name.
package protocol HTTPClient: Sendable {
    func ask(_ request: HTTPRequest) throws(HTTPFailure) -> HTTPAnswer
}

extension Curl: HTTPClient {}

extension HTTPClient {
    /// Returns the reply, with any status.
    func reply(to request: HTTPRequest) throws(RegistryError) -> HTTPAnswer {
        let origin = request.address.origin
        do throws(HTTPFailure) {
            return try ask(request)
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

    /// Returns the reply to a request that authenticates the user. Throws `refused` if the server
    /// refuses the login.
    func admission(to request: HTTPRequest) throws(RegistryError) -> HTTPAnswer {
        let reply = try reply(to: request)
        switch reply.status {
        case 200: return reply
        case 401, 403: throw .refused
        // A token server sends this status for a token that it does not know (RFC 6749, 5.2).
        case 400 where request.form != nil: throw .refused
        default: throw .unexpected(reply, from: request.address)
        }
    }
}

extension RegistryError {
    /// Returns the error for a reply that no registry sends.
    static func unexpected(_ reply: HTTPAnswer, from address: WebAddress) -> RegistryError {
        if (300..<400).contains(reply.status), let location = reply.location {
            return .redirected(origin: address.origin, to: location)
        }
        return .unexpected(address: address.description, "status \(reply.status)")
    }
}
