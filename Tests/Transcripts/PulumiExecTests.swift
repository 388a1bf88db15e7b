import Foundation
import Sandbox
import Testing

/// `keyfob exec --client pulumi` with a program in pulumi's place that does what pulumi 3.258 does
/// with a token that it finds in its environment: writes it down in plain text.
@Suite struct PulumiExecTests {
    private let sandbox: Sandbox
    private static let url = "https://api.pulumi.com"
    private static let token = "pul-0123456789abcdef"

    init() throws { try self.init(in: try Sandbox()) }

    private init(in sandbox: Sandbox) throws {
        self.sandbox = sandbox
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        try sandbox.write(
            #"{"accessTokens":{"\#(Self.url)":"\#(Self.token)"},"accounts":{}}"#,
            to: "home/.pulumi/credentials.json")
        try #require(try sandbox.run("keyfob", "import").succeeded)
        try sandbox.writeScript(
            """
            #!/bin/sh
            set -e
            : "${PULUMI_ACCESS_TOKEN:?}"
            printf '{"accessTokens":{"%s":"%s"}}' "$PULUMI_BACKEND_URL" "$PULUMI_ACCESS_TOKEN" \\
                >"$PULUMI_CREDENTIALS_PATH/credentials.json"
            mkdir "$PULUMI_CREDENTIALS_PATH/more"
            ln -s "$HOME" "$PULUMI_CREDENTIALS_PATH/more/link"
            if [ "$1" = set ]; then printf '{"default":"acme"}' >"$PULUMI_CREDENTIALS_PATH/config.json"; fi
            if [ "$1" = get ]; then cat "$PULUMI_CREDENTIALS_PATH/config.json"; fi
            if [ "$1" = wait ]; then
                trap 'echo terminated; exit 7' TERM
                count=0
                trap 'count=$((count + 1)); echo interrupted' INT
                echo "ready $$"
                while [ $count = 0 ]; do sleep 0.1 & wait $! || :; done
                # A second one would come now.
                sleep 0.5 & wait $! || :
                sleep 0.1
                exit 8
            fi
            if [ "$1" = keep ]; then chmod 0 "$PULUMI_CREDENTIALS_PATH/more"; fi
            if [ "$1" = die ]; then kill -KILL $$; fi
            stat -c %a "$PULUMI_CREDENTIALS_PATH"
            """, as: "pulumi")
    }

    @Test func whatItWritesDownIsGoneWhenItEnds() throws {
        let outcome = try exec("up")
        #expect(outcome.output == "700\n", "\(outcome)")
        #expect(outcome.succeeded)
        #expect(try folders().isEmpty)
        #expect(try leaks().isEmpty)
        #expect(FileManager.default.fileExists(atPath: sandbox.file("home/.pulumi")))
    }

    @Test func whatCannotBeRemovedIsTold() throws {
        let ofOrdinary = try PulumiExecTests(in: try Sandbox(unprivileged: true))
        let outcome = try ofOrdinary.exec("keep")
        let left = try #require(try ofOrdinary.folders().first)
        #expect(outcome.errors.contains("\(left) cannot be removed"), "\(outcome)")
    }

    /// The settings that it keeps beside its logins stay.
    @Test func itsSettingsStay() throws {
        #expect(try exec("set").succeeded)
        #expect(sandbox.text("home/.pulumi/config.json") == #"{"default":"acme"}"#)
        #expect(try exec("get").output == #"{"default":"acme"}700"# + "\n")
    }

    @Test func itsStatusIsReturned() throws {
        #expect(try exec("die").status == 128 + SIGKILL)
        let absent = try sandbox.run(
            "keyfob", "exec", Self.url, "--client", "pulumi", "--", "no-such-program")
        #expect(absent.status == 127)
        #expect(try folders().isEmpty)
    }

    @Test func signalsReachIt() throws {
        let run = try start("wait")
        try waitForFolder()
        run.signal(SIGTERM, alone: true)
        let outcome = try run.finish()
        #expect(outcome.status == 7, "\(outcome)")
        #expect(outcome.output.hasSuffix("terminated\n"))
        #expect(try folders().isEmpty)
    }

    /// The terminal itself gives Ctrl-C to the whole group: it must reach the program once.
    @Test func interruptingAtATerminalEndsItAndRemovesWhatItHas() throws {
        let terminal = try PseudoTerminal()
        let run = try sandbox.program([
            "sh", "-c",
            "exec setsid -cw keyfob exec \(Self.url) --client pulumi -- pulumi wait <$0 >$0 2>&1",
            terminal.path,
        ]).start()
        try terminal.wait(for: "ready")
        terminal.type("\u{3}")
        let outcome = try run.finish()
        #expect(outcome.status == 8, "\(terminal.screen)")
        #expect(terminal.screen.components(separatedBy: "interrupted").count == 2)
        #expect(try folders().isEmpty)
    }

    /// What a run leaves that is killed goes with the next, but not while its program lives.
    @Test func whatAKilledRunLeavesIsSwept() throws {
        let run = try start("wait")
        let folder = try waitForFolder()
        run.signal(SIGKILL, alone: true)
        _ = try? run.finish()
        #expect(try exec("up").succeeded)
        #expect(try folders() == [folder])

        let program = try #require(try programs().first)
        kill(program, SIGKILL)
        try wait { try exec("up").succeeded && folders().isEmpty }
        #expect(try leaks().isEmpty)
    }

    @Test func theTokenIsInNoArgument() throws {
        let run = try start("wait")
        try waitForFolder()
        let processes = try FileManager.default.contentsOfDirectory(atPath: "/proc")
            .filter { Int($0) != nil }
        for process in processes {
            let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") ?? Data()
            #expect(line.range(of: Data(Self.token.utf8)) == nil)
        }
        run.signal(SIGTERM, alone: true)
        _ = try run.finish()
    }

    // MARK: Running it

    private func program(_ action: String) -> Program {
        sandbox.program(["keyfob", "exec", Self.url, "--client", "pulumi", "--", "pulumi", action])
    }

    private func exec(_ action: String) throws -> Outcome { try program(action).run() }

    private func start(_ action: String) throws -> RunningProgram { try program(action).start() }

    private func folders() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: sandbox.file("run/keyfob"))
            .filter { $0.hasPrefix("exec-") }
    }

    /// Files in the home or the runtime folder that hold the token.
    private func leaks() throws -> String {
        try sandbox.run("grep", "-rlF", Self.token, sandbox.file("home"), sandbox.file("run"))
            .output
    }

    /// The processes that run the program in pulumi's place.
    private func programs() throws -> [pid_t] {
        let path = sandbox.file("bin/pulumi")
        return try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }
            .filter { process in
                let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline")
                return line.map { $0.range(of: Data(path.utf8)) != nil } ?? false
            }
    }

    @discardableResult
    private func waitForFolder() throws -> String {
        var found: String?
        try wait {
            found = (try? folders())?.first {
                sandbox.text("run/keyfob/\($0)/credentials.json") != nil
            }
            return try found != nil && !programs().isEmpty
        }
        // Its traps are set right after.
        usleep(200_000)
        return try #require(found)
    }

    private func wait(_ isTrue: () throws -> Bool) throws {
        let end = ContinuousClock.now + .seconds(20)
        while try !isTrue() {
            try #require(ContinuousClock.now < end)
            usleep(10_000)
        }
    }
}
