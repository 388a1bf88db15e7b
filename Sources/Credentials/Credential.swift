/// A credential is an entry with its secret.
package struct Credential: Sendable {
    package let entry: Entry
    package let secret: Secret

    package init(_ entry: Entry, secret: Secret) {
        self.entry = entry
        self.secret = secret
    }

    /// Returns the value of one of the entry's attributes; nil if it has no such attribute.
    package subscript(name: String) -> Text? { entry[name] }
}
