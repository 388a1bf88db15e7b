package import Credentials

/// A remainder is a place of logins that a client may still use and that Keyfob does not change.
package struct Remainder: Sendable {
    /// The path of a file, or the name of a program.
    package let place: String
    package let problem: StoreError

    package init(place: String, problem: StoreError) {
        self.place = place
        self.problem = problem
    }
}
