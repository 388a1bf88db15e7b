internal import CLibc
package import Credentials

/// The standard streams of the process. A stream that another process has made non-blocking is
/// waited for.
package enum Stream: Int32, Sendable {
    case input = 0
    case output = 1
    case errors = 2

    /// The reason why there is no input.
    package enum Failure: Error {
        /// The input is longer than the limit.
        case tooLong
        /// Nothing came within the time for which it was waited for.
        case timedOut
        case system(SystemError)
    }

    package var isTerminal: Bool { isatty(rawValue) == 1 }

    /// The number of columns of the terminal; nil if the stream is no terminal.
    package var columns: Int? {
        let columns = libc_columns(rawValue)
        return columns > 0 ? Int(columns) : nil
    }

    /// Writes all of the bytes.
    package func write(_ bytes: Span<UInt8>) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            do throws(SystemError) {
                written += try bytes.extracting(written...).write(to: rawValue)
            } catch let error where error.code == EAGAIN {
                _ = wait(for: POLLOUT, seconds: nil)
            }
        }
    }

    package func write(_ secret: Secret) throws(SystemError) {
        try secret.expose { bytes throws(SystemError) in try write(bytes) }
    }

    /// Returns all that can be read, or the first line without its line feed. A line is read one
    /// byte at a time: the bytes after it belong to another reader, and may never come. Throws
    /// `timedOut` if nothing comes for so many seconds.
    package func read(
        atMost limit: Int, endsAtLine: Bool = false, patience seconds: Int? = nil
    ) throws(Failure) -> Secret {
        var input = Secret.empty
        var isComplete = false
        while !isComplete {
            guard input.count <= limit else { throw .tooLong }
            let before = input
            // The memory is doubled when it is full. One byte more than the limit shows that there
            // is more.
            let capacity = min(max(4096, before.count * 2), limit + 1)
            input = try Secret(capacity: capacity) { output throws(Failure) in
                output.append(before)
                while output.freeCapacity > 0, !isComplete {
                    let count = try read(
                        into: &output, atMost: endsAtLine ? 1 : .max, patience: seconds)
                    isComplete = count == 0
                    if endsAtLine, count > 0, output.span[output.count - 1] == UInt8(ascii: "\n") {
                        _ = output.removeLast()
                        isComplete = true
                    }
                }
            }
        }
        guard input.count <= limit else { throw .tooLong }
        return input
    }

    private func read(
        into output: inout OutputSpan<UInt8>, atMost limit: Int, patience seconds: Int?
    ) throws(Failure) -> Int {
        while true {
            if seconds != nil, !wait(for: POLLIN, seconds: seconds) { throw .timedOut }
            do throws(SystemError) {
                return try unsafe output.append { memory, count in
                    unsafe CLibc.read(rawValue, memory, min(limit, count))
                }
            } catch {
                guard error.code == EAGAIN else { throw .system(error) }
                _ = wait(for: POLLIN, seconds: nil)
            }
        }
    }

    /// Returns false if the stream has not become ready within so many seconds.
    private func wait(for event: Int32, seconds: Int?) -> Bool {
        var poll = pollfd(fd: rawValue, events: Int16(event), revents: 0)
        let milliseconds = seconds.map { Int32(clamping: $0 * 1000) } ?? -1
        return unsafe CLibc.poll(&poll, 1, milliseconds) != 0
    }
}
