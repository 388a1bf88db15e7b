import Foundation
import Sandbox
import Testing

/// Every call of the file store to the system fails in turn, in every way.
@Suite struct FaultTests {
    private static let faults =
        ProcessInfo.processInfo.environment["KEYFOB_SOAK"] == nil ? Fault.some : Fault.all

    @Test(arguments: Scenario.ofStore + Scenario.ofMarker)
    func `whatever fails, the old state is left or the new one, and what is said is true`(
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

    @Test func `a key that was left by a dead writer is on the disk before a store uses it`()
        throws
    {
        let scenario = try #require(
            Scenario.ofStore.first { $0.testDescription.hasSuffix("a key that is there") })
        let rehearsal = try Rehearsal(of: scenario)
        let log = try rehearsal.run()
        let state = try #require(log.calls.first { $0.path.hasSuffix("/state/keyfob") }).path
        #expect(log.disorder(unsynced: [state]) == [])
    }
}
