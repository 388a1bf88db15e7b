package import Credentials

/// The user's keyring: a D-Bus Secret Service, through libsecret.
package struct KeyringStore: CredentialStore {
    /// What the keyring store needs to know of the process it runs in.
    package struct Options: Sendable {
        /// The session bus, as `DBUS_SESSION_BUS_ADDRESS` names it; nil where there is none.
        package var busAddress: String?
        /// The alias or path of the collection that new logins go to.
        package var collection: String
        /// Whether somebody can answer a prompt.
        package var mayPrompt: Bool
        /// How long a prompt may stand, in seconds.
        package var promptTimeout: Int
        /// Where the lock lies that all writers of this user hold.
        package var lockFolder: Folder
        /// What remembers which servers have been stored in a keyring.
        package var marker: KeyringMarker
        /// Called before a prompt is shown, so that a watchdog waits for it.
        package var willPrompt: @Sendable () -> Void

        package init(
            busAddress: String?, collection: String = "default", mayPrompt: Bool,
            promptTimeout: Int = 60, lockFolder: Folder, marker: KeyringMarker,
            willPrompt: @escaping @Sendable () -> Void = {}
        ) {
            self.busAddress = busAddress
            self.collection = collection
            self.mayPrompt = mayPrompt
            self.promptTimeout = promptTimeout
            self.lockFolder = lockFolder
            self.marker = marker
            self.willPrompt = willPrompt
        }
    }

    private let options: Options

    package init(_ options: Options) { self.options = options }

    package var name: String { "keyring" }

    package func find(_ query: Query) throws(StoreError) -> [Credential] { throw notYet }
    package func list(_ realm: Realm?) throws(StoreError) -> Listing { throw notYet }
    package func save(_ credential: Credential) throws(StoreError) { throw notYet }
    package func remove(_ queries: [Query]) throws(StoreError) { throw notYet }
}

private let notYet = StoreError(.absent, "not built yet")
