package import Credentials

/// A channel carries one request from a client and one answer to it, and lines for people, on
/// standard error.
///
/// A line is given without its line's end and must not contain a control character.
package protocol Channel: AnyObject {
    /// Returns the whole input, of at most `limit` bytes.
    func read(atMost limit: Int) throws(InputError) -> Secret

    /// Returns the next line of the input, of at most `limit` bytes, without its line's end; empty
    /// at the end of the input.
    func readLine(atMost limit: Int) throws(InputError) -> Secret

    /// Must be called before the store is changed: if the answer is then not given in time, it is
    /// unknown if the store was changed.
    func willChangeStore()

    /// Sends the client a line that precedes the answer.
    func handshake(_ line: String)

    /// Returns the text that the user types at the terminal, which does not show it; nil if there
    /// is no terminal. `noun` names what is asked for, in errors.
    func ask(_ question: String, for noun: String) throws(StoreError) -> Secret?

    /// Gives the one answer: the line with a line's end, or nothing if it is nil. If the answer
    /// could not be delivered completely, reports that on standard error and returns failure.
    func answer(_ line: Secret?) -> ExitStatus

    /// Gives the one answer to a request that failed, and returns failure. For the client the line
    /// is the answer; if the line is for people only, the answer is empty. The hint, for people,
    /// says what to do next.
    func fail(_ line: String, hint: String?, to recipient: Recipient) -> ExitStatus

    /// Prints what to do next, for people.
    func hint(_ line: String)

    /// Prints what the answer may lack, for people.
    func warn(_ line: String)
}

/// The recipient of an error.
package enum Recipient: Sendable {
    /// The client, which shows it to its user.
    case client
    /// People, on standard error: the client would take it for data.
    case person
    /// Both: clients differ in what they show.
    case both
}

/// The reason why there is no input.
package enum InputError: Error, Hashable, Sendable {
    /// The input is longer than the limit.
    case tooLong
    /// The input cannot be read; the reason is in the system's words.
    case unreadable(String)
}
