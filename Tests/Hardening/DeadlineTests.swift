import Foundation
import Sandbox
import Testing

/// What `keyfob` waits for, and that never comes: each command gives it up, and ends what it started.
@Suite struct DeadlineTests {
    private let sandbox: Sandbox
    private let login = Login()

    init() throws {
        sandbox = try Sandbox()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
    }

    @Test(
        .enabled(if: Sandbox.isSoak, "an import waits 60 s for a helper: make soak"))
    func anotherHelperIsGivenUp() throws {
        try sandbox.writeScript(sleeping, as: "docker-credential-slow")
        try expectAnEnd(of: ["import", "--from-helper", "slow"], within: 70, status: [1])
    }

    @Test(
        arguments: Sandbox.isSoak
            ? [["status"], ["setup", "git"], ["import"], ["setup", "--undo", "git"]] : [["import"]])
    func gitIsGivenUp(arguments: [String]) throws {
        try sandbox.writeScript(sleeping, as: "git")
        try expectAnEnd(of: arguments, within: 20, status: [0, 1])
    }

    /// It is run once in a process, however often the file is opened.
    @Test(
        arguments: Sandbox.isSoak
            ? [
                ["list"], ["status"], ["token", "https://registry.example"],
                ["logout", "--force", "https://registry.example"],
                ["exec", "https://registry.example", "--env", "X", "--", "true"],
            ] : [["logout", "--force", "https://registry.example"]])
    func aPassphraseCommandIsGivenUp(arguments: [String]) throws {
        let stored = try sandbox.run(
            "docker-credential-keyfob", "store", input: login.json,
            environment: ["KEYFOB_PASSPHRASE": "passphrase"])
        #expect(stored.succeeded)
        try sandbox.writeScript(sleeping, as: "passphrase-command")
        try sandbox.write(
            #"{"passphraseCommand":["passphrase-command"]}"#, to: "home/.config/keyfob/config.json")
        try expectAnEnd(of: arguments, within: 20, status: [1])
    }

    /// Sleeps, and so does a child of it that ignores SIGTERM.
    private let sleeping = "#!/bin/sh\n(trap '' TERM; sleep 987; sleep 987) &\nsleep 987\n"

    private func expectAnEnd(
        of arguments: [String], within seconds: Int, status: [Int32]
    ) throws {
        // A variable by which all that is started is known.
        let mark = "KEYFOB_DEADLINE_TEST=\(UUID().uuidString)"
        let start = ContinuousClock.now
        let outcome = try sandbox.program(
            ["env", mark, "keyfob"] + arguments, deadline: .seconds(90)
        ).run()
        #expect(status.contains(outcome.status), "\(arguments)")
        #expect(ContinuousClock.now - start < .seconds(seconds), "\(arguments)")
        let left = try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { name in
            let environment = FileManager.default.contents(atPath: "/proc/\(name)/environ")
            return environment?.range(of: Data(mark.utf8)) != nil
        }
        #expect(left == [])
    }
}
