internal import Credentials
internal import Files
internal import JSON

/// The console prints answers to standard output, and everything else to standard error.
///
/// A name that is printed may come from a file that another user wrote. So each call prints exactly
/// one line, and no control character in it reaches the terminal (`String.printable`).
struct Console: Sendable {
    /// True if only answers, warnings and errors are printed.
    var isQuiet = false

    /// Prints lines of the answer. Ends the process if standard output cannot be written.
    func print(lines: [String]) {
        write(lines.map { $0.printable + "\n" }.joined().secret)
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
        write(secret)
        write("\n".secret)
    }

    /// Prints an error and its hint.
    func report(_ error: StoreError) {
        say("keyfob: error: \(error.message)")
        if let hint = error.hint { self.hint(hint) }
    }

    /// Prints the next step for the user.
    func hint(_ line: String) { if !isQuiet { say("keyfob: hint: \(line)") } }

    /// Prints what the answer may lack.
    func warn(_ line: String) { say("keyfob: warning: \(line)") }

    /// Prints something that the user should know.
    func note(_ line: String) { if !isQuiet { say("keyfob: \(line)") } }

    /// Shows the progress of a long run, if standard error is a terminal. The line is removed at
    /// the end.
    func progress(_ done: Int, of all: Int) {
        guard !isQuiet, Stream.errors.isTerminal else { return }
        let line = done < all ? "\rkeyfob: \(done) of \(all)" : "\r\u{1B}[K"
        try? Stream.errors.write(Array(line.utf8).span)
    }

    /// The width of the terminal at standard output, in columns; nil if standard output is no
    /// terminal.
    var width: Int? { Stream.output.columns }

    /// An error is ignored: standard error may be closed or full, and there is no other place to
    /// report it.
    private func say(_ line: String) {
        try? Stream.errors.write((Array(line.printable.utf8) + [0x0A]).span)
    }

    private func write(_ secret: Secret) {
        do throws(SystemError) {
            try Stream.output.write(secret)
        } catch {
            // A reader may close the pipe before the end, which is no error.
            if error != .brokenPipe { say("keyfob: error: cannot write: \(error.reason)") }
            System.exit(1)
        }
    }
}
