package import Glibc

/// A descriptor is an open file that is closed when its owner is done with it.
package struct Descriptor: ~Copyable, Sendable {
    package let number: Int32

    package init(owning number: Int32) { self.number = number }

    deinit { Glibc.close(number) }

    /// Closes it now.
    package consuming func close() {}

    /// The number, which whoever takes it closes.
    package consuming func release() -> Int32 {
        let number = number
        discard self
        return number
    }

    /// The directory at this path, opened. A relative path begins at `start`.
    package static func ofDirectory(
        _ path: String, from start: Int32 = AT_FDCWD, _ flags: Int32 = 0
    ) throws(SystemError) -> Descriptor {
        Descriptor(
            owning: try SystemError.check {
                unsafe openat(start, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags)
            })
    }

    /// What the file is now.
    package func status() throws(SystemError) -> stat {
        var status = stat()
        try SystemError.check { unsafe fstat(number, &status) }
        return status
    }

    /// Fills the memory from the file's beginning. A file that ends before is an error: its status
    /// has said that it is longer.
    package func fill(_ memory: inout MutableSpan<UInt8>) throws(SystemError) {
        var filled = 0
        while filled < memory.count {
            let count = try SystemError.check {
                unsafe memory.withUnsafeMutableBytes { memory in
                    unsafe pread(
                        number, memory.baseAddress.map { unsafe $0 + filled },
                        memory.count - filled, filled)
                }
            }
            guard count > 0 else { throw SystemError(code: EIO) }
            filled += count
        }
    }

    /// Writes all of the bytes where the file ends.
    package func write(_ bytes: Span<UInt8>) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            let count = try SystemError.check {
                unsafe bytes.withUnsafeBytes { bytes in
                    unsafe Glibc.write(
                        number, bytes.baseAddress.map { unsafe $0 + written },
                        bytes.count - written)
                }
            }
            guard count > 0 else { throw SystemError(code: EIO) }
            written += count
        }
    }

    /// Returns once what was written is on the disk, where the file system promises that.
    package func sync() throws(SystemError) {
        do throws(SystemError) {
            try SystemError.check { fsync(number) }
        } catch let error where error.code == EINVAL {
            // It does not.
        }
    }
}
