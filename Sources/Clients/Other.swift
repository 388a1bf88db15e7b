package import Credentials

/// Other is the client of all other tokens, which Keyfob keeps for scripts and for `keyfob exec`.
package struct Other: Client {
    package init() {}

    package var name: Text { "token" }
    package var schema: Schema { .token }
    package var hasFiles: Bool { false }
    package var userNames: UserNames { .optional }

    package func queries(for server: Text, among entries: [Entry]) -> [Query] {
        [tokenQuery(server)]
    }

    package func place(
        of server: Text, named name: String?, among entries: [Entry]
    ) throws(StoreError) -> LoginPlace {
        tokenPlace(server)
    }
}
