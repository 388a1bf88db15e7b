internal import Clients
internal import Credentials
internal import Settings

/// The logins that other helpers still return to clients after a logout.
extension Logout {
    /// Returns their reports. Of a helper that makes tokens it prints a note.
    func othersInHelpers(_ invocation: Invocation, _ queries: [Query]) -> [Report] {
        guard files, invocation.choice.account == nil else { return [] }
        var reports: [Report] = []
        var seen: Set<[String]> = []
        for client in Clients.withHelpers where named?.client.sharesLogins(with: client) != false {
            let surroundings = invocation.surroundings
            guard let others = try? client.otherHelpers(in: surroundings, before: nil) else {
                continue
            }
            let servers = queries.filter { $0.schema == client.schema }
                .compactMap { $0.facts["server"] }
            let meant = servers + (all ? others.ofOne.map(\.registry) : [])
            for entry in meant.map({ Entry.docker(server: $0, username: "") }) {
                for (helper, key) in others.asked(for: entry)
                where seen.insert([helper.name, key.string]).inserted {
                    reports += remaining(in: helper, of: client, others.areChosen, invocation) {
                        () throws(StoreError) in
                        try helper.get(key).map { [$0.entry] } ?? []
                    }
                }
            }
            for name in all ? others.ofAll : [] where seen.insert([name.string]).inserted {
                let helper = OtherHelper(name.string)
                reports += remaining(in: helper, of: client, others.areChosen, invocation) {
                    () throws(StoreError) in
                    try helper.list().filter { seen.insert([helper.name, $0.string]).inserted }
                        .map { .docker(server: $0, username: "") }
                }
            }
        }
        return reports
    }

    private func remaining(
        in helper: OtherHelper, of client: any Client, _ isChosen: Bool, _ invocation: Invocation,
        _ entries: () throws(StoreError) -> [Entry]
    ) -> [Report] {
        let words = dryRun ? "would remain" : "still there:"
        do throws(StoreError) {
            let entries = try entries()
            guard !entries.isEmpty else { return [] }
            guard !helper.makesTokens() else {
                invocation.console.note(
                    "\(helper.program) makes another login whenever \(client.name) asks it for "
                        + entries.map(\.serverName).joined(separator: ", "))
                return []
            }
            return entries.map { entry in
                Report(
                    entry, in: helper.program, .remains, words,
                    problem: StoreError(
                        .loginRemains, "\(client.name) asks \(helper.program) for it",
                        hint: "to remove it, too: \(client.name) logout "
                            + entry.serverName.shellArgument))
            }
        } catch let error
            where error.code == .programTimedOut || error.code != .programNotRun && !isChosen
        {
            return [
                Report(
                    place: helper.program, result: .unknown, words: "may still be there",
                    problem: error)
            ]
        } catch {
            // The client is given no login by a program that does not run. The helper that it
            // chooses by itself may never have been set up.
            return []
        }
    }
}
