internal import ArgumentParser
internal import Clients
internal import Credentials
internal import JSON
internal import Settings

/// `keyfob export`: the way out. It writes logins from the store back into the client's own file, in
/// plain text.
///
/// What must hold: nothing is written unless the user has said that it may be in plain text, the
/// store keeps what it has, and in the file no login is lost but for one that the user has chosen
/// over it.
struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write logins back into a client's own file, in plain text.",
        discussion: """
            The file is docker's config.json, podman's auth.json, cargo's credentials.toml, git's \
            .git-credentials or terraform's credentials.tfrc.json. Each login is written as the \
            client writes it, and read back; all else in the file stays as it is. The store keeps \
            the logins. One for which the file has another login is left and named, unless \
            --prefer says which of them is kept. The other way is: keyfob import.
            """)

    @Option(help: "Whose logins, and into whose file: docker, podman, cargo, git or terraform.")
    var client: Client

    @Argument(
        help: "Only the logins for this server, as `keyfob list` prints it.",
        completion: Completion.servers)
    var server: String?

    @Flag(help: "Write them, where whoever can read the file can use them.")
    var plainText = false

    @Option(help: "Where both have a login for a server, the one that is kept.")
    var prefer: Import.Preference?

    @Flag(help: "Only say what would be exported.")
    var dryRun = false

    @Flag(help: "Print a JSON object for scripts.")
    var json = false

    func run() throws {
        let session = try Session()
        guard let target = session.surroundings.plaintextTarget(of: client.rawValue) else {
            throw refusal
        }
        let path = target.file.path
        guard plainText || dryRun else {
            throw StoreError(
                .failed, "nothing is written: \(path) would hold the secrets in plain text",
                hint: "to have them there, where whoever can read the file can use them: "
                    + "keyfob export --client \(client) --plain-text")
        }
        if !dryRun { try session.unlockKeyring() }
        let inventory = session.inventory()
        if let failure = inventory.failures.first { throw failure }
        for warning in inventory.warnings { session.console.warn(warning) }
        let entries = try entries(among: inventory.logins.map(\.entry))
        if !dryRun, !entries.isEmpty {
            session.console.warn(
                "\(path) will hold the secrets in plain text: whoever can read it, or a copy of it, "
                    + "can use them")
        }

        var outcomes: [Outcome] = []
        var failure: StoreError?
        for entry in entries where failure == nil {
            let outcome = outcome(of: entry, in: target, session)
            if case .left(let error) = outcome.result, error.isTheStores {
                failure = error
            } else {
                outcomes.append(outcome)
                if !dryRun { session.console.progress(outcomes.count, of: entries.count) }
            }
        }
        session.console.progress(0, of: 0)
        let isWhole =
            outcomes.count == entries.count && outcomes.allSatisfy(\.isInFile)
            && inventory.warnings.isEmpty
        try report(outcomes, isWhole, path, session)
        if let failure { throw failure }
        guard outcomes.allSatisfy(\.isDone), inventory.warnings.isEmpty else { throw ExitCode(1) }
    }

    // MARK: What is exported

    private var refusal: StoreError {
        client == .pulumi
            ? StoreError(
                .failed, "pulumi keeps more of a login in its file than the token that is stored",
                hint: "let pulumi write it: pulumi login")
            : StoreError(
                .failed, "whose file it would be is not known",
                hint: "print one secret: keyfob token --help")
    }

    /// The logins that are meant, each once.
    private func entries(among entries: [Entry]) throws(StoreError) -> [Entry] {
        var meant = entries.filter { client.owns($0) }
        if let server {
            let key = try Session.key(server)
            // Docker Hub's tokens, without which docker cannot renew its login, go with it, as they
            // do in a logout.
            let keys = client.realm == .docker ? ServerKey(key).logout.map(\.spelling) : [key]
            let queries = keys.flatMap { client.queries(for: $0, among: entries) }
            meant = meant.filter { entry in queries.contains { $0.matches(entry) } }
            guard !meant.isEmpty else {
                throw StoreError(
                    .failed, "no login of \(client) for \(server)", hint: "see: keyfob list")
            }
        }
        var seen: Set<Place?> = []
        return meant.filter { seen.insert($0.login).inserted }
    }

    private struct Outcome {
        enum Result {
            case exported
            /// In place of another one in the file.
            case replaced
            /// The very same login is in the file already.
            case known
            /// The other one in the file is kept, as the user wants it.
            case dropped
            case left(StoreError)
        }

        let entry: Entry
        let result: Result

        var isDone: Bool {
            if case .left = result { return false }
            return true
        }

        /// Whether the very login is in the file now, or would be.
        var isInFile: Bool {
            switch result {
            case .exported, .replaced, .known: true
            case .dropped, .left: false
            }
        }
    }

    private func outcome(
        of entry: Entry, in target: any PlaintextTarget, _ session: Session
    ) -> Outcome {
        do throws(StoreError) {
            guard let query = Query(replacedBy: entry) else {
                throw StoreError(.failed, "it does not say what it is for")
            }
            guard let login = try session.choice.store.find(query).first else {
                throw StoreError(.failed, "it is not stored any more")
            }
            return Outcome(entry: login.entry, result: try result(of: login, in: target))
        } catch {
            return Outcome(entry: entry, result: .left(error))
        }
    }

    private func result(
        of login: Credential, in target: any PlaintextTarget
    ) throws(StoreError) -> Outcome.Result {
        let replaces = prefer == .stored
        let addition =
            dryRun
            ? try target.trial(of: login, replaces: replaces)
            : try target.add(login, replaces: replaces)
        switch addition {
        case .added: return .exported
        case .replaced: return .replaced
        case .known: return .known
        case .refused(let other):
            guard prefer == nil else { return .dropped }
            let whose = other.shownUser.map { " of \($0)" } ?? ""
            throw StoreError(
                .failed, "the file has another login\(whose) for it",
                hint: "say which one is kept: --prefer stored, or --prefer found")
        }
    }

    // MARK: What is said

    /// `isWhole` says whether all logins that are meant are in the file.
    private func report(
        _ outcomes: [Outcome], _ isWhole: Bool, _ path: String, _ session: Session
    ) throws {
        if json {
            try session.console.print(json(of: outcomes, path))
        } else {
            for outcome in outcomes { session.console.print("\(path): \(words(of: outcome))") }
        }
        let hints = outcomes.compactMap { outcome in
            if case .left(let error) = outcome.result, !error.isTheStores {
                error.hint
            } else {
                nil
            }
        }
        for hint in Set(hints).sorted() { session.console.hint(hint) }
        if outcomes.isEmpty { session.console.note("there is nothing to export") }
        let written = outcomes.filter(\.isInFile).map(\.entry)
        guard !written.isEmpty else { return }
        for setup in setups(of: written, session) where (try? warn(of: setup, session)) == true {
            break
        }
        guard !dryRun else { return }
        // What has not been written must not be taken out with the rest.
        session.console.hint(
            (isWhole ? "the store keeps them; to take them" : "the store keeps all; to take one")
                + " out of it: keyfob logout --client \(client) "
                + (isWhole ? server ?? "--all" : "SERVER"))
    }

    /// How the client may be told of a helper: for all of its logins, or for one of these.
    private func setups(of written: [Entry], _ session: Session) -> [ClientSetup] {
        let registries = written.compactMap { entry in
            switch client {
            case .docker: entry.attributes["server"]
            case .cargo: entry.cargoName
            case .git:
                entry.attributes["server"].flatMap { host in
                    Text(host.string + (entry.attributes["port"].map { ":\($0)" } ?? ""))
                }
            case .podman, .terraform, .pulumi, .token: nil
            }
        }
        return ([nil] + registries.map(\.string)).compactMap { registry in
            try? ClientSetup(client, registry: registry, session.surroundings)
        }
    }

    /// Says so if a client may never look into its file, for it asks a helper; git looks into its
    /// file if it is told to, and terraform before it asks. Returns whether it does.
    private func warn(of setup: ClientSetup, _ session: Session) throws(StoreError) -> Bool {
        let keeper = try setup.keeper()
        let file = "containers-auth.json"
        if keeper.isOurs {
            if client != .terraform {
                session.console.warn("\(client) still asks Keyfob, and may not read this file")
            }
            session.console.hint("so that it asks Keyfob no more: keyfob setup --undo \(client)")
            return true
        }
        guard let name = keeper.name else {
            guard client == .git, setup.registry == nil else { return false }
            session.console.hint(
                "so that git reads the file: git config --global credential.helper store")
            return false
        }
        guard client.realm == .docker, !name.split(separator: ", ").contains(file[...]) else {
            return false
        }
        session.console.warn("\(client) asks another helper, \(name), and may not read this file")
        return true
    }

    private func words(of outcome: Outcome) -> String {
        let what = outcome.entry.description
        switch outcome.result {
        case .exported: return "\(dryRun ? "would export" : "exported") \(what)"
        case .replaced:
            return "\(dryRun ? "would export" : "exported") \(what), in place of another one"
        case .known: return "has \(what) already"
        case .dropped: return "has another one for \(what)"
        case .left(let error):
            return "\(dryRun ? "would not export" : "did not export") \(what): \(error.message)"
        }
    }

    private func json(of outcomes: [Outcome], _ path: String) -> JSON {
        let logins = outcomes.map { outcome in
            let (result, reason): (Text, String?) =
                switch outcome.result {
                case .exported: ("exported", nil)
                case .replaced: ("replaced", nil)
                case .known: ("known", nil)
                case .dropped: ("dropped", nil)
                case .left(let error): ("left", error.message)
                }
            return JSON.object([
                JSON.Member("client", .name(outcome.entry.clientName)),
                JSON.Member("server", .name(outcome.entry.serverName)),
                JSON.Member("username", outcome.entry.shownUser.map { .name($0) } ?? .null),
                JSON.Member("result", .text(result)),
                JSON.Member("reason", reason.map { .name($0) } ?? .null),
            ])
        }
        return .object([
            JSON.Member("dryRun", .bool(dryRun)),
            JSON.Member("file", .name(path)),
            JSON.Member("logins", .array(logins)),
        ])
    }
}
