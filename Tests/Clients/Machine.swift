import Foundation
import Sandbox
import Testing

/// A machine is a sandbox as clients meet it: a desktop with a keyring, or a server without one.
struct Machine {
    enum Kind: CaseIterable, CustomTestStringConvertible {
        /// gnome-keyring serves.
        case desktop
        /// There is no bus, and the encrypted file serves.
        case server

        var testDescription: String {
            switch self {
            case .desktop: "with gnome-keyring"
            case .server: "without a bus"
            }
        }
    }

    let sandbox: Sandbox
    /// The desktop's keyring.
    let keyring: GnomeKeyring?

    init(_ kind: Kind) throws {
        sandbox = try Sandbox()
        keyring =
            switch kind {
            case .desktop: try GnomeKeyring(on: try PrivateBus(in: sandbox))
            case .server: nil
            }
    }

    // MARK: The helper, called as clients call it

    @discardableResult
    func helper(
        _ action: String, _ input: String, as name: String = "docker-credential-keyfob"
    ) throws -> Outcome {
        try sandbox.run(name, action, input: input)
    }

    /// Stores a login, and fails the test if the helper does not.
    func store(
        _ server: String, _ user: String, _ secret: String,
        as name: String = "docker-credential-keyfob"
    ) throws {
        let outcome = try helper("store", Machine.login(server, user, secret), as: name)
        try #require(outcome.succeeded)
    }

    /// The user and the secret for a server; nil if the helper says that there is none.
    func get(
        _ server: String, as name: String = "docker-credential-keyfob"
    ) throws -> Login? {
        let outcome = try helper("get", server, as: name)
        if outcome.output == "credentials not found in native keychain\n" { return nil }
        try #require(outcome.succeeded)
        return try JSONDecoder().decode(Login.self, from: Data(outcome.outputBytes))
    }

    /// The user for each server.
    func list(as name: String = "docker-credential-keyfob") throws -> [String: String] {
        let outcome = try helper("list", "unused", as: name)
        try #require(outcome.succeeded)
        return try JSONDecoder().decode([String: String].self, from: Data(outcome.outputBytes))
    }

    /// Removes a login, and fails the test if the helper does not.
    func erase(_ server: String, as name: String = "docker-credential-keyfob") throws {
        let outcome = try helper("erase", server, as: name)
        try #require(outcome.succeeded)
    }

    /// What a client gives to `store`.
    static func login(_ server: String, _ user: String, _ secret: String) throws -> String {
        let login = ["ServerURL": server, "Username": user, "Secret": secret]
        return String(decoding: try JSONEncoder().encode(login), as: UTF8.self) + "\n"
    }

    /// Checks that no login is left in any store.
    func expectNothing(sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(try list().isEmpty, sourceLocation: sourceLocation)
        if let keyring {
            #expect(try keyring.items().isEmpty, sourceLocation: sourceLocation)
        }
        let file = try sandbox.run(
            "docker-credential-keyfob", "list", environment: ["KEYFOB_STORE": "file"])
        #expect(file.output == "{}\n", sourceLocation: sourceLocation)
    }
}
