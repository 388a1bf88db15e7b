import Foundation
import Synchronization

/// A pipe leads from one file descriptor to another.
struct Pipe {
    let reading: FileDescriptor
    let writing: FileDescriptor

    init() throws {
        _ = Pipe.brokenPipesAreErrors
        var ends: [Int32] = [-1, -1]
        try Pipe.isBeingMade.withLock { _ in
            guard unsafe pipe(&ends) == 0 else { throw SandboxError("no pipe: error \(errno)") }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        }
        reading = FileDescriptor(ends[0])
        writing = FileDescriptor(ends[1])
    }

    /// Held while a pipe is made and while a program is started: a program that inherited the end
    /// of another one's pipe would keep that one waiting for ever. (`pipe2` is not to be had in
    /// Swift.)
    static let isBeingMade = Mutex(())

    /// A program that ends without reading its input must not end the tests.
    private static let brokenPipesAreErrors: Void = {
        _ = signal(SIGPIPE, SIG_IGN)
    }()
}
