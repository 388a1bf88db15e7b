internal import Credentials
internal import Files
import Glibc

/// A passphrase command is a program that prints the passphrase of the credential file, such as
/// `pass show keyfob`. It is run without a shell.
struct PassphraseCommand {
    /// The program, found on `PATH` unless it holds a slash, and its arguments.
    let arguments: [String]

    /// How long it may run, in seconds.
    private static let patience = 10

    /// The first line that it prints.
    ///
    /// It reads nothing, may say on standard error what it likes, and must end with status 0 in
    /// time; otherwise this throws `failed` or `timedOut`, and it has been killed.
    func run() throws(StoreError) -> Secret {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw failure("cannot be started") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let output = Descriptor(owning: ends[0])
        let process: pid_t
        do {
            let input = Descriptor(owning: ends[1])
            process = try start(printingTo: input)
        }
        var isRunning = true
        defer { if isRunning { end(process) } }
        let end = now() + PassphraseCommand.patience * 1000
        let printed = try Secret(capacity: Terminal.limit + 2) { memory throws(StoreError) in
            var count = 0
            while count < memory.count {
                let left = end - now()
                var input = pollfd(fd: output.number, events: Int16(POLLIN), revents: 0)
                guard left > 0 else { throw timedOut }
                guard unsafe poll(&input, 1, Int32(left)) > 0 else { continue }
                let length = unsafe memory.withUnsafeMutableBytes { memory in
                    unsafe read(
                        output.number, memory.baseAddress! + count, memory.count - count)
                }
                if length < 0, errno == EINTR { continue }
                guard length > 0 else { break }
                count += length
            }
            return count
        }
        let status = try wait(for: process, until: end)
        isRunning = false
        guard status == 0 else { throw failure("did not succeed") }
        return try firstLine(of: printed)
    }

    private func firstLine(of printed: Secret) throws(StoreError) -> Secret {
        let count = printed.expose { bytes in
            var end = bytes.indices.first { bytes[$0] == UInt8(ascii: "\n") } ?? bytes.count
            if end > 0, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
            return end
        }
        guard count > 0 else { throw failure("printed no passphrase") }
        guard count <= Terminal.limit else {
            throw failure("printed more than \(Terminal.limit) bytes")
        }
        return printed[0..<count]
    }

    /// Starts it with nothing to read.
    private func start(printingTo output: borrowing Descriptor) throws(StoreError) -> pid_t {
        do throws(SystemError) {
            return try Child.start(arguments, printingTo: output.number)
        } catch {
            throw failure("cannot be started: \(error.reason)")
        }
    }

    private func wait(for process: pid_t, until end: Int) throws(StoreError) -> Int32 {
        var status: Int32 = 0
        while true {
            let ended = unsafe waitpid(process, &status, WNOHANG)
            if ended == process { return status }
            guard ended == 0 || errno == EINTR else { throw failure("cannot be waited for") }
            guard now() < end else { throw timedOut }
            usleep(1000)
        }
    }

    private func end(_ process: pid_t) {
        kill(process, SIGKILL)
        while waitpid(process, nil, 0) < 0, errno == EINTR {}
    }

    private var timedOut: StoreError {
        StoreError(
            .timedOut,
            "the passphrase command did not end within \(PassphraseCommand.patience) seconds")
    }

    private func failure(_ what: String) -> StoreError {
        StoreError(
            .failed, "the passphrase command \(what)",
            hint: "run it by hand: \(arguments.joined(separator: " "))")
    }

    /// Milliseconds on a clock that nobody sets.
    private func now() -> Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }
}
