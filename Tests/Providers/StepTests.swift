import Sandbox
import Testing

/// The built helper with a Secret Service that fails at every call in turn, N = 1, 2, 3 and so on
/// until a request meets no fault.
@Suite struct StepTests {
    enum Failure: String, CaseIterable {
        case leavesInstead = "exit"
        case leavesAfter = "exit-after"
        case locks = "error org.freedesktop.Secret.Error.IsLocked"
        case answersWithTheWrongType = "wrong-type-after"
        case replacesTheItem = "replace"
    }

    @Test(arguments: Failure.allCases) func everyAnswerIsTrue(failure: Failure) throws {
        let trial = try Trial()
        for request in Request.allCases {
            var step = 0
            var wasMet = true
            while wasMet {
                step += 1
                let plan = HostileService.Plan(
                    items: [Request.held], faults: ["\(failure.rawValue) \(step)"])
                let outcome = try trial.start(request, plan, isMarked: request == .erase).finish()
                wasMet = try trial.service.state().met
                try check(trial, request, failure, step, outcome)
            }
            // Before the last there were as many calls as it takes: none was missed.
            let calls =
                switch request {
                case .get: 5
                case .list: 2
                default: 8
                }
            #expect(step > calls, "\(request): \(step)")
        }
    }

    /// A bus that dies takes the service with it: a new one for each step.
    @Test(arguments: [
        (Request.get, ["SearchItems", "Read", "OpenSession", "GetSecrets"]),
        (.list, ["SearchItems", "Read"]),
        (.erase, ["SearchItems", "Delete"]),
        (.update, ["ReadAlias", "SetSecret"]),
        (.replace, ["CreateItem", "Delete"]),
    ]) func aBusThatDiesTakesNoAnswersTruthAlong(
        request: Request, methods: [String]
    ) throws {
        for method in methods {
            for fault in ["kill-bus", "kill-bus-after"] {
                let trial = try Trial()
                let plan = HostileService.Plan(
                    items: [Request.held], faults: ["\(fault) \(method)"])
                let outcome = try trial.start(request, plan).finish()
                try trial.expectTruth(
                    request, outcome, within: 4, leaving: states(request, outcome), fault)
                #expect(outcome.output.contains("the session bus went away"), "\(outcome)")
            }
        }
    }

    private func check(
        _ trial: Trial, _ request: Request, _ failure: Failure, _ step: Int, _ outcome: Outcome
    ) throws {
        // Another helper, which waits for no lock of ours, may store beside a store.
        let isRace = failure == .replacesTheItem && request.action == "store"
        var states = isRace ? [try trial.service.state().items.logins] : states(request, outcome)
        if failure == .replacesTheItem, !(request == .erase && outcome.succeeded) {
            states.append(["u: replaced"])
        }
        try trial.expectTruth(
            request, outcome, within: 4, leaving: states, "\(failure.rawValue) \(step)")
        #expect(
            try isMarkTrue(trial, request), "\(request), \(failure.rawValue) \(step): \(outcome)")
        if outcome.succeeded {
            let isLogin =
                Trial.isAnswer(outcome, request.success)
                || failure == .replacesTheItem
                    && Trial.isAnswer(outcome, .login(user: "u", secret: "replaced"))
            #expect(isLogin, "\(request), \(failure.rawValue) \(step): \(outcome)")
        } else {
            // The service has it, all the time.
            #expect(
                !Trial.isAnswer(outcome, .notFound), "\(request), \(failure.rawValue) \(step)")
        }
    }

    /// Whether the marker says what an erase without a bus must know: that a login of ours may be
    /// in the keyring.
    private func isMarkTrue(_ trial: Trial, _ request: Request) throws -> Bool {
        let logins = try trial.service.state().items.logins
        let mayHoldOurs =
            request == .erase ? !logins.isEmpty : logins.contains { $0.hasSuffix("new") }
        return try !mayHoldOurs || trial.isMarked()
    }

    /// What the service may hold after the request.
    private func states(_ request: Request, _ outcome: Outcome) -> [[String]] {
        if outcome.succeeded { return [request.result] }
        let before = ["u: old"]
        let isUncertain = ["may or may not", "may remain", "may be lost", "went away"].contains {
            outcome.output.contains($0)
        }
        guard request.changes, isUncertain else { return [before] }
        return [before, request.result, (before + request.result).sorted()]
    }
}
