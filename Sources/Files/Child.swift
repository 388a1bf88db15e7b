package import Credentials
package import Glibc

/// A child is another program that runs for this one, without a shell.
package enum Child {
    /// Starts a program, found on `PATH` unless it holds a slash. It reads from the descriptor
    /// `input`, or nothing, prints to the descriptor `output`, and shares standard error. The
    /// caller waits for it.
    package static func start(
        _ arguments: [String], reading input: Int32? = nil, printingTo output: Int32
    ) throws(SystemError) -> pid_t {
        var files = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&files)
        defer { unsafe posix_spawn_file_actions_destroy(&files) }
        if let input {
            unsafe posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO)
        } else {
            unsafe posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        }
        unsafe posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO)

        // This process ignores SIGPIPE, which a program does not expect.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGPIPE)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))

        var process = pid_t()
        var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { unsafe words.forEach { unsafe free($0) } }
        let error = unsafe posix_spawnp(
            &process, arguments[0], &files, &attributes, &words, environ)
        guard error == 0 else { throw SystemError(code: error) }
        return process
    }

    /// Runs a program to its end. It is given the input, and prints at most `limit` bytes; what is
    /// more is not waited for. The status is nil if a signal has ended it.
    package static func run(
        _ arguments: [String], input: Secret, atMost limit: Int
    ) throws(SystemError) -> (status: Int32?, output: Secret) {
        var (its, ours): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
        try SystemError.check { unsafe pipe(&its) }
        let reading = Descriptor(owning: its[0])
        let writing = Descriptor(owning: its[1])
        try SystemError.check { unsafe pipe(&ours) }
        let output = Descriptor(owning: ours[0])
        let printing = Descriptor(owning: ours[1])
        for end in its + ours { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }

        let process = try start(
            arguments, reading: reading.number, printingTo: printing.number)
        printing.close()
        reading.close()
        do throws(SystemError) {
            try input.expose { bytes throws(SystemError) in try writing.write(bytes) }
        } catch {
            // It has read what it wanted.
        }
        writing.close()
        let printed = Secret(capacity: limit) { memory in
            var count = 0
            while count < memory.count {
                let length = unsafe memory.withUnsafeMutableBytes { memory in
                    unsafe read(output.number, memory.baseAddress! + count, memory.count - count)
                }
                if length < 0, errno == EINTR { continue }
                if length <= 0 { break }
                count += length
            }
            return count
        }
        if printed.count == limit { kill(process, SIGKILL) }
        var status: Int32 = 0
        try SystemError.check { unsafe waitpid(process, &status, 0) }
        return (status & 0x7F == 0 ? status >> 8 & 0xFF : nil, printed)
    }
}
