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

/// What a command has written, for messages.
private func words(_ outcomes: Outcome...) -> String {
    outcomes.map { outcome in
        "status \(outcome.status)\n\(outcome.output)\(outcome.errors)"
    }.joined(separator: "\n").split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
}

/// Whether a line of output says of a server that its login is left.
private func names(_ label: String, asLeftIn outcomes: [Outcome]) -> Bool {
    outcomes.contains { outcome in
        (outcome.output + outcome.errors).split(separator: "\n").contains { line in
            (line.contains("left") || line.contains("leave") || line.contains("remain"))
                && line.lowercased().contains(label.lowercased())
        }
    }
}

/// Whether a line of output names a server, and not as one whose login is exported.
private func names(_ label: String, asNotExportedIn outcome: Outcome) -> Bool {
    (outcome.output + outcome.errors).split(separator: "\n").contains { line in
        line.lowercased().contains(label.lowercased()) && !line.contains(": exported ")
    }
}

extension House {
    /// Whether the output names one of the files, or a link to it.
    fileprivate func isNamed(_ files: [String], in outcome: Outcome) -> Bool {
        let text = outcome.output + outcome.errors
        let links = (plan.links ?? [:]).filter { _, target in
            files.contains { self.text(target) == sandbox.file($0) }
        }
        return (files + links.keys).contains { path in
            text.contains(sandbox.file(path))
                || path.hasPrefix("home/") && text.contains("~/" + path.dropFirst(5))
        }
    }
}

private func checkKeeps(_ client: any OracleClient.Type, _ house: House) throws -> [Violation] {
    let plan = house.plan
    let before = try client.answers(plan.ask, in: house)
    let setup = try house.keyfob("setup", client.name)
    let preference = plan.prefer.map { ["--prefer", $0] } ?? []
    let moved = try house.run(["keyfob", "import", "--client", client.name] + preference)
    var after = try client.answers(plan.ask, in: house)
    // What a keyring keeps in no order may come in another one tomorrow.
    for _ in 0..<(plan.hasKeyring == true && plan.ask.count == 1 ? 3 : 0) where after == before {
        try house.restartKeyring()
        after = try client.answers(plan.ask, in: house)
    }
    var found: [Violation] = []
    for server in plan.ask where after[server] != before[server] {
        // A file that the client has not read at all is imported because the user says so.
        if before.isEmpty { continue }
        // Keyfob is asked before what makes tokens; and what a file held that the client has not
        // read for this server is imported because the user says so. A short secret may be in a
        // file by chance.
        if let answer = after[server], before[server].map(house.isMade) ?? true,
            answer.marker.count >= 4,
            try House(plan).files(holding: answer.marker).isEmpty == false
        {
            continue
        }
        let change =
            "\(server): got \(before[server].map(\.description) ?? "nothing"), gets "
            + "\(after[server].map(\.description) ?? "nothing") after setup and import"
        // A helper is asked for the whole registry alone.
        let fallback = try client.fallback(of: server).flatMap {
            try client.answers([$0], in: house)[$0]
        }
        if let answer = before[server], after[server] == nil || after[server] == fallback {
            let isLeft = try !house.files(holding: answer.marker).isEmpty
            if isLeft, names(client.label(of: server), asLeftIn: [setup, moved]) { continue }
            let fate = isLeft ? ", and is not named as left" : ", and is in no file any more"
            found.append(
                Violation(kind: .lost, description: change + fate + "\n" + words(setup, moved)))
        } else {
            found.append(
                Violation(
                    kind: before[server] == nil ? .new : .changed,
                    description: change + "\n" + words(setup, moved)))
        }
    }
    return found
}

private func checkLogout(_ client: any OracleClient.Type, _ house: House) throws -> [Violation] {
    let servers = house.plan.ask
    if house.plan.isInUse == true {
        _ = try house.keyfob("setup", client.name)
        for (index, server) in servers.enumerated() {
            try client.plant(
                client.login("own\(index)", "own\(index)secret"), for: server, in: house)
        }
    }
    var before = try client.answers(servers, in: house)
    var found: [Violation] = []
    for server in servers {
        let outcome = try house.run(
            ["keyfob", "logout", "--files", "--force", "--non-interactive"]
                + client.logout(server))
        let after = try client.answers(servers, in: house)
        let fallback = try client.fallback(of: server).flatMap {
            try client.answers([$0], in: house)[$0]
        }
        if let left = after[server], left != fallback {
            let files = try house.files(holding: left.marker)
            let isSaid = outcome.status == 1 && house.isNamed(files, in: outcome)
            if !isSaid, !house.isMade(left) {
                found.append(
                    Violation(
                        kind: .new,
                        description: "\(server): gets \(left) after its logout\n" + words(outcome)))
            }
        }
        let label = client.label(of: server)
        for other in servers where client.label(of: other) != label {
            guard before[other] != nil, after[other] != before[other] else { continue }
            found.append(
                Violation(
                    kind: after[other] == nil ? .lost : .changed,
                    description:
                        "\(other): got \(before[other].map(\.description) ?? ""), gets "
                        + "\(after[other].map(\.description) ?? "nothing") after a logout of "
                        + "\(server)\n" + words(outcome)))
        }
        before = after
    }
    return found
}

extension House {
    /// Whether a login comes from a generator of the case or from a variable, and is in no file.
    fileprivate func isMade(_ answer: Answer) -> Bool {
        answer.secret.hasPrefix("minted") || answer.secret.hasPrefix("${")
            || (plan.environment ?? [:]).values.contains(answer.secret)
    }
}

private func checkLogoutAll(_ client: any OracleClient.Type, _ house: House) throws -> [Violation] {
    let servers = house.plan.ask
    if house.plan.isInUse == true {
        _ = try house.keyfob("setup", client.name)
        for (index, server) in servers.enumerated() {
            try client.plant(
                client.login("own\(index)", "own\(index)secret"), for: server, in: house)
        }
    }
    let outcome = try house.keyfob("logout", "--all", "--files", "--force", "--non-interactive")
    return try client.answers(servers, in: house).sorted { $0.key < $1.key }.compactMap {
        server, left in
        let files = try house.files(holding: left.marker)
        if house.isMade(left) || outcome.status == 1 && house.isNamed(files, in: outcome) {
            return nil
        }
        return Violation(
            kind: .new,
            description: "\(server): gets \(left) after a logout of all\n" + words(outcome))
    }
}

/// Whether an export says that its client will not read the file.
private func saysThatNobodyReads(_ outcome: Outcome) -> Bool {
    (outcome.output + outcome.errors).contains(/(does|is|do|are|may) not (read|asked?|used?)/)
}

private func checkExport(_ client: any OracleClient.Type, _ house: House) throws -> [Violation] {
    let servers = house.plan.ask
    let before = try client.answers(servers, in: house)
    var kept: [String: Answer] = [:]
    for (index, server) in servers.enumerated() {
        let login = client.login("own\(index)", "own\(index)secret")
        try client.plant(login, for: server, in: house)
        // The last of two that are the same for the client is what Keyfob has.
        for other in kept.keys where client.label(of: other) == client.label(of: server) {
            kept[other] = nil
        }
        kept[server] = login
    }
    kept = try client.kept(for: servers, in: house) ?? kept
    let outcome = try house.keyfob("export", "--client", client.name, "--plain-text")
    house.hasKeyfob = false
    let after = try client.answers(servers, in: house)
    return kept.sorted { $0.key < $1.key }.compactMap { server, login in
        if after[server] == login || after[server].map(house.isMade) == true { return nil }
        let isSaid =
            outcome.status == 1 && names(client.label(of: server), asNotExportedIn: outcome)
            && after[server] == before[server]
        if isSaid || saysThatNobodyReads(outcome) { return nil }
        return Violation(
            kind: after[server] == nil ? .lost : .changed,
            description: "\(server): Keyfob had \(login), the client gets "
                + "\(after[server].map(\.description) ?? "nothing") after the export\n"
                + words(outcome))
    }
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
                    + "\(answer.map(\.description) ?? "nothing") after setup\n" + words(outcome)))
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
    for (index, server) in servers.enumerated() {
        try client.plant(client.login("own\(index)", "own\(index)secret"), for: server, in: house)
    }
    for isSetUp in [false, true] {
        if isSetUp { _ = try house.keyfob("setup", client.name) }
        let outcome = try house.keyfob("status")
        let lines = outcome.output.split(separator: "\n")
        let keeper = lines.first { $0.hasPrefix(client.name + " ") }?.split(separator: " ")
            .dropFirst().joined(separator: " ")
        let says = keeper?.contains("keyfob") == true
        // A line that names another helper besides says that Keyfob may not be asked.
        let isMixed = says && keeper != "keyfob"
        let answers = try client.answers(servers, in: house)
        for server in servers {
            let isAsked = answers[server]?.marker.hasPrefix("own") == true
            let label = client.label(of: server)
            let isNamed = lines.contains {
                // git's own store answers before us, or besides.
                client.name == "git" && $0.contains("helper store")
                    || $0.lowercased().contains(label.lowercased()) && !$0.hasPrefix("    ")
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
            environment: ["GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "/bin/false"])
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
