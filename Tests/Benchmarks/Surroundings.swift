import Credentials
import Files
import Foundation
import Sandbox
import Stores

/// Surroundings are a sandbox with so many logins in it, which ours and a peer find.
struct Surroundings {
    let place: Case.Place
    let sandbox: Sandbox
    let logins: Int
    let others: Int
    /// What must last as long.
    private let daemons: [any Sendable]

    /// The login that is asked for: it is stored first.
    static let server = server(0)
    /// A server that has no login.
    static let absentServer = "https://absent.example"
    /// A server whose login comes and goes.
    static let newServer = "https://new.example"

    static func request(for server: String) -> String {
        #"{"ServerURL":"\#(server)","Username":"alice","Secret":"\#(secret)"}"#
    }

    private static let secret = "dckr_pat_0123456789abcdefghijklmnop"

    private static func server(_ number: Int) -> String { "https://registry-\(number).example" }

    /// A gnome-keyring with logins of docker's, and other items.
    static func keyring(logins: Int, others: Int = 0) throws -> Surroundings {
        let sandbox = try Sandbox()
        let bus = try PrivateBus(in: sandbox)
        let keyring = try GnomeKeyring(on: bus)
        sandbox.setEnvironment("KEYFOB_STORE", to: "secret-service")
        for number in 0..<logins {
            try sandbox.expect(
                "docker-credential-keyfob", "store", input: request(for: server(number)))
        }
        for number in 0..<others {
            try sandbox.expect(
                "secret-tool", "store", "--label=Another \(number)", "service", "another",
                "number", "\(number)", input: secret)
        }
        return Surroundings(
            place: .keyring, sandbox: sandbox, logins: logins, others: others,
            daemons: [bus, keyring])
    }

    /// An encrypted file with logins of docker's, and a password store with the same.
    static func file(logins: Int) throws -> Surroundings {
        let sandbox = try Sandbox()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        try fillFile(of: sandbox, logins: logins)
        let gpg = PasswordStoreAgent(sandbox: sandbox)
        try fillPasswordStore(of: sandbox, logins: logins)
        return Surroundings(
            place: .file, sandbox: sandbox, logins: logins, others: 0, daemons: [gpg])
    }

    private static func fillFile(of sandbox: Sandbox, logins: Int) throws {
        let environment = sandbox.environment
        func folder(_ name: String) -> Folder { Folder("\(environment[name] ?? "")/keyfob") }
        let store = FileStore(
            FileStore.Options(
                folder: folder("XDG_DATA_HOME"), keyFolder: folder("XDG_STATE_HOME"),
                notice: { _ in }))
        for number in 0..<logins {
            guard let server = Text(server(number)) else { continue }
            try store.save(
                Credential(
                    .docker(server: server, username: "alice"),
                    secret: Secret(copying: Array(secret.utf8).span)))
        }
    }

    /// Stores one login as the peer does, and lays copies of it where the others would be.
    private static func fillPasswordStore(of sandbox: Sandbox, logins: Int) throws {
        try sandbox.makeFolder("home/.gnupg")
        try sandbox.expect(
            "gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "",
            "--quick-generate-key", "bench@keyfob.example", "default", "default", "never")
        try sandbox.expect("pass", "init", "bench@keyfob.example")
        try sandbox.expect("docker-credential-pass", "store", input: request(for: server(0)))
        let folder = "home/.password-store/docker-credential-helpers"
        func name(_ number: Int) -> String {
            Data(server(number).utf8).base64EncodedString()
                .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
        }
        let first = sandbox.file("\(folder)/\(name(0))")
        for number in 1..<max(logins, 1) {
            try FileManager.default.copyItem(
                atPath: first, toPath: sandbox.file("\(folder)/\(name(number))"))
        }
    }

    // MARK: What is done in them

    func launch(
        _ arguments: String..., input: String = "", mayFail: Bool = false
    ) throws -> Launch {
        try Launch(arguments, input: input, in: sandbox, mayFail: mayFail)
    }

    func measured(_ program: String, _ action: String, processes: Int = 1) -> Case {
        Case(
            program: program, action: action, place: place, logins: logins, others: others,
            processes: processes)
    }

    /// The helper that Debian has for the same place.
    var peer: String {
        place == .file ? "docker-credential-pass" : "docker-credential-secretservice"
    }
}

/// Ends the agent that gpg has started.
private final class PasswordStoreAgent: Sendable {
    private let sandbox: Sandbox

    init(sandbox: Sandbox) { self.sandbox = sandbox }

    deinit { _ = try? sandbox.run("gpgconf", "--kill", "all") }
}

extension Sandbox {
    fileprivate func expect(_ arguments: String..., input: String = "") throws {
        let outcome = try program(arguments, input: Array(input.utf8)).run()
        guard outcome.succeeded else {
            throw SandboxError("\(arguments.joined(separator: " ")): \(outcome)")
        }
    }
}
