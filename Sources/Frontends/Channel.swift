package import Credentials

/// A channel is where a client's words come from and where the answer goes: one input, one
/// answer, and standard error for people.
///
/// Every line is given without its end and must hold no control character.
package protocol Channel {
    /// The whole input, of at most `limit` bytes.
    func read(atMost limit: Int) throws(InputError) -> Secret

    /// The next line of the input, of at most `limit` bytes, without its end; empty where there is
    /// no more.
    func readLine(atMost limit: Int) throws(InputError) -> Secret

    /// Must be called before the store is changed: if no answer can be given in time, it is unknown
    /// then whether it was.
    func willChangeStore()

    /// Says a line to the client that is no answer yet.
    func greet(_ line: String)

    /// What a person types at the terminal, without echo; nil where there is none. `noun` is what is
    /// asked for, in errors.
    func ask(_ question: String, for noun: String) throws(StoreError) -> Secret?

    /// Gives the one answer: the line with a line's end, or nothing if there is none. It is a
    /// failure if it could not be delivered whole; then people have been told why.
    func answer(_ line: Secret?) -> ExitStatus

    /// Gives the one answer to a request that failed: the line, where the client looks for it,
    /// and again where people do.
    func refuse(_ line: String)

    /// Gives the one answer, the line, to the client alone.
    func refuseQuietly(_ line: String)

    /// Gives an empty answer to a request that failed, and the line to people alone: where a
    /// client takes all of its answer for data.
    func complain(_ line: String)

    /// Says to people what to do next.
    func hint(_ line: String)

    /// Says to people what the answer may lack.
    func warn(_ line: String)
}

/// Why there is no input.
package enum InputError: Error, Hashable, Sendable {
    /// There is more of it than the limit.
    case tooLong
    /// It cannot be read; the reason in the system's words.
    case unreadable(String)
}
