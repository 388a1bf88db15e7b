/// The reason for which a request got no reply. The string is the message of libcurl or of dlopen.
package enum HTTPFailure: Error, Hashable, Sendable {
    /// libcurl is not installed, or it cannot do what is required.
    case unavailable(String)
    /// There was no connection: the host does not exist, refused, or did not reply in time.
    case unreachable(String)
    /// The server did not speak TLS.
    case notTLS(String)
    /// The server's certificate does not prove that it is the host of the request.
    case untrusted(String)
    /// The reply is longer than any useful one.
    case tooLong
}
