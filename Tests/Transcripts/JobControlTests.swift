import Foundation
import Sandbox
import Testing

/// A question at a terminal whose shell, client or other programs do something with the terminal
/// meanwhile.
@Suite struct JobControlTests {
    private static let question = "Keyfob: passphrase for h.example: "
    private static let get = #"docker-credential-keyfob get <<<h.example >"$HOME/answer""#

    let sandbox: Sandbox
    let terminal: PseudoTerminal

    init() throws {
        sandbox = try Sandbox.withFile(passphrase: "correct horse")
        terminal = try PseudoTerminal()
    }

    // MARK: An interactive shell

    enum Stop: CaseIterable { case controlZ, startedInBackground, continuedInBackground, twice }

    @Test(arguments: Stop.allCases)
    func whoIsStoppedAndContinuedAsksOn(stop: Stop) throws {
        let shell = try startShell()
        terminal.type(#"stty -a >"$HOME/before""# + "\n")
        terminal.type(Self.get + (stop == .startedInBackground ? " &\n" : "\n"))
        var questions = 0
        if stop != .startedInBackground {
            questions += 1
            try terminal.wait(for: Self.question, times: questions)
            terminal.type("half\u{1A}")
        }
        if stop == .startedInBackground {
            // bash tells of it before its next prompt.
            usleep(500_000)
            terminal.type("\n")
        }
        try terminal.wait(for: "Stopped")
        terminal.type(#"stty -a >"$HOME/meanwhile""# + "\n")
        if stop == .twice {
            terminal.type("fg\n")
            questions += 1
            try terminal.wait(for: Self.question, times: questions)
            terminal.type("\u{1A}")
            try terminal.wait(for: "Stopped", times: 2)
        }
        if stop == .continuedInBackground {
            terminal.type("bg\n")
            usleep(300_000)
        }
        terminal.type("fg\n")
        questions += 1
        try terminal.wait(for: Self.question, times: questions)
        #expect(!terminal.echoes)
        try answerAndWaitForShell()
        terminal.type(#"stty -a >"$HOME/after"; exit"# + "\n")
        #expect(try shell.finish().succeeded)
        #expect(answer == #"{"ServerURL":"h.example","Username":"u","Secret":"s"}"# + "\n")
        let before = try #require(sandbox.text("home/before"))
        #expect(sandbox.text("home/meanwhile") == before)
        #expect(sandbox.text("home/after") == before)
        #expect(!terminal.screen.contains("horse"))
    }

    /// The watchdog does not count the time for which a person has stopped the question.
    @Test func aQuestionThatIsStoppedForLongIsAskedOn() throws {
        sandbox.setEnvironment("KEYFOB_PROMPT_TIMEOUT", to: "2")
        let shell = try startShell()
        terminal.type(Self.get + "\n")
        try terminal.wait(for: Self.question)
        terminal.type("\u{1A}")
        try terminal.wait(for: "Stopped")
        usleep(3_000_000)
        terminal.type("fg\n")
        try terminal.wait(for: Self.question, times: 2)
        try answerAndWaitForShell()
        terminal.type("exit\n")
        _ = try shell.finish()
        #expect(answer == #"{"ServerURL":"h.example","Username":"u","Secret":"s"}"# + "\n")
    }

    @Test func whoIsStoppedLetsAnotherAsk() throws {
        let shell = try startShell()
        terminal.type(Self.get + "\n")
        try terminal.wait(for: Self.question)
        terminal.type("\u{1A}")
        try terminal.wait(for: "Stopped")
        terminal.type(#"docker-credential-keyfob list >"$HOME/list""# + "\n")
        try terminal.wait(for: "Keyfob: passphrase for all logins: ")
        try answerAndWaitForShell()
        #expect(sandbox.text("home/list") == #"{"h.example":"u"}"# + "\n")
        terminal.type("fg\n")
        try terminal.wait(for: Self.question, times: 2)
        try answerAndWaitForShell()
        terminal.type("exit\n")
        _ = try shell.finish()
        #expect(answer == #"{"ServerURL":"h.example","Username":"u","Secret":"s"}"# + "\n")
    }

    // MARK: A client that goes away

    /// What the client has the helper's answer in: a pipe that it reads, or what outlives it.
    @Test(
        arguments: [
            "answer=$(docker-credential-keyfob get <<<h.example); :",
            "docker-credential-keyfob get <<<h.example >/dev/tty; :",
            #"keyfob token h.example >"$HOME/answer"; :"#,
            // As node starts a program.
            """
            exec python3 -c 'import socket, subprocess
            ours, its = socket.socketpair()
            helper = subprocess.Popen(["docker-credential-keyfob", "get"],
                                      stdin=subprocess.PIPE, stdout=its)
            its.close()
            helper.communicate(b"h.example")'
            """,
        ])
    func whereTheClientIsKilledTheTerminalIsAsBefore(client: String) throws {
        let settings = terminal.settings
        var program = sandbox.program([
            "bash", "-c",
            #"bash -c "$1" & echo $! >"$HOME/client"; wait; until [ -e "$HOME/seen" ]; do sleep .05; done"#,
            "bash", client,
        ])
        program.terminal = terminal
        let running = try program.start()
        try terminal.wait(for: "Keyfob: passphrase for ")
        terminal.type("half")
        let line = try #require(sandbox.text("home/client"))
        let process = try #require(pid_t(line.trimmingCharacters(in: .newlines)))
        kill(process, SIGKILL)
        try wait { terminal.settings == settings }
        #expect(!terminal.screen.contains("half"))
        try sandbox.write("", to: "home/seen")
        _ = try running.finish()
    }

    // MARK: Others who change the terminal

    @Test func anEchoThatAnotherProgramTurnsOnIsTurnedOffAgain() throws {
        terminal.setEcho(false)
        let running = try startGet()
        try terminal.wait(for: Self.question)
        // As another program that asked here does at its end.
        terminal.setEcho(true)
        try wait { !terminal.echoes }
        terminal.type("correct horse\n")
        #expect(try running.finish().succeeded)
        #expect(!terminal.screen.contains("horse"))
        #expect(terminal.echoes)
    }

    @Test func aTerminalWithoutEchoStaysSo() throws {
        terminal.setEcho(false)
        let settings = terminal.settings
        let running = try startGet()
        try terminal.wait(for: Self.question)
        terminal.type("correct horse\n")
        #expect(try running.finish().succeeded)
        #expect(terminal.settings == settings)
    }

    /// As a client leaves it that shows progress, or whose own shell edits lines.
    @Test func aRawTerminalAsksAndStaysRaw() throws {
        terminal.makeRaw()
        let settings = terminal.settings
        let running = try startGet()
        try terminal.wait(for: Self.question)
        terminal.type("correct horse\r")
        #expect(try running.finish().succeeded)
        #expect(!terminal.screen.contains("horse"))
        #expect(terminal.settings == settings)
    }

    @Test func aRawTerminalTakesControlC() throws {
        terminal.makeRaw()
        let settings = terminal.settings
        let running = try startGet()
        try terminal.wait(for: Self.question)
        terminal.type("\u{3}")
        #expect(try running.finish().status == 128 + SIGINT)
        #expect(terminal.settings == settings)
    }

    @Test func aTerminalThatIsStoppedWithControlSIsNotWaitedForForEver() throws {
        sandbox.setEnvironment("KEYFOB_PROMPT_TIMEOUT", to: "2")
        let settings = terminal.settings
        terminal.type("\u{13}")
        let outcome = try startGet().finish()
        #expect(outcome.status == 1)
        #expect(outcome.output == "no passphrase was typed within 2 s\n")
        #expect(outcome.seconds < 10)
        #expect(terminal.settings == settings)
    }

    @Test func whatWasTypedBeforeTheQuestionIsNoAnswer() throws {
        terminal.type("battery staple\n")
        let running = try startGet()
        try terminal.wait(for: Self.question)
        terminal.type("correct horse\n")
        #expect(try running.finish().succeeded)
        #expect(!terminal.screen.contains("wrong passphrase"))
    }

    /// The kernel keeps 4095 bytes of a line and drops the rest.
    @Test(arguments: [4094, 4095, 5000])
    func aLineOfWhichAPartMayBeMissingIsNoWrongPassphrase(length: Int) throws {
        let running = try startGet()
        try terminal.wait(for: Self.question)
        for _ in 0..<length / 100 { terminal.type(String(repeating: "x", count: 100)) }
        terminal.type(String(repeating: "x", count: length % 100) + "\n")
        if length == 4094 {
            try terminal.wait(for: "wrong passphrase")
            terminal.type("\u{3}")
            #expect(try running.finish().status == 128 + SIGINT)
        } else {
            let outcome = try running.finish()
            #expect(outcome.status == 1)
            #expect(outcome.output.contains("4094 bytes"))
        }
        #expect(!terminal.screen.contains("xx"))
    }

    @Test func controlDIsNoAnswer() throws {
        let running = try startGet()
        try terminal.wait(for: Self.question)
        terminal.type("\u{4}")
        #expect(try running.finish().output == "no passphrase was typed\n")
        #expect(terminal.echoes)
    }

    // MARK: Helpers

    private var answer: String? { sandbox.text("home/answer") }

    private func startShell() throws -> RunningProgram {
        sandbox.setEnvironment("HISTFILE", to: "/dev/null")
        var program = sandbox.program([
            "bash", "-c", "PS1='ready> ' exec bash --norc --noprofile -i <>/dev/tty >&0 2>&0",
        ])
        program.terminal = terminal
        program.deadline = .seconds(60)
        let shell = try program.start()
        try terminal.wait(for: "ready> ")
        return shell
    }

    /// What is typed before the answer has been taken is dropped.
    private func answerAndWaitForShell() throws {
        let shown = terminal.screen.count(of: "ready> ")
        terminal.type("correct horse\n")
        try terminal.wait(for: "ready> ", times: shown + 1)
    }

    private func startGet() throws -> RunningProgram {
        var program = sandbox.program(
            ["docker-credential-keyfob", "get"], input: Array("h.example".utf8))
        program.terminal = terminal
        return try program.start()
    }

    private func wait(_ condition: () -> Bool) throws {
        let end = ContinuousClock.now + .seconds(20)
        while !condition() {
            guard ContinuousClock.now < end else {
                throw SandboxError("that did not happen: \(terminal.screen.suffix(300))")
            }
            usleep(1000)
        }
    }
}
