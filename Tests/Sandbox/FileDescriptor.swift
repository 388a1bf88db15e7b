import Foundation

/// A file descriptor closes its file when it goes. No program that is started inherits it.
final class FileDescriptor: Sendable {
    let number: Int32

    init(_ number: Int32) { self.number = number }

    init(opening path: String, _ flags: Int32) throws {
        number = unsafe open(path, flags | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw SandboxError("\(path) does not open: error \(errno)") }
    }

    deinit { close(number) }

    /// What can be read without waiting; nil at the end.
    func readAvailable() -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = unsafe read(number, &buffer, buffer.count)
            if count > 0 {
                bytes += buffer[..<count]
            } else if count < 0, errno == EINTR {
                continue
            } else if count < 0, errno == EAGAIN {
                return bytes
            } else {
                return bytes.isEmpty ? nil : bytes
            }
        }
    }

    /// Writes what fits without waiting, and says how much; nil if nobody reads any more.
    func writeAvailable(_ bytes: ArraySlice<UInt8>) -> Int? {
        let count = unsafe bytes.withUnsafeBytes { bytes in
            unsafe write(number, bytes.baseAddress, bytes.count)
        }
        if count >= 0 { return count }
        return errno == EAGAIN || errno == EINTR ? 0 : nil
    }
}
