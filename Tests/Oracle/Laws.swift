import Foundation
import Sandbox

/// Checks one law of a case, in a house of its own. Returns what breaks it.
func violations(of law: Case.Law, by plan: Case) throws -> [Violation] {
    guard let client = oracleClient(plan.client) else {
        throw SandboxError("there is no client \(plan.client)")
    }
    let house = try House(plan)
    return
        switch law
    {
    case .keeps: try checkKeeps(client, house)
    case .logout: try checkLogout(client, house)
    case .logoutAll: try checkLogoutAll(client, house)
    case .export: try checkExport(client, house)
    case .setup: try checkSetup(client, house)
    case .undo: try checkUndo(client, house)
    case .status: try checkStatus(client, house)
    case .steps: try checkSteps(house)
    }
}

/// Stores a login of Keyfob's own for each server of the case, as the client would.
private func plantOwn(_ client: any OracleClient.Type, _ house: House) throws {
    for (index, server) in house.plan.ask.enumerated() {
        try client.plant(client.login("own\(index)", "own\(index)secret"), for: server, in: house)
    }
}

private func checkKeeps(_ client: any OracleClient.Type, _ house: House) throws -> [Violation] {
    let plan = house.plan
    let before = try client.answers(plan.ask, in: house)
    let setup = try house.keyfob("setup", client.name)
    var wanted = before
    var stored: [String: Answer] = [:]
    if plan.isInUse == true {
        try plantOwn(client, house)
        // What is stored is kept, unless the user prefers what is found.
        stored = try client.answers(plan.ask, in: house)
        for server in plan.ask where plan.prefer != "found" || before[server] == nil {
            wanted[server] = stored[server]
        }
    }
    let preference = plan.prefer.map { ["--prefer", $0] } ?? []
    let told = try house.telling(["import", "--client", client.name] + preference)
    var after = try client.answers(plan.ask, in: house)
    // What a keyring keeps in no order may come in another one tomorrow.
    for _ in 0..<(plan.hasKeyring == true && plan.ask.count == 1 ? 3 : 0) where after == wanted {
        try house.restartKeyring()
        after = try client.answers(plan.ask, in: house)
    }
    var found: [Violation] = []
    func violation(_ kind: Violation.Kind, _ description: String) {
        found.append(
            Violation(kind: kind, description: description + "\n" + words(setup, told.outcome)))
    }
    for server in plan.ask {
        let label = client.label(of: server)
        let change =
            "\(server): got \(words(before[server])), gets \(words(after[server])) after setup and "
            + "import"
        // What makes tokens for it goes on to do so, unless Keyfob has a login.
        if let made = before[server], house.isMade(made), after[server] == nil {
            violation(.lost, change)
            continue
        }
        // A helper is asked for the whole registry alone.
        let fallback = try client.fallback(of: server).flatMap {
            try client.answers([$0], in: house)[$0]
        }
        // A login of a shorter address is given for that one: Keyfob's own for this one goes on to win.
        if let own = stored[server], after[server] == own, before[server] == fallback { continue }
        // A login that the client has used and uses no more must be somewhere.
        if let used = before[server], after[server] != used, !house.isMade(used),
            plan.isInUse != true || plan.prefer != "stored" && !client.hasAccounts
        {
            let isLeft = try !house.files(holding: used.marker).isEmpty
            if !isLeft || !told.leaves(label) {
                let fate = isLeft ? ", and is not named as left" : ", and is in no file any more"
                violation(.lost, change + fate)
                continue
            }
            if plan.isInUse != true, try couldGive(used, for: server, to: client, in: plan) {
                violation(.word, change + ", though Keyfob could give it: " + told.reasons)
            }
        }
        guard after[server] != wanted[server] else { continue }
        // Keyfob is asked before what makes tokens; and what a file held that the client has not
        // read for this server is imported because the user says so. A short secret may be in a
        // file by chance.
        if let answer = after[server], before[server].map(house.isMade) ?? true,
            answer.marker.count >= 4,
            try House(plan).files(holding: answer.marker).isEmpty == false
        {
            continue
        }
        let isOwn = plan.isInUse == true && after[server]?.marker.hasPrefix("own") == true
        // That it is left is looked at above.
        let isLeft = after[server] == nil || after[server] == fallback || isOwn
        if wanted[server] == nil || wanted[server] != before[server] || !isLeft {
            violation(
                wanted[server] == nil ? .new : .changed,
                change + ", and must get \(words(wanted[server]))")
        }
    }
    // A client that is told of Keyfob and has nothing in plain text needs no attention, unless it
    // has a helper besides that writes plain text.
    let isWhole = told.reports.allSatisfy(\.isDone) && told.outcome.succeeded
    if isWhole, setup.succeeded || !client.asksHelpers, !after.values.contains(where: house.isMade)
    {
        let status = try house.run(["keyfob", "status", "--json"])
        let said = try JSONDecoder().decode(Status.self, from: Data(status.output.utf8))
        if said.findings.contains(where: { $0.needsAttention && $0.code != "plaintext-helper" }) {
            violation(.word, "all is imported, and status is not content\n" + words(status))
        }
    }
    return found
}

private struct Status: Decodable {
    let findings: [Finding]

    struct Finding: Decodable {
        let code: String
        let needsAttention: Bool
    }
}

/// Whether Keyfob could have given the client a login that was left: then no reason to leave it is
/// true. It is asked with a secret that is in no file.
private func couldGive(
    _ answer: Answer, for server: String, to client: any OracleClient.Type, in plan: Case
) throws -> Bool {
    // A helper is asked for the whole registry alone, and gives text alone.
    guard client.fallback(of: server) == nil, !answer.secret.contains("\u{FFFD}") else {
        return false
    }
    let other = try House(plan)
    _ = try other.keyfob("setup", client.name)
    var trial = answer
    if !trial.secret.isEmpty { trial.secret += "x" }
    guard (try? client.plant(trial, for: server, in: other)) != nil else { return false }
    return try client.answers([server], in: other)[server] == trial
}

private func checkLogout(_ client: any OracleClient.Type, _ house: House) throws -> [Violation] {
    let servers = house.plan.ask
    if house.plan.isInUse == true {
        _ = try house.keyfob("setup", client.name)
        try plantOwn(client, house)
    }
    var before = try client.answers(servers, in: house)
    var found: [Violation] = []
    for server in servers {
        let told = try house.telling(
            ["logout", "--files", "--force", "--non-interactive"] + client.logout(server))
        let after = try client.answers(servers, in: house)
        let fallback = try client.fallback(of: server).flatMap {
            try client.answers([$0], in: house)[$0]
        }
        if let left = after[server], left != fallback, !house.isMade(left),
            try !told.leaves(in: house.files(holding: left.marker), of: house)
        {
            found.append(
                Violation(
                    kind: .new,
                    description: "\(server): gets \(left) after its logout\n"
                        + words(told.outcome)))
        }
        let label = client.label(of: server)
        for other in servers where client.label(of: other) != label {
            guard before[other] != nil, after[other] != before[other] else { continue }
            found.append(
                Violation(
                    kind: after[other] == nil ? .lost : .changed,
                    description:
                        "\(other): got \(words(before[other])), gets \(words(after[other])) after "
                        + "a logout of \(server)\n" + words(told.outcome)))
        }
        before = after
    }
    return found
}

private func checkLogoutAll(_ client: any OracleClient.Type, _ house: House) throws -> [Violation] {
    let servers = house.plan.ask
    if house.plan.isInUse == true {
        _ = try house.keyfob("setup", client.name)
        try plantOwn(client, house)
    }
    let told = try house.telling(["logout", "--all", "--files", "--force", "--non-interactive"])
    return try client.answers(servers, in: house).sorted { $0.key < $1.key }.compactMap {
        server, left in
        let files = try house.files(holding: left.marker)
        if house.isMade(left) || told.leaves(in: files, of: house) { return nil }
        return Violation(
            kind: .new,
            description: "\(server): gets \(left) after a logout of all\n" + words(told.outcome))
    }
}

private func checkExport(_ client: any OracleClient.Type, _ house: House) throws -> [Violation] {
    let servers = house.plan.ask
    let before = try client.answers(servers, in: house)
    try plantOwn(client, house)
    var kept: [String: Answer] = [:]
    for (index, server) in servers.enumerated() {
        // The last of two that are the same for the client is what Keyfob has.
        for other in kept.keys where client.label(of: other) == client.label(of: server) {
            kept[other] = nil
        }
        kept[server] = client.login("own\(index)", "own\(index)secret")
    }
    kept = try client.kept(for: servers, in: house) ?? kept
    let told = try house.telling(["export", "--client", client.name, "--plain-text"])
    house.hasKeyfob = false
    let after = try client.answers(servers, in: house)
    return try kept.sorted { $0.key < $1.key }.compactMap { server, login in
        if after[server] == login || after[server].map(house.isMade) == true { return nil }
        let isLeft =
            !told.outcome.succeeded && told.leaves(client.label(of: server))
            && after[server] == before[server]
        // It is in the file, and the client goes on to get what it got.
        let isUnread =
            try saysThatNobodyReads(told.outcome) && after[server] == before[server]
            && !house.files(holding: login.marker).isEmpty
        if isLeft || isUnread { return nil }
        return Violation(
            kind: after[server] == nil ? .lost : .changed,
            description: "\(server): Keyfob had \(login), the client gets \(words(after[server])) "
                + "after the export\n" + words(told.outcome))
    }
}

/// Whether an export says that its client will not read the file.
private func saysThatNobodyReads(_ outcome: Outcome) -> Bool {
    outcome.errors.contains(/(does|may) not read this file/)
}

private func checkSetup(_ client: any OracleClient.Type, _ house: House) throws -> [Violation] {
    let complaints = try client.complaints(in: house)
    let before = try house.snapshot()
    let outcome = try house.keyfob("setup", client.name)
    var found: [Violation] = []
    guard outcome.succeeded else {
        if try house.snapshot() != before {
            found.append(
                Violation(
                    kind: .file,
                    description: "setup has failed, and changed something\n" + words(outcome)))
        }
        return found
    }
    let more = try client.complaints(in: house)
    if more != complaints {
        found.append(
            Violation(
                kind: .word,
                description: "the client complains of its settings: \(more)\n" + words(outcome)))
    }
    guard let probe = client.probe else { return found }
    let login = client.login("probe", "probesecret")
    try client.plant(login, for: probe, in: house)
    let answer = try client.answers([probe], in: house)[probe]
    if answer != login {
        found.append(
            Violation(
                kind: answer == nil ? .lost : .changed,
                description: "\(probe): Keyfob has \(login), the client gets "
                    + "\(words(answer)) after setup\n" + words(outcome)))
    }
    return found
}

private func checkUndo(_ client: any OracleClient.Type, _ house: House) throws -> [Violation] {
    let before = try house.snapshot()
    let outcomes = [
        try house.keyfob("setup", client.name), try house.keyfob("setup", client.name),
        try house.keyfob("setup", client.name, "--undo"),
    ]
    let after = try house.snapshot()
    let changed = Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.sorted()
    // A folder that is empty does no harm.
    return changed.filter { after[$0]?.isFolder != true || before[$0] != nil }.map { path in
        let text = { (entry: House.Entry?) in
            entry.map {
                "\($0.mode) \(String(decoding: $0.contents, as: UTF8.self).debugDescription)"
            }
                ?? "nothing"
        }
        return Violation(
            kind: .file,
            description:
                "\(path): was \(text(before[path])), is \(text(after[path])) after an undo\n"
                + outcomes.map { words($0) }.joined(separator: "\n"))
    }
}

/// Who answers the client, as status says.
private func keeper(of client: any OracleClient.Type, in status: Outcome) -> String? {
    status.output.split(separator: "\n").first { $0.hasPrefix(client.name + " ") }?
        .split(separator: " ").dropFirst().joined(separator: " ")
}

/// Before setup, status names each login in plain text that the client uses; and, before and
/// after, it says that Keyfob answers exactly where it does.
private func checkStatus(_ client: any OracleClient.Type, _ house: House) throws -> [Violation] {
    let servers = house.plan.ask
    var found: [Violation] = []
    let plain = try house.keyfob("status")
    for (server, answer) in try client.answers(servers, in: house).sorted(by: { $0.key < $1.key })
    where !house.isMade(answer) {
        let files = try house.files(holding: answer.marker)
        if !files.isEmpty, !house.isNamed(files, in: plain) {
            found.append(
                Violation(
                    kind: .file,
                    description:
                        "\(server): the client reads \(answer) from "
                        + "\(files.joined(separator: ", ")), which status does not name\n"
                        + words(plain)))
        }
    }
    guard client.asksHelpers else { return found }
    try plantOwn(client, house)
    for isSetUp in [false, true] {
        if isSetUp { _ = try house.keyfob("setup", client.name) }
        let outcome = try house.keyfob("status")
        let lines = outcome.output.split(separator: "\n")
        let keeper = keeper(of: client, in: outcome)
        let says = keeper?.contains("keyfob") == true
        // A line that names another helper besides says that Keyfob may not be asked.
        let isMixed = says && keeper != "keyfob"
        let answers = try client.answers(servers, in: house)
        for server in servers {
            let isAsked = answers[server]?.marker.hasPrefix("own") == true
            let label = client.settingsLabel(of: server)
            let isNamed = lines.contains {
                ($0.lowercased().contains(label.lowercased())
                    || $0.hasSuffix(" for \(server.prefix { $0 != ":" })://"))
                    && !$0.hasPrefix("    ")
                    // Only terraform takes what is in its files before it asks a helper.
                    && (client.name == "terraform" || !$0.contains("plain text"))
            }
            if says != isAsked, !isNamed, !(isMixed && !isAsked) {
                found.append(
                    Violation(
                        kind: .word,
                        description:
                            "\(server): the client \(isAsked ? "asks" : "does not ask") Keyfob "
                            + "\(isSetUp ? "after" : "before") setup, and status does not say so\n"
                            + words(outcome)))
            }
        }
    }
    return found
}

private func checkSteps(_ house: House) throws -> [Violation] {
    for step in house.plan.steps ?? [] {
        let outcome = try house.run(
            step.run.map(house.text), input: house.text(step.input ?? ""),
            environment: [
                "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "/bin/false",
                "DOCKER_HOST": "unix://\(house.world.socket)",
            ])
        let output = outcome.output + outcome.errors
        let isSaid =
            (step.says ?? []).allSatisfy { output.contains(house.text($0)) }
            && !(step.saysNot ?? []).contains { output.contains(house.text($0)) }
        if !isSaid || step.status.map({ $0 != outcome.status }) == true {
            return [Violation(kind: .word, description: "\(step)\n" + words(outcome))]
        }
    }
    return []
}
