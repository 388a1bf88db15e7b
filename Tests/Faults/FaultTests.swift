import Foundation
import Sandbox
import Testing

/// Every call of the file store to the system fails in turn, in every way.
@Suite struct FaultTests {
    private static let faults = Sandbox.isSoak ? Fault.all : Fault.some
    private static let scenarios =
        Scenario.ofStore + Scenario.ofMarker + (Sandbox.isSoak ? Scenario.ofProtection : [])

    @Test(arguments: scenarios)
    func whateverFailsTheOldStateIsLeftOrTheNewOneAndWhatIsSaidIsTrue(
        _ scenario: Scenario
    ) throws {
        let rehearsal = try Rehearsal(of: scenario)
        let log = try rehearsal.run()
        #expect(!log.calls.isEmpty)

        var runs = 0
        for fault in Self.faults {
            for call in log.calls where fault.strikes(call) {
                try rehearsal.run(fault, at: call.number)
                runs += 1
            }
            // One fault behind the last call: none is met.
            if fault == .broken { try rehearsal.run(fault, at: log.calls.count + 1) }
        }
        print("\(scenario.testDescription): \(log.calls.count) calls, \(runs) runs with a fault")
    }
}
