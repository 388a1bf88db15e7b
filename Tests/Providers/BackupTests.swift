import Credentials
import Foundation
import Sandbox
import Stores
import Testing

/// `keyfob backup` of a real gnome-keyring and the file, and `keyfob restore` into either.
@Suite struct BackupTests {
    /// `make soak` does it with as many as a person may have, and kills at more moments.
    private static let count = Sandbox.isSoak ? 500 : 24
    private static let kills = Sandbox.isSoak ? 50 : 4
    /// gnome-keyring needs some 100 ms for each login that it is given.
    private static let deadline = Duration.seconds(Sandbox.isSoak ? 300 : 60)
    private static let passphrase = "the backup's own\n"

    let desk: Desk

    init() throws { desk = try Desk() }

    /// A secret of every byte that one may have, so that nothing is read as text by mistake.
    private static func secret(_ index: Int) -> String {
        "secret \(index) \u{1F511} \"\\/\u{7F}\t" + String(repeating: "x", count: index)
    }

    @Test(arguments: ["secret-service", "file"])
    func whatIsRestoredIsTheSameByteForByte(into target: String) throws {
        var keyring = try desk.startKeyring()
        let half = Self.count / 2
        for index in 0..<Self.count {
            try store(
                "host\(index).example", Self.secret(index),
                in: index < half ? "secret-service" : "file")
        }
        let backup = try keyfob("backup", "--stdin", file)
        #expect(backup.succeeded && lines(backup) == Self.count, "\(backup)")
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        #expect(!String(decoding: bytes, as: UTF8.self).contains("host1.example"))
        #expect(try mode(file) == 0o600)

        // On another machine.
        try keyring.stop()
        try FileManager.default.removeItem(atPath: desk.sandbox.file("home/.local"))
        keyring = try desk.startKeyring()
        #expect(try keyring.items().isEmpty)
        desk.sandbox.setEnvironment("KEYFOB_STORE", to: target)
        let preview = try keyfob("restore", "--stdin", "--dry-run", file)
        #expect(preview.succeeded && lines(preview) == Self.count, "\(preview)")
        #expect(try keyfob("list", "--quiet").output.isEmpty)
        let restore = try keyfob("restore", "--stdin", file)
        #expect(restore.succeeded && lines(restore) == Self.count, "\(restore)")
        for index in 0..<Self.count {
            let isSame = try secret("host\(index).example", in: target) == Self.secret(index) + "\n"
            #expect(isSame, "\(index)")
        }
        // Once more there is nothing to do.
        let again = try keyfob("restore", "--stdin", "--json", file)
        #expect(again.output.components(separatedBy: #""result":"known""#).count == Self.count + 1)
    }

    /// A keyring that cannot be reached here may hold more: that is not a whole backup.
    @Test func aBackupThatMayLackLoginsIsNotDone() throws {
        _ = try desk.startKeyring()
        try store("a.example", "in the keyring", in: "auto")
        desk.sandbox.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: nil)
        try store("b.example", "in the file", in: "file")
        let backup = try keyfob("backup", "--stdin", "--json", file)
        #expect(backup.status == 6, "\(backup)")
        #expect(backup.output.contains(#""done":false"#), "\(backup)")
        #expect(backup.output.contains("keyring-out-of-reach"), "\(backup)")
    }

    @Test func theNewerLoginIsKept() throws {
        desk.sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        try store("a.example", "old", in: "file")
        try store("b.example", "kept", in: "file")
        #expect(try keyfob("backup", "--stdin", file).succeeded)
        // Times are told in seconds.
        Thread.sleep(forTimeInterval: 1.1)
        try store("a.example", "newer", in: "file")
        let restore = try keyfob("restore", "--stdin", "--json", file)
        #expect(restore.succeeded && restore.output.contains(#""result":"dropped""#), "\(restore)")
        #expect(try secret("a.example", in: "file") == "newer\n")
        #expect(try secret("b.example", in: "file") == "kept\n")
    }

    @Test func whatIsNoBackupIsRefused() throws {
        desk.sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        #expect(try keyfob("restore", "--stdin", file).status == 3)
        try store("a.example", "s", in: "file")
        #expect(try keyfob("backup", "--stdin", file).succeeded)
        let exists = try keyfob("backup", "--stdin", file)
        #expect(exists.status == 1 && exists.output.isEmpty)
        let wrong = try desk.sandbox.run(
            "keyfob", "restore", "--stdin", file, input: "another one\n")
        #expect(wrong.status == 4 && wrong.output.isEmpty, "\(wrong)")
        let noTerminal = try desk.sandbox.run("setsid", "--wait", "keyfob", "restore", file)
        #expect(noTerminal.status == 4, "\(noTerminal)")

        var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: file))
        #expect(try keyfob("restore", "--stdin", file).status == 1)
        try Data("{}".utf8).write(to: URL(fileURLWithPath: file))
        #expect(try keyfob("restore", "--stdin", file).status == 1)
        #expect(try secret("a.example", in: "file") == "s\n")
    }

    /// Killed at any moment: the file is there whole or not at all.
    @Test func aBackupThatIsKilledLeavesTheFileWholeOrNotAtAll() throws {
        desk.sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        for index in 0..<Self.count { try store("host\(index).example", "\(index)", in: "file") }
        for kill in 0..<Self.kills {
            try? FileManager.default.removeItem(atPath: file)
            let running = try desk.sandbox.program(
                ["keyfob", "backup", "--stdin", file], input: Array(Self.passphrase.utf8)
            ).start()
            usleep(UInt32(10 + kill * 400 / Self.kills) * 1000)
            running.signal(SIGKILL)
            _ = try running.finish()
            guard FileManager.default.fileExists(atPath: file) else { continue }
            let trial = try keyfob("restore", "--stdin", "--dry-run", file)
            #expect(trial.succeeded && lines(trial) == Self.count, "\(trial)")
        }
        try? FileManager.default.removeItem(atPath: file)
        #expect(try keyfob("backup", "--stdin", file).succeeded)
    }

    @Test func aRestoreThatIsKilledIsFinishedByTheNext() throws {
        let keyring = try desk.startKeyring()
        for index in 0..<Self.count { try store("host\(index).example", "\(index)", in: "file") }
        #expect(try keyfob("backup", "--stdin", file).succeeded)
        try FileManager.default.removeItem(atPath: desk.sandbox.file("home/.local/share/keyfob"))
        for kill in 0..<Self.kills {
            let running = try desk.sandbox.program(
                ["keyfob", "restore", "--stdin", file], input: Array(Self.passphrase.utf8)
            ).start()
            usleep(UInt32(50 + kill * 600 / Self.kills) * 1000)
            running.signal(SIGKILL)
            _ = try running.finish()
        }
        #expect(try keyfob("restore", "--stdin", file).succeeded)
        #expect(try keyring.items().count == Self.count)
        for index in 0..<Self.count {
            #expect(try secret("host\(index).example", in: "secret-service") == "\(index)\n")
        }
    }

    // MARK: How it is done

    private var file: String { desk.sandbox.file("home/backup") }

    private func keyfob(_ words: String...) throws -> Outcome {
        try desk.sandbox.program(
            ["keyfob"] + words, input: Array(Self.passphrase.utf8), deadline: Self.deadline
        ).run()
    }

    private func lines(_ outcome: Outcome) -> Int { outcome.output.split(separator: "\n").count }

    private func store(_ server: String, _ secret: String, in policy: String) throws {
        let login = try JSONSerialization.data(
            withJSONObject: ["ServerURL": server, "Username": "u", "Secret": secret])
        let outcome = try desk.sandbox.program(
            ["docker-credential-keyfob", "store"], input: Array(login),
            environment: ["KEYFOB_STORE": policy]
        ).run()
        try #require(outcome.succeeded, "\(outcome)")
    }

    private func secret(_ server: String, in policy: String) throws -> String {
        try desk.sandbox.run("keyfob", "token", server, environment: ["KEYFOB_STORE": policy])
            .output
    }

    private func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
    }
}
