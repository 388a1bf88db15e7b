internal import ArgumentParser
internal import Clients
internal import Credentials
internal import Files
internal import Settings
internal import Stores

/// `keyfob logout`: removes logins from the stores, and with `--files` from the clients' own
/// files, and reports the result for each place.
struct Logout: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logout",
        abstract: "Remove logins, and check that they are gone.",
        usage: "keyfob logout [<server>] [<options>]")

    @Argument(help: "The server; by default the only one there is.", completion: Completion.servers)
    var server: String?

    @Flag(help: "Every login. Asks once at a terminal.")
    var all = false

    @Flag(help: "Also plain-text copies in the clients' files.")
    var files = false

    @Option(
        help: ArgumentHelp(
            "Also copies in this auth.json of podman.", valueName: "file"))
    var authfile: String?

    @Option(
        help: ArgumentHelp(
            "Also copies in this config.json of docker.", valueName: "file"))
    var compatAuthFile: String?

    @Flag(help: "Succeed even if there is no login.")
    var force = false

    @Flag(help: "Never ask.")
    var nonInteractive = false

    @OptionGroup var selection: Selection

    @OptionGroup var output: ChangeOutput

    var dryRun: Bool { output.dryRun }

    func validate() throws {
        if server != nil, all { throw ValidationError("give either a server or --all, not both") }
        if authfile == "" || compatAuthFile == "" { throw ValidationError("name the file") }
    }

    func run() throws {
        var invocation = try Invocation(output.console, selection.account)
        if nonInteractive { invocation = invocation.asksNobody }
        let plaintext = try plaintextFiles(invocation)
        guard let queries = try queries(invocation, plaintext) else {
            throw StoreError(.declined, "nothing was removed")
        }
        let copies = plaintext.map { file in
            PlaintextCopies(
                file, in: isNamed(file) ? nil : invocation,
                where: { all ? wants($0.entry) : $0.isMeant(by: queries) })
        }
        let chosen = chosenHelpers(invocation, copies)
        let others =
            copies.flatMap { $0.others(dryRun: dryRun) } + othersInStores(invocation, queries)
        reportPaths(plaintext, invocation)
        if dryRun {
            var after = invocation
            after.surroundings.emptied = Set(copies.filter(\.areAll).map(\.file.file))
            return try preview(
                copies, others + othersInHelpers(after, queries, chosen), invocation, queries)
        }

        var removals = removalsFromStores(invocation, queries)
        // Without a server every login is meant, also one that cannot be seen from here.
        let doubt = server == nil ? lookAgain(&removals, invocation) : nil
        removals += copies.map {
            Removal(
                from: $0.file, isOfAll: all || client != nil, of: key, where: $0.isMeant)
        }
        var reports = removals.flatMap(\.reports).map { $0.in(invocation.choice.account) }
        if files {
            reports += elsewhere(invocation, reports) + shorter(invocation, reports)
            for netrc in invocation.surroundings.netrcs { report(netrc, invocation) }
        }
        // docker may ask another helper once its file is empty.
        let left = others + othersInHelpers(invocation, queries, chosen)
        try report(reports + left, doubt: doubt, invocation)
    }

    private func removalsFromStores(_ invocation: Invocation, _ queries: [Query]) -> [Removal] {
        var removals = invocation.choice.storesAndTokens.map { store in
            // A cache may have tokens that this process cannot see, so no query would match them.
            let meant = all && ownsTokens && store.name == TokenCache.name
            return Removal(
                removing: meant ? [Query(.docker)] : queries, from: store, invocation,
                isOfAll: server == nil)
        }
        if invocation.choice.account == nil, let keyring = invocation.choice.keyringStore {
            for index in removals.indices where removals[index].name == keyring.name {
                removals[index].lookForFormerLogins(in: keyring) { self.isMeant($0, by: queries) }
            }
        }
        return removals
    }

    var client: (any Client)? { selection.named?.client }

    private var key: Text? { server.flatMap { Text($0) } }

    /// True if the logins of routes are those of the client: they are docker's.
    private var ownsTokens: Bool { client.map { $0.schema.isRoutable } ?? true }

    /// Returns the clients' own files that the options ask for and that exist. Throws `noSuchFile`
    /// if a file that was named does not exist.
    private func plaintextFiles(_ invocation: Invocation) throws(StoreError) -> [any PlaintextFile]
    {
        var named: [any PlaintextFile] = []
        if let authfile { named.append(RegistryAuths(ClientFile(authfile), .podman)) }
        if let compatAuthFile { named.append(RegistryAuths(ClientFile(compatAuthFile), .docker)) }
        if let absent = named.first(where: { !$0.file.exists }) {
            throw StoreError(
                .noSuchFile, "\(absent.file.path) does not exist; nothing was removed",
                hint: "to see which files there are: keyfob status")
        }
        guard files else { return named }
        let known = Set(named.map(\.file.identity))
        return named
            + Clients.plaintextFiles(in: invocation.surroundings).filter {
                $0.file.exists && !known.contains($0.file.identity)
                    // It is a file of the named client, or of one that shares its logins.
                    && client?.sharesLogins(with: $0.client) != false
                    && selection.covers($0.client)
            }
    }

    /// Returns true if the user has named the file.
    private func isNamed(_ plaintext: any PlaintextFile) -> Bool {
        [authfile, compatAuthFile].compactMap(\.self).contains {
            ClientFile($0).identity == plaintext.file.identity
        }
    }

    // MARK: Selection

    private var clients: [any Client] { selection.clients }

    private func wants(_ entry: Entry) -> Bool { client?.owns(entry) ?? true }

    func isMeant(_ entry: Entry, by queries: [Query]) -> Bool {
        all ? wants(entry) : queries.contains { $0.matches(entry) }
    }

    /// Returns the queries for all logins to remove; nil if the user was asked and declined.
    private func queries(
        _ invocation: Invocation, _ plaintext: [any PlaintextFile]
    ) throws(StoreError) -> [Query]? {
        // A file that cannot be read is reported when its logins are removed.
        let inFiles = plaintext.flatMap(\.readableLogins).map(\.entry)
        if let server {
            let key = try Invocation.key(server)
            if !dryRun, clients.contains(where: { $0.knowsByLabel(key) }) {
                try invocation.unlockKeyring()
            }
            let entries = invocation.inventory(withTokens: true).logins.map(\.entry) + inFiles
            return clients.flatMap { client in
                client.meaning(
                    of: key, among: entries + client.namedEntries(in: invocation.surroundings))
                    + client.logoutQueries(for: key)
            }
        }
        if all, !dryRun { try invocation.unlockKeyring() }
        let inventory = invocation.inventory(withTokens: true)
        if let failure = inventory.failures.first { throw failure }
        let entries = (inventory.logins.map(\.entry) + inFiles).filter(wants)
        for warning in inventory.warnings { invocation.console.warn(warning) }
        if all {
            if !dryRun, try !isConfirmed(entries, invocation) { return nil }
            return entries.compactMap { Query(replacedBy: $0) }
        }
        // A logout of Docker Hub removes its tokens, too.
        let tokens = entries.compactMap { $0["server"] }.flatMap(Docker().logoutQueries)
        let names = Set(
            entries.filter { entry in !tokens.contains { $0.matches(entry) } }
                .map { "\($0.clientName) \($0.serverName)" }
        ).sorted()
        guard names.count <= 1 else {
            throw StoreError(
                .severalLogins, "there are \(names.count) logins: \(names.joined(separator: ", "))",
                hint: "give a server, or use --all")
        }
        return entries.compactMap { Query(replacedBy: $0) }
    }

    /// Names the logins. Returns true if the user says yes, or cannot be asked.
    private func isConfirmed(_ all: [Entry], _ invocation: Invocation) throws(StoreError) -> Bool {
        guard !nonInteractive, !all.isEmpty, invocation.terminal.isPresent else { return true }
        for entry in all { invocation.console.note(entry.description) }
        let logins = all.count == 1 ? "1 login" : "\(all.count) logins"
        do throws(StoreError) {
            let answer = try invocation.ask(
                "Remove \(logins)? [y/N] ", for: "answer", shows: true)?.publicString
            return answer.map { ["y", "yes"].contains($0.lowercased()) } ?? true
        } catch let error where error.outcome == .declined {
            return false
        }
    }

    /// Lists the stores again after all logins were removed, and reports what they still show as
    /// remaining. Returns an error if there may be logins that the stores do not show; nil if not.
    private func lookAgain(_ removals: inout [Removal], _ invocation: Invocation) -> StoreError? {
        let inventory = invocation.inventory(withTokens: true)
        for index in removals.indices where removals[index].problem == nil {
            let rest = inventory.logins.filter {
                $0.store == removals[index].name && wants($0.entry)
            }
            guard !rest.isEmpty else { continue }
            removals[index].problem = StoreError(
                .loginRemains, rest.map(\.entry.description).joined(separator: ", "),
                hint: "try again")
        }
        guard removals.allSatisfy({ $0.problem == nil }),
            let reason = inventory.failures.first?.message ?? inventory.warnings.first
        else { return nil }
        return StoreError(.removalUnknown, "some logins may remain: \(reason)")
    }

    // MARK: Output

    private func preview(
        _ copies: [PlaintextCopies], _ others: [Report], _ invocation: Invocation,
        _ queries: [Query]
    ) throws {
        var inventory = invocation.inventory(withTokens: true)
        var reports: [Report] = []
        for login in inventory.logins where isMeant(login.entry, by: queries) {
            reports.append(Report(login.entry, in: login.store, .removed, "would remove"))
        }
        for some in copies {
            do throws(StoreError) {
                reports += try preview(of: some)
            } catch {
                inventory.unread.append((some.file.file.path, error))
            }
        }
        reports = reports.map { $0.in(invocation.choice.account) }
        for (place, problem) in inventory.unread.sorted(by: { $0.place < $1.place }) {
            reports.append(
                Report(
                    place: place, result: .unknown, words: "cannot be read",
                    problem: problem))
        }
        reports += others
        if files { reports += elsewhere(invocation, reports) }
        try output.print(reports)
        if !output.form.json, reports.isEmpty {
            let among = inventory.warnings.isEmpty ? "" : " among the logins that can be seen"
            invocation.console.print(lines: ["nothing to remove\(among)"])
        }
        warnOfFormerLogins(invocation, queries)
        for warning in inventory.warnings { invocation.console.warn(warning) }
        try output.end(reports)
    }

    /// Returns what would become of the logins of a file.
    private func preview(of copies: PlaintextCopies) throws(StoreError) -> [Report] {
        let plaintext = copies.file
        return try plaintext.contents().logins.compactMap { login in
            func report(
                _ result: Report.Result, _ words: String, _ problem: StoreError? = nil
            ) -> Report {
                Report(
                    login.entry, as: login.description, in: plaintext.file.path, result, words,
                    problem: problem)
            }
            let isMeant = copies.isMeant(login)
            if isMeant, plaintext.isEdited { return report(.removed, "would remove") }
            guard isMeant || key.map({ plaintext.isUsed(login, for: $0) }) == true else {
                return nil
            }
            let words = "\(plaintext.client.name) uses it"
            return report(.remains, "would remain", StoreError(.loginRemains, words))
        }
    }

    /// Names the logins that git-credential-libsecret older than git 2.41 has stored: a logout does
    /// not remove them.
    private func warnOfFormerLogins(_ invocation: Invocation, _ queries: [Query]) {
        guard invocation.choice.account == nil, let keyring = invocation.choice.keyringStore,
            let former = try? keyring.formerLogins(.git).filter({ isMeant($0, by: queries) }),
            !former.isEmpty
        else { return }
        invocation.console.warn(
            "\(keyring.name): would remain: "
                + former.map(\.description).joined(separator: ", "))
    }

    /// Returns what may still give the client that is named, or one of which logins are removed, a
    /// login for the server, without a file of its own: a variable, or another helper. If nothing is
    /// removed, it may be what is meant, whichever client has it.
    private func elsewhere(_ invocation: Invocation, _ reports: [Report]) -> [Report] {
        let removed = Set(reports.compactMap(\.client))
        func isMeant(_ some: any Client) -> Bool {
            all || client != nil || removed.contains(some.name.string)
        }
        let surroundings = invocation.surroundings
        let variables = clients.filter { isMeant($0) || key != nil }.flatMap { client in
            // It must name the server itself, or it may be another's.
            let other = isMeant(client) ? nil : Text("\(key ?? "")-keyfob")
            let others = other.map { client.variablesWithLogin(for: $0, in: surroundings) } ?? []
            return client.variablesWithLogin(for: key, in: surroundings)
                .filter { !others.contains($0) }
        }
        let remainders = clients.filter { isMeant($0) || removed.isEmpty && server != nil }
            .flatMap { $0.remainders(for: key, in: invocation.surroundings) }
        for note in remainders where note.isNote { invocation.console.note(note.problem.message) }
        let ofVariables = Set(variables).sorted().map { name in
            Report(
                remainingIn: name,
                StoreError(
                    .loginRemains, "clients take a login from this variable",
                    hint: "unset \(name.shellWord)"))
        }
        return ofVariables
            + remainders.filter { !$0.isNote }.map { Report(remainingIn: $0.place, $0.problem) }
    }

    /// Returns the stored logins of shorter addresses that these clients get for the server now.
    private func shorter(_ invocation: Invocation, _ reports: [Report]) -> [Report] {
        guard let key else { return [] }
        let removed = Set(reports.compactMap(\.client))
        let logins = invocation.inventory().logins
        return clients.filter { client != nil || removed.contains($0.name.string) }
            .flatMap { client in
                // pip is given docker's login of the host, too.
                let shared = client.name == Pip().name ? Pip().registryQuery(for: key) : nil
                let queries = client.fallbackQueries(for: key) + [shared].compactMap(\.self)
                return queries.compactMap { query in
                    logins.first { query.matches($0.entry) }
                }.prefix(1).map { login in
                    Report(
                        remainingIn: login.store,
                        StoreError(
                            .loginRemains, "\(client.name) gets \(login.entry.description) for it",
                            hint: "to remove it, too: keyfob logout --client "
                                + "\(login.entry.clientName) "
                                + login.entry.serverName.shellArgument))
                }
            }
    }

    /// Names the logins in the netrc file. That file belongs to no single client, so it is never
    /// changed.
    private func report(_ netrc: Netrc, _ invocation: Invocation) {
        let machines: [String]
        do throws(StoreError) {
            machines = try netrc.machines()
        } catch {
            return invocation.console.warn("\(netrc.file.path) was not changed: \(error.message)")
        }
        let names = machines.filter { machine in server.map { $0.names(host: machine) } ?? true }
        if !names.isEmpty {
            invocation.console.note(
                "\(netrc.file.path) has passwords and was not changed: "
                    + names.joined(separator: ", "))
        }
    }

    /// Names the logins for single paths of the server: the client still uses them there.
    private func reportPaths(_ plaintext: [any PlaintextFile], _ invocation: Invocation) {
        guard let server else { return }
        for plaintext in plaintext {
            for path in plaintext.readableLogins.map(\.entry.serverName)
            where path.hasPrefix(server + "/") {
                invocation.console.note(
                    "\(plaintext.file.path) has another login for \(path)"
                        + (isNamed(plaintext)
                            ? "" : "; to remove it: keyfob logout --files \(path.shellArgument)"))
            }
        }
    }

    /// Names the other accounts that still have logins, since `--all` is about one account only.
    private func reportOtherAccounts(_ invocation: Invocation) {
        let entries = invocation.ofAllAccounts.inventory().logins.map(\.entry)
        let remaining = Set(entries.compactMap(\.schema.account?.string))
        for name in remaining.sorted() where name != invocation.choice.account?.string {
            invocation.console.note(
                "logins of the account \(name) remain; to remove them: keyfob logout --all "
                    + "--account \(name)")
        }
    }

    private func report(
        _ reports: [Report], doubt: StoreError?, _ invocation: Invocation
    ) throws {
        let isAnyRemoved = reports.contains { $0.result == .removed }
        var error = doubt
        if reports.allSatisfy({ $0.problem == nil }), error == nil, !isAnyRemoved, !force {
            let what = server?.shownAddress ?? client?.name.string ?? "any server"
            error = StoreError(.notLoggedIn, "not logged in to \(what)", hint: "see: keyfob list")
        }
        if all { reportOtherAccounts(invocation) }
        for name in invocation.placesLeftOut {
            invocation.console.note("\(name): not checked, because of the setting `store`")
        }
        if let key,
            let (route, host) = invocation.choice.settings.routes.route(for: ServerKey(key))
        {
            invocation.console.note(
                "the route \(route.name) can make another login for \(host.host); to remove it: "
                    + "keyfob route remove \(host.host.shellWord)")
        }
        if all, reports.contains(where: { $0.place == TokenCache.name && $0.result == .removed }) {
            invocation.console.note(
                "routes can make such logins again; to see them: keyfob route list")
        }
        if isAnyRemoved {
            invocation.console.note(
                "this revokes no token or password; do that at the server")
        }
        try output.answer(reports, errors: [error])
    }
}

extension String {
    /// True if the string, as a server, is on that host.
    fileprivate func names(host: String) -> Bool {
        let address = firstRange(of: "://").map { self[$0.upperBound...] } ?? self[...]
        return address.prefix { $0 != "/" && $0 != ":" }.lowercased() == host.lowercased()
    }
}
