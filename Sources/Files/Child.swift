internal import CLibc
internal import CPlatform
package import Credentials

/// A child is another program that runs for this one, without a shell, and for a limited time.
package enum Child {
    /// The reason why a program gave no answer.
    package enum Failure: Error {
        /// It could not be started.
        case notStarted(SystemError)
        /// It did not end in time, and has been ended with everything that it had started.
        case timedOut
    }

    /// Runs a program (`Path.program`) until it ends, and returns its output. It shares standard
    /// error and the terminal. The status is nil if a signal has ended it.
    ///
    /// It is ended, with everything that it has started, when it has printed `limit` bytes, or has
    /// run for so many seconds. What it leaves running when it ends is ended, too, since it would
    /// keep standard error open; only processes in a session of their own, as daemons are, go on.
    package static func run(
        _ arguments: [String], input: Secret? = nil, atMost limit: Int, within seconds: Int
    ) throws(Failure) -> (status: Int32?, output: Secret) {
        let deadline = milliseconds() + seconds * 1000
        guard let program = Path.program(arguments[0]) else { throw .notStarted(.notFound) }
        let child = try start([program] + arguments.dropFirst(), reads: input != nil)
        let process = child.process
        let output = Descriptor(owning: child.output)
        var writing = child.input
        defer { if writing >= 0 { close(writing) } }

        var written = 0
        var status: Int32 = 0
        var hasEnded = false
        let printed = Secret(capacity: limit) { printed in
            while printed.freeCapacity > 0, milliseconds() < deadline {
                if !hasEnded { hasEnded = unsafe platform_child_has_ended(process, &status) }
                if writing >= 0, !write(input, &written, to: writing) {
                    close(writing)
                    writing = -1
                }
                wait(output.number, writing, hasEnded ? 0 : 20)
                do throws(SystemError) {
                    let count = try unsafe printed.append { unsafe read(output.number, $0, $1) }
                    if count == 0 { break }
                } catch {
                    if error.code != EAGAIN || hasEnded { break }
                }
            }
        }
        if printed.count < limit {
            while !hasEnded, milliseconds() < deadline {
                hasEnded = unsafe platform_child_has_ended(process, &status)
                if !hasEnded { usleep(1000) }
            }
        }
        guard !hasEnded else { return (status < 0 ? nil : status, printed) }
        platform_child_end(process)
        guard printed.count == limit else { throw .timedOut }
        return (nil, printed)
    }

    private static func start(
        _ arguments: [String], reads: Bool
    ) throws(Failure) -> PlatformChild {
        var child = PlatformChild()
        var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { unsafe words.forEach { unsafe free($0) } }
        let error = unsafe platform_child_start(&words, reads, &child)
        guard error == 0 else { throw .notStarted(SystemError(code: error)) }
        return child
    }

    /// Writes as much as the pipe takes now. Returns false if there is nothing more to write, or
    /// the pipe has no reader: the program does not need the rest then.
    private static func write(_ input: Secret?, _ written: inout Int, to pipe: Int32) -> Bool {
        guard let input, written < input.count else { return false }
        do throws(SystemError) {
            written += try input[written..<input.count].expose { bytes throws(SystemError) in
                try bytes.write(to: pipe)
            }
            return written < input.count
        } catch {
            return error.code == EAGAIN
        }
    }

    /// Waits until one of the pipes is ready, for at most so many milliseconds.
    private static func wait(_ reading: Int32, _ writing: Int32, _ milliseconds: Int32) {
        var files = [
            pollfd(fd: reading, events: Int16(POLLIN), revents: 0),
            pollfd(fd: writing, events: Int16(POLLOUT), revents: 0),
        ]
        _ = unsafe poll(&files, nfds_t(files.count), milliseconds)
    }

    /// Returns the time of a clock that cannot be set.
    private static func milliseconds() -> Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }
}
