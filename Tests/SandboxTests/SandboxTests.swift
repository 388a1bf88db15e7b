import Foundation
import Sandbox
import Testing

/// What the other tests rely on: that programs run as they are told, and that nothing of them
/// is left.
@Suite struct SandboxTests {
    let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    @Test func aProgramGetsItsInputAndGivesItsOutputErrorsAndStatus() throws {
        let outcome = try sandbox.run("sh", "-c", "cat; echo oops >&2; exit 3", input: "hello")
        #expect(outcome.status == 3)
        #expect(outcome.output == "hello")
        #expect(outcome.errors == "oops\n")
    }

    @Test func aProgramThatASignalEndedSaysSo() throws {
        #expect(try sandbox.run("sh", "-c", "kill -TERM $$").status == 128 + SIGTERM)
    }

    @Test func moreThanAPipeHoldsGoesInAndOutAtOnce() throws {
        let bytes = [UInt8](repeating: 0xFF, count: 5_000_000)
        #expect(try sandbox.run("cat", input: bytes).outputBytes == bytes)
    }

    @Test func aProgramNeedNotReadItsInput() throws {
        let bytes = [UInt8](repeating: 0, count: 5_000_000)
        #expect(try sandbox.run("true", input: bytes).succeeded)
    }

    @Test func aProgramThatDoesNotEndIsKilledWithAllThatItStarted() throws {
        #expect(throws: SandboxError.self) {
            try sandbox.run(
                "sh", "-c", "sleep 1000 & echo $! >$HOME/child; wait",
                deadline: .milliseconds(500))
        }
        let child = try #require(sandbox.text("home/child").flatMap { pid_t($0.trimmed) })
        try waitUntil { !isRunning(child) }
    }

    @Test func aProgramThatLeavesAnotherBehindEndsAllTheSame() throws {
        let outcome = try sandbox.run("sh", "-c", "sleep 1000 & echo $!", deadline: .seconds(30))
        #expect(outcome.succeeded)
        let child = try #require(pid_t(outcome.output.trimmed))
        kill(child, SIGKILL)
    }

    @Test func programsRunSideBySide() throws {
        let running = try (0..<32).map { number in
            try sandbox.program(
                ["sh", "-c", "read word; echo $word"], input: Array("\(number)\n".utf8)
            )
            .start()
        }
        for (number, program) in running.enumerated() {
            #expect(try program.finish().output == "\(number)\n")
        }
    }

    @Test func theSandboxsHomeIsItsOwn() throws {
        let outcome = try sandbox.run("sh", "-c", "echo $HOME; touch $XDG_RUNTIME_DIR/here")
        #expect(outcome.output == "\(sandbox.path)/home\n")
        #expect(sandbox.read("run/here") == [])
        #expect(sandbox.environment["DBUS_SESSION_BUS_ADDRESS"] == nil)
    }

    @Test func nothingIsLeftOfASandbox() throws {
        var brief: Sandbox? = try Sandbox()
        let path = try #require(brief?.path)
        let daemon = try #require(try brief?.startDaemon(["sleep", "1000"]))
        #expect(daemon.isRunning)
        brief = nil
        #expect(!daemon.isRunning)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func anUnprivilegedSandboxIsNotRoots() throws {
        let ordinary = try Sandbox(unprivileged: true)
        let outcome = try ordinary.run("sh", "-c", "id -u; touch $HOME/mine && cat $HOME/mine")
        #expect(outcome.succeeded)
        #expect(outcome.output != "0\n")
        #expect(try ordinary.run("docker-credential-keyfob", "version").succeeded)
    }
}

extension String {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}

private func isRunning(_ process: pid_t) -> Bool {
    guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
    else { return false }
    return !status.contains(") Z ")
}

private func waitUntil(_ condition: () -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while !condition() {
        try #require(ContinuousClock.now < deadline)
        usleep(1000)
    }
}
