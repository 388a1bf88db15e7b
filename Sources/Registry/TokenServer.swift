internal import Credentials
internal import JSON

/// A token server gives tokens for a registry, which names it in a bearer challenge (distribution's
/// token specification).
struct TokenServer {
    struct Tokens {
        /// What the registry is shown; nothing but visible ASCII.
        let access: Secret
        /// What is to be kept in place of what was shown here, if there is anything.
        let identity: Secret?
    }

    let address: WebAddress
    private let service: Text?

    /// The client that docker says it is: token servers know it.
    private static let client: Text = "docker"

    /// Throws if it is not where a password may be sent: by https anywhere, by http only from this
    /// machine to this machine.
    init(_ challenge: Challenge, of registry: WebAddress) throws(RegistryError) {
        let realm = challenge.parameters["realm"] ?? ""
        guard let address = WebAddress(realm),
            address.scheme == .https || (address.isLoopback && registry.isLoopback)
        else { throw .exposing(realm: realm.isEmpty ? "nowhere" : realm.string) }
        self.address = address
        service = challenge.parameters["service"]
    }

    /// What asks for the tokens of a user: their password by basic authentication, an identity
    /// token by OAuth 2. Like docker's, a login asks for no scope, whatever the challenge names.
    func request(for username: Text, _ password: Secret) -> HTTPRequest {
        if username == RegistryLogin.tokenUser {
            let service = service ?? ""
            let head = "grant_type=refresh_token&client_id=\(TokenServer.client)&scope=&service="
            let fields = Secret(joining: [
                Secret(copying: Array(head.utf8).span),
                Secret(copying: service.bytes.span).formEncoded,
                Secret(copying: Array("&refresh_token=".utf8).span),
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
        let members: [JSON.Member]
        do throws(JSON.Fault) {
            members = try JSON(decoding: answer.body).members ?? []
        } catch {
            throw .unexpected(address: address.description, "it returned no JSON")
        }
        func token(_ name: Text) -> Secret? {
            let token = members.last { $0.name == name }?.value.secret
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
        expose { bytes in
            Secret(capacity: bytes.count * 3) { output in
                for index in bytes.indices {
                    for byte in FormEncoding(bytes[index]).bytes { output.append(byte) }
                }
            }
        }
    }

    /// It stands in a header, which another byte could end.
    fileprivate var isVisibleASCII: Bool {
        expose { bytes in bytes.indices.allSatisfy { (0x21...0x7E).contains(bytes[$0]) } }
    }
}
