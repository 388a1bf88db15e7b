/// An HTTP client sends a request and returns the server's reply. It follows no redirection, so
/// that nothing reaches a host that the request does not name.
package protocol HTTPClient: Sendable {
    func ask(_ request: HTTPRequest) throws(HTTPFailure) -> HTTPAnswer
}
