internal import CLibc
package import Credentials

/// A descriptor is an open file that is closed when its owner no longer needs it.
package struct Descriptor: ~Copyable, Sendable {
    private let file: OpenFile

    package init(owning number: Int32) { file = OpenFile(number) }

    package var number: Int32 { file.number }

    /// Closes it now.
    package consuming func close() {}

    /// Returns the number, which the caller must close.
    package consuming func release() -> Int32 {
        defer { file.number = -1 }
        return number
    }

    /// Opens the directory at this path. A relative path begins at `start`.
    static func ofDirectory(
        _ path: String, from start: Int32 = AT_FDCWD, _ flags: Int32 = 0
    ) throws(SystemError) -> Descriptor {
        Descriptor(
            owning: try SystemError.check {
                unsafe libc_open_at(start, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags, 0)
            })
    }

    /// Opens the file at this path for reading; returns nil if there is none. It does not wait for
    /// the writer of a FIFO.
    package static func ofFile(_ path: String) throws(SystemError) -> Descriptor? {
        do throws(SystemError) {
            return Descriptor(
                owning: try SystemError.check {
                    unsafe libc_open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
                })
        } catch let error where error.code == ENOENT || error.code == ENOTDIR {
            return nil
        }
    }

    /// Returns the present status of the file.
    package func status() throws(SystemError) -> FileStatus {
        var status = stat()
        try SystemError.check { unsafe fstat(number, &status) }
        return FileStatus(status)
    }

    /// Fills the free part of the memory from the beginning of the file. A file that ends earlier
    /// is an error, since its status said that it is longer.
    func fill(_ output: inout OutputSpan<UInt8>) throws(SystemError) {
        var read = 0
        while output.freeCapacity > 0 {
            let count = try unsafe output.append { memory, count in
                unsafe pread(number, memory, count, read)
            }
            guard count > 0 else { throw SystemError(code: EIO) }
            read += count
        }
    }

    /// Returns as many bytes from the beginning of the file, in guarded memory.
    package func secret(_ count: Int) throws(SystemError) -> Secret {
        try Secret(capacity: count) { output throws(SystemError) in try fill(&output) }
    }

    /// Returns the bytes that one call reads, at most so many. It is for files of the kernel, which
    /// have no size.
    package func start(atMost limit: Int) throws(SystemError) -> [UInt8] {
        try [UInt8](capacity: limit) { output throws(SystemError) in
            _ = try unsafe output.append { unsafe read(number, $0, $1) }
        }
    }

    /// Writes all of the content at the current position of the file.
    func write(_ content: Secret) throws(SystemError) {
        var written = 0
        while written < content.count {
            let count = try content[written..<content.count].expose {
                bytes throws(SystemError) in try bytes.write(to: number)
            }
            guard count > 0 else { throw SystemError(code: EIO) }
            written += count
        }
    }

    /// Waits until the written bytes are on the disk, if the file system supports that.
    package func sync() throws(SystemError) {
        do throws(SystemError) {
            try SystemError.check { fsync(number) }
        } catch let error where error.code == EINVAL {
            // The file system does not support it.
        }
    }
}

/// The class whose deinit closes the file: Embedded Swift 6.3 does not find the deinit of another
/// module's structure.
private final class OpenFile: @unchecked Sendable {
    /// Negative once it has been released.
    var number: Int32

    init(_ number: Int32) { self.number = number }

    deinit { if number >= 0 { close(number) } }
}

extension Span<UInt8> {
    /// Writes as many bytes as can be written at once, and returns their number.
    func write(to descriptor: Int32) throws(SystemError) -> Int {
        try unsafe withUnsafeBytes { bytes throws(SystemError) in
            try SystemError.check {
                unsafe CLibc.write(descriptor, bytes.baseAddress, bytes.count)
            }
        }
    }
}

extension OutputSpan<UInt8> {
    /// Appends the bytes that a system call reads, and returns their number. `call` is given the
    /// memory and its size.
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
