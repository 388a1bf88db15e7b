package import Credentials

/// A channel carries one request from a client and one answer to it, and lines to people, on
/// standard error.
///
/// Every line is given without its line's end and must hold no control character.
package protocol Channel: AnyObject {
    /// The whole input, of at most `limit` bytes.
    func read(atMost limit: Int) throws(InputError) -> Secret

    /// The next line of the input, of at most `limit` bytes, without its line's end; empty at the
    /// end of the input.
    func readLine(atMost limit: Int) throws(InputError) -> Secret

    /// Must be called before the store is changed: if no answer can be given in time, it is unknown
    /// then whether it was.
    func willChangeStore()

    /// Sends the client a line that precedes the answer.
    func handshake(_ line: String)

    /// What a person types at the terminal, without echo; nil where there is none. `noun` is what is
    /// asked for, in errors.
    func ask(_ question: String, for noun: String) throws(StoreError) -> Secret?

    /// Gives the one answer: the line with a line's end, or nothing if it is nil. Returns failure,
    /// and has told people why, if it could not be delivered whole.
    func answer(_ line: Secret?) -> ExitStatus

    /// Gives the one answer to a request that failed, and returns failure. To the client the line is
    /// the answer; where the line is for people alone the answer is empty. The hint tells people
    /// what to do next.
    func fail(_ line: String, hint: String?, to recipient: Recipient) -> ExitStatus

    /// Tells people what to do next.
    func hint(_ line: String)

    /// Tells people what the answer may lack.
    func warn(_ line: String)
}

/// Who is given an error.
package enum Recipient: Sendable {
    /// The client, whose user it then tells.
    case client
    /// People, on standard error: the client would take it for data.
    case person
    /// Both: clients differ in what they show.
    case both
}

/// Why there is no input.
package enum InputError: Error, Hashable, Sendable {
    /// There is more of it than the limit.
    case tooLong
    /// It cannot be read; the reason in the system's words.
    case unreadable(String)
}
