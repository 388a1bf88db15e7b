import Sandbox
import Testing

/// The built helper with a Secret Service that misbehaves: what it answers, word for word, how
/// soon, and what the service holds then.
@Suite struct FaultTests {
    @Test(arguments: Fault.table) func everyAnswerIsTrue(fault: Fault) throws {
        let trial = try Trial()
        for request in Request.allCases {
            guard let answer = fault.answers[request] else { continue }
            let outcome = try trial.start(request, fault.plan, isMarked: fault.isMarked).finish()
            try fault.check(trial, request, outcome, answer, within: 4)
        }
    }

    /// Each waits for its deadline, all at the same time.
    @Test(arguments: Fault.silences.flatMap { fault in fault.answers.map { (fault, $0, $1) } })
    func everySilenceEnds(fault: Fault, request: Request, answer: Answer) async throws {
        let trial = try Trial()
        let outcome = try await trial.start(request, fault.plan).end()
        try fault.check(trial, request, outcome, answer, within: 9)
    }

    @Test func tenThousandOtherLoginsAreNoHindrance() throws {
        let others = (0..<10_000).map { HeldItem("\($0).example", "u", "other") }
        let trial = try Trial()
        for request in Request.allCases {
            let plan = HostileService.Plan(items: others + [Request.held])
            let outcome = try trial.start(request, plan).finish()
            try trial.expectTruth(
                request, outcome, within: 15, leaving: [(others.logins + request.result).sorted()],
                "ten thousand")
            #expect(outcome.succeeded, "\(request): \(outcome)")
            let hasAll = outcome.output.split(separator: ",").count == 10_001
            #expect(request != .list || hasAll, "\(request): \(outcome)")
        }
    }

    @Test func tenThousandItemsThatASearchFindsAreLookedAtAndOneIsServed() throws {
        let others = (0..<10_000).map { HeldItem("\($0).example", "u", "other") }
        let plan = HostileService.Plan(items: others + [Request.held], faults: ["search all"])
        let trial = try Trial()
        let outcome = try trial.start(.get, plan).finish()
        try trial.expectTruth(
            .get, outcome, within: 15, leaving: [plan.items.logins], "finds all of ten thousand")
        #expect(Trial.isAnswer(outcome, Request.get.success), "\(outcome)")
    }

    /// Only KeePassXC is known to answer such a prompt itself: no other provider's is shown where
    /// nobody sees it.
    @Test(arguments: [Request.replace, .erase])
    func aPromptOfAnotherProviderIsNotShownWithoutADisplay(request: Request) async throws {
        let trial = try Trial()
        trial.sandbox.setEnvironment("DISPLAY", to: nil)
        let plan = HostileService.Plan(
            items: [Request.held], faults: ["ask CreateItem", "ask Delete"])
        let outcome = try await trial.start(request, plan).end()
        let line = "<keyring-confirms>"
        #expect(Trial.isAnswer(outcome, .error(line)), "\(outcome)")
        #expect(try trial.service.state().items.logins == ["u: old"])
    }
}

extension Fault {
    fileprivate func check(
        _ trial: Trial, _ request: Request, _ outcome: Outcome, _ answer: Answer,
        within limit: Double
    ) throws {
        try trial.expectTruth(
            request, outcome, within: limit, leaving: [leaves(request, outcome)], name)
        #expect(Trial.isAnswer(outcome, answer), "\(request), \(name): \(outcome)")
    }
}
