package import Credentials

/// The keyring and the file as one store (DESIGN section 4).
package struct StoreChain: CredentialStore {
    private let keyring: (any CredentialStore)?
    private let file: (any CredentialStore)?
    private let marker: KeyringMarker?
    private let refusal: StoreError?
    private let notice: @Sendable (String) -> Void

    /// A chain of the stores that the policy allows. `refusal`, if any, is what `save` answers:
    /// a configuration that could not be understood must not decide where a secret goes.
    package init(
        keyring: (any CredentialStore)?, file: (any CredentialStore)?, marker: KeyringMarker?,
        refusal: StoreError? = nil, notice: @escaping @Sendable (String) -> Void
    ) {
        self.keyring = keyring
        self.file = file
        self.marker = marker
        self.refusal = refusal
        self.notice = notice
    }

    package var name: String { "auto" }

    package func find(_ query: Query) throws(StoreError) -> [Credential] { throw notYet }
    package func list(_ realm: Realm?) throws(StoreError) -> Listing { throw notYet }
    package func save(_ credential: Credential) throws(StoreError) { throw notYet }
    package func remove(_ queries: [Query]) throws(StoreError) { throw notYet }
}

private let notYet = StoreError(.failed, "not built yet")
