import Foundation
import Sandbox
import Testing

/// A lock that another process holds and does not release: each wait for one has a deadline.
@Suite struct HeldLockTests {
    private static let store = "home/.local/share/keyfob/credentials"
    /// 15 s, and what a program takes besides on a busy machine.
    private static let patience = 20.0

    /// What is run, and whether it needs the lock.
    private struct Request {
        let words: [String]
        var input = ""
        let needsLock: Bool
    }

    private static let requests = [
        Request(words: ["docker-credential-keyfob", "get"], input: "a.example", needsLock: false),
        Request(words: ["docker-credential-keyfob", "list"], needsLock: false),
        Request(words: ["docker-credential-keyfob", "erase"], input: "a.example", needsLock: true),
        Request(
            words: ["docker-credential-keyfob", "store"],
            input: #"{"ServerURL":"a.example","Username":"v","Secret":"t"}"#, needsLock: true),
        // A parent may block all signals, also the one that ends the wait.
        Request(
            words: ["env", "--block-signal", "docker-credential-keyfob", "erase"],
            input: "b.example", needsLock: true),
        Request(
            words: ["git-credential-keyfob", "store"],
            input: "protocol=https\nhost=a.example\nusername=u\npassword=p\n", needsLock: true),
        Request(words: ["keyfob", "status"], needsLock: false),
        Request(words: ["keyfob", "list"], needsLock: false),
        Request(words: ["keyfob", "token", "a.example"], needsLock: false),
        Request(
            words: ["keyfob", "exec", "a.example", "--env", "T", "--", "true"], needsLock: false),
        Request(
            words: ["keyfob", "login", "--no-verify", "-u", "w", "--password-stdin", "a.example"],
            input: "pw", needsLock: true),
        Request(words: ["keyfob", "logout", "a.example"], needsLock: true),
        Request(words: ["keyfob", "logout", "--all", "--non-interactive"], needsLock: true),
        Request(words: ["keyfob", "logout", "--all", "--dry-run"], needsLock: false),
        Request(words: ["keyfob", "import"], needsLock: true),
        Request(
            words: ["keyfob", "export", "--client", "docker", "--dry-run"], needsLock: false),
        Request(words: ["keyfob", "passphrase", "set", "--stdin"], input: "x", needsLock: true),
        Request(words: ["keyfob", "passphrase", "rekey"], needsLock: true),
        Request(words: ["keyfob", "setup", "docker", "--dry-run"], needsLock: false),
    ]

    @Test func everyRequestEndsAndNothingIsChanged() throws {
        let sandbox = try Sandbox()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        for server in ["a.example", "b.example", "c.example"] {
            let stored = try sandbox.run(
                "docker-credential-keyfob", "store",
                input: #"{"ServerURL":"\#(server)","Username":"u","Secret":"s"}"#)
            try #require(stored.succeeded)
        }
        // Several logins of which each needs the lock: their waits must not add up.
        let plain = ["d.example", "e.example", "f.example"]
            .map { #""\#($0)":{"auth":"dTpw"}"# }.joined(separator: ",")
        try sandbox.write(#"{"auths":{\#(plain)}}"#, to: "home/.docker/config.json")
        let before = sandbox.read(Self.store)
        let lock = try HeldLock(sandbox.file(Self.store + ".lock"))

        let running = try Self.requests.map { request in
            var program = sandbox.program(request.words, input: Array(request.input.utf8))
            program.deadline = .seconds(60)
            return try program.start()
        }
        // Those that need no lock first: they have ended long before the others.
        let all = Array(zip(Self.requests, running))
        for (request, program) in all.filter({ !$0.0.needsLock }) + all.filter(\.0.needsLock) {
            let name = request.words.joined(separator: " ")
            let outcome = try program.finish()
            if Sandbox.isSoak {
                print("\(name): status \(outcome.status) in \(outcome.seconds) s")
            }
            #expect(outcome.seconds < Self.patience, "\(name)")
            guard request.needsLock else { continue }
            #expect(outcome.status == 1, "\(name)")
            // A logout says it of the place, in its answer.
            let words = outcome.output + outcome.errors
            #expect(words.contains("is locked by another process"), "\(name)")
        }
        #expect(sandbox.read(Self.store) == before)
        lock.release()
        let stored = try sandbox.run(
            "docker-credential-keyfob", "store",
            input: #"{"ServerURL":"a.example","Username":"v","Secret":"t"}"#)
        #expect(stored.succeeded)
    }

    @Test(arguments: [["docker-credential-keyfob", "store"], ["git-credential-keyfob", "store"]])
    func theLockOfTheGeneratedKeyIsGivenUpToo(words: [String]) throws {
        let sandbox = try Sandbox()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        try sandbox.makeFolder("home/.local/state/keyfob")
        let lock = try HeldLock(sandbox.file("home/.local/state/keyfob/key.lock"))
        var program = sandbox.program(words)
        program.input = Array(
            (words[0].hasPrefix("git")
                ? "protocol=https\nhost=a.example\nusername=u\npassword=p\n"
                : #"{"ServerURL":"a.example","Username":"v","Secret":"t"}"#).utf8)
        program.deadline = .seconds(60)
        let outcome = try program.run()
        #expect(outcome.status == 1)
        #expect(outcome.seconds < Self.patience)
        #expect(outcome.errors.contains("is locked by another process"))
        #expect(sandbox.read(Self.store) == nil)
        lock.release()
    }

    /// It held the lock while a person typed.
    @Test(arguments: [["store"], ["erase"]])
    func whoAsksForAPassphraseHoldsNoLock(action: [String]) throws {
        let sandbox = try Sandbox()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        let login = #"{"ServerURL":"a.example","Username":"u","Secret":"s"}"#
        func store() throws -> Outcome {
            try sandbox.run(
                "docker-credential-keyfob", "store", input: login,
                environment: ["KEYFOB_PASSPHRASE": "correct horse"])
        }
        try #require(try store().succeeded)
        let terminal = try PseudoTerminal()
        var program = sandbox.program(
            ["docker-credential-keyfob"] + action,
            input: Array((action == ["store"] ? login : "a.example").utf8))
        program.terminal = terminal
        let running = try program.start()
        try terminal.wait(for: "Keyfob: passphrase for a.example: ")
        let outcome = try store()
        #expect(outcome.succeeded)
        #expect(outcome.seconds < 10)
        terminal.type("correct horse\n")
        #expect(try running.finish().succeeded)
    }

    /// The passphrase is another one by the time it has been typed: it is asked for again.
    @Test func aPassphraseThatIsChangedWhileTheOldOneIsTypedIsAskedForAgain() throws {
        let sandbox = try Sandbox()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        let login = #"{"ServerURL":"a.example","Username":"u","Secret":"s"}"#
        let stored = try sandbox.run(
            "docker-credential-keyfob", "store", input: login,
            environment: ["KEYFOB_PASSPHRASE": "old"])
        try #require(stored.succeeded)
        let terminal = try PseudoTerminal()
        var program = sandbox.program(
            ["docker-credential-keyfob", "get"], input: Array("a.example".utf8))
        program.terminal = terminal
        let running = try program.start()
        let question = "Keyfob: passphrase for a.example: "
        try terminal.wait(for: question)
        let changed = try sandbox.run(
            "keyfob", "passphrase", "change", "--stdin", input: "new\n",
            environment: ["KEYFOB_PASSPHRASE": "old"])
        try #require(changed.succeeded)
        terminal.type("old\n")
        try terminal.wait(for: question, times: 2)
        terminal.type("new\n")
        #expect(try running.finish().output == login + "\n")
    }

    @Test(
        .enabled(if: Sandbox.isSoak),
        arguments: [
            "keyfob login --no-verify -u u --password-stdin x.example",
            "keyfob passphrase set --stdin",
        ])
    func standardInputThatNobodyWritesToIsGivenUpAfterAMinute(command: String) throws {
        let sandbox = try Sandbox()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        var program = sandbox.program([
            "bash", "-c", #"mkfifo "$HOME/pipe"; exec 3<>"$HOME/pipe"; exec $1 <&3"#, "bash",
            command,
        ])
        program.deadline = .seconds(100)
        let outcome = try program.run()
        #expect(outcome.status == 4)
        #expect((55...75).contains(outcome.seconds))
        #expect(sandbox.read(Self.store) == nil)
    }

    /// A minute is what a person is given.
    @Test(.enabled(if: Sandbox.isSoak))
    func anotherQuestionThatStandsForEverIsGivenUpAfterAMinute() throws {
        let sandbox = try Sandbox()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        let stored = try sandbox.run(
            "docker-credential-keyfob", "store",
            input: #"{"ServerURL":"a.example","Username":"u","Secret":"s"}"#,
            environment: ["KEYFOB_PASSPHRASE": "correct horse"])
        try #require(stored.succeeded)
        let words = [
            ["docker-credential-keyfob", "list"], ["keyfob", "list"],
            ["keyfob", "token", "a.example"],
            ["keyfob", "logout", "--all"], ["keyfob", "passphrase", "change"],
            ["keyfob", "login", "--no-verify", "-u", "u", "x.example"],
        ]
        let folder = "home/.local/state/keyfob"
        try sandbox.makeFolder(folder)
        let lock = try HeldLock(sandbox.file(folder + "/prompt.lock"))
        let terminals = try words.map { _ in try PseudoTerminal() }
        let running = try zip(words, terminals).map { words, terminal in
            var program = sandbox.program(words)
            program.terminal = terminal
            program.deadline = .seconds(100)
            return try program.start()
        }
        for (words, program) in zip(words, running) {
            let outcome = try program.finish()
            let name = words.joined(separator: " ")
            print("\(name): status \(outcome.status) in \(outcome.seconds) s")
            #expect(outcome.status == (words[0] == "keyfob" ? 4 : 1), "\(name)")
            #expect((55...75).contains(outcome.seconds), "\(name)")
        }
        #expect(terminals.allSatisfy { $0.screen.isEmpty })
        lock.release()
    }
}

/// A lock file that is held until it is released.
private final class HeldLock {
    private let file: Int32

    init(_ path: String) throws {
        file = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600 as mode_t)
        try #require(file >= 0)
        try #require(flock(file, LOCK_EX | LOCK_NB) == 0)
    }

    deinit { close(file) }

    func release() { flock(file, LOCK_UN) }
}
