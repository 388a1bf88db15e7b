import Sandbox
import Testing

/// A provider that hides the items of a locked collection, as KeePassXC does, and nobody to ask:
/// only the marker knows what may be there.
@Suite struct HiddenItemsTests {
    let trial: Trial

    init() throws {
        trial = try Trial()
        trial.sandbox.setEnvironment("DISPLAY", to: nil)
    }

    @Test func whatIsMarkedIsLocked() throws {
        for request in [Request.get, .erase, .update] {
            let outcome = try answer(to: request, isMarked: true)
            #expect(outcome.status == 1)
            #expect(outcome.output.contains("locked"))
        }
    }

    @Test func whatIsNotMarkedIsNotThere() throws {
        let get = try answer(to: .get, isMarked: false)
        #expect(get.output == "credentials not found in native keychain\n")
        #expect(try answer(to: .erase, isMarked: false).succeeded)
    }

    private func answer(to request: Request, isMarked: Bool) throws -> Outcome {
        let plan = HostileService.Plan(
            items: [Request.held], locked: true, faults: ["search no-locked"])
        return try trial.start(request, plan, isMarked: isMarked).finish()
    }
}
