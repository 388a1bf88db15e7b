package import Credentials

/// The encrypted file.
package struct FileStore: CredentialStore {
    package struct Options: Sendable {
        /// Where the store lies: `$XDG_DATA_HOME/keyfob`.
        package var folder: Folder
        /// Where the generated key lies: `$XDG_STATE_HOME/keyfob`.
        package var keyFolder: Folder
        /// The key file named in the configuration.
        package var keyFile: String?
        /// `$CREDENTIALS_DIRECTORY`, where systemd puts a service's credentials.
        package var credentialsDirectory: String?
        /// Says one thing to the user, once, on standard error.
        package var notice: @Sendable (String) -> Void

        package init(
            folder: Folder, keyFolder: Folder, keyFile: String? = nil,
            credentialsDirectory: String? = nil,
            notice: @escaping @Sendable (String) -> Void
        ) {
            self.folder = folder
            self.keyFolder = keyFolder
            self.keyFile = keyFile
            self.credentialsDirectory = credentialsDirectory
            self.notice = notice
        }
    }

    private let options: Options

    package init(_ options: Options) { self.options = options }

    package var name: String { "file" }

    package func find(_ query: Query) throws(StoreError) -> [Credential] { throw notYet }
    package func list(_ realm: Realm?) throws(StoreError) -> Listing { throw notYet }
    package func save(_ credential: Credential) throws(StoreError) { throw notYet }
    package func remove(_ queries: [Query]) throws(StoreError) { throw notYet }
}

private let notYet = StoreError(.failed, "not built yet")
