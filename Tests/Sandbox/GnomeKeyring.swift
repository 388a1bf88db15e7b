/// gnome-keyring as a Secret Service on a private bus.
///
/// Its collections lie in the sandbox, so that stopping one and starting another is a logout and
/// a login. Started without a password it is what people get who log in by SSH key: over an
/// existing login keyring it is one that was never unlocked, whose attributes are hashed; in a
/// new sandbox it is one with no default collection.
package final class GnomeKeyring: Sendable {
    /// The password of the login keyring.
    package static let password = "the login keyring's"
    /// The object path of the login keyring.
    package static let login = "/org/freedesktop/secrets/collection/login"

    private static let name = "org.freedesktop.secrets"
    private static let service = "/org/freedesktop/secrets"

    private let bus: PrivateBus
    private let daemon: Daemon

    /// Starts gnome-keyring, and returns when it answers.
    ///
    /// - Parameter isUnlocked: whether it is given the password, with which it makes a login
    ///   keyring where there is none.
    package init(on bus: PrivateBus, isUnlocked: Bool = true) throws {
        self.bus = bus
        let arguments = ["gnome-keyring-daemon", "--foreground", "--components=secrets"]
        daemon = try bus.sandbox.startDaemon(
            arguments + (isUnlocked ? ["--unlock"] : []),
            input: isUnlocked ? GnomeKeyring.password : "")
        try daemon.wait(for: "name on the bus") {
            try bus.hasOwner(GnomeKeyring.name) ? () : nil
        }
        if isUnlocked {
            try daemon.wait(for: "unlocked login keyring") { try isLocked() == false ? () : nil }
        }
    }

    /// Locks the login keyring as a screen lock does: the daemon keeps plain attributes in memory.
    package func lock() throws {
        _ = try bus.call(
            GnomeKeyring.name, GnomeKeyring.service, "org.freedesktop.Secret.Service.Lock",
            "['\(GnomeKeyring.login)']")
        guard try isLocked() == true else { throw SandboxError("the keyring does not lock") }
    }

    /// Whether the login keyring is locked; nil if there is none.
    package func isLocked() throws -> Bool? {
        try property("Locked").map { $0.contains("true") }
    }

    /// The object paths of the login keyring's items.
    package func items() throws -> [String] {
        guard let answer = try property("Items") else { return [] }
        return answer.split(separator: "'").map(String.init).filter { $0.hasPrefix("/") }
    }

    /// What the `default` alias names: `/` if there is no default collection.
    package func defaultCollection() throws -> String? {
        try bus.call(
            GnomeKeyring.name, GnomeKeyring.service, "org.freedesktop.Secret.Service.ReadAlias",
            "default"
        )?.split(separator: "'").dropFirst().first.map(String.init)
    }

    /// Ends it, as a logout does, and returns when its name is free.
    package func stop() throws {
        daemon.stop()
        try bus.waitUntilFree(GnomeKeyring.name)
    }

    private func property(_ name: String) throws -> String? {
        try bus.call(
            GnomeKeyring.name, GnomeKeyring.login, "org.freedesktop.DBus.Properties.Get",
            "org.freedesktop.Secret.Collection", name)
    }
}
