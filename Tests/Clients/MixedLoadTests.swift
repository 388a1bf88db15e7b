import Foundation
import Sandbox
import Testing

/// Clients that do everything at the same time, for a while.
@Suite struct MixedLoadTests {
    private static let clients = Sandbox.isSoak ? 64 : 8
    private static let duration = Duration.seconds(Sandbox.isSoak ? 30 : 2)

    // One after the other, so that a client waits for those of its own keyring or file alone.
    @Test(.serialized, arguments: Machine.Kind.allCases)
    func eachClientFindsWhatItHasStoredAndOfWhatAllStoreNothingImpossible(
        _ kind: Machine.Kind
    ) throws {
        let machine = try Machine(kind)
        let load = MixedLoad(on: machine, for: Self.duration)
        try load.run(clients: Self.clients)
        #expect(load.wrong == [])
        print("\(Self.clients) clients \(kind.testDescription): \(load.figures)")

        if let keyring = machine.keyring {
            let items = try keyring.items().count
            let logins = try machine.list().count
            #expect(items == logins)
        } else {
            let files = try FileManager.default.contentsOfDirectory(
                atPath: machine.sandbox.file("home/.local/share/keyfob"))
            #expect(files.sorted() == ["credentials", "credentials.lock"])
        }
    }
}
