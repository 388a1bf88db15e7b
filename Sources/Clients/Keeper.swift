package import Credentials

/// A keeper is the helper that a client asks for its logins, or the client's own file, as its
/// configuration says.
package struct Keeper: Sendable {
    /// The helper, as the configuration names it; nil if it names none, so that the client keeps
    /// its logins in a file of its own.
    package var name: String?
    package var isOurs = false
    /// True if the client asks Keyfob, perhaps after other helpers.
    package var isAsked = false
    /// True if the client also reads its own file.
    var readsFile = true
    /// True if it asks the helper before it reads the file.
    var asksFirst = false
    /// The registries for which the client asks another helper than for all others, or (nil) reads
    /// its own file.
    package var exceptions: [Exception] = []
    /// The programs that the client would run, but that are not in its search path or not
    /// executable.
    package var missing: [String] = []
    /// A way in which logins are still written in plain text, and how to stop it; nil if there is
    /// none.
    package var leak: (what: String, hint: String)?

    /// The account that the client asks Keyfob for; nil if its configuration names none.
    package var account: AccountName?

    package struct Exception: Sendable {
        package let registry: String
        package let name: String?
        package let isOurs: Bool
        /// The account of Keyfob's helper, if its name names one.
        package var account: AccountName?
    }

    /// `ours` is the name of Keyfob's that the helper is; nil if it is another one.
    init(_ name: String? = nil, _ ours: HelperName? = nil) {
        self.name = name
        isOurs = ours != nil
        isAsked = isOurs
        account = ours?.account
        readsFile = name == nil
    }
}
