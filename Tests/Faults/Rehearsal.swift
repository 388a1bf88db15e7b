import Foundation
import Sandbox
import Testing

/// A rehearsal runs one scenario again and again, each time in a new copy of its home and with
/// another fault, and checks what is left.
final class Rehearsal {
    private let scenario: Scenario
    private let sandbox: Sandbox
    private let home: Home
    private var runs = 0

    init(of scenario: Scenario) throws {
        self.scenario = scenario
        sandbox = try Sandbox()
        home = Home(path: sandbox.file("home"))
        for command in scenario.before {
            let outcome = try program(command, in: home).run()
            try #require(outcome.succeeded, "\(outcome)")
        }
        for file in scenario.files { try home.write(file.bytes, to: "\(home.path)/\(file.path)") }
        try #require(try scenario.remembered(home) == scenario.old)
    }

    /// Runs it once, with a fault or without, and gives the calls it made.
    @discardableResult
    func run(_ fault: Fault? = nil, at number: Int = 0) throws -> CallLog {
        runs += 1
        let home = try self.home.copied(to: sandbox.file("home-\(runs)"))
        defer { try? home.remove() }
        let logFile = sandbox.file("log-\(runs)")
        var program = program(scenario.command, in: home)
        program.environment["FAULT_LOG"] = logFile
        if let fault {
            program.environment["FAULT_KIND"] = fault.kind
            program.environment["FAULT_AT"] = "\(number)"
        }
        let outcome = try program.run()
        let log = try CallLog(logFile)
        let place = Comment(
            rawValue: "\(scenario.testDescription), \(fault?.kind ?? "none") at "
                + "\(log.calls.first { $0.number == number }?.description ?? "\(number)"): "
                + (outcome.succeeded ? "succeeded" : "\(outcome)"))

        // A key that was there before, or that a store uses now, is never replaced.
        var key = self.home.bytes(of: self.home.key)
        if key?.count ?? 0 < 32 {
            key = home.files().contains("credentials") ? home.bytes(of: home.key) : nil
        }
        let isDead = fault == .death && log.calls.contains { $0.number == number }
        let state = try check(outcome, log, fault, isDead: isDead, in: home, place)
        let isUnlink = log.calls.contains { $0.number == number && $0.name == "unlinkat" }
        if let fault, !isDead, !isUnlink, !fault.stays {
            let temporaries = Set(home.files().filter { $0.contains(".tmp.") })
            #expect(temporaries.isSubset(of: self.home.files()), place)
        }
        try checkNextWriter(after: state, key, in: home, place)
        return log
    }

    private func program(_ command: Scenario.Command, in home: Home) -> Program {
        var program = sandbox.program(
            command.words(home), input: Array(command.input.utf8), environment: home.environment)
        program.environment["LD_PRELOAD"] = "\(Sandbox.products)/libFaultInjector.so"
        program.environment["FAULT_FOLDER"] = home.path
        return program
    }

    /// Checks what was said against what is there, and gives what is there.
    private func check(
        _ outcome: Outcome, _ log: CallLog, _ fault: Fault?, isDead: Bool, in home: Home,
        _ place: Comment
    ) throws -> [String] {
        var state: [String] = []
        #expect(throws: Never.self, place) { state = try scenario.remembered(home) }
        let isOld = state == scenario.old
        let isNew = state == scenario.new
        #expect(isOld || isNew, place)

        if isDead {
            #expect(outcome.status == 128 + SIGKILL && outcome.output.isEmpty, place)
        } else if outcome.status == scenario.answer.status,
            outcome.output == scenario.answer.output
        {
            #expect(isNew, place)
            let unsynced = scenario.unsynced.map { ["\(home.path)/\($0)"] } ?? []
            let disorder = log.disorder(unsynced: Set(unsynced))
            #expect(disorder == [], place)
        } else {
            #expect(fault != nil && outcome.status == 1, place)
            checkWords(of: outcome, fault, place)
            #expect(outcome.output.contains(scenario.uncertain) ? isNew : isOld, place)
        }
        return state
    }

    /// An error is one line that says what the system said, on standard error as well.
    private func checkWords(of outcome: Outcome, _ fault: Fault?, _ place: Comment) {
        let line = outcome.output
        #expect(line.hasSuffix("\n") && line.count(where: \.isNewline) == 1, place)
        #expect(!line.dropLast().hasSuffix(".") && line.first?.isUppercase == false, place)
        #expect(line != Scenario.notFound, place)
        if let reason = fault?.reason { #expect(line.lowercased().contains(reason), place) }
        if scenario.command.words(home)[0] == "docker-credential-keyfob" {
            let errors = outcome.errors.split(separator: "\n")
            #expect(errors.count(where: { $0 == line.dropLast() }) == 1, place)
            #expect(errors.allSatisfy { $0.hasPrefix("keyfob: ") || $0 == line.dropLast() }, place)
        }
    }

    /// The next writer finds what was left, and cleans up.
    private func checkNextWriter(
        after state: [String], _ key: [UInt8]?, in home: Home, _ place: Comment
    ) throws {
        var program = program(scenario.next, in: home)
        program.environment.merge(scenario.nextEnvironment) { $1 }
        let next = try program.run()
        #expect(next.succeeded, "\(place.rawValue)\n    then: \(next)")
        var now: [String] = []
        #expect(throws: Never.self, place) { now = try scenario.remembered(home) }
        #expect(now == (state + [scenario.added]).sorted(), place)
        #expect(home.files() == scenario.left, place)
        if let key {
            let isSameKey = home.bytes(of: home.key) == key
            #expect(isSameKey, place)
        }
    }
}
