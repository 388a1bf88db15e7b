import Foundation
import Sandbox
import Testing

/// The built helper where libsecret, or what it needs, is there and does not load, as below conda,
/// in an AppImage or after half an upgrade. The keyring is out of reach then, and not missing.
@Suite struct BrokenLibraryTests {
    enum Break: CaseIterable {
        /// Another version of what libsecret needs is found before the system's.
        case otherVersion
        case neededLibraryIsGone
        case libraryIsCutShort
        case neededLibraryIsCutShort
    }

    private let sandbox: Sandbox
    private let keyring: GnomeKeyring

    init() throws {
        sandbox = try Sandbox()
        keyring = try GnomeKeyring(on: try PrivateBus(in: sandbox))
        let stored = try sandbox.run(
            "docker-credential-keyfob", "store", input: Request.update.input)
        try #require(stored.succeeded)
    }

    @Test(arguments: Break.allCases) func itIsAnErrorInTheWordsOfTheLoader(how: Break) throws {
        let prefix = try arrange(how)
        for (action, input) in [
            ("get", "h.example"), ("list", ""), ("store", Request.replace.input),
            ("store", #"{"ServerURL":"other.example","Username":"u","Secret":"s"}"#),
        ] {
            let outcome = try run(prefix + ["docker-credential-keyfob", action], input)
            #expect(outcome.status == 1, "\(action): \(outcome)")
            #expect(outcome.output.hasPrefix("libsecret does not load: "), "\(outcome)")
            #expect(outcome.output.contains(".so"), "\(outcome)")
            #expect(outcome.output.split(separator: "\n").count == 1, "\(outcome)")
        }
        let token = try run(prefix + ["keyfob", "token", "h.example"])
        #expect(token.status == 1 && token.output.isEmpty)
        #expect(token.errors.contains("libsecret does not load: "), "\(token)")
        #expect(sandbox.read("home/.local/share/keyfob/credentials") == nil)
        #expect(try keyring.items().count == 1)
    }

    @Test(arguments: Break.allCases) func statusSaysWhy(how: Break) throws {
        let status = try run(arrange(how) + ["keyfob", "status"])
        #expect(status.status == 1)
        #expect(status.output.contains("attention: libsecret does not load: "), "\(status)")
    }

    /// An erase gets no secret, and needs no libsecret.
    @Test(arguments: Break.allCases) func anEraseReachesTheKeyring(how: Break) throws {
        let erase = try run(arrange(how) + ["docker-credential-keyfob", "erase"], "h.example")
        #expect(erase.succeeded, "\(erase)")
        #expect(try keyring.items().isEmpty)
    }

    @Test func withoutGLibThereIsNoEraseEither() throws {
        try sandbox.write("", to: "lib/libgio-2.0.so.0")
        sandbox.setEnvironment("LD_LIBRARY_PATH", to: sandbox.file("lib"))
        let erase = try run(["docker-credential-keyfob", "erase"], "h.example")
        #expect(erase.status == 1 && erase.output.hasPrefix("GLib does not load: "), "\(erase)")
        sandbox.setEnvironment("LD_LIBRARY_PATH", to: nil)
        #expect(try keyring.items().count == 1)
    }

    /// Where there is no bus, no library is wanted.
    @Test func withoutABusTheFileServes() throws {
        _ = try arrange(.otherVersion)
        sandbox.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: "unix:path=/nonexistent/bus")
        let login = #"{"ServerURL":"other.example","Username":"u","Secret":"s"}"#
        #expect(try run(["docker-credential-keyfob", "store"], login).succeeded)
        #expect(try run(["docker-credential-keyfob", "get"], "other.example").succeeded)
    }

    private func run(_ arguments: [String], _ input: String = "") throws -> Outcome {
        try sandbox.program(arguments, input: Array(input.utf8)).run()
    }

    /// Breaks it, and gives what a command line must begin with.
    private func arrange(_ how: Break) throws -> [String] {
        switch how {
        case .otherVersion:
            try sandbox.makeFolder("lib")
            let copy = try sandbox.run(
                "sh", "-c", "cp /usr/lib/*/libglib-2.0.so.0 \(sandbox.file("lib/libgcrypt.so.20"))")
            try #require(copy.succeeded)
        case .neededLibraryIsCutShort:
            try sandbox.write("", to: "lib/libgcrypt.so.20")
        case .libraryIsCutShort:
            try sandbox.write("", to: "lib/libsecret-1.so.0")
        case .neededLibraryIsGone:
            return Sandbox.hiding("libgcrypt.so.20")
        }
        sandbox.setEnvironment("LD_LIBRARY_PATH", to: sandbox.file("lib"))
        return []
    }
}
