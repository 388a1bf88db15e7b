import Foundation
import Sandbox
import Testing

/// root with the home or the bus of the user who called sudo: it neither takes their logins nor
/// leaves its own with them. root in the tests is both.
@Suite(.enabled(if: geteuid() == 0, "only root can be two users"))
struct SudoTests {
    private let theirs: Sandbox
    private let login = Login()

    init() throws { theirs = try Sandbox(unprivileged: true) }

    @Test func theCallersHomeIsLeftAlone() throws {
        let refused = try runAsRoot("store", login.json)
        #expect(refused.status == 1)
        #expect(refused.output.contains("is not created: "))
        #expect(refused.output.contains(" is owned by uid 65534, not by you (uid 0)\n"))
        #expect(refused.errors.contains("run this as the owner of that home directory"))
        #expect(try runAsRoot("get", login.server).output == notFound)
        #expect(try runAsRoot("erase", login.server).succeeded)
        #expect(theirs.read("home/.local/share/keyfob/credentials") == nil)
        #expect(try FileManager.default.subpathsOfDirectory(atPath: theirs.file("home")) == [])

        // Nor are logins that they have there read, replaced or erased.
        let stored = try theirs.run(
            "docker-credential-keyfob", "store", input: login.json, environment: file)
        #expect(stored.succeeded)
        for action in ["get", "erase", "list"] {
            let outcome = try runAsRoot(action, login.server)
            #expect(outcome.status == 1)
            #expect(outcome.output.contains(" is owned by uid 65534, not by you (uid 0)\n"))
        }
        #expect(try runAsRoot("store", Login().json).status == 1)
        let kept = try theirs.run(
            "docker-credential-keyfob", "get", input: login.server, environment: file)
        let isKept = kept.output == login.answer
        #expect(isKept)
    }

    @Test func theCallersBusIsNotTheKeyringOfRoot() throws {
        let bus = try PrivateBus(in: theirs)
        let keyring = try GnomeKeyring(on: bus)
        let stored = try theirs.run("docker-credential-keyfob", "store", input: login.json)
        #expect(stored.succeeded)

        let ours = try Sandbox()
        ours.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: bus.address)
        for (action, input) in [("store", Login().json), ("get", login.server), ("list", "")] {
            let outcome = try ours.run("docker-credential-keyfob", action, input: input)
            #expect(outcome.status == 1)
            #expect(outcome.output.hasPrefix("another user (uid 65534) listens at "))
            #expect(outcome.errors.contains("keyfob: hint: under sudo or in a sandbox"))
        }
        #expect(ours.read("home/.local/share/keyfob/credentials") == nil)
        #expect(try keyring.items().count == 1)
    }

    private let notFound = "credentials not found in native keychain\n"
    private let file: [String: String?] = ["KEYFOB_STORE": "file"]

    private func runAsRoot(_ action: String, _ input: String) throws -> Outcome {
        let program = theirs.program(
            ["docker-credential-keyfob", action], input: Array(input.utf8), environment: file)
        // Without the words by which it would be theirs.
        let words = Array(program.arguments.drop { $0 != "docker-credential-keyfob" })
        var ours = program
        ours.arguments = words
        return try ours.run()
    }
}
