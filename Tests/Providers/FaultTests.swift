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
            try trial.expectTruth(request, outcome, within: 4, fault.name)
            let isAnswer =
                outcome.status == answer.status && outcome.outputBytes == Array(answer.output.utf8)
            #expect(isAnswer, "\(request): \(outcome)")
            let isLeft =
                try trial.logins() == fault.leaves(request, succeeded: outcome.succeeded)
            #expect(isLeft, "\(request): \(outcome)")
        }
    }
}
