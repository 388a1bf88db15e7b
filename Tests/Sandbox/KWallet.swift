import Foundation

/// KWallet as a Secret Service on a private bus, without a display: nobody sees its windows and
/// nobody answers them.
///
/// It is opened as PAM opens it at a login, and what it does by way of a prompt it then does at
/// once. A wallet that it has just made is no collection yet: it is started twice.
package final class KWallet: Provider {
    package let bus: PrivateBus
    package let daemon: Daemon
    package var collection: String { "/org/freedesktop/secrets/collection/kdewallet" }

    /// Starts KWallet, and returns when it answers.
    package init(on bus: PrivateBus) throws {
        self.bus = bus
        if bus.sandbox.read(KWallet.wallet) == nil {
            let first = try KWallet.start(on: bus)
            try first.wait(for: "new wallet") { try KWallet.isOpen(on: bus) ? () : nil }
            first.stop()
            try bus.waitUntilFree("org.kde.\(KWallet.program(on: bus))")
        }
        daemon = try KWallet.start(on: bus)
        try waitForName()
        try daemon.wait(for: "collection") {
            // One that is asked to unlock the wallet before PAM has opened it asks for a password.
            try KWallet.isOpen(on: bus) && defaultCollection() == collection ? () : nil
        }
    }

    private static let wallet = "home/.local/share/kwalletd/kdewallet.kwl"

    /// Returns true where KWallet 6 is installed, as on Debian 13, and not KWallet 5.
    package static func isVersion6(in sandbox: Sandbox) -> Bool {
        (try? sandbox.program(["kwalletd6"]).executable()) != nil
    }

    /// Its program, in which its name on the bus ends.
    private static func program(on bus: PrivateBus) -> String {
        isVersion6(in: bus.sandbox) ? "kwalletd6" : "kwalletd5"
    }

    private static func isOpen(on bus: PrivateBus) throws -> Bool {
        let program = program(on: bus)
        return try bus.call(
            "org.kde.\(program)", "/modules/\(program)", "org.kde.KWallet.isOpen", "kdewallet")
            == "(true,)\n"
    }

    private static func start(on bus: PrivateBus, beside file: String = #filePath) throws -> Daemon
    {
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent()
        let socket = bus.sandbox.file("run/\(bus.sandbox.uniqueName("kwallet"))")
        return try bus.sandbox.startDaemon([
            "/usr/bin/python3", "-B", folder.path + "/KWallet/login.py",
            program(on: bus), socket, "the wallet's",
        ])
    }
}
