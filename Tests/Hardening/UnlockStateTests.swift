import Foundation
import Sandbox
import Testing

/// Whether what unlock, lock and a change of the passphrase say of the file is so, whatever another
/// process does meanwhile and whatever the kernel refuses.
@Suite(.enabled(if: geteuid() == 0, "only root can be several users"))
struct UnlockStateTests {
    private static let question = "Keyfob: passphrase for "

    let vault: Vault
    let terminal: PseudoTerminal

    init() throws {
        vault = try Vault()
        terminal = try PseudoTerminal()
        try #require(unsafe chmod(terminal.path, 0o666) == 0)
    }

    // MARK: A key of the former passphrase

    @Test func theFormerPassphraseThatIsTypedIsNotKept() throws {
        let copy = try #require(vault.sandbox.read(Vault.file))
        let get = try start(
            ["sh", "-c", "echo \(vault.login.server) | docker-credential-keyfob get"],
            ["KEYFOB_UNLOCK_FOR": "1h"])
        try terminal.wait(for: Self.question)
        #expect(try change().succeeded)
        terminal.type(vault.passphrase + "\n")
        // It is asked for again, since the file has another.
        try terminal.wait(for: Self.question, times: 2)
        try vault.expectNo { _ in true }
        terminal.type("another\n")
        let isAnswered = try get.finish().output == vault.login.answer
        #expect(isAnswered)
        #expect(try vault.keys().count == 1)
        try vault.replaceFile(with: copy)
        try vault.expectLocked()
    }

    /// The new file is written slowly, and the former passphrase unlocks the old one just then.
    @Test func nobodyUnlocksWithTheFormerPassphraseDuringTheChange() throws {
        let copy = try #require(vault.sandbox.read(Vault.file))
        let change = try vault.sandbox.program(
            [
                "strace", "-f", "-o", vault.sandbox.file("home/trace"), "-e",
                "trace=fsync,fdatasync", "-e",
                "inject=fsync,fdatasync:delay_enter=2000000:when=1", "keyfob", "passphrase",
                "change", "--stdin",
            ], input: Array("another\n".utf8),
            environment: ["KEYFOB_PASSPHRASE": vault.passphrase]
        ).start()
        let end = ContinuousClock.now + .seconds(20)
        while vault.sandbox.text("home/trace")?.contains("sync(") != true,
            ContinuousClock.now < end
        { usleep(10_000) }
        let unlock = try vault.unlock()
        #expect(try change.finish().succeeded)
        #expect(!unlock.succeeded, "\(unlock)")
        try vault.expectNo { _ in true }
        try vault.replaceFile(with: copy)
        try vault.expectLocked()
    }

    @Test(arguments: ["change", "remove", "rekey"])
    func aChangeTellsOfAKeyThatRemains(change: String) throws {
        #expect(try vault.unlock().succeeded)
        let words = ["passphrase", change] + (change == "change" ? ["--stdin"] : [])
        let outcome = try vault.sandbox.program(
            [
                "strace", "-f", "-o", "/dev/null", "-e", "trace=keyctl", "-e",
                "inject=keyctl:error=EPERM", "keyfob",
            ] + words + ["--json"], input: Array("another\n".utf8),
            environment: ["KEYFOB_PASSPHRASE": vault.passphrase]
        ).run()
        #expect(outcome.status == 1)
        #expect(outcome.output.contains(#""code":"file-stays-unlocked""#), "\(outcome)")
        // It was changed all the same, and the key does not open what is there now.
        if change == "change" {
            let get = try vault.sandbox.run(
                "docker-credential-keyfob", "get", input: vault.login.server,
                environment: ["KEYFOB_PASSPHRASE": "another"])
            #expect(get.succeeded)
        }
        if change != "remove" { try vault.expectLocked() }
        #expect(try vault.sandbox.run("keyfob", "lock").succeeded)
    }

    /// Containers hide the keys, so that is no failure: most have never unlocked the file.
    @Test func aChangeTellsThatItCannotSeeTheKeys() throws {
        let outcome = try vault.sandbox.program(
            [
                "unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
                "mount --bind /dev/null /proc/keys; keyfob passphrase change --stdin --json",
            ], input: Array("another\n".utf8),
            environment: ["KEYFOB_PASSPHRASE": vault.passphrase]
        ).run()
        #expect(outcome.status == 0)
        #expect(outcome.errors.contains("may still be unlocked"), "\(outcome)")
    }

    // MARK: Who waits

    @Test func whoWaitedIsNotAskedAgain() throws {
        let gets = try start(
            [
                "sh", "-c",
                """
                for number in 1 2 3; do
                    echo \(vault.login.server) | docker-credential-keyfob get &
                done
                wait
                """,
            ], ["KEYFOB_UNLOCK_FOR": "1h"])
        try terminal.wait(for: Self.question)
        sleep(1)
        terminal.type(vault.passphrase + "\n")
        let isForAll =
            try gets.finish().output == String(repeating: vault.login.answer, count: 3)
        #expect(isForAll)
        #expect(terminal.screen.count(of: Self.question) == 1)
    }

    /// The first question is declined: what the second process waits for is `keyfob unlock`.
    @Test func whoWaitsWhileTheFileIsUnlockedElsewhereIsNotAsked() throws {
        let gets = try start([
            "sh", "-c",
            """
            for number in 1 2; do
                echo \(vault.login.server) | docker-credential-keyfob get 2>/dev/null &
            done
            wait
            """,
        ])
        try terminal.wait(for: Self.question)
        sleep(1)
        #expect(try vault.unlock().succeeded)
        terminal.type("\n")
        let output = try gets.finish().output
        let isAnswered = output.contains(vault.login.answer)
        #expect(isAnswered)
        #expect(terminal.screen.count(of: Self.question) == 1)
    }

    // MARK: Lock

    @Test(arguments: ["EPERM", "ENOSYS"])
    func lockSeesAKeyWhereTheCallsAreForbidden(error: String) throws {
        #expect(try vault.unlock().succeeded)
        let lock = try vault.traced("keyctl:error=\(error)", "keyfob", "lock", "--json")
        #expect(lock.status == 1)
        #expect(lock.output.contains(#""code":"file-stays-unlocked""#), "\(lock)")
        #expect(try vault.sandbox.run("keyfob", "lock").succeeded)
    }

    /// Neither a key that waits for its end nor one that has expired.
    @Test(arguments: [0, 4]) func lockLeavesNoLineInTheTable(wait: UInt32) throws {
        for scope in ["user", "session"] {
            let outcome = try vault.sandbox.run(
                "keyctl", "session", "-", "sh", "-c",
                """
                keyfob unlock --scope \(scope) --for \(wait == 0 ? "1h" : "3s") \
                    --password-stdin >/dev/null
                sleep \(wait)
                grep -c keyfob: /proc/keys
                keyfob lock
                grep -c keyfob: /proc/keys
                """, input: vault.passphrase + "\n")
            #expect(outcome.output == "1\nno encrypted file is unlocked\n0\n", "\(outcome)")
        }
    }

    @Test func lockLocksWhateverTheSettingsAre() throws {
        #expect(try vault.unlock().succeeded)
        let lock = try vault.sandbox.run(
            "keyfob", "lock", environment: ["KEYFOB_ACCOUNT": ".."])
        #expect(lock.status == 1)
        try vault.expectNo { _ in true }
        try vault.expectLocked()
    }

    // MARK: Unlock

    @Test(arguments: ["add_key:error=EDQUOT", "keyctl:error=EIO:when=1"])
    func unlockThatFailsSaysWhetherTheFileIsUnlocked(fault: String) throws {
        for isUnlocked in [false, true] {
            if isUnlocked { #expect(try vault.unlock().succeeded) }
            let outcome = try vault.traced(
                fault, "keyfob", "unlock", "--password-stdin", input: vault.passphrase + "\n")
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("stays locked") == !isUnlocked)
            #expect(outcome.errors.contains("stays unlocked") == isUnlocked)
            let isOpen = try vault.get() == vault.login.answer
            #expect(isOpen == isUnlocked)
        }
    }

    /// Whichever of the kernel's calls fails.
    @Test func unlockThatFailsLeavesTheFileLocked() throws {
        for number in 1...8 {
            let outcome = try vault.traced(
                "keyctl:error=ENOKEY:when=\(number)", "keyfob", "unlock", "--password-stdin",
                input: vault.passphrase + "\n")
            let isOpen = try vault.get() == vault.login.answer
            #expect(outcome.succeeded == isOpen, "\(number): \(outcome)")
            #expect(try vault.sandbox.run("keyfob", "lock").succeeded)
        }
    }

    @Test(
        arguments: [
            ["KEYFOB_UNLOCK_SCOPE": "Session"], ["KEYFOB_UNLOCK_FOR": "8d"],
            ["KEYFOB_PROMPT_TIMEOUT": "0"],
        ])
    func aSettingThatIsNotValidUnlocksNothing(setting: [String: String]) throws {
        let refused = try vault.sandbox.run(
            "keyfob", "unlock", "--password-stdin", "--json", input: vault.passphrase + "\n",
            environment: setting)
        #expect(refused.status == 1)
        #expect(refused.output.contains(#""code":"bad-configuration""#), "\(refused)")
        try vault.expectNo { _ in true }
        let get = try start(
            ["sh", "-c", "echo \(vault.login.server) | docker-credential-keyfob get"],
            ["KEYFOB_UNLOCK_FOR": "1h"].merging(setting) { $1 })
        try terminal.wait(for: Self.question)
        terminal.type(vault.passphrase + "\n")
        let isAnswered = try get.finish().output == vault.login.answer
        #expect(isAnswered)
        try vault.expectNo { _ in true }
    }

    @Test func aTimeThatIsTooLongIsToldTheLongest() throws {
        let outcome = try vault.unlock("--for", "8d")
        #expect(outcome.status == 2)
        #expect(outcome.errors.contains("7d"))
        try vault.expectNo { _ in true }
    }

    /// A hint names what works with the same settings.
    @Test func theHintOfALockedFileWorks() throws {
        for command in ["docker-credential-keyfob get", "keyfob unlock"] {
            let outcome = try vault.sandbox.run(
                "sh", "-c", "echo \(vault.login.server) | \(command)",
                environment: ["KEYFOB_PROMPT": "never"])
            #expect(outcome.errors.contains("hint: keyfob unlock --password-stdin"), "\(outcome)")
        }
    }

    // MARK: A key that is replaced

    /// The kernel says so of a key that was replaced after it was found.
    @Test func aKeyThatIsReplacedMeanwhileIsSearchedForAgain() throws {
        #expect(try vault.unlock().succeeded)
        let get = try vault.traced(
            "keyctl:error=ENOKEY:when=2", "docker-credential-keyfob", "get",
            input: vault.login.server)
        let isAnswered = get.output == vault.login.answer
        #expect(isAnswered)
    }

    // MARK: How

    private func change() throws -> Outcome {
        try vault.sandbox.program(
            ["keyfob", "passphrase", "change", "--stdin"], input: Array("another\n".utf8),
            environment: ["KEYFOB_PASSPHRASE": vault.passphrase]
        ).run()
    }

    private func start(
        _ words: [String], _ environment: [String: String] = [:]
    ) throws -> RunningProgram {
        var program = vault.sandbox.program(words, environment: environment)
        program.terminal = terminal
        return try program.start()
    }
}
