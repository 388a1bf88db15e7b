/// A store error is the reason why a store failed. Its outcome tells the caller what to do next.
///
/// "Not found" is no error: a search that finds nothing returns an empty array.
package struct StoreError: Error, Hashable, Sendable {
    package enum Outcome: Hashable, Sendable {
        /// There is no such store here, and nothing was done: the next store may be asked.
        case absent
        /// The store holds, or may hold, the login, and cannot be opened here and now.
        case locked
        /// The user was asked to unlock the store and refused.
        case declined
        /// There was no answer before the deadline; the request may have been carried out.
        case timedOut
        /// The store's service went away before it answered; the request may have been carried out.
        case gone
        /// The stored data is not what was written. It has been left as it is.
        case damaged
        /// Any other error. Nothing was changed, unless the message says so.
        case failed
    }

    /// The code of the error, which does not depend on its words.
    package let code: ErrorCode
    /// One line for clients and people: lower case, no full stop, never a secret.
    package let message: String
    /// One line that says what to do about it; nil if there is nothing to say.
    package let hint: String?

    /// Control characters, which a path may contain, are escaped (`String.printable`).
    package init(_ code: ErrorCode, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message.printable
        self.hint = hint?.printable
    }

    package var outcome: Outcome { code.outcome }
}
