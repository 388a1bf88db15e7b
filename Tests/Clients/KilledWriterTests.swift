import Foundation
import Sandbox
import Testing

/// Helpers that are killed while they write the encrypted file.
@Suite struct KilledWriterTests {
    /// How many kills must land between the lock and the rename: there the new file lies beside
    /// the old one. `make soak` waits for more of them.
    private static let kills = Sandbox.isSoak ? 1000 : 20
    private static let store = "home/.local/share/keyfob"

    @Test func aKilledWriterLeavesTheOldLoginOrTheNewOneAndTheOthers() throws {
        let machine = try Machine(.server)
        // A large file takes long enough to be written.
        let large = String(repeating: "x", count: 200_000)
        for number in 0..<8 { try machine.store("other-\(number).example", "other", large) }
        try machine.store("h.example", "user-0", "secret-0")

        var current = 0
        var landed = 0
        for attempt in 1...Self.kills * 20 where landed < Self.kills {
            let input = try Machine.login("h.example", "user-\(attempt)", "secret-\(attempt)")
            let file = try machine.sandbox.write(input, to: "input")
            let program = try machine.sandbox.program(
                ["sh", "-c", "exec docker-credential-keyfob store <\"$0\"", file]
            ).start()
            try waitForNewFile(machine)
            program.signal(SIGKILL)
            let outcome = try program.finish()

            let wasWriting = try temporaries(machine) > 0
            if wasWriting { landed += 1 }
            let login = try #require(try machine.get("h.example"))
            let isOld = login == Login("user-\(current)", "secret-\(current)")
            let isNew = login == Login("user-\(attempt)", "secret-\(attempt)")
            #expect(isOld || isNew)
            #expect(isNew || !outcome.succeeded)
            #expect(isOld || !wasWriting)
            if isNew { current = attempt }
        }
        #expect(landed == Self.kills)

        #expect(try machine.list().count == 9)
        for number in 0..<8 {
            let isWhole = try machine.get("other-\(number).example") == Login("other", large)
            #expect(isWhole)
        }
        try machine.store("h.example", "last", "last")
        #expect(try temporaries(machine) == 0)
    }

    /// Returns when the new file has appeared beside the old one, or has taken its place.
    private func waitForNewFile(_ machine: Machine) throws {
        let store = machine.sandbox.file("\(Self.store)/credentials")
        let old = try inode(store)
        let deadline = ContinuousClock.now + .seconds(20)
        while try temporaries(machine) == 0, try inode(store) == old {
            try #require(ContinuousClock.now < deadline, "the writer writes nothing")
        }
    }

    private func inode(_ path: String) throws -> ino_t {
        var status = stat()
        try #require(unsafe stat(path, &status) == 0)
        return status.st_ino
    }

    private func temporaries(_ machine: Machine) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: machine.sandbox.file(Self.store))
            .filter { $0.contains(".tmp.") }.count
    }
}
