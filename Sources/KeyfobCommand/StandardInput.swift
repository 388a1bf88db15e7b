internal import Credentials
internal import Glibc

extension Secret {
    /// What can be read from standard input, of at most so many bytes; `noun` is what it is, in
    /// errors.
    init(fromStandardInput noun: String, atMost limit: Int) throws(StoreError) {
        try self.init(capacity: limit) { memory throws(StoreError) in
            var count = 0
            while count < memory.count {
                let length = unsafe memory.withUnsafeMutableBytes { memory in
                    unsafe read(STDIN_FILENO, memory.baseAddress! + count, memory.count - count)
                }
                if length < 0, errno == EINTR { continue }
                guard length >= 0 else {
                    let reason = unsafe String(cString: strerror(errno))
                    throw StoreError(.failed, "cannot read the \(noun): \(reason)")
                }
                if length == 0 { break }
                count += length
            }
            return count
        }
    }
}
