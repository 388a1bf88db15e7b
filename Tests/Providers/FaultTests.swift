import Sandbox
import Testing

/// The built helper with a Secret Service that misbehaves: what it answers, word for word, how
/// soon, and what the service holds then.
@Suite struct FaultTests {
    @Test(arguments: Fault.table) func `every answer is true`(fault: Fault) throws {
        let trial = try Trial()
        for request in Request.allCases {
            guard let answer = fault.answers[request] else { continue }
            let outcome = try trial.start(request, fault.plan, isMarked: fault.isMarked).finish()
            try fault.check(trial, request, outcome, answer, within: 4)
        }
    }

    /// Each waits for its deadline, all together.
    @Test func `every silence ends`() throws {
        var running: [(Fault, Request, Answer, Trial, RunningProgram)] = []
        for fault in Fault.silences {
            for (request, answer) in fault.answers {
                let trial = try Trial()
                let program = try trial.start(request, fault.plan, isMarked: fault.isMarked)
                running.append((fault, request, answer, trial, program))
            }
        }
        for (fault, request, answer, trial, program) in running {
            try fault.check(trial, request, program.finish(), answer, within: 9)
        }
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
