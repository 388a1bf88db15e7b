internal import Credentials
internal import Registry

/// A login place is where a new login of a client belongs: how it is kept, so that the client finds
/// it, and what a person calls it.
enum LoginPlace {
    case registry(RegistryName)
    case cargo(url: Text, name: Text?)
    case git([String: Text])
    case token(client: Text, key: Text)

    /// Throws `failed` if the client has no such servers. `name` is cargo's for the registry;
    /// `entries` are the logins that are known, whose labels tell the names of registries.
    init(
        _ server: Text, of client: Client, named name: String?, among entries: [Entry]
    ) throws(StoreError) {
        switch client {
        case .docker, .podman:
            guard let registry = RegistryName(server) else {
                throw LoginPlace.refusal(server, client, "host[:port], as in registry.example.com")
            }
            self = .registry(registry)
        case .cargo:
            let urls = client.queries(for: server, among: entries).compactMap { $0.facts["url"] }
            guard let url = urls.first(where: { $0.string.contains("://") }) else {
                throw LoginPlace.refusal(
                    server, client,
                    "the URL of its index, as in sparse+https://registry.example.com/index/")
            }
            self = .cargo(url: url, name: url == server ? name.flatMap { Text($0) } : server)
        case .git:
            guard let query = GitAddress(server)?.query else {
                throw LoginPlace.refusal(server, client, "[https://]host[:port][/path]")
            }
            self = .git(query.facts)
        case .terraform, .pulumi, .token:
            guard let query = client.queries(for: server).last, let client = query.facts["client"],
                let key = query.facts["key"], client != "terraform" || key.isHostOfTerraform
            else { throw LoginPlace.refusal(server, client, "host[:port], as in app.terraform.io") }
            self = .token(client: client, key: key)
        }
    }

    /// The registry that can say whether a login is good; nil where nobody can.
    var registry: RegistryName? {
        guard case .registry(let registry) = self else { return nil }
        return registry
    }

    /// The user that the address of the server names.
    var username: Text? {
        guard case .git(let facts) = self else { return nil }
        return facts["user"]
    }

    /// Only a login at a registry needs a user name.
    func entry(of username: Text?) -> Entry {
        switch self {
        case .registry(let registry): .docker(server: registry.key, username: username ?? "")
        case .cargo(let url, let name): .cargo(url: url, name: name)
        case .token(let client, let key): .token(of: client, key: key, username: username)
        case .git(let facts):
            .git(
                protocol: facts["protocol"] ?? "", server: facts["server"] ?? "",
                port: facts["port"], object: facts["object"], user: username)
        }
    }

    private static func refusal(_ server: Text, _ client: Client, _ form: String) -> StoreError {
        StoreError(
            .failed, "\"\(server)\" is no server of \(client.rawValue)", hint: "it is \(form)")
    }
}

extension LoginPlace: CustomStringConvertible {
    /// As a person calls it.
    var description: String { entry(of: nil).serverName }
}

extension Text {
    /// Whether terraform writes a host so: in lower case and punycode.
    fileprivate var isHostOfTerraform: Bool {
        bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: ":"):
                true
            default: false
            }
        }
    }
}
