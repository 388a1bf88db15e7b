internal import Credentials
internal import Frontends
internal import Glibc
internal import Settings
internal import Stores

/// The channel over standard input, output and error.
final class StandardIO: Channel, Sendable {
    /// Whether the client is cargo, whose answers are JSON.
    private let isForCargo: Bool

    init(isForCargo: Bool) { self.isForCargo = isForCargo }

    func read(atMost limit: Int) throws(InputError) -> Secret {
        try read(atMost: limit, endsAtLine: false)
    }

    func readLine(atMost limit: Int) throws(InputError) -> Secret {
        try read(atMost: limit, endsAtLine: true)
    }

    /// A line is read a byte at a time: what follows it is not ours yet, and may never come.
    private func read(atMost limit: Int, endsAtLine: Bool) throws(InputError) -> Secret {
        var input = Secret(capacity: 0) { _ in 0 }
        var isComplete = false
        while !isComplete {
            guard input.count <= limit else { throw .tooLong }
            let read = input
            // Doubled when it is full; one byte above the limit tells that there is more.
            let capacity = min(max(4096, read.count * 2), limit + 1)
            input = try Secret(capacity: capacity) { memory throws(InputError) in
                var count = 0
                read.expose { bytes in
                    for index in bytes.indices { memory[index] = bytes[index] }
                    count = bytes.count
                }
                while count < memory.count, !isComplete {
                    let length = StandardIO.read(
                        into: &memory, from: count, atMost: endsAtLine ? 1 : .max)
                    if length < 0, isWorthAnotherTry(STDIN_FILENO, POLLIN) { continue }
                    guard length >= 0 else { throw .unreadable(reason(errno)) }
                    isComplete =
                        length == 0 || endsAtLine && memory[count] == UInt8(ascii: "\n")
                    if !isComplete { count += length }
                }
                return count
            }
        }
        guard input.count <= limit else { throw .tooLong }
        return input
    }

    func willChangeStore() { Watchdog.expectChange(isForCargo: isForCargo) }

    func handshake(_ line: String) { write(line, to: STDOUT_FILENO) }

    func ask(_ question: String, for noun: String) throws(StoreError) -> Secret? {
        let state = try Directories(.ofProcess).state
        let terminal = Terminal(lockFolder: Folder(state)) {
            Watchdog.waitForPrompt(seconds: StandardIO.promptSeconds)
        }
        return try terminal.ask(question, for: noun, seconds: StandardIO.promptSeconds)
    }

    /// How long a person may take to type a token.
    private static let promptSeconds = 300

    func answer(_ line: Secret?) -> ExitStatus {
        Watchdog.claimAnswer()
        guard let line else { return .success }
        let whole = Secret(capacity: line.count + 1) { memory in
            line.expose { bytes in
                for index in bytes.indices { memory[index] = bytes[index] }
            }
            memory[line.count] = UInt8(ascii: "\n")
            return line.count + 1
        }
        let error = whole.expose { write($0, to: STDOUT_FILENO) }
        guard error == 0 else {
            say("cannot write the answer: \(reason(error))")
            return .failure
        }
        return .success
    }

    func fail(_ line: String, hint: String?, to recipient: Recipient) -> ExitStatus {
        Watchdog.claimAnswer()
        if recipient != .person { write(line, to: STDOUT_FILENO) }
        if recipient != .client { say(line) }
        if let hint { self.hint(hint) }
        return .failure
    }

    func hint(_ line: String) { say("keyfob: hint: \(line)") }

    func warn(_ line: String) { say("keyfob: warning: \(line)") }

    /// Standard error may be closed or full: there is nobody left to tell.
    func say(_ line: String) { write(line, to: STDERR_FILENO) }

    private func write(_ line: String, to descriptor: Int32) {
        let bytes = Array(line.printable.utf8) + [UInt8(ascii: "\n")]
        _ = write(bytes.span, to: descriptor)
    }

    /// Returns 0, or the error's number.
    private func write(_ bytes: Span<UInt8>, to descriptor: Int32) -> Int32 {
        var start = 0
        while start < bytes.count {
            let length = unsafe bytes.withUnsafeBytes { bytes in
                unsafe Glibc.write(descriptor, bytes.baseAddress! + start, bytes.count - start)
            }
            if length < 0, isWorthAnotherTry(descriptor, POLLOUT) { continue }
            guard length >= 0 else { return errno }
            start += length
        }
        return 0
    }

    private static func read(
        into memory: inout MutableSpan<UInt8>, from start: Int, atMost limit: Int
    ) -> Int {
        unsafe memory.withUnsafeMutableBytes { memory in
            unsafe Glibc.read(
                STDIN_FILENO, memory.baseAddress! + start, min(limit, memory.count - start))
        }
    }
}

/// Whether a call that has just failed was interrupted, or can be made now that the descriptor,
/// which another process has made non-blocking, is ready.
private func isWorthAnotherTry(_ descriptor: Int32, _ event: Int32) -> Bool {
    guard errno == EAGAIN else { return errno == EINTR }
    var poll = pollfd(fd: descriptor, events: Int16(event), revents: 0)
    let count = unsafe Glibc.poll(&poll, 1, -1)
    return count > 0 || errno == EINTR
}

private func reason(_ error: Int32) -> String { unsafe String(cString: strerror(error)) }
