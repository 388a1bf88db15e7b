internal import Credentials
internal import Files
internal import JSON

/// The console is where the user is told things: answers on standard output, everything else on
/// standard error.
///
/// A name that is said may come from a file that somebody else wrote. So each call is one line,
/// whatever is in it, and nothing in it is obeyed by a terminal (`String.printable`).
struct Console: Sendable {
    /// Whether only answers and what went wrong are said.
    var isQuiet = false

    /// Prints one line of the answer. Where nobody can read it any more the process ends.
    func print(_ line: String) { print(lines: [line]) }

    /// Prints lines of the answer.
    func print(lines: [String]) {
        write(Array(lines.map { $0.printable + "\n" }.joined().utf8).span)
    }

    /// Prints a value as the answer, on one line.
    func print(_ json: JSON) throws(StoreError) {
        do throws(JSON.Fault) {
            printBytes(of: try json.encoded())
        } catch {
            throw StoreError(.notEncodable, "what is stored cannot be written as JSON: \(error)")
        }
    }

    /// Prints a secret as the answer, as it is, on a line of its own.
    func printBytes(of secret: Secret) {
        secret.expose { write($0) }
        write(([0x0A] as [UInt8]).span)
    }

    /// Says why something was not done, and what to do about it.
    func report(_ error: StoreError) {
        say("keyfob: error: \(error.message)")
        if let hint = error.hint { self.hint(hint) }
    }

    /// Says what to do next.
    func hint(_ line: String) { if !isQuiet { say("keyfob: hint: \(line)") } }

    /// Says what the answer may lack.
    func warn(_ line: String) { say("keyfob: warning: \(line)") }

    /// Says what the user should know.
    func note(_ line: String) { if !isQuiet { say("keyfob: \(line)") } }

    /// Shows how far a long run is, where standard error is a terminal; at its end the line goes.
    func progress(_ done: Int, of all: Int) {
        guard !isQuiet, Stream.errors.isTerminal else { return }
        let line = done < all ? "\rkeyfob: \(done) of \(all)" : "\r\u{1B}[K"
        try? Stream.errors.write(Array(line.utf8).span)
    }

    /// How many columns the terminal has that standard output is; nil where it is none.
    var width: Int? { Stream.output.columns }

    /// Standard error may be closed or full: there is nobody left to tell.
    private func say(_ line: String) {
        try? Stream.errors.write((Array(line.printable.utf8) + [0x0A]).span)
    }

    private func write(_ bytes: Span<UInt8>) {
        do throws(SystemError) {
            try Stream.output.write(bytes)
        } catch {
            // A closed pipe's reader has seen enough of it.
            if error != .brokenPipe { say("keyfob: error: cannot write: \(error.reason)") }
            System.exit(1)
        }
    }
}
