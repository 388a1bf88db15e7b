package import Credentials

/// A registry client is a client that shares docker's logins.
package protocol RegistryClient: Client {}

extension RegistryClient {
    package var schema: Schema { .docker }
    package var secretNoun: String { "password" }
    package var secretIsLine: Bool { false }
    package var userNames: UserNames { .needed }

    package func queries(for server: Text, among entries: [Entry]) -> [Query] {
        [Query(.docker, ["server": server])]
    }

    /// Returns the query for the host under which a login would be stored, without the scheme and
    /// path that were typed.
    package func fallbackQueries(for server: Text) -> [Query] {
        Docker.registry(server).map { [Query(.docker, ["server": $0])] } ?? []
    }

    /// Returns the queries for Docker Hub's tokens, which docker's device login stores beside its
    /// login.
    package func logoutQueries(for server: Text) -> [Query] {
        ServerKey(server).logout.dropFirst().map { Query(.docker, ["server": $0.spelling]) }
    }

    package func place(
        of server: Text, named name: String?, among entries: [Entry]
    ) throws(StoreError) -> LoginPlace {
        guard let registry = Docker.registry(server) else {
            throw refusal(of: server, "host[:port], as in registry.example.com")
        }
        return LoginPlace(registry: registry) { .docker(server: registry, username: $0 ?? "") }
    }
}
