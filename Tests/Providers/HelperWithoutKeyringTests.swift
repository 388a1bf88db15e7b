import Foundation
import Sandbox
import Testing

/// The built helper where there is no keyring to be had: the file serves, at once, and nothing
/// but the protocol is on standard output.
@Suite struct HelperWithoutKeyringTests {
    enum Lack: CaseIterable {
        case bus, aBusThatLives, provider, defaultCollection, libsecret
    }

    /// In seconds: far more than it takes, and less than any deadline that it could run into.
    private static let patience = 4.0

    let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    @Test(arguments: Lack.allCases) func theFileServes(lack: Lack) throws {
        let prefix = try arrange(lack)
        try expect(prefix, "get", "h.example", 1, "credentials not found in native keychain\n")
        try expect(prefix, "list", "", 0, "{}\n")
        try expect(
            prefix, "store", #"{"ServerURL":"h.example","Username":"u","Secret":"s"}"#, 0, "")
        #expect(sandbox.read("home/.local/share/keyfob/credentials") != nil)
        try expect(
            prefix, "get", "https://h.example/v2/", 0,
            #"{"ServerURL":"https://h.example/v2/","Username":"u","Secret":"s"}"# + "\n")
        try expect(prefix, "list", "", 0, #"{"h.example":"u"}"# + "\n")
        try expect(prefix, "erase", "h.example", 0, "")
        try expect(prefix, "erase", "h.example", 0, "")
        try expect(prefix, "list", "", 0, "{}\n")
    }

    @Test func anEraseReachesAKeyringWithoutLibsecret() throws {
        let prefix = try arrange(.libsecret)
        let login = #"{"ServerURL":"h.example","Username":"u","Secret":"s"}"#
        try expect([], "store", login, 0, "")
        try expect(prefix, "erase", "https://h.example/v1/", 0, "")
        try expect([], "get", "h.example", 1, "credentials not found in native keychain\n")
    }

    /// What keeps writers of a keyring apart matters only where there is one.
    @Test func aLockThatCannotBeTakenIsAnErrorOnlyWhereThereIsAKeyring() throws {
        let bus = try PrivateBus(in: sandbox)
        // Nothing can be locked in the place of a folder.
        try sandbox.makeFolder("home/.local/state/keyfob/keyring.lock")
        let login = #"{"ServerURL":"h.example","Username":"u","Secret":"s"}"#
        try expect([], "store", login, 0, "")
        try expect([], "erase", "h.example", 0, "")
        try expect([], "get", "h.example", 1, "credentials not found in native keychain\n")

        _ = try GnomeKeyring(on: bus)
        let outcome = try run([], "erase", "h.example")
        #expect(outcome.status == 1 && outcome.output.contains("keyring.lock"), "\(outcome)")
    }

    @Test func anEraseWithoutABusIsTrueForEachServer() throws {
        let bus = try PrivateBus(in: sandbox)
        _ = try GnomeKeyring(on: bus)
        try expect(
            [], "store", #"{"ServerURL":"h.example","Username":"u","Secret":"s"}"#, 0, "")
        sandbox.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: nil)

        let message =
            Sentence.expanding("<keyring-copy-remains>\n")
        let outcome = try run([], "erase", "https://h.example/v1/")
        #expect(outcome.status == 1)
        #expect(outcome.output == message)
        #expect(outcome.errors.hasPrefix(message))
        try expect([], "erase", "other.example", 0, "")
        try expect([], "erase", "h.example:8443", 0, "")

        sandbox.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: bus.address)
        try expect([], "erase", "h.example", 0, "")
        sandbox.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: nil)
        try expect([], "erase", "h.example", 0, "")
    }

    private func expect(
        _ prefix: [String], _ action: String, _ input: String, _ status: Int32, _ output: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let outcome = try run(prefix, action, input)
        #expect(outcome.status == status, sourceLocation: sourceLocation)
        #expect(outcome.outputBytes == Array(output.utf8), sourceLocation: sourceLocation)
        #expect(outcome.seconds < Self.patience, sourceLocation: sourceLocation)
        if action != "store" {
            #expect(outcome.errors.isEmpty, sourceLocation: sourceLocation)
        }
    }

    private func run(_ prefix: [String], _ action: String, _ input: String) throws -> Outcome {
        try sandbox.program(
            prefix + ["docker-credential-keyfob", action], input: Array(input.utf8)
        ).run()
    }

    /// Brings the lack about, and gives what the helper's command line must begin with.
    private func arrange(_ lack: Lack) throws -> [String] {
        switch lack {
        case .bus: break
        case .aBusThatLives: try PrivateBus(in: sandbox).stop()
        case .provider: _ = try PrivateBus(in: sandbox)
        case .defaultCollection:
            _ = try GnomeKeyring(on: try PrivateBus(in: sandbox), isUnlocked: false)
        case .libsecret:
            _ = try GnomeKeyring(on: try PrivateBus(in: sandbox))
            return Sandbox.hiding("libsecret-1.so.0")
        }
        return []
    }
}
