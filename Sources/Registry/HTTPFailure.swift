/// Why there is no answer, each with the reason in the words of what failed.
package enum HTTPFailure: Error, Hashable, Sendable {
    /// Nothing here speaks HTTP.
    case unavailable(String)
    /// There was no conversation: no such host, no connection, no answer in time.
    case unreachable(String)
    /// The other end did not speak TLS.
    case notTLS(String)
    /// The other end could not show that it is the host that was asked for.
    case untrusted(String)
    /// The answer is longer than any that is of use.
    case tooLong
}
