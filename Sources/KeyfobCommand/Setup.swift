internal import ArgumentParser
internal import Clients
internal import Credentials
internal import Glibc
internal import JSON
internal import Settings
internal import TextEditing

/// `keyfob setup`: tells clients that Keyfob keeps their logins, in their own configuration.
///
/// What must hold: everything else in a file stays byte for byte, a second run changes nothing, and
/// `--undo` restores exactly what was there.
struct Setup: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell docker, podman, cargo, git or terraform where their logins are kept.",
        discussion: """
            It changes one setting in the client's own configuration and remembers what was there: \
            credsStore of docker, credential-helpers of podman, global-credential-providers of \
            cargo, credential.helper of git and credentials_helper of terraform.
            """)

    @Argument(help: "docker, podman, cargo, git or terraform; several may be named.")
    var clients: [Client]

    @Option(help: "Only for this registry: of docker, cargo (by its name) or git (a host).")
    var registry: String?

    @Flag(help: "Restore what was there before.")
    var undo = false

    @Flag(help: "Only say what would be changed.")
    var dryRun = false

    @Flag(help: "Print a JSON object for scripts.")
    var json = false

    func run() throws {
        let session = try Session()
        var record = try SetupRecord(in: session.directories.state)
        var outcomes: [Outcome] = []
        for client in clients {
            do throws(StoreError) {
                let setup = try ClientSetup(client, registry: registry, session.surroundings)
                outcomes += undo ? try undo(setup, &record) : [try apply(setup, &record)]
            } catch {
                outcomes.append(Outcome(client: client, place: client.rawValue, problem: error))
            }
        }
        if json { try session.console.print(json(of: outcomes)) }
        for outcome in outcomes {
            if !json, let line = outcome.line { session.console.print(line) }
            if let note = outcome.note { session.console.hint(note) }
            if let problem = outcome.problem { session.console.report(problem) }
        }
        guard outcomes.allSatisfy({ $0.problem == nil }) else { throw ExitCode(1) }
    }

    private struct Outcome {
        let client: Client
        /// The file.
        var place: String
        /// What became of it.
        var result: Result?
        /// What was done, for people.
        var words = ""
        /// What to do next.
        var note: String?
        var problem: StoreError?

        enum Result: Text {
            case changed, unchanged, restored
        }

        var line: String? { result == nil ? nil : "\(place): \(words)" }
    }

    // MARK: Doing it

    private func apply(
        _ setup: ClientSetup, _ record: inout SetupRecord
    ) throws(StoreError) -> Outcome {
        guard let program = setup.installed else {
            throw StoreError(
                .failed,
                "\(setup.program) is not on the PATH, and \(setup.client) could not call it",
                hint: "install it: make install")
        }
        guard let setting = try setup.setting() else { return try applyToGit(setup, &record) }

        let file = setting.file
        var outcome = Outcome(client: setup.client, place: file.path)
        let before = try setting.value(in: try file.read())
        if let before, setting.isOurs(before) {
            if setup.client == .terraform { try link(program, to: setup.terraformPlugin) }
            outcome.result = .unchanged
            outcome.words = "\(setting.name) is \(before) already"
            return outcome
        }
        let isNew = !file.exists
        let content = try file.read()
        let splice = try setting.splice(into: content)
        let after = try setting.value(in: splice.applied(to: content)) ?? ""
        outcome.result = .changed
        outcome.words =
            "\(setting.name) \(dryRun ? "would be" : "is now") \(after)"
            + (before.map { " (it \(dryRun ? "is" : "was") \($0))" } ?? "")
        outcome.note = advice(setup.client, before)
        guard !dryRun else { return outcome }
        if setup.client == .terraform { try link(program, to: setup.terraformPlugin) }
        // Remembered first: what is interrupted then can be undone.
        let change = SetupRecord.Change(
            client: setup.client.rawValue, registry: registry, path: file.path, isNew: isNew,
            removed: splice.removed(from: content), inserted: splice.inserted)
        try record.add(change)
        try file.edit { now throws(StoreError) in
            guard now == content else {
                throw StoreError(.failed, "\(file.path) has just been changed", hint: "try again")
            }
            return splice.applied(to: now)
        }
        return outcome
    }

    private func applyToGit(
        _ setup: ClientSetup, _ record: inout SetupRecord
    ) throws(StoreError) -> Outcome {
        var outcome = Outcome(client: .git, place: "git")
        let helpers = try setup.gitHelpers()
        let others = helpers.filter { $0 != "keyfob" }
        if let store = others.first(where: { $0.split(separator: " ").first == "store" }) {
            outcome.note =
                "git goes on to write passwords down in plain text as well: "
                + "git config --global --unset \(setup.gitKey) \"^\(store)$\""
        }
        if helpers.contains("keyfob") {
            outcome.result = .unchanged
            outcome.words = "\(setup.gitKey) is keyfob already"
            return outcome
        }
        outcome.result = .changed
        outcome.words =
            "\(setup.gitKey) \(dryRun ? "would be" : "is now") keyfob"
            + (others.isEmpty ? "" : " (after \(others.joined(separator: ", ")))")
        guard !dryRun else { return outcome }

        var before: [(file: ClientFile, content: Secret?)] = []
        for file in setup.gitFiles { try file.requireOwnWay() }
        for file in setup.gitFiles { before.append((file, try file.read())) }
        try setup.addToGit()
        for (file, content) in before {
            guard let now = try file.read(), let splice = Splice(from: content, to: now) else {
                continue
            }
            outcome.place = file.path
            try record.add(
                SetupRecord.Change(
                    client: "git", registry: registry, path: file.path, isNew: content == nil,
                    removed: splice.removed(from: content), inserted: splice.inserted))
        }
        return outcome
    }

    private func link(_ program: String, to path: String) throws(StoreError) {
        guard !dryRun else { return }
        if unsafe access(path, X_OK) == 0 { return }
        try ClientFile(path).makeFolder()
        // One that leads nowhere any more is replaced.
        var status = stat()
        if unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK {
            unsafe unlink(path)
        }
        guard unsafe symlink(program, path) == 0 else {
            throw StoreError(
                .failed, "cannot link \(path): \(unsafe String(cString: strerror(errno)))")
        }
    }

    private func advice(_ client: Client, _ before: String?) -> String? {
        switch client {
        case .docker:
            before.map {
                "logins that docker-credential-\($0) keeps: keyfob import --from-helper \($0)"
            }
                ?? "logins that docker keeps in plain text: keyfob import"
        case .podman, .cargo, .terraform:
            "logins that \(client) keeps in plain text: keyfob import"
        case .git, .pulumi, .token:
            nil
        }
    }

    // MARK: Undoing it

    private func undo(
        _ setup: ClientSetup, _ record: inout SetupRecord
    ) throws(StoreError) -> [Outcome] {
        let changes = record.changes.filter {
            $0.client == setup.client.rawValue && (registry == nil || $0.registry == registry)
        }
        if changes.isEmpty {
            return [
                Outcome(
                    client: setup.client, place: setup.client.rawValue, result: .unchanged,
                    words: "there is nothing to undo")
            ]
        }
        var outcomes: [Outcome] = []
        for change in changes.reversed() { outcomes.append(try undo(change, setup, &record)) }
        return outcomes
    }

    private func undo(
        _ change: SetupRecord.Change, _ setup: ClientSetup, _ record: inout SetupRecord
    ) throws(StoreError) -> Outcome {
        let file = ClientFile(change.path)
        var outcome = Outcome(
            client: setup.client, place: change.path, result: .restored,
            words: dryRun ? "would be as it was before" : "is as it was before")
        let before = try file.read()
        if before == nil, !change.isNew {
            outcome.words = "does not exist any more"
            outcome.result = .unchanged
        }
        if let content = before {
            if let splice = try restoration(of: content, change, setup) {
                guard !dryRun else { return outcome }
                let restored = splice.applied(to: content)
                if change.isNew, restored.isEmpty {
                    _ = try file.remove(ifItIs: content)
                } else {
                    try file.edit { now throws(StoreError) in
                        guard now == content else {
                            throw StoreError(
                                .failed, "\(file.path) has just been changed", hint: "try again")
                        }
                        return restored
                    }
                }
            } else {
                outcome.words = "does not name keyfob any more, and is left as it is"
                outcome.result = .unchanged
            }
        }
        guard !dryRun else { return outcome }
        if setup.client == .terraform { try unlinkPlugin(setup) }
        try record.remove(change)
        return outcome
    }

    /// What takes the change back, also where the client has written the file anew since.
    private func restoration(
        of content: Secret, _ change: SetupRecord.Change, _ setup: ClientSetup
    ) throws(StoreError) -> Splice? {
        if let splice = Splice.undoing(change.inserted, change.removed, in: content) {
            return splice
        }
        guard setup.client == .docker else { return nil }
        let setting = DockerSetting(
            ClientFile(change.path), registry: change.registry.flatMap { ClientSetup.dockerKey($0) }
        )
        return try setting.restoration(of: content, before: change.removed)
    }

    private func unlinkPlugin(_ setup: ClientSetup) throws(StoreError) {
        try ClientFile(setup.terraformPlugin).requireOwnWay()
        var status = stat()
        guard unsafe lstat(setup.terraformPlugin, &status) == 0, status.st_mode & S_IFMT == S_IFLNK
        else { return }
        unsafe unlink(setup.terraformPlugin)
    }

    // MARK: What is said

    private func json(of outcomes: [Outcome]) -> JSON {
        let changes = outcomes.map { outcome in
            JSON.object([
                JSON.Member("client", .name(outcome.client.rawValue)),
                JSON.Member("place", .name(outcome.place)),
                JSON.Member("result", outcome.result.map { .text($0.rawValue) } ?? .null),
                JSON.Member("reason", outcome.problem.map { .name($0.message) } ?? .null),
            ])
        }
        return .object([
            JSON.Member("dryRun", .bool(dryRun)),
            JSON.Member("undo", .bool(undo)),
            JSON.Member("changes", .array(changes)),
        ])
    }
}
