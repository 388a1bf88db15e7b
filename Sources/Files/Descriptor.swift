internal import Glibc

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
    static func ofDirectory(
        _ path: String, from start: Int32 = AT_FDCWD, _ flags: Int32 = 0
    ) throws(SystemError) -> Descriptor {
        Descriptor(
            owning: try SystemError.check {
                unsafe openat(start, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags)
            })
    }

    /// The file at this path, opened for reading; nil if there is none. A FIFO's writer is not waited
    /// for.
    package static func ofFile(_ path: String) throws(SystemError) -> Descriptor? {
        do throws(SystemError) {
            return Descriptor(
                owning: try SystemError.check {
                    unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
                })
        } catch let error where error.code == ENOENT || error.code == ENOTDIR {
            return nil
        }
    }

    /// What the file is now.
    package func status() throws(SystemError) -> FileStatus {
        var status = stat()
        try SystemError.check { unsafe fstat(number, &status) }
        return FileStatus(status)
    }

    /// Fills what is free of the memory from the file's beginning. A file that ends before is an error:
    /// its status has said that it is longer.
    package func fill(_ output: inout OutputSpan<UInt8>) throws(SystemError) {
        var read = 0
        while output.freeCapacity > 0 {
            let count = try unsafe output.append { memory, count in
                unsafe pread(number, memory, count, read)
            }
            guard count > 0 else { throw SystemError(code: EIO) }
            read += count
        }
    }

    /// What one call reads, of at most so many bytes: files of the kernel's have no size.
    package func start(atMost limit: Int) throws(SystemError) -> [UInt8] {
        try [UInt8](capacity: limit) { output throws(SystemError) in
            _ = try unsafe output.append { unsafe read(number, $0, $1) }
        }
    }

    /// Writes all of the bytes where the file ends.
    package func write(_ bytes: Span<UInt8>) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            let count = try bytes.extracting(written...).write(to: number)
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

extension Span<UInt8> {
    /// Writes what can be written at once, and returns how much that was.
    func write(to descriptor: Int32) throws(SystemError) -> Int {
        try unsafe withUnsafeBytes { bytes throws(SystemError) in
            try SystemError.check {
                unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
            }
        }
    }
}

extension OutputSpan<UInt8> {
    /// Appends what a call of the system's reads, and returns how much that was. `call` is given memory
    /// and how much of it there is.
    mutating func append(
        _ call: (UnsafeMutablePointer<UInt8>, Int) -> Int
    ) throws(SystemError) -> Int {
        try unsafe withUnsafeMutableBufferPointer { memory, filled throws(SystemError) in
            let start = unsafe memory.baseAddress! + filled
            let free = memory.count - filled
            let count = try SystemError.check { unsafe call(start, free) }
            filled += count
            return count
        }
    }
}
