import Foundation
import Sandbox
import Testing

/// Two helpers that write to one keyring wait for each other, whatever either has been told of a
/// runtime folder: a desktop's, a cron job's, another session's.
@Suite struct WriterLockTests {
    private let sandbox: Sandbox
    private let keyring: GnomeKeyring

    init() throws {
        sandbox = try Sandbox()
        keyring = try GnomeKeyring(on: try PrivateBus(in: sandbox))
        try sandbox.makeFolder("other-session")
    }

    @Test(arguments: ["nothing", "other-session", "nonexistent"])
    func twoStoresForOneServerLeaveOneLogin(runtime: String) throws {
        let other = runtime == "nothing" ? nil : sandbox.file(runtime)
        for round in 1...10 {
            let runs = try [sandbox.file("run"), other].enumerated().map { index, folder in
                try sandbox.program(
                    ["docker-credential-keyfob", "store"],
                    input: Array(
                        #"{"ServerURL":"h\#(round).example","Username":"u\#(index)","Secret":"s"}"#
                            .utf8),
                    environment: ["XDG_RUNTIME_DIR": folder]
                ).start()
            }
            for run in runs {
                let outcome = try run.finish()
                #expect(outcome.succeeded, "\(outcome)")
            }
            try #require(keyring.items().count == round)
        }
    }

    /// One who holds the lock is waited for.
    @Test(arguments: ["run", "nonexistent"]) func aWriterWaits(runtime: String) throws {
        let lock = try sandbox.write("", to: "home/.local/state/keyfob/keyring.lock")
        let holder = try sandbox.startDaemon(["flock", lock, "sh", "-c", "echo held; sleep 60"])
        try holder.wait(for: "lock") { holder.log.isEmpty ? nil : () }
        let store = try sandbox.program(
            ["docker-credential-keyfob", "store"], input: Array(Request.update.input.utf8),
            environment: ["XDG_RUNTIME_DIR": sandbox.file(runtime)]
        ).start()
        usleep(500_000)
        #expect(try keyring.items().isEmpty)
        holder.stop()
        #expect(try store.finish().succeeded)
        #expect(try keyring.items().count == 1)
    }
}
