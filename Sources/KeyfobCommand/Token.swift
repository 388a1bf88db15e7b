internal import ArgumentParser
internal import Credentials

/// `keyfob token`: the secret of one login, for scripts.
struct Token: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the secret of a login, and nothing else.",
        discussion: """
            It serves cargo as well: credential-provider = ["cargo:token-from-stdout", "keyfob", \
            "token", "{index_url}"].
            """)

    @Argument(help: "The server, as `keyfob list` prints it.", completion: Completion.servers)
    var server: String

    @Option(help: "The client whose login it is; by default any.")
    var client: Client?

    func run() throws {
        let session = try Session()
        session.console.printBytes(of: try session.login(for: server, of: client).secret)
    }
}
