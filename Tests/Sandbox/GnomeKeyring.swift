/// gnome-keyring as a Secret Service on a private bus.
///
/// Started without a password it is what people get who log in by SSH key: over an existing login
/// keyring it is one that was never unlocked, whose attributes are hashed; in a new sandbox it is
/// one with no default collection. Locked while it runs it keeps plain attributes in memory.
package final class GnomeKeyring: Provider {
    /// The password of the login keyring.
    package static let password = "the login keyring's"
    /// The object path of the login keyring.
    package static let login = "/org/freedesktop/secrets/collection/login"

    package let bus: PrivateBus
    package let daemon: Daemon
    package var collection: String { GnomeKeyring.login }

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
        try waitForName()
        if isUnlocked { try waitForCollection(isUnlocked: true) }
    }
}
