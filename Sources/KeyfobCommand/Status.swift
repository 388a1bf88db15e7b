internal import ArgumentParser
internal import Clients
internal import Credentials
internal import JSON

/// `keyfob status`: everything that decides what happens to a login, and what to type next.
struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say where logins are kept, by whom, and what needs attention.",
        discussion: """
            Nothing is unlocked, and nobody is asked. The exit status is 0 if nothing needs \
            attention, and 1 otherwise.
            """)

    @Flag(help: "Print a JSON object for scripts.")
    var json = false

    func run() throws {
        let session = try Session(warns: false).asksNobody
        let diagnosis = Diagnosis(session)
        if json {
            try session.console.print(Status.json(of: diagnosis))
        } else {
            session.console.print(lines: Status.lines(of: diagnosis))
        }
        guard diagnosis.isHealthy else { throw ExitCode(1) }
    }

    private static func lines(of diagnosis: Diagnosis) -> [String] {
        var rows = [
            ("store", diagnosis.store), ("keyring", diagnosis.keyring), ("file", diagnosis.file),
        ]
        rows += diagnosis.clients.map { ($0.client.name.string, $0.keeper) }
        let width = rows.map { $0.0.count }.max() ?? 0
        var lines = rows.map { name, words in
            name + String(repeating: " ", count: width + 2 - name.count) + words
        }
        for finding in diagnosis.findings.sorted(by: { $0.isFault && !$1.isFault }) {
            lines.append("")
            lines.append("\(finding.isFault ? "attention" : "note"): \(finding.message)")
            if let hint = finding.hint { lines.append("    \(hint)") }
        }
        lines.append("")
        lines.append(diagnosis.isHealthy ? "all is well" : "something needs attention")
        return lines
    }

    private static func json(of diagnosis: Diagnosis) -> JSON {
        let clients = diagnosis.clients.map { client, keeper in
            JSON.object([
                JSON.Member("client", .text(client.name)),
                JSON.Member("keeper", .name(keeper)),
            ])
        }
        let findings = diagnosis.findings.map { finding in
            JSON.object([
                JSON.Member("name", .text(finding.name)),
                JSON.Member("needsAttention", .bool(finding.isFault)),
                JSON.Member("message", .name(finding.message)),
                JSON.Member("hint", finding.hint.map { .name($0) } ?? .null),
            ])
        }
        return .object([
            JSON.Member("healthy", .bool(diagnosis.isHealthy)),
            JSON.Member("store", .name(diagnosis.store)),
            JSON.Member("keyring", .name(diagnosis.keyring)),
            JSON.Member("file", .name(diagnosis.file)),
            JSON.Member("clients", .array(clients)),
            JSON.Member("findings", .array(findings)),
        ])
    }
}
