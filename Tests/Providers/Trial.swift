import Credentials
import Files
import Foundation
import Sandbox
import Stores
import Testing

/// A trial is one user, with a display and a Secret Service of ours, and the built helper at work
/// on what that holds.
final class Trial {
    let sandbox: Sandbox
    let bus: PrivateBus
    let service: HostileService

    init() throws {
        sandbox = try Sandbox()
        bus = try PrivateBus(in: sandbox)
        service = try HostileService(on: bus)
        // Nobody looks at it: the service answers its prompts itself.
        sandbox.setEnvironment("DISPLAY", to: ":keyfob")
        sandbox.setEnvironment("KEYFOB_PROMPT_TIMEOUT", to: "1")
    }

    /// Begins the plan, with the login of all requests in it unless it says what it holds, and
    /// starts the helper. Nothing is left of the requests before.
    func start(
        _ request: Request, _ plan: HostileService.Plan, isMarked: Bool = false
    ) throws -> RunningProgram {
        try? FileManager.default.removeItem(atPath: sandbox.file("home/.local"))
        if isMarked { try marker.insert(place()) }
        try service.begin(plan)
        return try sandbox.program(
            ["docker-credential-keyfob", request.action], input: Array(request.input.utf8)
        ).start()
    }

    /// Whether the marker says that the login may be in the keyring.
    func isMarked() throws -> Bool { try marker.contains(place()) }

    private var marker: KeyringMarker {
        KeyringMarker(in: Folder(sandbox.file("home/.local/state/keyfob")))
    }

    private func place() throws -> Place { try #require(query("h.example").place) }

    /// What must hold of every answer, whatever the service does. `limit` is in seconds; `states`
    /// are those in which the service may be.
    func expectTruth(
        _ request: Request, _ outcome: Outcome, within limit: Double, leaving states: [[String]],
        _ what: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        func expect(_ isTrue: Bool, _ rule: String) {
            #expect(
                isTrue, "\(rule): \(request), \(what): \(outcome)",
                sourceLocation: sourceLocation)
        }
        expect(outcome.seconds < limit, "it ends within \(limit) s")
        expect(
            sandbox.read("home/.local/share/keyfob/credentials") == nil,
            "what a keyring may hold is not kept in the file")
        let state = try service.state().items.logins
        expect(states.contains(state), "the service holds what it should")
        if outcome.succeeded {
            expect(!request.changes || outcome.output.isEmpty, "nothing is said of a success")
        } else {
            let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
            expect(outcome.status == 1, "the status is 0 or 1")
            expect(lines.count == 2 && !lines[0].isEmpty, "an error is one line")
            expect(!outcome.saysSecret, "an error tells no secret")
            expect(outcome.hasGoodErrors, "standard error is the line and hints")
        }
    }

    /// Whether the helper answered this, byte for byte.
    static func isAnswer(_ outcome: Outcome, _ answer: Answer) -> Bool {
        outcome.status == answer.status && outcome.outputBytes == Array(answer.output.utf8)
    }
}

extension [HeldItem] {
    /// Each item's user and secret.
    var logins: [String] {
        map { item in
            let user = item.attributes["username"] ?? "nobody"
            return "\(user): \(String(decoding: item.secret, as: UTF8.self))"
        }.sorted()
    }
}

extension Outcome {
    /// Whether it tells a secret, or what the service says, which may quote one.
    fileprivate var saysSecret: Bool {
        let words = Set((output + errors).split { !$0.isLetter })
        return !words.isDisjoint(with: ["old", "new", "replaced", "quote"])
    }

    /// Whether standard error is as the protocol wants it: silent for not found, else the line
    /// that is on standard output, and hints.
    fileprivate var hasGoodErrors: Bool {
        if output == Answer.notFound.output { return errors.isEmpty }
        let lines = errors.split(separator: "\n").map { $0 + "\n" }
        return lines.first.map(String.init) == output
            && lines.dropFirst().allSatisfy { $0.hasPrefix("keyfob: hint: ") }
    }
}
