import Credentials
import Files
import Foundation
import Testing

/// Programs that are run, that end or do not, and what they leave.
@Suite struct ChildTests {
    /// As in every program that starts others (`platform_harden`).
    init() { _ = signal(SIGPIPE, SIG_IGN) }

    @Test func aProgramIsGivenItsInputAndAnswers() throws {
        // More than a pipe holds, in both directions.
        let input = String(repeating: "line of input\n", count: 20_000)
        let (status, output) = try Child.run(
            ["cat"], input: secret(input), atMost: 1 << 20, within: 20)
        #expect(status == 0)
        let isSame = output == secret(input)
        #expect(isSame)
    }

    @Test(
        arguments: [
            ("exit 7", 7, ""), ("kill -9 $$", nil, ""),
            ("ulimit -c 0; echo a; kill -ABRT $$", nil, "a\n"),
            ("exec <&-; echo read", 0, "read\n"), ("cat", 0, "input"),
            ("exec >&-; sleep 0.2", 0, ""),
            ("ulimit -n 4; echo few", 0, "few\n"),
        ] as [(String, Int32?, String)])
    func itsEndIsTold(script: String, status: Int32?, output: String) throws {
        let result = try Child.run(
            ["sh", "-c", script], input: secret("input"), atMost: 100, within: 20)
        #expect(result.status == status)
        #expect(result.output == secret(output))
    }

    @Test func aProgramThatIsNotThereIsNotStarted() {
        do throws(Child.Failure) {
            _ = try Child.run(["/nonexistent/program"], atMost: 1, within: 5)
            Issue.record("it was started")
        } catch {
            guard case .notStarted(let error) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(error.code == ENOENT)
        }
    }

    /// What a program leaves running has its output open as well. Only a daemon goes on.
    @Test(
        arguments: [
            ("sleep 1000 & echo it", 0), ("setsid sleep 1000 & sleep 1; echo it", 1),
            ("(sleep 1000 &); echo it", 0), ("(trap '' TERM; sleep 1000; sleep 1000) & echo it", 0),
        ])
    func whatItLeavesRunningIsNotWaitedFor(script: String, daemons: Int) throws {
        let mark = "KEYFOB_CHILD_TEST=\(UUID().uuidString)"
        let start = ContinuousClock.now
        let (status, output) = try Child.run(
            ["env", mark, "sh", "-c", "exec 2>/dev/null; " + script], atMost: 100, within: 30)
        #expect(status == 0)
        #expect(output == secret("it\n"))
        #expect(ContinuousClock.now - start < .seconds(10))
        let left = try processes(with: mark)
        #expect(left.count == daemons)
        for process in left.keys { kill(process, SIGKILL) }
    }

    @Test(arguments: [
        "exec sleep 1000", "sleep 1000 & sleep 1000", "trap '' TERM; sleep 1000; sleep 1000",
        "(setsid sleep 1000 &); sleep 1000",
        "setsid sh -c 'trap \"\" TERM; sleep 1000 & sleep 1000'",
        "(sleep 1000 & sleep 1000 & ); while :; do :; done", "kill -STOP $$", "cat; sleep 1000",
    ])
    func whatDoesNotEndIsEndedWithAllThatItStarted(script: String) throws {
        // A variable by which all of its processes are known.
        let mark = "KEYFOB_CHILD_TEST=\(UUID().uuidString)"
        let start = ContinuousClock.now
        do throws(Child.Failure) {
            _ = try Child.run(
                ["env", mark, "sh", "-c", script], input: secret("x"), atMost: 100, within: 1)
            Issue.record("it ended")
        } catch {
            guard case .timedOut = error else {
                Issue.record("\(error)")
                return
            }
        }
        #expect(ContinuousClock.now - start < .seconds(6))
        #expect(try processes(with: mark) == [:])
    }

    @Test func whatPrintsWithoutEndIsEnded() throws {
        let mark = "KEYFOB_CHILD_TEST=\(UUID().uuidString)"
        let (status, output) = try Child.run(
            ["env", mark, "sh", "-c", "yes & yes"], atMost: 1 << 20, within: 30)
        #expect(status == nil)
        #expect(output.count == 1 << 20)
        #expect(try processes(with: mark) == [:])
    }

    /// The processes that have this in their environment, and their command lines.
    private func processes(with variable: String) throws -> [pid_t: String] {
        var found: [pid_t: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
            guard let process = pid_t(name),
                let environment = FileManager.default.contents(atPath: "/proc/\(name)/environ"),
                environment.range(of: Data(variable.utf8)) != nil
            else { continue }
            let line = FileManager.default.contents(atPath: "/proc/\(name)/cmdline") ?? Data()
            found[process] = String(decoding: line, as: UTF8.self)
        }
        return found
    }

    private func secret(_ text: String) -> Secret { Secret(copying: Array(text.utf8).span) }
}
