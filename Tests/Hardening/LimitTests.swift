import Foundation
import Sandbox
import Testing

/// Machines that have too little of something, and programs that crash: every end is an answer, one
/// line on standard output of the helper, status 0 or 1.
@Suite struct LimitTests {
    private let sandbox: Sandbox
    private let login = Login()

    init() throws { sandbox = try Sandbox(unprivileged: true) }

    // MARK: Crashes

    @Test(arguments: ["ABRT", "BUS", "FPE", "ILL", "SEGV", "SYS", "TRAP", "XCPU"])
    func aCrashIsAnAnswer(signal: String) throws {
        let outcome = try run(crashing: signal, ["docker-credential-keyfob", "get"])
        #expect(outcome.status == 1)
        #expect(outcome.output.hasSuffix("; nothing was changed\n"))
        #expect(outcome.output.utf8.count { $0 == 0x0A } == 1)
        #expect(outcome.errors == outcome.output)
        let cargo = try run(crashing: signal, ["cargo-credential-keyfob", "--cargo-plugin"])
        #expect(cargo.status == 1)
        let answer = try JSONSerialization.jsonObject(
            with: Data((cargo.output.split(separator: "\n").last ?? "").utf8))
        let error = (answer as? [String: [String: String]])?["Err"]
        #expect(error?["kind"] == "other")
        #expect(error?["message"]?.hasSuffix("; nothing was changed") == true)
    }

    /// What the helper is built as has no runtime that catches these (Tests/TrapProbe).
    @Test(arguments: ["index", "overflow", "absent", "memory"])
    func aTrapOfEmbeddedSwiftIsAnAnswer(fault: String) throws {
        let sandbox = try Sandbox()
        let probe = Sandbox.products + "/../../../.build-embedded/release/TrapProbe"
        try #require(FileManager.default.isExecutableFile(atPath: probe), "make test builds it")
        let outcome = try sandbox.run(probe, fault)
        #expect(outcome.status == 1)
        #expect(outcome.output.hasSuffix("; nothing was changed\n"))
        #expect(outcome.output.utf8.count { $0 == 0x0A } == 1)
        #expect(outcome.errors == outcome.output)
        #expect(try sandbox.run(probe, "none").output == "")
    }

    @Test(arguments: ["ABRT", "SEGV", "TRAP"])
    func aCrashOfTheCommandIsAnError(signal: String) throws {
        try sandbox.writeScript("#!/bin/sh\nexec sleep 30\n", as: "docker-credential-slow")
        let outcome = try run(
            crashing: signal, ["keyfob", "import", "--from-helper", "slow"], holdsInput: false)
        #expect(outcome.status == 1)
        #expect(outcome.output == "")
        #expect(outcome.errors.hasPrefix("keyfob: error: "))
        #expect(outcome.errors.utf8.count { $0 == 0x0A } == 1)
    }

    /// What a process was told to block or to ignore its children are, too.
    @Test(arguments: ["SIG_BLOCK", "SIG_IGN"])
    func aCrashIsAnAnswerWhateverWasInherited(disposition: String) throws {
        let wrapper = try sandbox.write(
            """
            import os, signal, sys
            for number in (signal.SIGABRT, signal.SIGSEGV, signal.SIGALRM):
                if "\(disposition)" == "SIG_IGN": signal.signal(number, signal.SIG_IGN)
                else: signal.pthread_sigmask(signal.SIG_BLOCK, [number])
            os.execvp(sys.argv[1], sys.argv[1:])
            """, to: "wrapper.py")
        let outcome = try run(
            crashing: "ABRT", ["python3", wrapper, "docker-credential-keyfob", "get"])
        #expect(outcome.status == 1)
        #expect(outcome.output.hasSuffix("; nothing was changed\n"))
    }

    /// Runs a program that waits for its input, or for a helper, and sends it a signal there.
    private func run(
        crashing signal: String, _ arguments: [String], holdsInput: Bool = true
    ) throws -> Outcome {
        let script =
            #"""
            "$@" <"$0" & process=$!
            sleep 0.7; kill -"$SIGNAL" $process; wait $process
            """#
        let fifo = sandbox.file("tmp/fifo")
        if holdsInput { try sandbox.run("mkfifo", fifo) }
        let input = holdsInput ? fifo : "/dev/null"
        let words =
            ["sh", "-c", (holdsInput ? "exec 3<>\"$0\"\n" : "") + script, input] + arguments
        defer { unsafe unlink(fifo) }
        return try sandbox.program(words, environment: ["SIGNAL": signal]).run()
    }

    // MARK: Limits

    /// What there is too little of, as a shell sets it, from nothing to enough.
    enum Limit: String, CaseIterable, Sendable {
        case memory, data, processes, files, lockedMemory, fileSize, stack

        var settings: [String] {
            switch self {
            case .memory:
                stride(from: 6000, through: 90_000, by: Sandbox.isSoak ? 1500 : 12_000)
                    .map { "ulimit -v \($0)" }
            case .data:
                stride(from: 500, through: 12_500, by: Sandbox.isSoak ? 500 : 3000)
                    .map { "ulimit -d \($0)" }
            case .processes:
                (Sandbox.isSoak ? [1, 4, 8, 12, 16, 20, 24, 28, 32, 48] : [1, 12, 24])
                    .map { "prlimit --pid $$ --nproc=\($0)" }
            case .files:
                stride(from: 3, through: 24, by: Sandbox.isSoak ? 1 : 5).map { "ulimit -n \($0)" }
            case .lockedMemory: ["ulimit -l 0", "ulimit -l 4", "ulimit -l 64"]
            case .fileSize: ["ulimit -f 0", "ulimit -f 1"]
            case .stack: ["ulimit -s 16", "ulimit -s 64", "ulimit -s 128"]
            }
        }
    }

    @Test(arguments: Limit.allCases, Place.allCases)
    func everyEndIsAnAnswer(limit: Limit, place: Place) throws {
        let keyring = try place.prepare(sandbox)
        defer { withExtendedLifetime(keyring) {} }
        let secret = String(repeating: "s", count: 900_000)
        let large = #"{"ServerURL":"https://large.example","Username":"u","Secret":"\#(secret)"}"#
        #expect(
            try sandbox.run("docker-credential-keyfob", "store", input: login.json).succeeded)
        let requests = [
            ("docker-credential-keyfob get", login.server), ("docker-credential-keyfob list", ""),
            ("docker-credential-keyfob store", large), ("keyfob list", ""),
            ("keyfob status", ""),
        ]
        var answers = 0
        for setting in limit.settings {
            for (command, input) in requests {
                // Where not even its libraries can be loaded, the program has not begun.
                let version =
                    command.hasPrefix("keyfob")
                    ? "keyfob --version" : "\(command.split(separator: " ")[0]) version"
                let probe = limit == .processes ? "" : "\(version) >/dev/null 2>&1 || exit 99; "
                let outcome = try sandbox.run(
                    "sh", "-c", "\(setting) || exit 99; \(probe)exec \(command)", input: input)
                if outcome.status == 99 { continue }
                answers += 1
                #expect([0, 1].contains(outcome.status), "\(setting): \(command)")
                // Such an end is told by its cause.
                if [.data, .files].contains(limit) {
                    #expect(!outcome.errors.contains("crashed"), "\(setting): \(command)")
                }
                let lines = outcome.output.utf8.count { $0 == 0x0A }
                if command.hasPrefix("docker") {
                    #expect(
                        lines == 1 || lines == 0 && command.hasSuffix("store"),
                        "\(setting): \(command)")
                } else {
                    #expect(lines > 0 || outcome.errors != "", "\(setting): \(command)")
                }
            }
        }
        #expect(answers > 0)
        let got = try sandbox.run("docker-credential-keyfob", "get", input: login.server)
        let isKept = got.output == login.answer
        #expect(isKept)
    }
}
