internal import Credentials
internal import Files
internal import Frontends
internal import Settings
internal import Stores

/// The channel over standard input, output and error.
final class StandardIO: Channel, Sendable {
    /// True if the client is cargo, whose answers are JSON.
    private let isForCargo: Bool

    init(isForCargo: Bool) { self.isForCargo = isForCargo }

    func read(atMost limit: Int) throws(InputError) -> Secret {
        try read(atMost: limit, endsAtLine: false)
    }

    func readLine(atMost limit: Int) throws(InputError) -> Secret {
        try read(atMost: limit, endsAtLine: true)
    }

    private func read(atMost limit: Int, endsAtLine: Bool) throws(InputError) -> Secret {
        do throws(Stream.Failure) {
            return try Stream.input.read(atMost: limit, endsAtLine: endsAtLine)
        } catch {
            switch error {
            case .tooLong, .timedOut: throw .tooLong
            case .system(let error): throw .unreadable(error.reason)
            }
        }
    }

    func willChangeStore() { Watchdog.expectChange(isForCargo: isForCargo) }

    func handshake(_ line: String) { write(line, to: .output) }

    func ask(_ question: String, for noun: String) throws(StoreError) -> Secret? {
        let state = try Directories(.ofProcess).state
        let terminal = Terminal(lockFolder: Folder(state)) {
            Watchdog.waitForPrompt(seconds: StandardIO.promptSeconds)
        }
        return try terminal.ask(question, for: noun, seconds: StandardIO.promptSeconds)
    }

    /// The longest time that the user may take to type a token, in seconds.
    private static let promptSeconds = 300

    func answer(_ line: Secret?) -> ExitStatus {
        Watchdog.claimAnswer()
        guard let line else { return .success }
        let whole = Secret(capacity: line.count + 1) { output in
            output.append(line)
            output.append(UInt8(ascii: "\n"))
        }
        do throws(SystemError) {
            try Stream.output.write(whole)
        } catch {
            say("cannot write the answer: \(error.reason)")
            return .failure
        }
        return .success
    }

    func fail(_ line: String, hint: String?, to recipient: Recipient) -> ExitStatus {
        Watchdog.claimAnswer()
        if recipient != .person { write(line, to: .output) }
        if recipient != .client { say(line) }
        if let hint { self.hint(hint) }
        return .failure
    }

    func hint(_ line: String) { say("keyfob: hint: \(line)") }

    func warn(_ line: String) { say("keyfob: warning: \(line)") }

    /// An error is ignored: standard error may be closed or full, and there is no other way to
    /// report it.
    func say(_ line: String) { write(line, to: .errors) }

    private func write(_ line: String, to stream: Stream) {
        try? stream.write((Array(line.printable.utf8) + [UInt8(ascii: "\n")]).span)
    }
}
