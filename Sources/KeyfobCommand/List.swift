internal import ArgumentParser
internal import Clients
internal import Credentials
internal import Glibc
internal import JSON

/// `keyfob list`: every login, of every client, and where it is kept.
struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List every login: client, server, user, where and since when.",
        discussion: """
            No secret is read. At a terminal the passphrase of the file is asked for. No keyring is \
            unlocked: what a locked one does not show is said on standard error.
            """)

    @Option(name: .customLong("client"), help: "Only this client's logins.")
    var named: ClientOption?

    @Flag(help: "Print a JSON object for scripts.")
    var json = false

    func run() throws {
        let session = try Session()
        var inventory = session.inventory()
        if let client = named?.client { inventory.logins.removeAll { !client.owns($0.entry) } }
        if json {
            try session.console.print(List.json(of: inventory))
        } else if !inventory.logins.isEmpty {
            session.console.print(
                lines: List.table(of: inventory).lines(width: session.console.width))
        }
        for warning in inventory.warnings { session.console.warn(warning) }
        for failure in inventory.failures { session.console.report(failure) }
        guard inventory.failures.isEmpty else { throw ExitCode(1) }
    }

    private static func table(of inventory: Inventory) -> Table {
        Table(
            head: ["CLIENT", "SERVER", "USER", "WHERE", "WHEN"],
            rows: inventory.logins.map {
                [$0.client, $0.server, $0.username ?? "", $0.store, $0.entry.day ?? ""]
            },
            flexible: 1)
    }

    private static func json(of inventory: Inventory) -> JSON {
        let logins = inventory.logins.map { login in
            JSON.object([
                JSON.Member("client", .name(login.client)),
                JSON.Member("server", .name(login.server)),
                JSON.Member("username", login.username.map(JSON.name) ?? .null),
                JSON.Member("store", .name(login.store)),
                JSON.Member(
                    "modified", login.entry.modified.map { .integer(Int64(clamping: $0)) } ?? .null),
            ])
        }
        return .object([
            JSON.Member("logins", .array(logins)),
            JSON.Member("warnings", .array(inventory.warnings.map(JSON.name))),
        ])
    }
}

extension JSON {
    /// A string that holds no secret. A NUL, which it cannot hold, ends it.
    static func name(_ string: String) -> JSON {
        .text(Text(String(string.prefix { $0 != "\0" })) ?? "")
    }
}

extension Entry {
    /// The day on which it was stored, where the user is; nil if that is not known.
    fileprivate var day: String? {
        guard let modified, var seconds = time_t(exactly: modified) else { return nil }
        var local = unsafe tm()
        guard unsafe localtime_r(&seconds, &local) != nil else { return nil }
        let (year, month, day) = unsafe (local.tm_year + 1900, local.tm_mon + 1, local.tm_mday)
        return "\(year)-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)"
    }
}
