import Foundation
import Sandbox
import Testing

/// The helper under valgrind: every request reads and writes only what is its own, and loses
/// nothing.
@Suite(
    .enabled(
        if: ProcessInfo.processInfo.environment["KEYFOB_MEMCHECK"] != nil, "run by make sanitize"),
    .serialized)
struct MemcheckTests {
    private let sandbox: Sandbox
    private let login = Login()

    init() throws { sandbox = try Sandbox() }

    @Test(arguments: Place.allCases) func memoryIsUsedAsItShouldBe(place: Place) throws {
        let keyring = try place.prepare(sandbox)
        defer { withExtendedLifetime(keyring) {} }
        try stripHelper()
        #expect(try check("version", "").succeeded)
        #expect(try check("store", login.json).succeeded)
        let found = try check("get", login.server).output == login.answer
        #expect(found)
        // Another user's login takes the place of the first.
        #expect(try check("store", Login(user: "bob").json).succeeded)
        #expect(try check("list", "").output == #"{"\#(login.server)":"bob"}"# + "\n")
        #expect(try check("erase", login.server).succeeded)
        #expect(try check("get", login.server).status == 1)
    }

    /// Runs the helper under memcheck, which says nothing unless it finds an error.
    private func check(_ action: String, _ input: String) throws -> Outcome {
        let suppressions = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("memcheck.supp").path
        let log = sandbox.file("memcheck.log")
        for _ in 0..<5 {
            let outcome = try sandbox.run(
                "valgrind", "--quiet", "--log-file=\(log)", "--suppressions=\(suppressions)",
                "--num-callers=40", "--leak-check=full",
                "--show-leak-kinds=definite,indirect", "--errors-for-leak-kinds=definite,indirect",
                helper, action, input: input)
            // The helper is some fifty times slower than its deadlines take it to be.
            if outcome.output == "the session bus did not answer\n" { continue }
            let found = sandbox.text("memcheck.log") ?? "there is no log"
            #expect(found == "", "\(action)")
            return outcome
        }
        throw SandboxError("the helper is too slow under valgrind to reach its bus")
    }

    /// valgrind 3.19 cannot read the debug information that Swift writes, and names functions
    /// by the symbols that are left without it.
    private func stripHelper() throws {
        let outcome = try sandbox.run(
            "strip", "--strip-debug", "-o", helper,
            Sandbox.path(of: "docker-credential-keyfob"))
        try #require(outcome.succeeded, "\(outcome.errors)")
    }

    private var helper: String { sandbox.file("tmp/docker-credential-keyfob") }
}
