import Glibc
import Testing

/// An open count is how often a file has been opened, by anyone.
final class OpenCount {
    private let descriptor: Int32

    init(of path: String) throws {
        descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        // Two opens in a row would be one event; with the close between them they are two.
        let events = UInt32(IN_OPEN) | UInt32(IN_CLOSE_NOWRITE)
        try #require(unsafe inotify_add_watch(descriptor, path, events) >= 0)
    }

    deinit { close(descriptor) }

    /// How often since the last time this was asked.
    func next() throws -> Int {
        // An event about the watched file itself has no name behind it: all are of one size.
        let size = MemoryLayout<inotify_event>.size
        var event = inotify_event()
        var count = 0
        while unsafe read(descriptor, &event, size) == size {
            if event.mask & UInt32(IN_OPEN) != 0 { count += 1 }
        }
        return count
    }
}
