internal import Clients
internal import Credentials
internal import Files
internal import Settings

/// The logins of other accounts and of other helpers that clients still get after a logout.
extension Logout {
    /// A client, and the surroundings in which it finds its settings.
    private typealias View = (client: any Client, surroundings: Surroundings)

    /// Returns the clients that the logout is about: with their own files, and with those that were
    /// named.
    private func views(_ invocation: Invocation) -> [View] {
        let own = invocation.surroundings
        var views: [View] = []
        if let authfile {
            let path = ClientFile(authfile).path
            views.append((Podman(), own.setting("REGISTRY_AUTH_FILE", to: path)))
        }
        // docker reads only a file of this name.
        if let file = compatAuthFile.map({ ClientFile($0) }), file.name == "config.json" {
            views.append((Docker(), own.setting("DOCKER_CONFIG", to: file.path.folder)))
        }
        guard files else { return views }
        return views
            + Clients.withHelpers.filter { client?.sharesLogins(with: $0) != false }
            .map { ($0, own) }
    }

    /// Returns the reports of the stored logins of other accounts that a client gets for what the
    /// queries ask for.
    func othersInStores(_ invocation: Invocation, _ queries: [Query]) -> [Report] {
        let asking = views(invocation).compactMap { client, surroundings in
            var view = invocation
            view.surroundings = surroundings
            return (try? view.accounts(askedBy: client)).map {
                (client, $0, client.accountsAsked(in: surroundings))
            }
        }
        guard !asking.isEmpty else { return [] }
        return invocation.ofAllAccounts.inventory().logins.compactMap { login in
            let (account, entry) = (login.entry.schema.account, login.entry.in(nil))
            guard account != invocation.choice.account, isMeant(entry, by: queries),
                let (client, _, _) = asking.first(where: { client, accounts, others in
                    client.owns(entry)
                        && (accounts(entry).contains(account)
                            || account.map(others.contains) == true)
                })
            else { return nil }
            return Report(
                othersLogin: login.entry, askedBy: client, in: login.store, dryRun: dryRun)
        }
    }

    /// Returns the reports of other helpers. Of one that makes tokens it prints a note. `chosen` are the
    /// helpers that clients chose by themselves before; nil if no helper is to be asked.
    func othersInHelpers(
        _ invocation: Invocation, _ queries: [Query], _ chosen: Set<String>?
    ) -> [Report] {
        guard let chosen else { return [] }
        if !all { reportChosen(butNot: chosen, invocation) }
        var reports: [Report] = []
        var seen: Set<[String]> = []
        for (client, surroundings) in views(invocation) {
            guard let others = try? client.otherHelpers(in: surroundings, before: nil) else {
                continue
            }
            let servers = queries.filter { $0.schema == client.schema }
                .compactMap { $0.facts["server"] }
            let meant = servers + (all ? others.ofOne.map(\.registry) : [])
            for entry in meant.map({ Entry.docker(server: $0, username: "") }) {
                for (helper, key) in others.asked(for: entry)
                where seen.insert([helper.name, key.string]).inserted {
                    reports += remaining(in: helper, of: client, others, [key], invocation) {
                        () throws(StoreError) in
                        try helper.get(key).map { [$0.entry] } ?? []
                    }
                }
            }
            for name in all ? others.ofAll : [] where seen.insert([name.string]).inserted {
                let helper = OtherHelper(name.string)
                reports += remaining(in: helper, of: client, others, [], invocation) {
                    () throws(StoreError) in
                    try helper.list().filter { seen.insert([helper.name, $0.string]).inserted }
                        .map { .docker(server: $0, username: "") }
                }
            }
        }
        // A helper that fails may say the same of each login.
        return reports.once(by: \.line)
    }

    private func remaining(
        in helper: OtherHelper, of client: any Client, _ others: OtherHelpers, _ keys: [Text],
        _ invocation: Invocation,
        _ entries: () throws(StoreError) -> [Entry]
    ) -> [Report] {
        let words = dryRun ? "would remain" : "still there:"
        do throws(StoreError) {
            let entries = try entries()
            // Without a dry run they are gone from the keyring by now.
            let isGone = dryRun && helper.usesKeyring(of: invocation.surroundings)
            guard !entries.isEmpty, !isGone else { return [] }
            guard !helper.makesTokens(for: entries.compactMap { $0["server"] }) else {
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
                            + entry.spelling.shellArgument))
            }
        } catch let error where error.code != .programNotRun {
            guard error.code == .programTimedOut || !helper.makesTokens(for: keys) else {
                invocation.console.note("\(helper.program) generates tokens, and keeps no login")
                return []
            }
            let instead = "to make \(client.name) ask Keyfob instead: keyfob setup \(client.name)"
            let problem = StoreError(
                error.code, error.message, hint: error.hint ?? (others.areChosen ? instead : nil))
            return [Report(remainingIn: helper.program, problem)]
        } catch {
            // The client is given no login by a program that does not run.
            return []
        }
    }

    /// Returns the helpers that clients choose by themselves; nil if no helper is to be asked: an
    /// account has nothing to do with the clients' files, unless they have copies of its logins.
    func chosenHelpers(_ invocation: Invocation, _ copies: [PlaintextCopies]) -> Set<String>? {
        guard invocation.choice.account == nil || copies.contains(where: \.areMeant) else {
            return nil
        }
        return Set(chosen(invocation).map(\.helper.name))
    }

    private func chosen(
        _ invocation: Invocation
    ) -> [(client: any Client, helper: OtherHelper)] {
        views(invocation).flatMap { client, surroundings in
            let others = try? client.otherHelpers(in: surroundings, before: nil)
            return (others?.areChosen == true ? others?.ofAll ?? [] : [])
                .map { (client, OtherHelper($0.string)) }
        }
    }

    /// Names the logins of the helpers that clients choose by themselves now, unlike before,
    /// because their files are empty.
    private func reportChosen(butNot before: Set<String>, _ invocation: Invocation) {
        for (client, helper) in chosen(invocation) where !before.contains(helper.name) {
            guard let servers = try? helper.list(), !servers.isEmpty else { continue }
            invocation.console.note(
                "\(client.name) \(dryRun ? "would ask" : "now asks") \(helper.program), which has "
                    + "logins for "
                    + servers.map(\.string).joined(separator: ", "))
        }
    }
}
