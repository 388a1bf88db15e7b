/// A provider is a real Secret Service on a private bus, with one collection of logins.
///
/// What it keeps lies in the sandbox, so that stopping one and starting another is a logout and a
/// login.
package protocol Provider: Sendable {
    var bus: PrivateBus { get }
    var daemon: Daemon { get }
    /// The object path of its collection.
    var collection: String { get }
}

extension Provider {
    /// Locks the collection, as a screen lock does.
    package func lock() throws {
        let answer = try bus.call(
            secrets, service, "org.freedesktop.Secret.Service.Lock", "['\(collection)']")
        // KeePassXC does it by way of a prompt.
        if let prompt = answer?.split(separator: "'").last(where: { $0.contains("/prompt/") }) {
            _ = try bus.call(
                secrets, String(prompt), "org.freedesktop.Secret.Prompt.Prompt", "")
            try daemon.wait(for: "lock") { try isLocked() == true ? () : nil }
        }
        guard try isLocked() == true else { throw SandboxError("the keyring does not lock") }
    }

    /// Whether the collection is locked; nil if there is none.
    package func isLocked() throws -> Bool? {
        try property("Locked").map { $0.contains("true") }
    }

    /// The object paths of the collection's items.
    package func items() throws -> [String] {
        guard let answer = try property("Items") else { return [] }
        return answer.split(separator: "'").map(String.init).filter { $0.hasPrefix("/") }
    }

    /// The object paths of all collections.
    func collections() throws -> [String] {
        let answer = try bus.call(
            secrets, service, "org.freedesktop.DBus.Properties.Get",
            "org.freedesktop.Secret.Service", "Collections")
        guard let answer else { throw SandboxError("the service does not tell its collections") }
        return answer.split(separator: "'").map(String.init).filter { $0.hasPrefix("/") }
    }

    /// What the `default` alias names: `/` if there is no default collection.
    package func defaultCollection() throws -> String? {
        try bus.call(
            secrets, service, "org.freedesktop.Secret.Service.ReadAlias", "default"
        )?.split(separator: "'").dropFirst().first.map(String.init)
    }

    /// Ends it, as a logout does, and returns when its name is free.
    package func stop() throws {
        daemon.stop()
        try bus.waitUntilFree(secrets)
    }

    /// Waits until it owns the name of the Secret Service.
    func waitForName() throws {
        try daemon.wait(for: "name on the bus") { try bus.hasOwner(secrets) ? () : nil }
    }

    /// Waits until the collection is there, unlocked or locked.
    func waitForCollection(isUnlocked: Bool) throws {
        try daemon.wait(for: "\(isUnlocked ? "unlocked" : "locked") collection") {
            // One that is to be stored in is found by its alias.
            let isReady = try !isUnlocked || defaultCollection() == collection
            return try isReady && isLocked() == !isUnlocked ? () : nil
        }
    }

    private func property(_ name: String) throws -> String? {
        try bus.call(
            secrets, collection, "org.freedesktop.DBus.Properties.Get",
            "org.freedesktop.Secret.Collection", name)
    }
}

private let secrets = "org.freedesktop.secrets"
private let service = "/org/freedesktop/secrets"
