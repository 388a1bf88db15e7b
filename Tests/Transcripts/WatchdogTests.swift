import Foundation
import Sandbox
import Testing

/// The process ends after 20 seconds whatever it waits for. Run by `make soak`.
@Suite(.enabled(if: Sandbox.isSoak))
struct WatchdogTests {
    let sandbox: Sandbox

    init() throws {
        sandbox = try Sandbox()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
    }

    @Test func aClientThatNeverFinishesItsInputIsAnswered() throws {
        let outcome = try run("mkfifo pipe; docker-credential-keyfob get <>pipe")
        #expect(outcome.output == "timed out; nothing was changed\n")
        #expect(outcome.errors == outcome.output)
    }

    @Test func aStoreThatMayHaveHappenedIsSaidToBeUnknown() throws {
        // A lock is waited for in less time, but a first store takes two, one after the other.
        let locks = ["share/keyfob/credentials.lock", "state/keyfob/key.lock"]
            .map { "home/.local/\($0)" }
        for lock in locks { try sandbox.write("", to: lock) }
        let outcome = try run(
            """
            echo '{"ServerURL":"r.example","Username":"u","Secret":"p"}' >login
            flock \(locks[0]) sleep 10 >/dev/null 2>&1 &
            flock \(locks[1]) sleep 25 >/dev/null 2>&1 &
            sleep 0.5
            docker-credential-keyfob store <login
            """)
        #expect(outcome.output == "timed out; the login may or may not have been changed\n")
        #expect(outcome.errors == outcome.output)
    }

    @Test func aParentThatBlocksOrIgnoresTheSignalDoesNotDisarmIt() throws {
        let outcome = try run(
            """
            mkfifo pipe
            env --block-signal=ALRM --ignore-signal=ALRM docker-credential-keyfob erase <>pipe
            """)
        #expect(outcome.output == "timed out; nothing was changed\n")
    }

    @Test func anAnswerThatNobodyReadsIsNotMixedWithAnother() throws {
        let outcome = try run(
            """
            mkfifo pipe; exec 3<>pipe
            dd if=/dev/zero of=/dev/fd/3 bs=4096 count=100 oflag=nonblock 2>dd.log
            docker-credential-keyfob version >&3
            """)
        #expect(outcome.output == "" && outcome.errors == "")
    }

    /// Runs the script in the sandbox's folder; it must fail after 20 seconds.
    private func run(_ script: String) throws -> Outcome {
        let outcome = try sandbox.run("/bin/sh", "-c", "cd '\(sandbox.path)'; \(script)")
        #expect(outcome.status == 1)
        #expect((19.5...23).contains(outcome.seconds))
        return outcome
    }
}
