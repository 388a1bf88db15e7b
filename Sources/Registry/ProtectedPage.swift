package import Credentials
internal import JSON
internal import Web

/// A protected page is one that a server returns to authenticated users only. A request for it
/// changes nothing, and shows if the server accepts a login.
///
/// Invariant: the secret goes to the page's own origin, by https, or on this machine by http as
/// well.
package struct ProtectedPage: Sendable {
    private let address: WebAddress
    private let identity: HTTPRequest.Identity

    /// `config.json` of a cargo registry, which needs a token if the registry sets `auth-required`
    /// (The Cargo Book, "Registry Index", "Index Authentication"). Nil if the index is not sparse.
    package init?(ofCargoIndex index: Text, _ token: Secret) {
        let prefix = Array("sparse+".utf8)
        guard index.bytes.starts(with: prefix), index.bytes.last == UInt8(ascii: "/"),
            token.isHeaderValue,
            let url = Text(validating: index.bytes.dropFirst(prefix.count) + "config.json".utf8),
            let address = WebAddress(url)
        else { return nil }
        self.address = address
        identity = .header(token)
    }

    /// The references of a git repository, with which each fetch begins (gitprotocol-http(5),
    /// "Smart Clients"). `url` is the repository's; nil if it is not of http or https.
    package init?(ofGitRepository url: String, _ username: Text, _ password: Secret) {
        guard let text = Text(url + "/info/refs?service=git-upload-pack"),
            let address = WebAddress(text)
        else { return nil }
        self.address = address
        identity = .basic(username: username, password: password)
    }

    /// The account of a terraform token: `account/details` of the service `tfe.v2`, which
    /// `terraform login` requests, too (HCP Terraform API, "Account"). The host's discovery
    /// document names the service ("Remote Service Discovery"). Nil if the service is not on the
    /// host itself.
    package init?(
        ofTerraformHost host: Text, _ token: Secret, over client: any HTTPClient
    ) throws(RegistryError) {
        guard token.isHeaderValue,
            let root = Text("https://\(host)").flatMap(WebAddress.init),
            let discovery = root.at("/.well-known/terraform.json")
        else { return nil }
        let reply = try client.reply(to: HTTPRequest(discovery))
        guard reply.status == 200, let services = try? JSON(decoding: reply.body),
            let service = services["tfe.v2"]?.text
        else { return nil }
        let isPath = service.bytes.first == UInt8(ascii: "/")
        guard let base = isPath ? root.at(service.string) : WebAddress(service),
            base.origin == root.origin,
            let address = Text("\(base)account/details").flatMap(WebAddress.init)
        else { return nil }
        self.address = address
        identity = .bearer(token)
    }

    /// Requests the page without authentication first: a page that requires none shows nothing
    /// about a login. Throws `refused` if the server refuses the login.
    package func verify(
        over client: any HTTPClient
    ) throws(RegistryError) -> RegistryLogin.Verdict {
        guard address.scheme == .https || address.isLoopback else {
            throw .exposed(origin: address.origin)
        }
        let reply = try client.reply(to: HTTPRequest(address))
        switch reply.status {
        case 200: return .asksNobody
        case 401: break
        default: throw .unexpected(reply, from: address)
        }
        _ = try client.admission(to: HTTPRequest(address, as: identity))
        return .accepted
    }
}

extension Secret {
    /// True if the secret can be the value of a header: it holds only visible ASCII and spaces.
    fileprivate var isHeaderValue: Bool {
        allSatisfy { (0x20...0x7E).contains($0) }
    }
}
