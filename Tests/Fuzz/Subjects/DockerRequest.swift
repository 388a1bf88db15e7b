import Credentials
import Foundation
import Frontends
import MemoryStore

extension Subject {
    /// What a docker client writes: a key to `get` and `erase`, a login to `store`. What was
    /// stored comes back byte for byte, and is gone once it is erased.
    package static let dockerRequest = Subject("docker-request") { input in
        let store = MemoryStore()
        _ = try Client.ask(store, "get", input)
        _ = try Client.ask(store, "erase", input)
        let status = try Client.ask(store, "store", input).status
        let entries = try store.list(nil).entries
        try require(entries.count == (status == .success ? 1 : 0), "a store keeps one or none")
        guard let entry = entries.first else { return }

        let server = try require(entry.attributes["server"], "a login has a server")
        let found = try store.find(Query(.docker, ["server": server]))
        let login = try require(found.first, "what was stored is found")
        let stored = Login(login, server)
        if let sent = Login(sent: input) {
            try require(stored == sent, "what is stored is what was sent")
        }
        let answer = try Client.ask(store, "get", server.bytes)
        let line = try require(answer.line, "a get answers")
        try require(answer.status == .success, "what was stored is given")
        try require(Login(line) == stored, "what is given is what was stored")
        try require(line.starts(with: Array(#"{"ServerURL":""#.utf8)), "the server stands first")

        let list = try require(Client.ask(store, "list", []).line, "a list answers")
        let listed = (try? JSONSerialization.jsonObject(with: Data(list))) as? [String: String]
        let users = listed?.values.map { Array($0.utf8) }
        try require(users == [stored.username], "a list names the login")

        try require(Client.ask(store, "erase", server.bytes).status == .success, "it is erased")
        let gone = try Client.ask(store, "get", server.bytes).line
        let notFound = Array("credentials not found in native keychain".utf8)
        try require(gone == notFound, "what is erased is not found")
        try require(store.list(nil).entries.isEmpty, "what is erased is gone")
    }
}

/// A login as Foundation reads it, which knows nothing of our parser.
private struct Login: Equatable {
    let server: [UInt8]
    let username: [UInt8]
    let secret: [UInt8]

    init(_ credential: Credential, _ server: Text) {
        self.server = server.bytes
        username = credential["username"]?.bytes ?? []
        secret = credential.secret.expose { bytes in bytes.indices.map { bytes[$0] } }
    }

    init?(_ json: [UInt8]) {
        guard
            let object = try? JSONSerialization.jsonObject(with: Data(json)) as? [String: Any],
            let server = object["ServerURL"] as? String,
            let username = object["Username"] as? String,
            let secret = object["Secret"] as? String
        else { return nil }
        self.server = Array(server.utf8)
        self.username = Array(username.utf8)
        self.secret = Array(secret.utf8)
    }

    /// What was sent, where the two parsers must agree: no name stands twice, in any case or
    /// with an escape, and nothing follows the object.
    init?(sent json: [UInt8]) {
        let lowerCased = json.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        let text = String(decoding: lowerCased, as: UTF8.self)
        guard ["serverurl", "username", "secret"].allSatisfy({ text.ranges(of: $0).count == 1 }),
            !text.contains("\\u00"), let login = Login(json),
            let server = Text(validating: login.server)
        else { return nil }
        self.server = server.trimmed.bytes
        username = login.username
        secret = login.secret
    }
}
