import Foundation
import Synchronization

/// A program is what to run: its arguments, environment and standard input, and how long it may
/// take.
package struct Program: Sendable {
    /// The name first, found on `PATH` unless it holds a slash.
    package var arguments: [String]
    package var environment: [String: String]
    package var input: [UInt8]
    package var deadline: Duration
    /// The terminal of its session; it has none unless it is given one.
    package var terminal: PseudoTerminal?

    /// Runs it to its end, and throws if that does not come before the deadline.
    package func run() throws -> Outcome { try start().finish() }

    /// Starts it. What is started must be finished.
    package func start() throws -> RunningProgram {
        let input = try Pipe()
        let output = try Pipe()
        let errors = try Pipe()
        let process = try spawn(
            input: input.reading.number, output: output.writing.number,
            errors: errors.writing.number)
        let exchange = Exchange(
            input: input.writing, sending: self.input, output: output.reading,
            errors: errors.reading)
        return RunningProgram(self, process: process, exchange: exchange)
    }

    /// Starts it with these files as its standard streams and no other, in a session of its own,
    /// with no signal blocked or ignored.
    func spawn(input: Int32, output: Int32, errors: Int32) throws -> pid_t {
        let path = try executable()

        var streams = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&streams)
        defer { unsafe posix_spawn_file_actions_destroy(&streams) }
        unsafe posix_spawn_file_actions_adddup2(&streams, input, STDIN_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&streams, output, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&streams, errors, STDERR_FILENO)

        if let terminal {
            // The first terminal that the leader of a session opens is the session's.
            unsafe posix_spawn_file_actions_addopen(&streams, 3, terminal.path, O_RDWR, 0)
        }

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        let ownSession: Int32 = 0x80  // POSIX_SPAWN_SETSID, which Swift cannot import
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | ownSession))

        var process = pid_t()
        let variables = environment.map { "\($0)=\($1)" }
        let failure = Pipe.isBeingMade.withLock { _ in
            unsafe withCStrings(arguments) { arguments in
                unsafe withCStrings(variables) { variables in
                    unsafe posix_spawn(
                        &process, path, &streams, &attributes, arguments, variables)
                }
            }
        }
        guard failure == 0 else {
            throw SandboxError("\(arguments[0]) does not start: error \(failure)")
        }
        return process
    }

    /// Where the executable lies.
    package func executable() throws -> String {
        let name = arguments[0]
        if name.contains("/") { return name }
        for folder in (environment["PATH"] ?? "").split(separator: ":") {
            let path = "\(folder)/\(name)"
            if unsafe access(path, X_OK) == 0 { return path }
        }
        throw SandboxError("\(name) is not installed (make test installs it)")
    }
}

private func withCStrings<Result>(
    _ strings: [String],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var copies = unsafe strings.map { unsafe strdup($0) } + [nil]
    defer { unsafe copies.forEach { unsafe free($0) } }
    return unsafe body(&copies)
}
