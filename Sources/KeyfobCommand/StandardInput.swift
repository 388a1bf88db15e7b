internal import Credentials
internal import Glibc

extension Secret {
    /// How long whoever writes there may pause, in seconds.
    private static let patience: Int32 = 60

    /// What can be read from standard input, of at most so many bytes; `noun` is what it is, in
    /// errors.
    init(fromStandardInput noun: String, atMost limit: Int) throws(StoreError) {
        try self.init(capacity: limit) { memory throws(StoreError) in
            var count = 0
            while count < memory.count {
                var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
                guard unsafe poll(&input, 1, Secret.patience * 1000) != 0 else {
                    throw StoreError(
                        .inputTimedOut,
                        "standard input has given no \(noun) within \(Secret.patience) s")
                }
                let length = unsafe memory.withUnsafeMutableBytes { memory in
                    unsafe read(STDIN_FILENO, memory.baseAddress! + count, memory.count - count)
                }
                if length < 0, errno == EINTR { continue }
                guard length >= 0 else {
                    let reason = unsafe String(cString: strerror(errno))
                    throw StoreError(.inputUnreadable, "cannot read the \(noun): \(reason)")
                }
                if length == 0 { break }
                count += length
            }
            return count
        }
    }
}
