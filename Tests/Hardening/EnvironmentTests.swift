import Foundation
import Sandbox
import Testing

/// Variables by which GLib and libsecret print what they handle, load what they are told to, or
/// ask another service: with a real keyring they change nothing.
@Suite struct EnvironmentTests {
    private let sandbox: Sandbox
    private let keyring: GnomeKeyring
    private let login = Login()

    init() throws {
        sandbox = try Sandbox()
        keyring = try GnomeKeyring(on: PrivateBus(in: sandbox))
    }

    @Test(arguments: [
        ["G_MESSAGES_DEBUG": "all"], ["G_DEBUG": "fatal-warnings,gc-friendly"],
        ["G_DBUS_DEBUG": "all", "G_MESSAGES_DEBUG": "all"],
        ["SECRET_SERVICE_BUS_NAME": "org.example.Other"], ["SECRET_BACKEND": "file"],
        ["SECRET_FILE_TEST_PATH": "/dev/full", "SECRET_BACKEND": "file"],
    ])
    func aVariableOfTheLibrariesChangesNothing(variables: [String: String]) throws {
        try expectLogin(with: variables)
    }

    @Test func aModuleThatTheEnvironmentNamesIsNotLoaded() throws {
        try sandbox.write(
            """
            #include <fcntl.h>
            __attribute__((constructor)) static void load(void) {
                open("\(sandbox.file("loaded"))", O_CREAT | O_WRONLY, 0600);
            }
            void g_io_module_load(void *module) {}
            void g_io_module_unload(void *module) {}
            """, to: "modules/module.c")
        let built = try sandbox.run(
            "cc", "-shared", "-fPIC", "-o", sandbox.file("modules/libmodule.so"),
            sandbox.file("modules/module.c"))
        try #require(built.succeeded, "\(built.errors)")
        for name in ["GIO_EXTRA_MODULES", "GIO_MODULE_DIR"] {
            let variables = [name: sandbox.file("modules")]
            try expectLogin(with: variables)
            #expect(sandbox.read("loaded") == nil)
            // Another program with GLib does load it.
            try sandbox.run("gio", "info", sandbox.path, environment: variables)
            #expect(sandbox.read("loaded") != nil)
            try FileManager.default.removeItem(atPath: sandbox.file("loaded"))
        }
    }

    private func expectLogin(with variables: [String: String]) throws {
        let run = { (action: String, input: String) in
            try sandbox.run(
                "docker-credential-keyfob", action, input: input, environment: variables)
        }
        let stored = try run("store", login.json)
        let isSilent = stored.outputBytes.isEmpty && stored.errorBytes.isEmpty
        #expect(stored.succeeded && isSilent)
        #expect(try keyring.items().count == 1)
        let found = try run("get", login.server)
        let isTheLogin = found.output == login.answer && found.errorBytes.isEmpty
        #expect(isTheLogin)
        #expect(try run("list", "").output == #"{"\#(login.server)":"alice"}"# + "\n")
        #expect(try run("erase", login.server).output == "")
        #expect(try keyring.items().isEmpty)
    }
}
