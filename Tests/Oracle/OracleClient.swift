import Sandbox

/// An oracle client is a real client, asked what it would use.
protocol OracleClient: Sendable {
    /// Its name for `keyfob setup`.
    static var name: String { get }

    /// What the client uses for each server; a server that it has nothing for is absent.
    static func answers(_ servers: [String], in house: House) throws -> [String: Answer]

    /// Stores a login in Keyfob under exactly the key by which the client asks for the server.
    static func plant(_ answer: Answer, for server: String, in house: House) throws

    /// What Keyfob, of all whom the client may ask, has for each server; nil if that is what was
    /// stored last.
    static func kept(for servers: [String], in house: House) throws -> [String: Answer]?

    /// The arguments of `keyfob logout` that name a server.
    static func logout(_ server: String) -> [String]

    /// What must stand in a line of output that names the server.
    static func label(of server: String) -> String

    /// As `label`, in what status says of the client's settings.
    static func settingsLabel(of server: String) -> String

    /// The server whose login serves where there is none for this one, which a helper is asked for;
    /// nil if there is none.
    static func fallback(of server: String) -> String?

    /// A login for a server of no case, to see whom the client asks; nil if there can be none.
    static var probe: String? { get }

    /// A login as it can be stored for this client.
    static func login(_ user: String, _ secret: String) -> Answer

    /// False if the client knows no helpers, and is run by `keyfob exec`.
    static var asksHelpers: Bool { get }

    /// Whether a server may have several logins of it, each of which is kept.
    static var hasAccounts: Bool { get }

    /// What the client says against its settings.
    static func complaints(in house: House) throws -> String

    /// A case that a seed decides, without its laws.
    static func generate(_ random: inout SeededGenerator) -> Case
}

/// A login that a client uses.
struct Answer: Equatable, Sendable, CustomStringConvertible {
    /// nil for a client that knows tokens alone.
    var user: String?
    var secret: String

    var description: String { (user.map { "\($0):\(secret)" } ?? secret).debugDescription }

    /// What is looked for in files: a login without a password is one whose user is the secret.
    /// Of a secret that is not UTF-8 only its beginning is known: clients tell it as JSON.
    var marker: String {
        String((secret.isEmpty ? user ?? "" : secret).prefix { $0 != "\u{FFFD}" })
    }
}

extension OracleClient {
    static func kept(for servers: [String], in house: House) throws -> [String: Answer]? { nil }
    static func logout(_ server: String) -> [String] { [server] }
    static func complaints(in house: House) throws -> String { "" }
    static func settingsLabel(of server: String) -> String { label(of: server) }
    static func fallback(of server: String) -> String? { nil }
    static var asksHelpers: Bool { true }
    static var hasAccounts: Bool { false }
    static func login(_ user: String, _ secret: String) -> Answer {
        Answer(user: user, secret: secret)
    }
}

/// The clients that Keyfob knows, in the order in which they are told of.
let oracleClients: [any OracleClient.Type] = {
    let clients: [any OracleClient.Type] = [
        GitClient.self, DockerClient.self, PodmanClient.self, CargoClient.self,
        TerraformClient.self, NpmClient.self,
    ]
    let help = try? House(Case(client: "git", ask: [], files: [:])).keyfob("import", "--help")
    return clients.filter { client in
        let isKnown = help?.output.contains(client.name) == true
        if !isKnown {
            print("OracleTests: \(client.name) is not asked, for Keyfob does not know it")
        }
        return isKnown
    }
}()

func oracleClient(_ name: String) -> (any OracleClient.Type)? {
    oracleClients.first { $0.name == name }
}
