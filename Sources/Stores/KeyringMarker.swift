package import Credentials

/// The places for which a login was once stored in a keyring, as salted hashes.
package struct KeyringMarker: Sendable {
    private let folder: Folder

    package init(in folder: Folder) { self.folder = folder }

    package func contains(_ place: Place) throws(StoreError) -> Bool { false }
    package func insert(_ place: Place) throws(StoreError) {}
    package func remove(_ place: Place) throws(StoreError) {}
}
