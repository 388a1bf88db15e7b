internal import ArgumentParser
internal import Clients
internal import Credentials
internal import Files
internal import JSON

/// `keyfob list`: prints every login of every client, and the store that keeps it.
struct List: AnsweringCommand {
    static let configuration = CommandConfiguration(
        abstract: "List every login, without secrets.",
        discussion: """
            Asks for the passphrase of the file at a terminal. Does not unlock the keyring: a \
            warning tells what a locked one may hide.
            """)

    @Option(name: .customLong("client"), help: "Only logins of this client.")
    var named: ClientOption?

    @OptionGroup var output: Output

    func run() throws {
        let invocation = try Invocation(output)
        var inventory = invocation.inventory()
        if let client = named?.client { inventory.logins.removeAll { !client.owns($0.entry) } }
        for warning in inventory.warnings { invocation.console.warn(warning) }
        for failure in inventory.failures.dropFirst() { invocation.console.report(failure) }
        try output.answer(
            List.members(of: inventory),
            lines: inventory.logins.isEmpty
                ? [] : List.table(of: inventory).lines(width: invocation.console.width),
            error: inventory.failures.first, on: invocation.console)
        if inventory.logins.isEmpty, inventory.failures.isEmpty {
            invocation.console.note("no logins yet; to store one: keyfob login")
        }
        try ExitStatus(inventory.failures).exit()
    }

    private static func table(of inventory: Inventory) -> Table {
        Table(
            head: ["CLIENT", "SERVER", "USER", "WHERE", "WHEN"],
            rows: inventory.logins.map {
                [$0.client, $0.server, $0.username ?? "", $0.store, $0.entry.day ?? ""]
            })
    }

    private static func members(of inventory: Inventory) -> [JSON.Member] {
        let logins = inventory.logins.map { login -> JSON in
            [
                "client": .name(login.client), "server": .name(login.server),
                "username": .name(login.username), "store": .name(login.store),
                "modified": login.entry.modified.map { .integer(Int64(clamping: $0)) } ?? .null,
            ]
        }
        return [
            JSON.Member("logins", .array(logins)),
            JSON.Member("warnings", .array(inventory.warnings.map(JSON.name))),
        ]
    }
}

extension Entry {
    /// The day on which the login was stored, in the user's time zone; nil if it is not known.
    fileprivate var day: String? {
        guard let modified, let (year, month, day) = System.day(of: modified) else { return nil }
        return "\(year)-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)"
    }
}
