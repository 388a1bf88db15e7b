package import Credentials
import Glibc
import Testing

/// The store contract is what every store must do, as cases to run one by one:
///
///     @Test(arguments: StoreContract.cases)
///     func keepsTheContract(_ contract: StoreContract) throws {
///         try contract.check { MemoryStore() }
///     }
///
/// Every case is given a store of its own that holds nothing.
package struct StoreContract: Sendable, CustomTestStringConvertible {
    /// Something that a store cannot keep. It must then refuse to save it, and keep what it had;
    /// it must never keep something else.
    package enum Limitation: Hashable, Sendable {
        /// A secret with a NUL in it.
        case nulInSecret
        /// A secret that is not UTF-8.
        case binarySecret
        /// A secret of 1 MiB.
        case largeSecret
        /// A secret that begins with U+FEFF.
        case byteOrderMarkInSecret
        /// A secret that is a template to somebody: `{TITLE}`.
        case placeholderInSecret
    }

    /// What must be true, as a sentence.
    package let sentence: String
    private let body: @Sendable (any CredentialStore, Set<Limitation>) throws -> Void

    package var testDescription: String { sentence }

    /// Runs the case. `limitations` are those of the store, each with the reason for it.
    package func check(
        limitations: [Limitation: String] = [:], _ makeEmptyStore: () throws -> any CredentialStore
    ) throws {
        try body(try makeEmptyStore(), Set(limitations.keys))
    }

    package static let cases: [StoreContract] = anything + docker + git + tokens
}

// MARK: - Of every schema

extension StoreContract {
    private static let anything: [StoreContract] = [
        StoreContract("an empty store finds, lists and removes nothing, without an error") {
            store in
            for schema in Schema.all {
                try #expect(store.find(Query(schema, ["server": "a.example"])).isEmpty)
                try #expect(store.list(schema) == Listing())
            }
            try #expect(store.list(nil) == Listing())
            try store.remove([])
            try store.remove([server("a.example"), server("b.example")])
        },
        StoreContract("what was saved is found, spelled as it was") { store in
            let saved = login("https://Registry.Example:443/v2/", "Ünal <token>", "s3cret")
            try store.save(saved)
            let found = try store.find(server("https://Registry.Example:443/v2/"))
            try #require(found.count == 1)
            expect(found[0], is: saved)
        },
        StoreContract("a secret comes back byte for byte") { store in
            for (index, secret) in secrets.enumerated() {
                let saved = login("host\(index).example", "user", secret)
                try store.save(saved)
                let found = try store.find(server("host\(index).example"))
                try #require(found.count == 1)
                expect(found[0], is: saved)
            }
        },
        keeps("a secret with a NUL", Array("a\0b\0".utf8), unless: .nulInSecret),
        keeps(
            "a secret of bytes that are not UTF-8", [0xFF, 0xC0, 0x80, 1], unless: .binarySecret),
        keeps(
            "a secret of 1 MiB", (0..<1 << 20).map { UInt8(0x20 + $0 % 0x5F) },
            unless: .largeSecret),
        keeps(
            "a secret with a byte order mark", Array("\u{FEFF}bom".utf8),
            unless: .byteOrderMarkInSecret),
        keeps("a secret with a placeholder", Array("a{TITLE}".utf8), unless: .placeholderInSecret),
        keeps(
            "a secret with a reference", Array("{REF:P@I:46C9B1FFBD4ABC4BBB260C6190BAD20C}".utf8),
            unless: .placeholderInSecret),
        StoreContract("saving the same login again replaces its secret") { store in
            try store.save(login("a.example", "user", "old"))
            try store.save(login("a.example", "user", "new"))
            let found = try store.find(server("a.example"))
            try #require(found.count == 1)
            expect(found[0], is: login("a.example", "user", "new"))
        },
        StoreContract("of many logins each is found, and removing one leaves the others") {
            store in
            let servers = (0..<40).map { "host\($0).example" }
            for name in servers { try store.save(login(name, "user of \(name)", "for \(name)")) }
            let removed = try store.remove([server("host7.example"), server("host40.example")])
            #expect(removed.map { $0.attributes["server"] } == ["host7.example"])
            for name in servers where name != "host7.example" {
                let found = try store.find(server(name))
                try #require(found.count == 1, "\(name)")
                expect(found[0], is: login(name, "user of \(name)", "for \(name)"))
            }
            try #expect(store.find(server("host7.example")).isEmpty)
            try #expect(store.list(.docker).entries.count == 39)
        },
        StoreContract("logins that are saved together are there once each, the last of each") {
            store in
            try store.save(login("a.example", "user", "old"))
            try store.save(login("kept.example", "user", "kept"))
            try store.save([
                login("a.example", "ann", "first"), login("b.example", "bob", "1"),
                login("https://A.example/", "ann", "last"),
                gitLogin("b.example", user: "u", secret: "2"),
            ])
            try store.save([])
            for (name, saved) in [
                ("a.example", login("https://A.example/", "ann", "last")),
                ("b.example", login("b.example", "bob", "1")),
                ("kept.example", login("kept.example", "user", "kept")),
            ] {
                let found = try store.find(server(name))
                try #require(found.count == 1)
                expect(found[0], is: saved)
            }
            try #expect(store.list(.docker).entries.count == 3)
            try #expect(store.find(gitHost("b.example")).count == 1)
        },
        StoreContract("a query that names nothing is refused, and nothing is removed") { store in
            try store.save(login("a.example", "user", "secret"))
            for schema in Schema.all {
                #expect(throws: StoreError.self) { try store.remove([Query(schema, [:])]) }
                #expect(throws: StoreError.self) {
                    try store.remove([server("a.example"), Query(schema, [:])])
                }
            }
            try #expect(store.find(server("a.example")).count == 1)
        },
        StoreContract("a login that does not say what it is for is refused") { store in
            let entry = Entry(schema: .docker, attributes: ["username": "user"], label: "label")
            #expect(throws: StoreError.self) {
                try store.save(Credential(entry, secret: secret("secret")))
            }
            try #expect(store.list(nil).entries.isEmpty)
        },
        StoreContract("list tells what is there of one schema, or of all") { store in
            let saved = [
                login("a.example", "user", "1"), gitLogin("b.example", user: "user", secret: "2"),
                cargoLogin("sparse+https://c.example/index/", "3"),
                tokenLogin("terraform", "d.example", "4"),
            ]
            for credential in saved { try store.save(credential) }
            let all = try store.list(nil)
            try #require(all.entries.count == saved.count)
            #expect(all.warnings.isEmpty)
            for credential in saved {
                let schema = credential.entry.schema
                let listed = try store.list(schema).entries
                try #require(listed.count == 1, "\(schema)")
                expect(listed[0], is: credential.entry)
                #expect(all.entries.filter { $0.schema == schema } == listed)
            }
        },
        StoreContract("one schema's login is never another's") { store in
            try store.save(login("same.example", "user", "docker's"))
            try #expect(store.find(gitHost("same.example")).isEmpty)
            try #expect(store.find(cargoURL("same.example")).isEmpty)
            try store.save(gitLogin("same.example", user: "user", secret: "git's"))
            try store.save(cargoLogin("same.example", "cargo's"))
            try store.remove([gitHost("same.example"), cargoURL("same.example")])
            let found = try store.find(server("same.example"))
            try #require(found.count == 1)
            expect(found[0], is: login("same.example", "user", "docker's"))
        },
        StoreContract("what was found stays what it was when the store changes") { store in
            try store.save(login("a.example", "user", "old"))
            let found = try store.find(server("a.example"))
            try store.save(login("a.example", "user", "new"))
            try store.remove([server("a.example")])
            try #require(found.count == 1)
            expect(found[0], is: login("a.example", "user", "old"))
        },
    ]

    private static let secrets = [
        "x", " leading and trailing ", "line\n", "\nline", "carriage\r\nreturn\r", "tab\t",
        "quote\" and \\ and /", "%00%0A${HOME}`id`",
        "é", "e\u{301}", "日本語", "👩‍👩‍👧‍👦", "\u{7F}\u{1}\u{1B}[0m", "null", "{}",
    ]

    private static func keeps(
        _ what: String, _ bytes: [UInt8], unless limitation: Limitation
    ) -> StoreContract {
        StoreContract("\(what) comes back byte for byte, or is refused") { store, limitations in
            let secret = Secret(copying: bytes.span)
            let before = login("a.example", "user", "before")
            let saved = Credential(before.entry, secret: secret)
            try store.save(before)
            guard limitations.contains(limitation) else {
                try store.save(saved)
                let found = try store.find(server("a.example"))
                try #require(found.count == 1)
                expect(found[0], is: saved)
                return
            }
            #expect(throws: StoreError.self) { try store.save(saved) }
            let found = try store.find(server("a.example"))
            try #require(found.count == 1)
            expect(found[0], is: before)
        }
    }
}

// MARK: - docker: one server, one login

extension StoreContract {
    private static let docker: [StoreContract] = [
        StoreContract("a server is found under every spelling of it") { store in
            for spellings in sameServer {
                for spelling in spellings {
                    try store.save(login(spelling, "user", "secret"))
                    for other in spellings {
                        let found = try store.find(server(other))
                        try #require(found.count == 1, "\(spelling), asked as \(other)")
                        expect(found[0], is: login(spelling, "user", "secret"))
                    }
                }
            }
        },
        StoreContract("a server has one login, whatever its spelling and its user") { store in
            for spellings in sameServer {
                for (index, spelling) in spellings.enumerated() {
                    try store.save(login(spelling, "user \(index)", "secret \(index)"))
                }
                let last = login(
                    spellings[spellings.count - 1], "user \(spellings.count - 1)",
                    "secret \(spellings.count - 1)")
                for spelling in spellings {
                    let found = try store.find(server(spelling))
                    try #require(found.count == 1, "\(spelling)")
                    expect(found[0], is: last)
                }
            }
            try #expect(store.list(.docker).entries.count == sameServer.count)
        },
        StoreContract("a server is removed under every spelling of it") { store in
            for spellings in sameServer {
                for spelling in spellings {
                    try store.save(login(spellings[0], "user", "secret"))
                    try store.remove([server(spelling)])
                    try #expect(store.list(.docker).entries.isEmpty, "\(spelling)")
                }
            }
        },
        StoreContract("a login is never given to another server, nor removed with it") { store in
            for (kept, asked) in otherServers {
                try store.save(login(kept, "user", "secret"))
                try #expect(store.find(server(asked)).isEmpty, "\(kept), asked as \(asked)")
                try store.remove([server(asked)])
                try #expect(store.find(server(kept)).count == 1, "\(kept), removed as \(asked)")
                try store.remove([server(kept)])
            }
            try #expect(store.list(nil).entries.isEmpty)
        },
        StoreContract("servers that only look alike have a login each") { store in
            for (left, right) in otherServers {
                try store.save(login(left, "left", "left's"))
                try store.save(login(right, "right", "right's"))
                let found = (try store.find(server(left)), try store.find(server(right)))
                try #require(found.0.count == 1 && found.1.count == 1, "\(left) and \(right)")
                expect(found.0[0], is: login(left, "left", "left's"))
                expect(found.1[0], is: login(right, "right", "right's"))
                try store.remove([server(left), server(right)])
            }
        },
        StoreContract("a logout of Docker Hub removes its tokens too, and nothing else") { store in
            try store.save(login("docker.io", "user", "secret"))
            try store.save(login("https://index.docker.io/v1/access-token", "user", "access"))
            try store.save(login("https://index.docker.io/v1/refresh-token", "user", "refresh"))
            try store.save(login("https://index.docker.io/v1/other", "user", "other"))
            try store.remove(ServerKey.hub.logout.map { Query(.docker, ["server": $0.spelling]) })
            let left = try store.list(.docker).entries
            #expect(left.map(\.attributes["server"]) == ["https://index.docker.io/v1/other"])
        },
        StoreContract("a query may name a user, and then both facts must hold") { store in
            try store.save(login("a.example", "ann", "1"))
            let ann = Query(.docker, ["server": "A.example", "username": "ann"])
            let bob = Query(.docker, ["server": "a.example", "username": "bob"])
            try #expect(store.find(ann).count == 1)
            try #expect(store.find(bob).isEmpty)
            try store.remove([bob])
            try #expect(store.find(ann).count == 1)
        },
        StoreContract("a query may name a user alone, and means all of that user's logins") {
            store in
            try store.save(login("a.example", "ann", "1"))
            try store.save(login("b.example", "bob", "2"))
            try store.save(login("c.example", "ann", "3"))
            let ann = Query(.docker, ["username": "ann"])
            try #expect(store.find(ann).count == 2)
            try store.remove([ann])
            try #expect(
                store.list(.docker).entries.map(\.attributes["server"]) == ["b.example"])
        },
    ]

    /// Spellings of one server, line by line.
    private static let sameServer = [
        [
            "registry.example", "https://registry.example", "Registry.Example/",
            "HTTPS://registry.example:443", "registry.example:443",
            "https://registry.example/v1/", "https://registry.example//v2//",
        ],
        ["http://registry.example", "http://registry.example:80/", "HTTP://REGISTRY.example/v2"],
        ["localhost:5000", "https://localhost:5000", "LOCALHOST:5000/v1/"],
        ["[::1]:5000", "https://[::1]:5000/"],
        ["registry.example/team", "https://registry.example/team/", "registry.example//team"],
        [
            "https://index.docker.io/v1/", "docker.io", "index.docker.io",
            "https://registry-1.docker.io/v2/", "https://index.docker.io/v1",
        ],
    ]

    /// Two servers, however alike, line by line.
    private static let otherServers = [
        ("registry.example", "http://registry.example"),
        ("registry.example", "registry.example:5000"),
        ("registry.example:5000", "registry.example:5001"),
        ("registry.example", "sub.registry.example"),
        ("registry.example", "registry.example.evil"),
        ("registry.example", "egistry.example"),
        ("registry.example", "registry.example/team"),
        ("registry.example/team", "registry.example/Team"),
        ("registry.example/team", "registry.example/team/a"),
        ("http://registry.example:443", "https://registry.example:443"),
        ("docker.io", "https://index.docker.io/v1/access-token"),
        ("docker.io", "hub.docker.io"),
        ("r\u{E9}gistre.example", "re\u{301}gistre.example"),
        ("user@registry.example", "registry.example"),
        ("registry.example?a", "registry.example"),
    ]
}

// MARK: - git: several accounts at one place

extension StoreContract {
    private static let git: [StoreContract] = [
        StoreContract("git has a login for each user of a host") { store in
            try store.save(gitLogin("a.example", user: "ann", secret: "1"))
            try store.save(gitLogin("a.example", user: "bob", secret: "2"))
            try store.save(gitLogin("a.example", user: "ann", secret: "3"))
            let found = try store.find(gitHost("a.example"))
            try #require(found.count == 2)
            let ann = try store.find(gitHost("a.example", ["user": "ann"]))
            try #require(ann.count == 1)
            expect(ann[0], is: gitLogin("a.example", user: "ann", secret: "3"))
            try store.remove([gitHost("a.example", ["user": "ann"])])
            let left = try store.find(gitHost("a.example"))
            try #require(left.count == 1)
            expect(left[0], is: gitLogin("a.example", user: "bob", secret: "2"))
        },
        StoreContract("the best answer comes first") { store in
            for user in ["ann", "bob", "cat"] {
                try store.save(gitLogin("a.example", user: user, secret: user))
            }
            let query = gitHost("a.example")
            let found = try store.find(query).map(\.entry)
            try #require(found.count == 3)
            for (better, worse) in zip(found, found.dropFirst()) {
                #expect(!query.prefers(worse, to: better))
            }
        },
        StoreContract("the account that was stored last comes first, whether it is new or not") {
            store in
            for user in ["zoe", "ann", "zoe"] {
                try store.save(gitLogin("a.example", user: user, secret: user))
                // Times are in seconds.
                usleep(1_100_000)
            }
            let found = try store.find(gitHost("a.example"), FindOptions(wantsDetails: true))
            try #require(found.count == 2)
            guard found[0].entry.modified != nil else { return }
            #expect(found[0].entry.attributes["user"] == "zoe")
        },
        StoreContract("git's port, protocol and host are never served for one another") { store in
            let plain = gitLogin("a.example", user: "u", secret: "plain")
            let port = gitLogin("a.example", ["port": "8443"], user: "u", secret: "port")
            let http = gitLogin("a.example", ["protocol": "http"], user: "u", secret: "http")
            for credential in [plain, port, http] { try store.save(credential) }
            let queries = [
                (gitHost("a.example"), plain), (gitHost("a.example", ["port": "8443"]), port),
                (gitHost("a.example", ["protocol": "http"]), http),
            ]
            for (query, expected) in queries {
                let found = try store.find(query)
                try #require(found.count == 1)
                expect(found[0], is: expected)
            }
            try #expect(store.find(gitHost("a.example", ["port": "443"])).isEmpty)
            try #expect(store.find(gitHost("A.example")).isEmpty)
            try store.remove([gitHost("a.example")])
            try #expect(store.list(.git).entries.count == 2)
        },
        StoreContract("git's path is never served for another, and none asks for any") { store in
            let one = gitLogin("a.example", ["object": "one"], user: "u", secret: "1")
            let two = gitLogin("a.example", ["object": "two"], user: "u", secret: "2")
            for credential in [one, two] { try store.save(credential) }
            let found = try store.find(gitHost("a.example", ["object": "one"]))
            try #require(found.count == 1)
            expect(found[0], is: one)
            try #expect(store.find(gitHost("a.example", ["object": "three"])).isEmpty)
            try #expect(store.find(gitHost("a.example")).count == 2)
        },
    ]
}

// MARK: - cargo and other tokens

extension StoreContract {
    private static let tokens: [StoreContract] = [
        StoreContract("cargo has one token for each index, compared byte for byte") { store in
            let url = "sparse+https://index.example/Index/"
            try store.save(cargoLogin(url, "old"))
            try store.save(cargoLogin(url, "new"))
            try store.save(cargoLogin("https://index.example/Index", "other"))
            let found = try store.find(cargoURL(url))
            try #require(found.count == 1)
            expect(found[0], is: cargoLogin(url, "new"))
            try #expect(store.find(cargoURL("sparse+https://index.example/index/")).isEmpty)
            try store.remove([cargoURL(url)])
            try #expect(store.list(.cargo).entries.count == 1)
        },
        StoreContract("a token belongs to its client and key together") { store in
            try store.save(tokenLogin("terraform", "app.example", "1"))
            try store.save(tokenLogin("pulumi", "app.example", "2"))
            try store.save(tokenLogin("terraform", "app.example", "3"))
            let found = try store.find(token("terraform", "app.example"))
            try #require(found.count == 1)
            expect(found[0], is: tokenLogin("terraform", "app.example", "3"))
            try #expect(store.find(token("terraform", "other.example")).isEmpty)
            try store.remove([Query(.token, ["client": "pulumi"])])
            let left = try store.list(.token).entries
            #expect(left.map(\.attributes["client"]) == ["terraform"])
        },
        StoreContract("names whose bytes differ are different, though Unicode calls them equal") {
            store in
            try store.save(tokenLogin("c", "\u{E9}", "composed"))
            try store.save(tokenLogin("c", "e\u{301}", "decomposed"))
            let found = try store.find(token("c", "e\u{301}"))
            try #require(found.count == 1)
            expect(found[0], is: tokenLogin("c", "e\u{301}", "decomposed"))
            // A part that ends where another begins is not the same place either.
            try store.save(tokenLogin("ab", "c", "1"))
            try #expect(store.find(token("a", "bc")).isEmpty)
        },
    ]
}

// MARK: - Words for the cases

extension StoreContract {
    private init(
        _ sentence: String, _ body: @escaping @Sendable (any CredentialStore) throws -> Void
    ) {
        self.init(sentence) { store, _ in try body(store) }
    }

    private init(
        _ sentence: String,
        _ body: @escaping @Sendable (any CredentialStore, Set<Limitation>) throws -> Void
    ) {
        self.sentence = sentence
        self.body = body
    }
}

/// A docker login as the front-end makes it.
private func login(_ server: String, _ user: String, _ value: String) -> Credential {
    let attributes = ["server": text(server), "username": text(user)]
    let entry = Entry(
        schema: .docker, attributes: attributes.merging(Schema.docker.constants) { $1 },
        label: text(server))
    return Credential(entry, secret: secret(value))
}

private func server(_ spelling: String) -> Query { Query(.docker, ["server": text(spelling)]) }

private func gitLogin(
    _ host: String, _ others: [String: Text] = [:], user: String, secret value: String
) -> Credential {
    let attributes = gitHost(host, others).facts.merging(["user": text(user)]) { $1 }
    let entry = Entry(schema: .git, attributes: attributes, label: text("Git: \(host)"))
    return Credential(entry, secret: secret(value))
}

private func gitHost(_ host: String, _ others: [String: Text] = [:]) -> Query {
    Query(.git, ["protocol": "https", "server": text(host)].merging(others) { $1 })
}

private func cargoLogin(_ url: String, _ value: String) -> Credential {
    let entry = Entry(schema: .cargo, attributes: ["url": text(url)], label: "cargo-registry:c")
    return Credential(entry, secret: secret(value))
}

private func cargoURL(_ url: String) -> Query { Query(.cargo, ["url": text(url)]) }

private func tokenLogin(_ client: String, _ key: String, _ value: String) -> Credential {
    let entry = Entry(
        schema: .token, attributes: token(client, key).facts, label: text("\(client): \(key)"))
    return Credential(entry, secret: secret(value))
}

private func token(_ client: String, _ key: String) -> Query {
    Query(.token, ["client": text(client), "key": text(key)])
}

private func text(_ string: String) -> Text {
    guard let text = Text(string) else { preconditionFailure("a case's text holds no NUL") }
    return text
}

private func secret(_ string: String) -> Secret { Secret(copying: Array(string.utf8).span) }

/// A store may add attributes of its own; what was saved must be there.
private func expect(
    _ found: Entry, is saved: Entry, sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(found.schema == saved.schema, sourceLocation: sourceLocation)
    #expect(found.label == saved.label, sourceLocation: sourceLocation)
    let kept = found.attributes.filter { saved.attributes[$0.key] != nil }
    #expect(kept == saved.attributes, sourceLocation: sourceLocation)
}

private func expect(
    _ found: Credential, is saved: Credential, sourceLocation: SourceLocation = #_sourceLocation
) {
    expect(found.entry, is: saved.entry, sourceLocation: sourceLocation)
    #expect(found.secret == saved.secret, sourceLocation: sourceLocation)
}
