import Foundation
import Sandbox
import Testing

/// A file that is unlocked once: whom it opens for, for how long, and what ends that. Each test is a
/// user of its own, since the kernel keeps keys for a user and not for a home.
@Suite(.enabled(if: geteuid() == 0, "only root can be several users"))
struct UnlockTests {
    @Test func itOpensForManyAtOnceAndThenForNobody() throws {
        let vault = try Vault()
        #expect(try vault.unlock("--for", "5s").succeeded)
        let start = ContinuousClock.now
        let many = try vault.sandbox.run(
            "sh", "-c",
            """
            cd "$TMPDIR"
            for number in $(seq 64); do
                printf %s "$0" | setsid -w docker-credential-keyfob get >"$number" 2>&1 &
            done
            wait
            cat $(seq 64) | sort | uniq -c
            """, vault.login.server)
        // A slow machine says nothing about those that came too late.
        if start.duration(to: .now) < .seconds(4) {
            let isForAll = many.output == "     64 \(vault.login.answer)"
            #expect(isForAll)
        } else {
            print("64 gets took longer than 4 s: not judged")
        }
        usleep(UInt32(max(0, (Duration.seconds(6) - start.duration(to: .now)) / .microseconds(1))))
        try vault.expectLocked()
        try vault.expectNo { _ in true }
    }

    /// cron, su and a service have no session of the user's; @u is theirs all the same.
    @Test(arguments: Vault.places) func everyProcessOfTheUserOpensTheFile(
        name: String, command: String
    ) throws {
        let vault = try Vault.ofRoot()
        #expect(try vault.unlock("--for", "100s").succeeded)
        let answer = try vault.asUser(vault.command(command)).output
        let isOpen = answer == vault.login.answer
        #expect(isOpen)
    }

    @Test(arguments: Vault.places) func theScopeOfASessionIsThatSessionAlone(
        name: String, command: String
    ) throws {
        let vault = try Vault.ofRoot()
        let outcome = try vault.sandbox.run(
            "sh", "-c",
            """
            cd "$TMPDIR"
            echo \(vault.passphrase) >typed
            keyctl session - sh -c '
                keyfob unlock --scope session --for 100s --password-stdin <typed >/dev/null
                sh \(vault.script)
                touch ready
                for second in $(seq 60); do [ -e done ] || sleep 1; done
            ' 2>/dev/null &
            for second in $(seq 60); do [ -e ready ] || sleep 1; done
            \(vault.command(command))
            touch done
            wait
            """)
        let (own, other) = (vault.login.answer, vault.lockedAnswer)
        let isItsOwn = outcome.output == own + other
        #expect(isItsOwn)
    }

    @Test(arguments: ["sh -c", "keyctl session _uid_ses.x sh -c"])
    func withoutASessionOfItsOwnTheScopeIsRefused(shell: String) throws {
        let vault = try Vault()
        let outcome = try vault.sandbox.program(
            shell.split(separator: " ").map(String.init)
                + ["keyfob unlock --scope session --password-stdin"],
            input: Array("\(vault.passphrase)\n".utf8)
        ).run()
        #expect(outcome.status == 1)
        #expect(
            outcome.errors.contains(Sentence.expanding("keyfob: error: <no-login-session>\n")))
        try vault.expectNo { _ in true }
    }

    /// With its number in hand.
    @Test func anotherUserIsGivenNothing() throws {
        let vault = try Vault()
        #expect(try vault.unlock().succeeded)
        let number = try #require(try vault.keys().first?.number)
        for command in [
            "setpriv --reuid 65534 --clear-groups keyctl pipe \(number)",
            "sudo -u nobody keyctl pipe \(number)",
        ] {
            let outcome = try vault.asRoot(command)
            #expect(!outcome.succeeded && outcome.output == "")
            #expect(outcome.errors.contains("Permission denied"))
        }
        let helper = try vault.asRoot(
            """
            sudo -u nobody env HOME="$HOME" XDG_DATA_HOME="$XDG_DATA_HOME" KEYFOB_STORE=file \
                \(Sandbox.products)/docker-credential-keyfob get <<<'\(vault.login.server)'
            """)
        #expect(!helper.succeeded)
        #expect(helper.output != vault.login.answer)
    }

    /// Nor where the other user's program runs in the user's session, and so possesses the keys that are
    /// linked there.
    @Test func anotherUserInTheSessionIsGivenNothing() throws {
        let vault = try Vault.ofRoot()
        #expect(try vault.unlock("--for", "100s").succeeded)
        let number = try #require(try vault.keyOfFile()?.number)
        let outcome = try vault.sandbox.run(
            "keyctl", "session", "-", "sh", "-c",
            "keyctl link @u @s; keyctl pipe \(number) | wc -c; sudo -u nobody keyctl pipe \(number)"
        )
        #expect(outcome.output == "41\n")
        #expect(outcome.errors.contains("Permission denied"))
    }

    @Test func whatNeedsAllLoginsAsksForNothing() throws {
        let vault = try Vault()
        #expect(try vault.unlock().succeeded)
        for command in [
            "docker-credential-keyfob list", "keyfob list",
            "keyfob export --client docker --dry-run",
            "keyfob logout --all --non-interactive",
        ] {
            let outcome = try vault.asUser("setsid -w \(command)")
            #expect(outcome.output.contains("registry.example"), "\(command): \(outcome)")
        }
        #expect(try vault.asUser("setsid -w docker-credential-keyfob list").output == "{}\n")
    }

    // MARK: What ends it

    @Test func lockLeavesNoKeyOfTwoFilesAndTwoScopes() throws {
        let vault = try Vault()
        #expect(try vault.unlock().succeeded)
        let outcome = try vault.sandbox.run(
            "keyctl", "session", "-", "sh", "-c",
            """
            exec 2>&1
            export XDG_DATA_HOME=$HOME/other
            echo '\(vault.login.json)' |
                KEYFOB_PASSPHRASE=\(vault.passphrase) docker-credential-keyfob store
            keyfob unlock --scope session --password-stdin >/dev/null
            grep -c keyfob:file: /proc/keys
            keyctl session - sh -c 'keyfob status | grep ^note:.*kernel; keyfob lock'
            grep -c keyfob: /proc/keys
            """, input: vault.passphrase + "\n")
        #expect(
            outcome.output.split(separator: "\n").filter { !$0.hasPrefix("Joined") } == [
                "2",
                "note: the kernel keeps a key of the file that this process is not given",
                "no encrypted file is unlocked", "0",
            ])
        try vault.expectLocked()
    }

    @Test func lockSaysWhatRemainsAndWhatItCannotSee() throws {
        let vault = try Vault()
        #expect(try vault.unlock().succeeded)
        let kept = try vault.traced("keyctl:retval=0", "keyfob", "lock")
        #expect(kept.status == 1)
        #expect(
            kept.errors.contains(
                "keyfob: error: the kernel still keeps 1 of Keyfob's keys: keyfob:file:"))
        let hidden = try vault.sandbox.run(
            "unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
            "mount --bind /dev/null /proc/keys; keyfob lock")
        #expect(hidden.status == 1)
        #expect(hidden.errors.contains(Sentence.expanding("keyfob: error: <kernel-hides-keys>\n")))
        #expect(try vault.sandbox.run("keyfob", "lock").succeeded)
        try vault.expectNo { _ in true }
    }

    @Test(arguments: ["change", "remove", "rekey"])
    func aNewKeyOfTheFileEndsItAlsoForAnOlderCopy(change: String) throws {
        let vault = try Vault()
        let copy = try #require(vault.sandbox.read(Vault.file))
        #expect(try vault.unlock().succeeded)
        #expect(try vault.get() == vault.login.answer)
        // The passphrase is asked for, though the file is unlocked.
        let words = ["keyfob", "passphrase", change] + (change == "change" ? ["--stdin"] : [])
        let refused = try vault.sandbox.program(words, input: Array("another\n".utf8)).run()
        #expect(refused.status == 4)
        #expect(try vault.get() == vault.login.answer)
        let changed = try vault.sandbox.program(
            words, input: Array("another\n".utf8),
            environment: ["KEYFOB_PASSPHRASE": vault.passphrase]
        ).run()
        #expect(changed.succeeded, "\(changed)")
        try vault.expectNo { _ in true }
        if change != "remove" { try vault.expectLocked() }
        try vault.replaceFile(with: copy)
        try vault.expectLocked()
    }

    @Test func aReleasedKeyOpensNothing() throws {
        let vault = try Vault()
        #expect(try vault.unlock().succeeded)
        let key = try #require(try vault.keys().first)
        let payload = try vault.asUser("keyctl pipe \(key.number)").outputBytes
        #expect(payload.count == 41)
        // Another file in its place; then the key of the first under the name of the second.
        try vault.replaceFile(with: [])
        #expect(try vault.get() != vault.login.answer)
        try FileManager.default.removeItem(atPath: vault.sandbox.file(Vault.file))
        try vault.store()
        try vault.expectLocked()
        #expect(try vault.unlock().succeeded)
        let second = try #require(try vault.keys().last { $0.name != key.name })
        let written = try vault.sandbox.run(
            "keyctl", "pupdate", second.number, input: payload)
        #expect(written.succeeded)
        try vault.expectLocked()
        #expect(try !vault.keys().contains { $0.name == second.name })
    }

    // MARK: What fails

    /// Whatever a call of the kernel's answers, a get is as without the key, and unlock says why.
    @Test(arguments: ["EPERM", "ENOSYS", "EDQUOT", "EKEYEXPIRED", "EKEYREVOKED", "EACCES"])
    func aKernelThatRefusesIsAsNone(error: String) throws {
        let vault = try Vault()
        let before = try vault.sandbox.run(
            "docker-credential-keyfob", "get", input: vault.login.server)
        for call in ["add_key", "keyctl"] {
            let unlock = try vault.traced(
                "\(call):error=\(error)", "keyfob", "unlock", "--password-stdin",
                input: vault.passphrase + "\n")
            #expect(unlock.status == 1)
            #expect(
                unlock.errors.contains("keyfob: error: the kernel keeps no key")
                    && unlock.errors.contains("so the file stays locked: "))
        }
        try vault.expectNo { _ in true }
        #expect(try vault.unlock().succeeded)
        let get = try vault.traced(
            "keyctl:error=\(error)", "docker-credential-keyfob", "get", input: vault.login.server)
        #expect((get.output, get.errors) == (before.output, before.errors))
        #expect(get.status == 1)
    }

    /// Each call of publishing fails, or the process dies before it.
    @Test func noKeyIsWithoutATimeWhateverFails() throws {
        let vault = try Vault()
        var runs = 0
        for (call, most) in [("add_key", 1), ("keyctl", 8)] {
            for fault in ["error=EIO", "signal=KILL"] {
                for number in 1...most {
                    let unlock = try vault.traced(
                        "\(call):\(fault):when=\(number)", "keyfob", "unlock",
                        "--password-stdin", input: vault.passphrase + "\n")
                    try vault.expectNo { $0.time == "perm" }
                    let opens = try vault.get() == vault.login.answer
                    #expect(!unlock.succeeded || opens, "\(call) \(fault) \(number)")
                    _ = try vault.sandbox.run("keyfob", "lock")
                    try vault.expectNo { _ in true }
                    runs += 1
                }
            }
        }
        print("publishing: \(runs) runs with a fault")
    }

    @Test func killedAtAnyMomentItLeavesNoKeyWithoutATime() throws {
        let vault = try Vault()
        let copy = try #require(vault.sandbox.read(Vault.file))
        var opened = 0
        for run in 0..<(Sandbox.isSoak ? 200 : 12) {
            try vault.replaceFile(with: copy)
            if run % 3 > 0 { _ = try vault.unlock("--for", "50s") }
            let words = [
                ["unlock", "--password-stdin"], ["lock"], ["passphrase", "change", "--stdin"],
            ][run % 3]
            let program = try vault.sandbox.program(
                ["keyfob"] + words, input: Array("\(vault.passphrase)\n".utf8),
                environment: words.count == 3 ? ["KEYFOB_PASSPHRASE": vault.passphrase] : [:]
            ).start()
            usleep(.random(in: 0...400_000))
            program.signal(SIGKILL)
            _ = try program.finish()
            try vault.expectNo { $0.time == "perm" }
            // The key opens what it is for. A file whose passphrase was changed is another.
            let isChanged = vault.sandbox.read(Vault.file) != copy
            let answer = try vault.get()
            #expect(answer == vault.login.answer || answer == vault.lockedAnswer)
            if isChanged {
                #expect(answer == vault.lockedAnswer)
                try vault.replaceFile(with: copy)
                try vault.expectLocked()
            }
            opened += answer == vault.login.answer ? 1 : 0
            #expect(try vault.sandbox.run("keyfob", "lock").succeeded)
            try vault.expectNo { _ in true }
        }
        print("killed: the file was unlocked after \(opened) runs")
    }
}
