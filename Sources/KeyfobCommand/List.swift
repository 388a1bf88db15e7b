internal import ArgumentParser
internal import Clients
internal import Credentials
internal import Files
internal import JSON
internal import Settings
internal import Stores

/// `keyfob list`: prints every login of every client, and the store that keeps it.
struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List every login, without secrets.",
        discussion: """
            Asks for the passphrase of the file at a terminal. Does not unlock the keyring: a \
            warning tells what a locked one may hide.
            """)

    @OptionGroup var selection: Selection

    @OptionGroup var output: Output

    func run() throws {
        let invocation = try Invocation(output.console, selection.account).ofAllAccounts
        var inventory = invocation.inventory(withTokens: true)
        inventory.logins.addExpiries(from: invocation.choice.storesAndTokens)
        if let name = selection.account {
            // Routes serve every account.
            inventory.logins.removeAll {
                $0.entry.schema.account != name && $0.store != TokenCache.name
            }
        }
        if let client = selection.named?.client {
            inventory.logins.removeAll { !client.owns($0.entry) }
        }
        for warning in inventory.warnings { invocation.console.warn(warning) }
        try output.answer(
            List.members(of: inventory),
            lines: inventory.logins.isEmpty
                ? [] : List.table(of: inventory).lines(width: invocation.console.width),
            errors: inventory.failures)
        if inventory.logins.isEmpty, inventory.warnings.isEmpty {
            invocation.console.note(
                "no logins yet; to store one: keyfob login\(selection.account.option)")
        }
    }

    /// The columns for accounts and expiries are left out if no login has any.
    private static func table(of inventory: Inventory) -> Table {
        var columns: [(head: String, cell: (Inventory.Login) -> String?)] = [
            ("CLIENT", { $0.entry.clientName }), ("SERVER", { $0.entry.serverName }),
            ("USER", { $0.entry.shownUser }), ("WHERE", { $0.store }),
            ("WHEN", { $0.entry.modified.flatMap { LocalTime($0)?.day } }),
        ]
        let now = System.seconds
        let expiries: (Inventory.Login) -> String? = { login in
            login.expires.flatMap { $0 <= now ? "expired" : LocalTime($0)?.minute }
        }
        if inventory.logins.contains(where: { $0.expires != nil }) {
            columns.append(("EXPIRES", expiries))
        }
        if inventory.logins.contains(where: { $0.entry.schema.account != nil }) {
            columns.insert(("ACCOUNT", { $0.entry.schema.account?.string }), at: 3)
        }
        return Table(
            head: columns.map(\.head),
            rows: inventory.logins.map { login in columns.map { $0.cell(login) ?? "" } })
    }

    private static func members(of inventory: Inventory) -> JSON {
        let logins = inventory.logins.map { login -> JSON in
            [
                "client": .name(login.entry.clientName), "server": .name(login.entry.serverName),
                "username": .name(login.entry.shownUser),
                "account": .name(login.entry.schema.account?.string), "store": .name(login.store),
                "modified": .seconds(login.entry.modified), "expires": .seconds(login.expires),
            ]
        }
        return ["logins": .array(logins), "warnings": .array(inventory.warnings.map(JSON.name))]
    }
}
