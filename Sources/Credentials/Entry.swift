/// An entry is what a store tells about a login without its secret.
package struct Entry: Hashable, Sendable {
    package let realm: Realm
    /// The realm's attributes, the constant ones included; without `xdg:schema`.
    package let attributes: [String: Text]
    /// What a keyring's own window shows for it.
    package let label: Text
    /// When it was stored, in seconds since 1970; nil where the store does not know.
    package let modified: UInt64?

    package init(
        realm: Realm, attributes: [String: Text], label: Text, modified: UInt64? = nil
    ) {
        self.realm = realm
        self.attributes = attributes
        self.label = label
        self.modified = modified
    }

    /// What it is for; nil for an item of another program that does not say.
    package var place: Place? { realm.place(of: attributes) }

    /// What it replaces when it is stored.
    package var login: Place? { realm.login(of: attributes) }
}
