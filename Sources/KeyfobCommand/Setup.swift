internal import ArgumentParser
internal import Clients
internal import Credentials
internal import Files
internal import JSON
internal import Settings
internal import TextEditing

/// `keyfob setup`: changes the clients' own configuration so that Keyfob keeps their logins.
///
/// Invariants: every other byte of a file is kept, a second run changes nothing, and `--undo`
/// restores exactly what was there.
struct Setup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup",
        abstract: "Set up clients to use Keyfob.",
        usage: """
            keyfob setup <client> ... [<options>]
            keyfob setup --all | --undo [<options>]
            """,
        discussion: """
            Changes one setting in the client's own configuration, and remembers what was \
            there, so that --undo can restore it.
            """)

    @Argument(
        help: ArgumentHelp(
            "\(Clients.words(Clients.all.filter(\.isSetUp), "or")). Several may be named.",
            valueName: "client"))
    var clients: [ClientOption] = []

    @Flag(help: "Set up every client that is installed, but not pip.")
    var all = false

    @Option(help: "Only for this registry of docker or cargo, or host of git.")
    var registry: String?

    @Flag(help: "Restore what was there, for all if none is named.")
    var undo = false

    @Option(help: "The account of the logins.", completion: Completion.accounts)
    var account: AccountName?

    @OptionGroup var output: ChangeOutput

    private var dryRun: Bool { output.dryRun }

    func validate() throws {
        guard clients.isEmpty || !all else {
            throw ValidationError("give either clients or --all, not both")
        }
        guard !clients.isEmpty || all || undo else {
            throw ValidationError("give a client, or use --all")
        }
    }

    func run() throws {
        let invocation = try Invocation(output.console)
        let (reports, advice) = try reports(invocation)
        try output.print(
            reports, ["undo": .bool(undo)],
            ifEmpty: undo ? "nothing to undo" : "no client is installed that could be set up")
        for line in advice { invocation.console.hint(line) }
        try output.end(reports)
    }

    /// Undoes every setup. Returns the reports.
    static func undoingAll(_ invocation: Invocation, dryRun: Bool) throws -> [Report] {
        try Setup.parse(["--undo"] + (dryRun ? ["--dry-run"] : [])).reports(invocation).reports
    }

    private func reports(
        _ invocation: Invocation
    ) throws(StoreError) -> (reports: [Report], advice: [String]) {
        var record = try SetupRecord(in: invocation.directories.state)
        var reports: [Report] = []
        var advice: [String] = []
        var surroundings = invocation.surroundings
        surroundings.account = account
        for client in meant(record, surroundings) {
            do throws(StoreError) {
                if undo {
                    reports += try restore(client, surroundings, &record, &advice)
                } else {
                    let others = try? client.otherHelpers(in: surroundings, before: nil)
                    let applied = try apply(client, surroundings, &record, &advice)
                    reports += applied
                    if !dryRun, let others, applied.last?.result == .changed {
                        advice += losses(of: others, to: client, surroundings, invocation)
                    }
                }
            } catch {
                reports.append(
                    report(
                        client.name.string, client, .left,
                        undo ? "is not undone" : "is not set up", error))
            }
        }
        return (reports, advice)
    }

    /// Names the registries for which the client gets a stored login now, and got one of another
    /// helper before.
    private func losses(
        of others: OtherHelpers, to client: any Client, _ surroundings: Surroundings,
        _ invocation: Invocation
    ) -> [String] {
        guard !others.ofAll.isEmpty || !others.ofOne.isEmpty,
            let names = try? client.helperNames(in: surroundings)
        else { return [] }
        let own = invocation.in(account).asksNobody
        let stored = own.inventory().logins.map(\.entry)
            .filter { client.owns($0) && !names($0.in(nil)).isEmpty }
        return stored.once(by: \.identity).flatMap { entry in
            let login = entry.askedQuery.flatMap { try? own.choice.chain.find($0).first }
            return others.asked(for: entry).filter { helper, key in
                (try? helper.get(key)).map { login?.isSame(as: $0) != true } ?? false
            }.map {
                "\(client.name) now gets Keyfob's login for \(entry.serverName), "
                    + "and no longer that of \($0.helper.program)"
            }
        }
    }

    /// Returns the clients that were named. If none was, it returns the installed ones, or for an
    /// undo those with a recorded change.
    private func meant(_ record: SetupRecord, _ surroundings: Surroundings) -> [any Client] {
        if !clients.isEmpty { return clients.map(\.client) }
        guard !undo else {
            return Clients.all.filter { client in
                record.changes.contains { $0.client == client.name.string }
            }
        }
        return Clients.withHelpers.filter { $0.installed(in: surroundings) != nil }
    }

    private func report(
        _ place: String, _ client: any Client, _ result: Report.Result, _ words: String,
        _ problem: StoreError? = nil
    ) -> Report {
        Report(
            place: place, result: result, words: words, client: client.name.string,
            server: registry, account: account?.string, problem: problem)
    }

    // MARK: Applying

    private func apply(
        _ client: any Client, _ surroundings: Surroundings, _ record: inout SetupRecord,
        _ advice: inout [String]
    ) throws(StoreError) -> [Report] {
        guard let own = try client.ownLink(in: surroundings) else {
            return [try applyPlan(of: client, surroundings, &record, &advice)]
        }
        let link = try SetupLink(own, of: client, in: surroundings)
        let report = try apply(link, to: own.target, as: own.name, of: client, &record)
        advice += own.advice
        guard client.program != nil else { return [report] }
        return [report, try applyPlan(of: client, surroundings, &record, &advice)]
    }

    /// Makes the link to a program, if one is needed: otherwise `link` is nil.
    private func apply(
        _ link: SetupLink?, to target: String, as name: String = "", of client: any Client,
        _ record: inout SetupRecord
    ) throws(StoreError) -> Report {
        guard let link, !link.exists else {
            return report(
                link?.path ?? name, client, .unchanged, "leads to \(target) already")
        }
        try link.requireRoom()
        if !dryRun {
            if try record.hold() {
                return try apply(link, to: target, as: name, of: client, &record)
            }
            let change = SetupRecord.Change(
                client: client.name.string, account: account?.string, path: link.path,
                isNew: true, isLink: true)
            try make(change, &record) { () throws(StoreError) in try link.make() }
        }
        return report(
            link.path, client, .changed,
            "\(dryRun ? "would be" : "is now") a link to \(target)")
    }

    private func applyPlan(
        of client: any Client, _ surroundings: Surroundings, _ record: inout SetupRecord,
        _ advice: inout [String]
    ) throws(StoreError) -> Report {
        let (plan, program) = try client.possiblePlan(for: registry, in: surroundings)
        if !dryRun, plan.splice != nil, try record.hold() {
            return try applyPlan(of: client, surroundings, &record, &advice)
        }
        let link = client.link(in: surroundings).map { SetupLink($0, to: program) }
        guard let splice = plan.splice else {
            advice += plan.advice
            if let link, !link.exists {
                return try apply(link, to: client.program?.rawValue ?? "", of: client, &record)
            }
            let words = "\(plan.setting) is \(plan.after) already"
            return report(plan.file.path, client, .unchanged, words)
        }
        let former = plan.before.map { " (it \(dryRun ? "is" : "was") \($0))" } ?? ""
        let words = "\(plan.setting) \(dryRun ? "would be" : "is now") \(plan.after)\(former)"
        if !dryRun {
            try link?.make()
            let change = SetupRecord.Change(
                client: client.name.string, registry: registry,
                account: account?.string, path: plan.file.path, isNew: plan.content == nil,
                before: plan.before, removed: splice.removed(from: plan.content),
                inserted: splice.inserted, start: splice.range.lowerBound, chosen: plan.chosen)
            try make(change, &record) { () throws(StoreError) in
                try replace(plan.content, in: plan.file, with: splice.applied(to: plan.content))
            }
            do throws(StoreError) {
                if try !client.isAsked(for: registry, in: surroundings) {
                    throw StoreError(
                        .settingOverridden,
                        "\(client.name) does not follow \(plan.setting) in \(plan.file.path): "
                            + "another file or variable overrides it",
                        hint: "see: keyfob status")
                }
            } catch {
                _ = try restore(change, client, surroundings, &record)
                throw error
            }
        }
        advice += client.importAdvice(surroundings) + plan.advice
        return report(plan.file.path, client, .changed, words)
    }

    /// Makes a change. It is recorded first, so that an interrupted setup can be undone.
    private func make(
        _ change: SetupRecord.Change, _ record: inout SetupRecord,
        _ body: () throws(StoreError) -> Void
    ) throws(StoreError) {
        try record.add(change)
        do throws(StoreError) {
            try body()
        } catch {
            try record.remove(change)
            throw error
        }
    }

    private func replace(
        _ content: Secret?, in file: ClientFile, with new: Secret
    ) throws(StoreError) {
        try file.edit { now throws(StoreError) in
            guard now == content else {
                throw StoreError(
                    .changedMeanwhile, "\(file.path) has just been changed", hint: "try again")
            }
            return new
        }
    }

    // MARK: Undoing

    private func restore(
        _ client: any Client, _ surroundings: Surroundings, _ record: inout SetupRecord,
        _ advice: inout [String]
    ) throws(StoreError) -> [Report] {
        guard client.isSetUp else {
            _ = try client.plan(for: registry, in: surroundings)
            return []
        }
        let all = record.changes.filter {
            $0.client == client.name.string && (registry == nil || $0.registry == registry)
        }
        if !dryRun, !all.isEmpty, try record.hold() {
            return try restore(client, surroundings, &record, &advice)
        }
        // Without names everything is undone, else the named account's, or that of no account.
        let isOfAll = clients.isEmpty && account == nil
        let changes = all.filter { isOfAll || $0.account == account?.string }
        for name in Set(all.compactMap(\.account)).sorted() where account == nil && !isOfAll {
            advice.append(
                "\(client.name) is set up for the account \(name), too; to undo that: "
                    + "keyfob setup --undo \(client.name) --account \(name)")
        }
        if changes.isEmpty {
            return [report(client.name.string, client, .unchanged, "nothing to undo")]
        }
        var reports: [Report] = []
        for change in changes.reversed() {
            try requireNoLater(than: change, record, among: changes)
            reports.append(try restore(change, client, surroundings, &record))
        }
        return reports
    }

    private func restore(
        _ change: SetupRecord.Change, _ client: any Client, _ surroundings: Surroundings,
        _ record: inout SetupRecord
    ) throws(StoreError) -> Report {
        if change.isLink { return try remove(change, client, &record) }
        let file = ClientFile(change.path)
        var result = Report.Result.restored
        var words = dryRun ? "would be restored" : "restored"
        let content = try file.read()
        if content == nil, !change.isNew {
            (result, words) = (.unchanged, "no longer exists")
        }
        if let content {
            if let splice = try restoration(of: content, change, client) {
                guard !dryRun else { return report(change.path, client, result, words) }
                var restored = splice.applied(to: content)
                if let chosen = change.chosen,
                    surroundings.program(OtherHelper(chosen).program) != nil
                {
                    let naming = try client.naming(chosen, in: restored, at: change.path)
                    if naming != restored {
                        words += ", and names \(chosen), which \(client.name) used by itself before"
                    }
                    restored = naming
                }
                if change.isNew, restored.isEmpty {
                    _ = try file.remove(ifItIs: content)
                } else {
                    try replace(content, in: file, with: restored)
                }
            } else {
                (result, words) = (
                    .unchanged, "no longer names keyfob and was not changed"
                )
            }
        }
        guard !dryRun else { return report(change.path, client, result, words) }
        if let path = client.link(in: surroundings) { try SetupLink.remove(path) }
        try record.remove(change)
        return report(change.path, client, result, words)
    }

    /// Removes the link that a setup made.
    private func remove(
        _ change: SetupRecord.Change, _ client: any Client, _ record: inout SetupRecord
    ) throws(StoreError) -> Report {
        let isOurs = SetupLink.isOurs(change.path)
        let isThere = FileStatus(of: change.path, followsLinks: false) != nil
        if !dryRun {
            try SetupLink.remove(change.path)
            try record.remove(change)
        }
        guard isOurs else {
            return report(
                change.path, client, .unchanged,
                isThere ? "is no link to keyfob and was not changed" : "no longer exists")
        }
        return report(change.path, client, .restored, dryRun ? "would be removed" : "removed")
    }

    /// Throws `settingOverridden` if a setup that is not undone now has changed the same setting since.
    private func requireNoLater(
        than change: SetupRecord.Change, _ record: SetupRecord, among meant: [SetupRecord.Change]
    ) throws(StoreError) {
        guard !change.isLink, let index = record.changes.firstIndex(of: change) else { return }
        let later = record.changes[(index + 1)...].first {
            $0.client == change.client && $0.path == change.path && $0.registry == change.registry
                && !meant.contains($0)
        }
        guard let later else { return }
        throw StoreError(
            .settingOverridden,
            "\(later.path) was changed later for "
                + (later.account.map { "the account \($0)" } ?? "no account"),
            hint: "undo that first: keyfob setup --undo \(later.client)"
                + (later.account.map { " --account \($0)" } ?? ""))
    }

    /// Returns the splice that takes the change back, even if the client has written the file anew
    /// since; nil if the setting no longer names Keyfob.
    private func restoration(
        of content: Secret, _ change: SetupRecord.Change, _ client: any Client
    ) throws(StoreError) -> Splice? {
        // The user may have removed the lines below Keyfob's, as setup advises.
        var lines = change.inserted[...]
        while lines.contains("keyfob") {
            let splice = Splice.undoing(
                String(lines), change.removed, at: change.start, in: content)
            if let splice { return splice }
            guard let end = lines.dropLast().lastIndex(of: "\n") else { break }
            lines = lines[...end]
        }
        return try client.restoration(
            of: content, at: change.path, for: change.registry, removed: change.removed)
    }
}
