import Foundation
import Synchronization

/// A pseudo-terminal is a terminal with a test in the place of the person.
package final class PseudoTerminal: Sendable {
    /// The end that a program has for its terminal.
    package let path: String
    private let person: FileDescriptor
    private let seen = Mutex<[UInt8]>([])

    package init() throws {
        // Swift imports neither posix_openpt nor its like: these are what they do on Linux
        // (ioctl_tty(2)).
        let unlock: UInt = 0x4004_5431  // TIOCSPTLCK
        let number: UInt = 0x8004_5430  // TIOCGPTN
        person = try FileDescriptor(opening: "/dev/ptmx", O_RDWR | O_NOCTTY)
        var isLocked: Int32 = 0
        var index: Int32 = 0
        guard unsafe ioctl(person.number, unlock, &isLocked) == 0,
            unsafe ioctl(person.number, number, &index) == 0
        else { throw SandboxError("no pseudo-terminal: error \(errno)") }
        path = "/dev/pts/\(index)"
    }

    /// All that has been shown so far.
    package var screen: String {
        var input = pollfd(fd: person.number, events: Int16(POLLIN), revents: 0)
        var buffer = [UInt8](repeating: 0, count: 4096)
        while unsafe poll(&input, 1, 0) > 0 {
            let count = unsafe read(person.number, &buffer, buffer.count)
            if count <= 0 { break }
            seen.withLock { $0 += buffer[..<count] }
        }
        return String(decoding: seen.withLock { $0 }, as: UTF8.self)
    }

    /// Returns when this text has been shown.
    package func wait(for text: String, deadline: Duration = .seconds(20)) throws {
        let end = ContinuousClock.now + deadline
        while !screen.contains(text) {
            guard ContinuousClock.now < end else {
                throw SandboxError("\"\(text)\" was not shown within \(deadline)")
            }
            usleep(1000)
        }
    }

    package func type(_ text: String) {
        _ = unsafe write(person.number, text, text.utf8.count)
    }

    /// Whether what is typed is shown.
    package var echoes: Bool {
        var settings = termios()
        guard unsafe tcgetattr(person.number, &settings) == 0 else { return false }
        return settings.c_lflag & tcflag_t(ECHO) != 0
    }
}
