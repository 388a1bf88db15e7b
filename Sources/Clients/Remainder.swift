package import Credentials

/// A remainder is a place of logins that a client may still use and that Keyfob does not change.
package struct Remainder: Sendable {
    /// The path of a file, or the name of a program.
    package let place: String
    package let problem: StoreError
    /// True if it is only to be mentioned.
    package let isNote: Bool

    package init(place: String, problem: StoreError, isNote: Bool = false) {
        self.place = place
        self.problem = problem
        self.isNote = isNote
    }
}
