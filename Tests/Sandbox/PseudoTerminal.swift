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

    /// Returns when this text has been shown so many times.
    package func wait(
        for text: String, times: Int = 1, deadline: Duration = .seconds(20)
    ) throws {
        let end = ContinuousClock.now + deadline
        while screen.count(of: text) < times {
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
    package var echoes: Bool { settings[3] & tcflag_t(ECHO) != 0 }

    /// All that `stty -a` shows but for the size: the flags of input, output, control and what is
    /// typed, then the special characters.
    package var settings: [UInt32] {
        var settings = termios()
        guard unsafe tcgetattr(person.number, &settings) == 0 else { return [0, 0, 0, 0] }
        let characters = unsafe withUnsafeBytes(of: settings.c_cc) { unsafe $0.map(UInt32.init) }
        return [settings.c_iflag, settings.c_oflag, settings.c_cflag, settings.c_lflag] + characters
    }

    /// Turns the echo on or off, as another program at this terminal may do.
    package func setEcho(_ isOn: Bool) {
        change { settings in
            if isOn {
                settings.c_lflag |= tcflag_t(ECHO)
            } else {
                settings.c_lflag &= ~tcflag_t(ECHO)
            }
        }
    }

    /// Makes it a terminal that gives each byte as it is typed and shows none.
    package func makeRaw() { change { unsafe cfmakeraw(&$0) } }

    private func change(_ body: (inout termios) -> Void) {
        var settings = termios()
        guard unsafe tcgetattr(person.number, &settings) == 0 else { return }
        body(&settings)
        _ = unsafe tcsetattr(person.number, TCSANOW, &settings)
    }
}

extension String {
    /// How often this text is in it.
    package func count(of text: String) -> Int { components(separatedBy: text).count - 1 }
}
