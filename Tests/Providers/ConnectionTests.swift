import Credentials
import Sandbox
import Testing

@testable import Stores

/// The connection of a store to the bus: one for all requests, as long as it serves.
@Suite struct ConnectionTests {
    let desk: Desk

    init() throws { desk = try Desk() }

    @Test func anImportOfFiveLoginsMakesOneConnection() throws {
        _ = try desk.startKeyring()
        let auths = (1...5).map { "\"\($0).example\":{\"auth\":\"dTpz\"}" }.joined(separator: ",")
        try desk.sandbox.write(#"{"auths":{\#(auths)}}"#, to: "home/.docker/config.json")
        let trace = desk.sandbox.file("trace")
        let outcome = try desk.sandbox.run(
            "strace", "-f", "-qq", "-e", "trace=connect", "-o", trace, "keyfob", "import")
        try #require(outcome.succeeded, "\(outcome)")
        #expect(outcome.output.split(separator: "\n").count == 5)
        let calls = String(decoding: desk.sandbox.read("trace") ?? [], as: UTF8.self)
        #expect(calls.split(separator: "\n").count { $0.contains("AF_UNIX") } == 1, "\(calls)")
    }

    @Test func aKeyringThatWasRestartedServesOn() throws {
        let keyring = try desk.startKeyring()
        let store = desk.store()
        try store.save(login("h.example", "u", "one"))
        try keyring.stop()
        let next = try desk.startKeyring()
        #expect(try secret(store, "h.example") == Secret("one"))
        try next.stop()
        _ = try desk.startKeyring()
        try store.save(login("h.example", "u", "two"))
        #expect(try secret(store, "h.example") == Secret("two"))
        try store.remove([query("h.example")])
        #expect(try store.find(query("h.example")).isEmpty)
    }

    /// The bus has nothing more to say of it.
    @Test func aKeyringThatHasGoneIsAbsent() throws {
        let service = try HostileService(on: desk.bus)
        let store = desk.store()
        try service.begin(.init(items: [Request.held]))
        #expect(try store.find(query("h.example")).count == 1)
        try service.begin(.init(items: [Request.held], faults: ["exit SearchItems"]))
        #expect(throws: StoreError.self) { try store.find(query("h.example")) }
        let error = #expect(throws: StoreError.self) { try store.find(query("h.example")) }
        #expect(error?.code == .keyringAbsent)
    }

    @Test func anotherRequestAfterOneThatFailedIsServed() throws {
        let service = try HostileService(on: desk.bus)
        let store = desk.store()
        for faults in [["error org.example.No 2"], ["wrong-type SearchItems"], []] {
            try service.begin(.init(items: [Request.held], faults: faults))
            if !faults.isEmpty {
                #expect(throws: StoreError.self) { try store.find(query("h.example")) }
            }
        }
        #expect(try secret(store, "h.example") == Secret("old"))
    }

    /// What gnome-keyring needs, each time that it has a new client.
    @Test(arguments: ["gnome", "late"]) func eachConnectionBeginsWithASearch(kind: String) throws {
        let service = try HostileService(on: desk.bus)
        let requests: [(KeyringStore) throws -> Void] = [
            { _ = try $0.find(query("h.example")) }, { _ = try $0.list(nil) },
            { _ = try $0.formerLogins(.git) }, { _ = try $0.state() },
            { try $0.unlock() }, { try $0.save(login("h.example", "u", "new")) },
            { try $0.remove([query("h.example")]) },
        ]
        let store = desk.store()
        for request in requests {
            let plan = HostileService.Plan(
                items: [Request.held], faults: ["gnome", "strict", kind])
            try service.begin(plan)
            try request(store)
            try service.begin(plan)
            try request(desk.store())
        }
    }
}
