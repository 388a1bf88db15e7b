import Foundation
import Sandbox
import Testing

/// The README's table of Keyfob and others: each cell that is not empty is found out here, from the
/// programs themselves or from the last benchmark.
@Suite struct ComparisonTests {
    /// A column of the table.
    enum Way: String, CaseIterable {
        case keyfob = "Keyfob"
        case secretService = "docker-credential-secretservice"
        case pass = "docker-credential-pass"
        case file = "docker's config.json"

        var helper: String { self == .keyfob ? "docker-credential-keyfob" : rawValue }
    }

    /// What finds out the cells of a row, by the first cell.
    static let rows: [(question: String, answer: @Sendable (Way) throws -> String?)] = [
        ("keeps secrets encrypted on disk", { yesOrNo(try isEncrypted($0)) }),
        ("works without a keyring or a display", { yesOrNo(try worksAlone($0)) }),
        (
            "finds `https://registry.example.com` by `registry.example.com`",
            { try $0 == .file ? nil : yesOrNo(findsOtherSpelling($0)) }
        ),
        ("serves git", { try $0 == .file ? nil : yesOrNo(servesGit($0)) }),
        (
            "fails when a locked keyring makes a logout impossible",
            { try [.pass, .file].contains($0) ? nil : yesOrNo(saysThatALoginIsLeft($0)) }
        ),
        ("answers 64 gets at once", { try $0 == .file ? nil : yesOrNo(answersAll($0)) }),
        ("time of a get, to Keyfob's with the same kind of store", { try time($0) }),
    ]

    @Test func everyRowIsFoundOut() throws {
        let table = try Readme().table("", Way.keyfob.rawValue)
        #expect(table.head.dropFirst() == Way.allCases.map(\.rawValue)[...])
        #expect(table.rows.map { $0[0] } == Self.rows.map(\.question))
    }

    @Test(arguments: rows.map(\.question)) func aRowSaysWhatIsSo(question: String) throws {
        let answer = try #require(Self.rows.first { $0.question == question }).answer
        let row = try #require(
            Readme().table("", Way.keyfob.rawValue).rows.first { $0[0] == question })
        for (way, cell) in zip(Way.allCases, row.dropFirst()) {
            #expect(try answer(way) ?? "" == cell, "\(way.rawValue)")
        }
    }

    private static func yesOrNo(_ isSo: Bool) -> String { isSo ? "yes" : "no" }

    // MARK: What is found out

    private static func isEncrypted(_ way: Way) throws -> Bool {
        let place = try Place(way, hasKeyring: way != .file)
        try place.logIn()
        let secret = place.secret
        let spellings = [secret, Data("alice:\(secret)".utf8).base64EncodedString()]
        let home = place.sandbox.file("home")
        let files = try #require(FileManager.default.enumerator(atPath: home)).compactMap {
            FileManager.default.contents(atPath: "\(home)/\($0)")
        }
        #expect(!files.isEmpty)
        return !files.contains { file in
            spellings.contains { file.range(of: Data($0.utf8)) != nil }
        }
    }

    private static func worksAlone(_ way: Way) throws -> Bool {
        let place = try Place(way, hasKeyring: false)
        do {
            try place.logIn()
        } catch is SandboxError {
            return false
        }
        return try way == .file || place.gets(place.server)
    }

    private static func findsOtherSpelling(_ way: Way) throws -> Bool {
        let place = try Place(way, hasKeyring: true)
        try place.logIn()
        return try place.gets("registry.example.com")
    }

    /// git asks it for what it has told it.
    private static func servesGit(_ way: Way) throws -> Bool {
        let place = try Place(way, hasKeyring: true)
        let name = way == .keyfob ? "keyfob" : "/usr/bin/\(way.rawValue)"
        let login = "protocol=https\nhost=git.example.com\nusername=alice\npassword=s3cret\n\n"
        _ = try place.sandbox.run(
            "git", "-c", "credential.helper=\(name)", "credential", "approve", input: login)
        let found = try place.sandbox.run(
            "git", "-c", "credential.helper=\(name)", "credential", "fill",
            input: "protocol=https\nhost=git.example.com\n\n",
            environment: ["GIT_TERMINAL_PROMPT": "0"])
        return found.output.contains("password=s3cret")
    }

    private static func saysThatALoginIsLeft(_ way: Way) throws -> Bool {
        let place = try Place(way, hasKeyring: true)
        try place.logIn()
        try place.keyring?.lock()
        let logout = try place.sandbox.run(way.helper, "erase", input: place.server)
        try #require(place.keyring?.items().count == 1)
        return !logout.succeeded
    }

    // MARK: What was measured

    private static func answersAll(_ way: Way) throws -> Bool {
        let costs = try Benchmark().costs.filter {
            $0.measured.action == "get" && $0.measured.processes == 64
                && $0.measured.program == (way == .keyfob ? "keyfob" : way.rawValue)
        }
        try #require(!costs.isEmpty)
        return costs.allSatisfy { $0.failures == 0 }
    }

    private static func time(_ way: Way) throws -> String? {
        let benchmark = try Benchmark()
        switch way {
        case .keyfob: return "1"
        case .secretService:
            let ratios = benchmark.ratios("keyring get, ", ", to secretservice's").map {
                String(format: "%.1f", 1 / $0)
            }.sorted()
            let (first, last) = try (#require(ratios.first), #require(ratios.last))
            return first == last ? first : "\(first) to \(last)"
        case .pass:
            let ratio = try #require(benchmark.ratios("file get, 1 login, to pass's").first)
            return "\(Int((1 / ratio).rounded()))"
        case .file: return nil
        }
    }
}

/// A home in which somebody is logged in to one registry.
private struct Place {
    let sandbox: Sandbox
    let keyring: GnomeKeyring?
    let way: ComparisonTests.Way
    let server: String
    let secret: String
    private let registry: Registry?

    init(_ way: ComparisonTests.Way, hasKeyring: Bool) throws {
        self.way = way
        sandbox = try Sandbox()
        keyring = hasKeyring ? try GnomeKeyring(on: try PrivateBus(in: sandbox)) : nil
        registry = way == .file ? try Registry(in: sandbox) : nil
        server = registry?.host ?? "https://registry.example.com"
        secret = way == .file ? Registry.password : "a secret to be looked for"
        if way == .file {
            // Else docker takes a helper that it finds.
            try sandbox.write(
                #"{"auths": {"other.example.com": {}}}"#, to: "home/.docker/config.json")
        }
        if way == .pass {
            let outcome = try sandbox.run(
                "sh", "-ec",
                """
                gpg --batch --quiet --passphrase '' --quick-generate-key keyfob@example.com
                pass init keyfob@example.com
                """)
            try #require(outcome.succeeded, "\(outcome)")
        }
    }

    /// Throws a `SandboxError` if it cannot be done.
    func logIn() throws {
        let outcome =
            if let registry {
                try sandbox.run(
                    "docker", "login", "-u", Registry.user, "--password-stdin", registry.host,
                    input: secret)
            } else {
                try sandbox.run(
                    way.helper, "store",
                    input:
                        #"{"ServerURL":"\#(server)","Username":"alice","Secret":"\#(secret)"}"#)
            }
        guard outcome.succeeded else { throw SandboxError("\(outcome)") }
    }

    /// Whether the helper gives the login.
    func gets(_ server: String) throws -> Bool {
        let outcome = try sandbox.run(way.helper, "get", input: server)
        return outcome.succeeded && outcome.output.contains(#""Username":"alice""#)
            && outcome.output.contains(secret)
    }
}
