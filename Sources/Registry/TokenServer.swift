internal import Credentials
internal import JSON
internal import Web

/// A token server issues tokens for a registry, which names it in a bearer challenge
/// (distribution's token specification).
struct TokenServer {
    struct Tokens {
        /// The token that is sent to the registry; it holds only visible ASCII.
        let access: Secret
        /// The token that is to be stored in place of the password; nil if the server issues none.
        let identity: Secret?
    }

    let address: WebAddress
    private let service: Text?

    /// The client ID of docker, which token servers know.
    private static let client: Text = "docker"

    /// Throws `exposing` if no password may be sent to the challenge's realm: https is safe
    /// everywhere, http only if both the registry and the token server are on this machine, or on
    /// one host that the user has called insecure.
    init(
        _ challenge: Challenge, of registry: WebAddress, isInsecure: Bool
    ) throws(RegistryError) {
        let realm = challenge.parameters["realm"] ?? ""
        guard let address = WebAddress(realm),
            address.scheme == .https || (address.isLoopback && registry.isLoopback)
                || (isInsecure && address.host == registry.host)
        else { throw .exposing(realm: realm.isEmpty ? "nowhere" : realm.string) }
        self.address = address
        service = challenge.parameters["service"]
    }

    /// Returns the request for a user's tokens: a password is sent by basic authentication, an
    /// identity token by OAuth 2. Like docker's login, it asks for no scope, whatever the challenge
    /// names.
    func request(for username: Text, _ password: Secret) -> HTTPRequest {
        if username == RegistryLogin.tokenUser {
            let service = service ?? ""
            let head = "grant_type=refresh_token&client_id=\(TokenServer.client)&scope=&service="
            let fields = Secret(joining: [
                head.secret, service.secret.formEncoded, "&refresh_token=".secret,
                password.formEncoded,
            ])
            return HTTPRequest(address, posting: fields)
        }
        var parameters: [(name: String, value: Text)] = []
        if let service, !service.isEmpty { parameters.append(("service", service)) }
        parameters += [
            ("offline_token", "true"), ("client_id", TokenServer.client), ("account", username),
        ]
        return HTTPRequest(
            address.asking(parameters), as: .basic(username: username, password: password))
    }

    func tokens(in answer: HTTPAnswer) throws(RegistryError) -> Tokens {
        let reply: JSON
        do throws(JSON.Fault) {
            reply = try JSON(decoding: answer.body)
        } catch {
            throw .unexpected(address: address.description, "it returned no JSON")
        }
        func token(_ name: Text) -> Secret? {
            let token = reply[name]?.secret
            return token?.isEmpty == false ? token : nil
        }
        guard let access = token("access_token") ?? token("token"), access.isVisibleASCII else {
            throw .unexpected(address: address.description, "it returned no token")
        }
        return Tokens(access: access, identity: token("refresh_token"))
    }
}

extension Secret {
    fileprivate var formEncoded: Secret {
        Secret(converting: self, growth: 3) { byte, output in
            guard let byte else { return }
            for byte in FormEncoding(byte).bytes { output.append(byte) }
        }
    }

    /// True if every byte is visible ASCII. Another byte could end the header that holds the token.
    fileprivate var isVisibleASCII: Bool {
        allSatisfy { (0x21...0x7E).contains($0) }
    }
}
