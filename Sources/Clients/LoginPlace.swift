package import Credentials

/// A login place is the place of a new login of a client, in the form in which the client finds it.
package struct LoginPlace: Sendable, CustomStringConvertible {
    /// The user name in the address of the server; nil if there is none.
    package var username: Text?
    /// The registry that can verify the login; nil if none can.
    package var registry: Text?
    /// Returns the login of a user there, without a secret.
    package let entry: @Sendable (Text?) -> Entry

    /// The server as the user would name it.
    package var description: String { entry(nil).serverName }
}
