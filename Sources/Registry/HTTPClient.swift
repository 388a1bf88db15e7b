/// An HTTP client asks a server and gives what it answers. It follows no redirection, so that
/// nothing reaches a host that the request does not name.
package protocol HTTPClient: Sendable {
    func ask(_ request: HTTPRequest) throws(HTTPFailure) -> HTTPAnswer
}
