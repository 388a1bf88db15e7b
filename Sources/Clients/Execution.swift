package import Credentials
package import Files

/// An execution is the environment in which a client is run with a login.
package struct Execution: Sendable {
    package typealias Variable = (name: String, value: Secret)

    /// The variable in which the client looks for the secret.
    package let secret: Variable
    /// Further variables for the client. One that is already set is not changed.
    package var others: [Variable] = []
    /// The variable or file with a login that the client uses instead; nil if there is none.
    package var rival: String?
    /// A folder for a client that writes the login from its environment to a file: the variable
    /// that names it, and a file that the client keeps with its logins, which is copied to the
    /// folder and back. Nil if the client does not.
    package var folder: (variable: String, settings: ClientFile)?
}
