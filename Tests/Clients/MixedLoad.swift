import Foundation
import Sandbox
import Synchronization

/// A mixed load is many clients that store, get, erase and list at the same time, and a model that
/// knows what each of them did.
///
/// Each client has servers of its own, of which it knows exactly what is stored; others are shared
/// by all, and for those the model keeps a history.
final class MixedLoad: Sendable {
    private let machine: Machine
    private let end: ContinuousClock.Instant
    private let state = Mutex(State())

    private static let sharedCount = 4

    private struct State {
        var histories = [History](repeating: History(), count: MixedLoad.sharedCount)
        /// The user for each server that one client owns.
        var owned: [String: String] = [:]
        var wrong: [String] = []
        var calls: [String: Int] = [:]
        var slowest = 0.0
    }

    init(on machine: Machine, for duration: Duration) {
        self.machine = machine
        end = .now + duration
    }

    /// Runs so many clients until the time is over; then looks at everything once more.
    func run(clients: Int) throws {
        let group = DispatchGroup()
        for client in 0..<clients {
            group.enter()
            Thread.detachNewThread { [self] in
                defer { group.leave() }
                do {
                    try work(as: client)
                } catch {
                    note("client \(client): \(error)")
                }
            }
        }
        group.wait()

        try list()
        for server in owned(by: 0..<clients) { try get(server) }
        for number in 0..<MixedLoad.sharedCount { try get(shared: number) }
        state.withLock { state in
            for (number, history) in state.histories.enumerated() {
                state.wrong += history.impossible().map { "shared-\(number): \($0)" }
            }
        }
    }

    /// What was answered wrongly, or not at all.
    var wrong: [String] { state.withLock { $0.wrong } }

    /// How many calls there were of each kind, and the slowest one.
    var figures: String {
        state.withLock { state in
            let calls = state.calls.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
            return "\(state.calls.values.reduce(0, +)) calls (\(calls.joined(separator: ", "))),"
                + " the slowest \(Int(state.slowest * 1000)) ms"
        }
    }

    // MARK: A client

    private func work(as client: Int) throws {
        for number in 1... {
            guard ContinuousClock.now < end else { return }
            let server = owned(by: client..<client + 1).randomElement() ?? ""
            let shared = Int.random(in: 0..<MixedLoad.sharedCount)
            let user = "user-\(client)-\(number)"
            switch Int.random(in: 0..<20) {
            case 0..<4: try store(user, at: server)
            case 4..<7: try store(user, atShared: shared)
            case 7..<10: try get(server)
            case 10..<14: try get(shared: shared)
            case 14..<16: try erase(server)
            case 16..<17: try erase(shared: shared)
            default: try list(as: client)
            }
        }
    }

    private func owned(by clients: Range<Int>) -> [String] {
        clients.flatMap { ["own-\($0)-a.example", "own-\($0)-b.example"] }
    }

    private func spelling(ofShared number: Int) -> String {
        let host = "shared-\(number).example"
        return [host, "https://\(host)", "\(host):443"].randomElement() ?? host
    }

    // MARK: What clients do

    private func store(_ user: String, at server: String) throws {
        _ = try call("store", Machine.login(server, user, secret(of: user)))
        state.withLock { $0.owned[server] = user }
    }

    private func store(_ user: String, atShared number: Int) throws {
        let (_, time) = try call(
            "store", Machine.login(spelling(ofShared: number), user, secret(of: user)))
        state.withLock { $0.histories[number].wrote(user, during: time) }
    }

    private func erase(_ server: String) throws {
        _ = try call("erase", server)
        state.withLock { $0.owned[server] = nil }
    }

    private func erase(shared number: Int) throws {
        let (_, time) = try call("erase", spelling(ofShared: number))
        state.withLock { $0.histories[number].wrote(nil, during: time) }
    }

    private func get(_ server: String) throws {
        let (outcome, _) = try call("get", server)
        let found = try user(in: outcome)
        let expected = state.withLock { $0.owned[server] }
        if found != expected {
            note("\(server): \(found ?? "nothing"), not \(expected ?? "nothing")")
        }
    }

    private func get(shared number: Int) throws {
        let (outcome, time) = try call("get", spelling(ofShared: number))
        let found = try user(in: outcome)
        state.withLock { $0.histories[number].found(found, during: time) }
    }

    /// Looks at the client's own servers, and at the shared ones; one who is no client looks at
    /// all.
    private func list(as client: Int? = nil) throws {
        let (outcome, time) = try call("list", "")
        var users: [String: String] = [:]
        for (key, user) in try JSONDecoder().decode(
            [String: String].self, from: Data(outcome.outputBytes))
        {
            let host = key.replacing("https://", with: "").replacing(":443", with: "")
            if users.updateValue(user, forKey: host) != nil { note("\(host) is listed twice") }
        }
        for number in 0..<MixedLoad.sharedCount {
            let user = users.removeValue(forKey: "shared-\(number).example")
            state.withLock { $0.histories[number].found(user, during: time) }
        }
        let expected = state.withLock { $0.owned }
        let servers =
            client.map { Set(owned(by: $0..<$0 + 1)) } ?? Set(expected.keys).union(users.keys)
        for server in servers where users[server] != expected[server] {
            note("\(server) is listed for \(users[server] ?? "nobody")")
        }
    }

    // MARK: How

    /// Runs the helper. It must not fail, but for a get that finds nothing.
    private func call(
        _ action: String, _ input: String
    ) throws -> (Outcome, ClosedRange<ContinuousClock.Instant>) {
        let start = ContinuousClock.now
        let outcome = try machine.helper(action, input)
        let end = ContinuousClock.now
        state.withLock { state in
            state.calls[action, default: 0] += 1
            state.slowest = max(state.slowest, outcome.seconds)
        }
        guard outcome.succeeded || action == "get" && isNotFound(outcome) else {
            throw SandboxError("\(action): \(outcome)")
        }
        return (outcome, start...end)
    }

    /// The user of the login that a get has found, whose secret it must be.
    private func user(in outcome: Outcome) throws -> String? {
        if isNotFound(outcome) { return nil }
        let login = try JSONDecoder().decode(Login.self, from: Data(outcome.outputBytes))
        if login.secret != secret(of: login.username) {
            note("\(login.username) has the secret of another")
        }
        return login.username
    }

    private func isNotFound(_ outcome: Outcome) -> Bool {
        outcome.output == "credentials not found in native keychain\n"
    }

    private func secret(of user: String) -> String { "the secret of \(user)" }

    private func note(_ what: String) { state.withLock { $0.wrong.append(what) } }
}
