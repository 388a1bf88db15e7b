internal import Clients
internal import Credentials
internal import Files
internal import Settings

extension Import {
    /// A file or a helper, and those of its logins that are for one account.
    struct Source {
        let name: String
        /// The client that will ask for the logins.
        let client: any Client
        /// The account of the logins; nil for logins outside every account.
        let account: AccountName?
        let logins: [PlaintextLogin]
        /// True if the client asks Keyfob for each of the logins already.
        var asksKeyfob = false
        /// The reports of the logins that stay where they are and are not among `logins`.
        var left: [Report] = []
        /// The other clients that are installed and read the file, or ask the helper.
        var readers: [any Client] = []
        /// Removes logins from the source, and reads it again. Returns for each why it is still
        /// there; nil if it is gone.
        let scrub: ([PlaintextLogin]) -> [StoreError?]
    }

    /// Returns the sources, and the errors of those that cannot be read.
    func sources(
        _ invocation: Invocation
    ) throws(StoreError) -> (sources: [Source], unreadable: [StoreError]) {
        if let fromHelper {
            let chosen = invocation.in(selection.account ?? invocation.choice.account)
            return ([try source(OtherHelper(fromHelper), chosen)], [])
        }
        var sources: [Source] = []
        var unreadable: [StoreError] = []
        for plaintext in Clients.plaintextFiles(
            of: selection.named?.client, in: invocation.surroundings)
        where plaintext.file.exists {
            guard selection.covers(plaintext.client) else { continue }
            do throws(StoreError) {
                try plaintext.file.requireOwn()
                let contents = try plaintext.contents()
                for note in contents.notes {
                    invocation.console.note("\(plaintext.file.path): \(note)")
                }
                sources += try self.sources(plaintext, contents.logins, invocation)
            } catch {
                unreadable.append(error)
            }
        }
        // Of several accounts a client gets the one that was stored last, and that is to be the one
        // in the first file that it reads.
        let (single, several) = (
            sources.filter { !$0.client.schema.hasAccounts },
            sources.filter(\.client.schema.hasAccounts)
        )
        return (single + several.reversed(), unreadable)
    }

    /// Returns a source for each account that the client asks Keyfob for. A login for which its
    /// configuration names no account is of the account that the option names, else of the
    /// environment's.
    private func sources(
        _ plaintext: any PlaintextFile, _ logins: [PlaintextLogin], _ invocation: Invocation
    ) throws(StoreError) -> [Source] {
        let accounts = try invocation.accounts(askedBy: plaintext.client)
        let rival = try rivals(plaintext, invocation)
        let user = client(of: plaintext)
        var refusals = [false, true].map {
            user.refusal(isAsked: $0, of: plaintext.file, in: invocation.surroundings)
        }
        if refusals[0] == nil {
            refusals[0] = try partSetup(of: plaintext.client, invocation)
        }
        var groups: [(account: AccountName?, asksKeyfob: Bool, logins: [PlaintextLogin])] = []
        var left: [Report] = []
        for login in logins {
            let asked = accounts(login.entry).first
            let chosen = selection.account ?? asked ?? invocation.choice.account
            if let asked, asked != chosen {
                left.append(refusal(of: login, in: plaintext, asked))
                continue
            }
            let refusal = refusals[asked == nil ? 0 : 1]
            if login.obstacle == nil, let problem = refusal ?? rival(login) {
                left.append(report(of: login, left: problem, in: plaintext, chosen))
                continue
            }
            if let index = groups.firstIndex(where: { $0.account == chosen }) {
                groups[index].logins.append(login)
                groups[index].asksKeyfob = groups[index].asksKeyfob && asked != nil
            } else {
                groups.append((chosen, asked != nil, [login]))
            }
        }
        if groups.isEmpty { groups = [(selection.account, true, [])] }
        return groups.enumerated().map { index, group in
            Source(
                name: plaintext.file.path, client: plaintext.client, account: group.account,
                logins: group.logins, asksKeyfob: group.asksKeyfob, left: index == 0 ? left : [],
                readers: client(of: plaintext).otherReaders(
                    of: plaintext.file, in: invocation.surroundings)
            ) { logins in
                Import.scrub(logins, of: plaintext)
            }
        }
    }

    /// Returns the report of a login for which its client asks for another account than the option
    /// names.
    private func refusal(
        of login: PlaintextLogin, in plaintext: any PlaintextFile, _ asked: AccountName?
    ) -> Report {
        let client = plaintext.client.name
        let problem = StoreError(
            .notImportable,
            "\(client) does not ask for the account \(selection.account?.string ?? "") for it, "
                + "but for \(asked.map { "the account \($0)" } ?? "no account")",
            hint: client == Docker().name
                ? "keyfob setup docker\(selection.account.option)"
                : "keyfob import --client \(client)")
        return report(of: login, left: problem, in: plaintext, asked)
    }

    private func report(
        of login: PlaintextLogin, left problem: StoreError, in plaintext: any PlaintextFile,
        _ account: AccountName?
    ) -> Report {
        Report(
            login.entry.in(account), as: login.description, in: plaintext.file.path, .left,
            dryRun ? "would leave" : "left", problem: problem)
    }

    // MARK: Who uses it

    /// Returns why a client's other logins stay: the user set it up for some registries alone.
    private func partSetup(
        of client: any Client, _ invocation: Invocation
    ) throws(StoreError) -> StoreError? {
        guard !keep, try !client.keeper(in: invocation.surroundings).isAsked,
            try SetupRecord(in: invocation.directories.state).changes.contains(where: {
                $0.client == client.name.string && $0.registry != nil
            })
        else { return nil }
        return StoreError(
            .notAsked, "\(client.name) does not ask Keyfob for it",
            hint: "keyfob setup \(client.name)")
    }

    /// The client that the import is for: the one that is named, else that of the file.
    private func client(of plaintext: any PlaintextFile) -> any Client {
        selection.named?.client ?? plaintext.client
    }

    /// Returns a function that returns why a login is not the one that the client uses: before it
    /// reads the file, it asks another helper, or did so until it was set up.
    private func rivals(
        _ plaintext: any PlaintextFile, _ invocation: Invocation
    ) throws(StoreError) -> (PlaintextLogin) -> StoreError? {
        let client = client(of: plaintext)
        guard prefer != .found, client.program != nil else { return { _ in nil } }
        let surroundings = invocation.surroundings
        var others = try client.otherHelpers(in: surroundings, before: plaintext.file)
        let isOurs = try client.keeper(in: surroundings).isOurs
        let files = client.plaintextFiles(in: surroundings).map(\.file.path)
        for change in try SetupRecord(in: invocation.directories.state).changes
        where change.client == client.name.string && (isOurs || change.registry != nil) {
            // Another folder of docker's has a setup of its own.
            guard change.path == plaintext.file.path || !files.contains(change.path) else {
                continue
            }
            others.add(former: change.before, for: change.registry)
        }
        let behind = rivalsBehindKeyfob(of: client, invocation)
        return { login in
            let words = "\(client.name) does not use it, but the login of"
            return rival(of: login, among: others, words) ?? behind(login)
        }
    }

    /// Returns a function that returns why a login is not to be stored for another client that asks
    /// Keyfob, too: it would no longer get the login of a helper that it asks after Keyfob.
    private func rivalsBehindKeyfob(
        of client: any Client, _ invocation: Invocation
    ) -> (PlaintextLogin) -> StoreError? {
        let surroundings = invocation.surroundings
        let asking = Clients.withHelpers.compactMap { other in
            other.name != client.name && other.sharesLogins(with: client)
                && (try? other.keeper(in: surroundings))?.isOurs == true
                ? try? (
                    name: other.name, helpers: other.otherHelpers(in: surroundings, before: nil),
                    names: other.helperNames(in: surroundings)
                ) : nil
        }
        return { login in
            for other in asking where !other.names(login.entry).isEmpty {
                let words = "\(other.name) would get it, and no longer the login of"
                guard let problem = rival(of: login, among: other.helpers, words),
                    let query = Query(replacedBy: login.entry),
                    (try? invocation.choice.chain.find(query))?.isEmpty != false
                else { continue }
                return problem
            }
            return nil
        }
    }

    private func rival(
        of login: PlaintextLogin, among others: OtherHelpers, _ words: String
    ) -> StoreError? {
        for (helper, key) in others.asked(for: login.entry) {
            do throws(StoreError) {
                guard let other = try helper.get(key), !helper.makesTokens(),
                    !other.isSame(as: login.credential)
                else { continue }
                return StoreError(
                    .notAsked, "\(words) \(helper.program)",
                    hint: "keyfob import --from-helper \(helper.name.shellWord), or to import "
                        + "this one: keyfob import --prefer found")
            } catch let error where error.code == .programNotRun {
                continue
            } catch {
                return error
            }
        }
        return nil
    }

    private static func scrub(
        _ logins: [PlaintextLogin], of plaintext: any PlaintextFile
    ) -> [StoreError?] {
        let meant = Dictionary(grouping: logins, by: \.entry)
        func isMeant(_ candidate: PlaintextLogin) -> Bool {
            meant[candidate.entry]?.contains { $0.isSamePlace(as: candidate) } ?? false
        }
        var problem: StoreError?
        do throws(StoreError) {
            try plaintext.scrub(where: isMeant)
            if try plaintext.contents().logins.contains(where: isMeant) {
                problem = StoreError(.copyRemains, "it is still there")
            }
        } catch {
            problem = error
        }
        return logins.map { _ in problem }
    }

    // MARK: Another helper

    private func source(_ helper: OtherHelper, _ invocation: Invocation) throws(StoreError)
        -> Source
    {
        let client = selection.client
        let keys = try helper.list(for: client)
        if !keys.isEmpty,
            try helper.sharesLogins(
                with: invocation.choice.chain, dryRun: dryRun, invocation.surroundings)
        {
            throw StoreError(
                .sameStore, "\(helper.program) uses the same store as Keyfob",
                hint: "nothing to import; see: keyfob list")
        }
        var logins: [PlaintextLogin] = []
        var left: [Report] = []
        for key in keys {
            do throws(StoreError) {
                guard let login = try helper.get(key) else {
                    throw StoreError(
                        .helperFailed, "\(helper.program) lists it, but returns no login for it",
                        hint: "unlock what it keeps its logins in, then try again")
                }
                logins.append(PlaintextLogin(ofHelper: login))
            } catch {
                left.append(
                    Report(
                        Entry.docker(server: key, username: "").in(invocation.choice.account),
                        as: "docker \(key)", in: helper.program, .left,
                        dryRun ? "would leave" : "left", problem: error))
            }
        }
        return Source(
            name: helper.program, client: client, account: invocation.choice.account,
            logins: logins, left: left,
            readers: readers(of: helper, logins, invocation.surroundings)
        ) { logins in
            logins.map { login in
                do throws(StoreError) {
                    let key = login.entry["server"] ?? ""
                    // The login may have been replaced since it was read.
                    guard let now = try helper.get(key), now.secret == login.secret else {
                        return nil
                    }
                    try helper.erase(key)
                    try putBack(login.credential, invocation)
                    return nil
                } catch {
                    return error
                }
            }
        }
    }

    /// Returns the installed clients that ask the helper for one of the logins.
    private func readers(
        of helper: OtherHelper, _ logins: [PlaintextLogin], _ surroundings: Surroundings
    ) -> [any Client] {
        Clients.withHelpers.filter { client in
            guard client.installed(in: surroundings) != nil,
                let others = try? client.otherHelpers(in: surroundings, before: nil)
            else { return false }
            return logins.contains { login in
                others.asked(for: login.entry).contains {
                    $0.helper.name == helper.name && $0.key == login.entry["server"]
                }
            }
        }
    }

    /// Stores the login again, and throws `sameStore`, if the other helper has erased it from the
    /// store.
    private func putBack(_ login: Credential, _ invocation: Invocation) throws(StoreError) {
        guard let query = Query(replacedBy: login.entry) else { return }
        guard try invocation.choice.chain.find(query).isEmpty else { return }
        try invocation.choice.chain.save(login)
        throw StoreError(
            .sameStore,
            "\(fromHelper ?? "") uses the same store as Keyfob; this login was put back",
            hint: "nothing to import; see: keyfob list")
    }
}
