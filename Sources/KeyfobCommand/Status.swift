internal import ArgumentParser
internal import Clients
internal import Credentials
internal import JSON
internal import Settings
internal import Stores

/// `keyfob status`: shows everything that decides where a login is kept, and the next step for the
/// user.
struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show which store is used and what needs attention.",
        discussion: """
            Unlocks nothing and asks nobody. The exit status is 0 if all is well, and 1 if \
            something needs attention.
            """)

    @OptionGroup var output: Output

    func run() throws {
        let invocation = try Invocation(output.console, warns: false).asksNobody.ofAllAccounts
        let diagnosis = Diagnosis(invocation)
        let policy = invocation.choice.settings.policy
        try output.answer(
            Status.members(of: diagnosis, policy),
            lines: output.quiet
                ? diagnosis.findings.filter(\.isFault).map { "attention: \($0.message)" }
                : Status.lines(of: diagnosis, policy))
        if !diagnosis.isHealthy { try ExitStatus.notDone.exit() }
    }

    // MARK: For the user

    private static func lines(of diagnosis: Diagnosis, _ policy: Settings.Policy) -> [String] {
        let store =
            switch policy {
            case .auto: "the keyring, or the encrypted file if there is no keyring"
            case .keyring: "the keyring only (setting `store`)"
            case .file: "the encrypted file only (setting `store`)"
            }
        var rows = [
            ("store", store), ("keyring", diagnosis.keyring.line), ("file", diagnosis.file.line),
        ]
        if !diagnosis.accounts.isEmpty {
            let accounts = diagnosis.accounts.map { "\($0.name) (\($0.logins))" }
            rows.append(("accounts", accounts.joined(separator: ", ")))
        }
        if let (count, obstacle) = diagnosis.tokens {
            let cached = obstacle == nil ? "cached logins: \(count)" : "nothing is cached"
            rows.append(("routes", "\(diagnosis.routes.count), \(cached)"))
        }
        rows += diagnosis.clients.map { ($0.client.name.string, words(of: $0.keeper)) }
        let width = rows.map { $0.0.count }.max() ?? 0
        var lines = rows.map { name, words in
            name + String(repeating: " ", count: width + 2 - name.count) + words
        }
        for finding in diagnosis.findings {
            lines.append("")
            lines.append("\(finding.isFault ? "attention" : "note"): \(finding.message)")
            if let hint = finding.hint { lines.append("    \(hint)") }
        }
        lines.append("")
        lines.append(diagnosis.isHealthy ? "all is well" : "something needs attention")
        return lines
    }

    private static func words(of keeper: Keeper?) -> String {
        guard let keeper else { return "cannot be told" }
        guard keeper.isOurs, let account = keeper.account else {
            return keeper.isOurs ? "keyfob" : keeper.name ?? "not set up"
        }
        return "keyfob, account \(account)"
    }

    // MARK: For scripts

    private static func members(of diagnosis: Diagnosis, _ policy: Settings.Policy) -> JSON {
        let clients = diagnosis.clients.map { client, keeper in
            let exceptions = (keeper?.exceptions ?? []).map { exception in
                ["registry": .name(exception.registry)]
                    + answer((exception.name, exception.isOurs))
            }
            return ["client": .text(client.name)] + answer(keeper.map { ($0.name, $0.isOurs) })
                + ["registries": .array(exceptions)]
        }
        let accounts = diagnosis.accounts.map { account -> JSON in
            ["name": .name(account.name), "logins": .count(account.logins)]
        }
        let findings = diagnosis.findings.map { finding -> JSON in
            [
                "code": .text(finding.code), "needsAttention": .bool(finding.isFault),
                "message": .name(finding.message), "hint": .name(finding.hint),
            ]
        }
        return [
            "healthy": .bool(diagnosis.isHealthy), "policy": .name(policy.rawValue),
            "keyring": diagnosis.keyring.jsonOfKeyring, "file": diagnosis.file.jsonOfFile,
            "accounts": .array(accounts),
            "routes": .array(diagnosis.routes.map { $0.route.json($0.problem) }),
            "cachedLogins": .count(diagnosis.tokens?.count), "clients": .array(clients),
            "findings": .array(findings),
        ]
    }

    /// Returns the source of the client's logins: Keyfob, another helper with its name, the
    /// client's own file, or (nil) unknown.
    private static func answer(_ keeper: (name: String?, isOurs: Bool)?) -> JSON {
        guard let (name, isOurs) = keeper else {
            return ["answeredBy": .text("unknown"), "helper": .null]
        }
        let other = isOurs ? nil : name
        let answeredBy: Text = isOurs ? "keyfob" : other == nil ? "own-file" : "helper"
        return ["answeredBy": .text(answeredBy), "helper": .name(other)]
    }
}
