import Foundation
import Sandbox
import Testing

/// Helpers that a client starts at once, at one terminal, under a passphrase that is typed.
@Suite(.serialized) struct ParallelPromptTests {
    private static let numbers = Sandbox.isSoak ? [3, 8, 32] : [3, 8]
    private static let runs = Sandbox.isSoak ? 20 : 1

    @Test(arguments: numbers, [0, 1, 2])
    func eachIsGivenItsLoginAndThePassphraseIsTypedOncePerQuestion(
        helpers: Int, wrongFirst: Int
    ) throws {
        for _ in 0..<Self.runs {
            let party = try Party(helpers)
            let typed = try party.run(wrongFirst: wrongFirst)
            #expect(party.logins == helpers)
            #expect(typed == helpers * (wrongFirst + 1))
            party.expectTerminalAsBefore()
        }
    }

    /// The lock of one home says nothing to another; the terminal is the same.
    @Test func helpersOfDifferentStateFoldersTakeTurnsToo() throws {
        for _ in 0..<Self.runs {
            let party = try Party(4, each: #"export XDG_STATE_HOME="$HOME/state.$1""#)
            #expect(try party.run() == 4)
            #expect(party.logins == 4)
            party.expectTerminalAsBefore()
        }
    }

    @Test(arguments: ["/proc/nowhere", "/dev/null"])
    func helpersWithoutAStateFolderTakeTurnsToo(folder: String) throws {
        let party = try Party(4, each: "export XDG_STATE_HOME=\(folder)")
        #expect(try party.run() == 4)
        #expect(party.logins == 4)
        party.expectTerminalAsBefore()
    }

    enum End: CaseIterable { case controlC, terminated, quit, hungUp }

    @Test(arguments: numbers, End.allCases)
    func whateverEndsThemAllTheTerminalIsAsBefore(helpers: Int, end: End) throws {
        for run in 0..<(Sandbox.isSoak ? 20 : 3) {
            let party = try Party(helpers)
            // A quarter of the runs each before and at the first questions, and later.
            let delay = Double.random(in: 0...(0.05 * Double(helpers * (run % 4 + 1))))
            _ = try party.run(wrongFirst: run % 2, end: end, after: delay)
            party.expectTerminalAsBefore()
        }
    }

    @Test func questionsThatNobodyAnswersEndOneAfterTheOther() throws {
        let party = try Party(3, each: "export KEYFOB_PROMPT_TIMEOUT=1")
        #expect(try party.run(answers: false) == 0)
        #expect(party.logins == 0)
        #expect(party.terminal.screen.count(of: Party.question) == 3)
        party.expectTerminalAsBefore()
    }
}

/// Several helpers, and the person who answers them.
private struct Party {
    static let question = "Keyfob: passphrase for h.example: "
    private static let right = "correct horse"
    private static let wrong = "battery staple"

    let sandbox: Sandbox
    let terminal: PseudoTerminal
    private let settings: [UInt32]
    private let program: Program
    private let helpers: Int

    /// `each` is a line of sh that each helper's shell runs first; its `$1` is the helper's number.
    init(_ helpers: Int, each: String = ":") throws {
        self.helpers = helpers
        sandbox = try Sandbox.withFile(passphrase: Party.right)
        terminal = try PseudoTerminal()
        settings = terminal.settings
        // xargs, as docker and compose do, starts them in its own process group, and they take
        // signals as usual.
        let one =
            each + "; echo h.example | docker-credential-keyfob get"
            + #" >"$HOME/answer.$1" 2>"$HOME/errors.$1""#
        var program = sandbox.program([
            "bash", "-c", #"seq "$1" | xargs -P "$1" -I {} sh -c "$2" sh {}; touch "$HOME/over""#,
            "bash", "\(helpers)", one,
        ])
        program.terminal = terminal
        program.deadline = .seconds(180)
        self.program = program
    }

    /// Types an answer to each question until all have ended, and returns how many were typed.
    func run(
        wrongFirst: Int = 0, end: ParallelPromptTests.End? = nil, after delay: Double = 0,
        answers: Bool = true
    ) throws -> Int {
        let start = ContinuousClock.now
        let running = try program.start()
        let isOver = { sandbox.read("home/over") != nil }
        var typed = 0
        while !isOver() {
            if let end, start.duration(to: .now) > .seconds(delay) {
                switch end {
                case .controlC: terminal.type("\u{3}")
                case .quit: terminal.type("\u{1C}")
                case .terminated: running.signal(SIGTERM)
                case .hungUp: running.signal(SIGHUP)
                }
                break
            }
            let screen = terminal.screen
            if answers, screen.count(of: Party.question) > typed {
                // A question that follows on a wrong answer says so above itself.
                let last = screen.components(separatedBy: Party.question).dropLast().last ?? ""
                let left = last.contains("(2 left)") ? 2 : last.contains("(1 left)") ? 1 : 3
                terminal.type((left > 3 - wrongFirst ? Party.wrong : Party.right) + "\n")
                typed += 1
            }
            guard start.duration(to: .now) < .seconds(170) else {
                throw SandboxError("the helpers did not end: \(terminal.screen.suffix(200))")
            }
            usleep(2000)
        }
        _ = try running.finish()
        return typed
    }

    /// How many helpers have answered with the login.
    var logins: Int {
        (1...helpers).filter {
            sandbox.text("home/answer.\($0)")
                == #"{"ServerURL":"h.example","Username":"u","Secret":"s"}"# + "\n"
        }.count
    }

    func expectTerminalAsBefore(sourceLocation: SourceLocation = #_sourceLocation) {
        // Who has been killed with the shell ends a moment later.
        let end = ContinuousClock.now + .seconds(5)
        while terminal.settings != settings, ContinuousClock.now < end { usleep(1000) }
        #expect(terminal.settings == settings, sourceLocation: sourceLocation)
        for word in ["corr", "horse", "batt", "staple"] {
            #expect(!terminal.screen.contains(word), sourceLocation: sourceLocation)
        }
    }
}
