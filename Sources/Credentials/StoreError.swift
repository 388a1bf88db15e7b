/// Why a store could not do what it was asked, said so that the caller knows what to do next.
///
/// Not found is not among them: finding nothing is an answer, an empty array.
package struct StoreError: Error, Hashable, Sendable {
    package enum Outcome: Hashable, Sendable {
        /// There is no such store here, and there was nothing to be done: ask the next one.
        case absent
        /// The store holds, or may hold, what was asked, and cannot be opened here and now.
        case locked
        /// The user was asked to unlock it and said no.
        case declined
        /// No answer within the deadline; what was asked may have been done.
        case timedOut
        /// The store's service went away while it was answering; what was asked may have been
        /// done.
        case gone
        /// What is stored is not what was written. It has been left as it is.
        case damaged
        /// Anything else. Nothing was changed, unless the message says so.
        case failed
    }

    /// Which error it is, whatever its words.
    package let code: ErrorCode
    /// One line for clients and people: lower case, no full stop, never a secret.
    package let message: String
    /// What to do about it, one line, or nil.
    package let hint: String?

    /// A control character, which a path may hold, becomes a question mark.
    package init(_ code: ErrorCode, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message.printable
        self.hint = hint?.printable
    }

    package var outcome: Outcome { code.outcome }
}
