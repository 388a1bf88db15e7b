internal import ArgumentParser
internal import Clients
internal import Credentials
internal import Files
internal import JSON
internal import Registry
internal import Settings
internal import Stores
internal import Web

/// `keyfob check`: asks the servers of stored logins if they still accept them.
///
/// Invariants: nothing is changed, and each secret goes only to the server that it is stored for,
/// or to the address to which `keyfob login` would send it.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Ask servers if they accept the stored logins.",
        usage: "keyfob check [<server> ...] [<options>]",
        discussion: """
            Changes nothing. Registries of docker and podman, cargo registries that require a \
            token, git repositories, and terraform hosts are asked. The exit status is 1 if a \
            login does not work, and 6 if no server could be reached.
            """)

    @Argument(
        help: ArgumentHelp("Only logins for these servers.", valueName: "server"),
        completion: Completion.servers)
    var servers: [String] = []

    @OptionGroup var selection: Selection

    @OptionGroup var output: Output

    func run() throws {
        var invocation = try Invocation(output.console, selection.account)
        if selection.account == nil { invocation = invocation.ofAllAccounts }
        let inventory = invocation.inventory()
        for warning in inventory.warnings { invocation.console.warn(warning) }
        var (logins, failures) = try logins(inventory, invocation)
        if logins.isEmpty, failures.isEmpty, let doubt = inventory.doubt("nothing was checked: ") {
            failures.append(doubt)
        }
        let verdicts = Check.ask(logins, invocation)
        let entries = logins.map { login in
            selection.account.map { login.entry.in($0) } ?? login.entry
        }
        try output.answer(
            ["checks": .array(zip(entries, verdicts).map(Check.json))],
            lines: zip(entries, verdicts).filter { !output.quiet || $1.isFault }.map {
                "\($0.description): \($1.words)"
            }, errors: failures)
        if logins.isEmpty { invocation.console.note("there is nothing to check") }
        try Check.status(of: verdicts).exit()
    }

    /// Returns `notDone` if a server has replied that a login does not work, and `unreachable` if no
    /// server of a failed login has replied.
    private static func status(of verdicts: [Verdict]) -> ExitStatus {
        let faults = verdicts.filter(\.isFault)
        if faults.isEmpty { return .done }
        return faults.allSatisfy { $0.result == .unreachable } ? .unreachable : .notDone
    }

    // MARK: Selection

    /// Returns each login to check, as its client gets it, and the errors of those that cannot be
    /// read.
    private func logins(
        _ inventory: Inventory, _ invocation: Invocation
    ) throws(StoreError) -> ([Credential], [StoreError]) {
        let clients = selection.clients
        let entries = inventory.logins.map(\.entry).filter { entry in
            clients.contains { $0.owns(entry) }
        }
        var meant = entries
        if !servers.isEmpty {
            var queries: [Query] = []
            for server in servers {
                let key = try Invocation.key(server)
                let those = clients.flatMap { client in
                    client.meaning(of: key, among: entries.map { $0.in(nil) })
                }
                guard entries.contains(where: { $0.isMeant(by: those) }) else {
                    throw invocation.absence(of: server, among: inventory)
                }
                queries += those
            }
            meant = entries.filter { $0.isMeant(by: queries) }
        }
        var (logins, failures) = ([Credential](), inventory.failures)
        for entry in meant.once(by: \.identity) {
            guard let query = Query(replacedBy: entry) else { continue }
            do throws(StoreError) {
                logins += try invocation.choice.chain.find(query).prefix(1)
            } catch {
                if !failures.contains(error) { failures.append(error) }
            }
        }
        return (logins, failures)
    }

    // MARK: Asking

    private static let threads: UInt32 = 4

    /// Returns the verdict on each login, in the same order.
    private static func ask(_ logins: [Credential], _ invocation: Invocation) -> [Verdict] {
        let verdicts = Guarded([Verdict?](repeating: nil, count: logins.count))
        Parallel.forEach(logins.count, threads: threads) { index in
            let verdict = Verdict(of: logins[index], invocation)
            verdicts.with { verdicts in
                verdicts[index] = verdict
                invocation.console.progress(verdicts.count { $0 != nil }, of: verdicts.count)
            }
        }
        invocation.console.progress(0, of: 0)
        return verdicts.with { $0.compactMap(\.self) }
    }

    private static func json(of entry: Entry, _ verdict: Verdict) -> JSON {
        [
            "client": .name(entry.clientName), "server": .name(entry.serverName),
            "username": .name(entry.shownUser),
            "account": .name(entry.schema.account?.string),
            "result": .text(verdict.result.rawValue), "error": verdict.error?.json ?? .null,
        ]
    }
}

extension Entry {
    /// Returns true if it matches a query, regardless of its account.
    fileprivate func isMeant(by queries: [Query]) -> Bool {
        let entry = self.in(nil)
        return queries.contains { $0.matches(entry) }
    }
}
