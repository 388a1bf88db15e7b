package import Credentials

/// A request is for one address, and may authenticate a user.
package struct HTTPRequest: Sendable {
    package enum Identity: Sendable {
        case nobody
        case basic(username: Text, password: Secret)
        /// The token holds only visible ASCII.
        case bearer(Secret)
        /// The whole value of the header `Authorization`, which holds only visible ASCII and
        /// spaces.
        case header(Secret)
        /// The token and the namespace of OpenBao or Vault, which hold only visible ASCII.
        case engine(token: Secret, namespace: Text?)
    }

    package let address: WebAddress
    package let identity: Identity
    /// The form that is posted; nil for a GET.
    package let form: Secret?

    package init(
        _ address: WebAddress, as identity: Identity = .nobody, posting form: Secret? = nil
    ) {
        self.address = address
        self.identity = identity
        self.form = form
    }
}
