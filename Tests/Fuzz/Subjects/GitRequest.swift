import Credentials
import Frontends
import MemoryStore

extension Subject {
    /// What git writes to a helper. What is answered names no protocol, host or path, is one
    /// attribute a line, and belongs to the very place that was asked about.
    package static let gitRequest = Subject("git-request") { input in
        let store = MemoryStore()
        _ = try ask(store, "get", input)
        _ = try ask(store, "erase", input)
        let stored = try ask(store, "store", input)
        let entries = try store.list(nil).entries
        try require(
            entries.count <= (stored.status == .success ? 1 : 0), "a store keeps one or none")
        guard let entry = entries.first else { return }
        for name in ["protocol", "server"] {
            let value = try require(entry.attributes[name], "a login has a \(name)")
            try require(!value.isEmpty && !value.hasControlCharacter, "a \(name) is a name")
        }
        let answer = try ask(store, "get", input)
        if let line = answer.line {
            let names = line.split(separator: 0x0A).map { $0.prefix { $0 != 0x3D } }
            let allowed = [
                "capability[]", "authtype", "credential", "username", "password",
                "password_expiry_utc", "oauth_refresh_token",
            ].map { Array($0.utf8) }
            try require(names.allSatisfy { allowed.contains(Array($0)) }, "nothing leads elsewhere")
            try require(!line.contains(0x0D) && !line.contains(0), "a line is a line")
        }
        // Another host is never given it.
        let other = try ask(store, "get", Array("protocol=https\nhost=other.invalid\n".utf8))
        if entry.attributes["server"] != "other.invalid" {
            try require(other.line == nil, "another host is given nothing")
        }
        try require(try ask(store, "erase", input).status == .success, "it is erased")
        try require(try store.list(nil).entries.isEmpty, "what is erased is gone")
    }

    private static func ask(
        _ store: MemoryStore, _ action: String, _ input: [UInt8]
    ) throws -> (status: ExitStatus, line: [UInt8]?) {
        let client = Client(input)
        let frontend = GitFrontend(Program(name: "helper", version: "0") { store }, now: { 1 })
        let status = frontend.serve([action], over: client)
        try require(client.answers == 1, "\(action) answers once")
        try require(client.wasRefused == (status == .failure), "\(action) refuses what fails")
        return (status, client.wasRefused ? nil : client.line)
    }
}
