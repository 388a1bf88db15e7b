import Glibc
import Sandbox

/// A launch is a program made ready to be started again and again at the least cost: its input
/// lies in a file, and what it says goes nowhere.
@safe
final class Launch {
    private let path: String
    private let input: String
    private let status: Int32
    private let arguments: [UnsafeMutablePointer<CChar>?]
    private let environment: [UnsafeMutablePointer<CChar>?]

    /// Runs the program once. Unless it may fail, it must succeed; later it must end as it did
    /// then.
    init(
        _ arguments: [String], input: String = "", in sandbox: Sandbox, mayFail: Bool = false
    ) throws {
        let program = sandbox.program(
            arguments, input: Array(input.utf8), deadline: .seconds(120))
        let outcome = try program.run()
        guard outcome.succeeded || mayFail else {
            throw SandboxError("\(arguments.joined(separator: " ")): \(outcome)")
        }
        path = try program.executable()
        status = outcome.status
        self.input = try sandbox.write(input, to: "requests/\(sandbox.uniqueName("request"))")
        unsafe self.arguments = arguments.map { unsafe strdup($0) } + [nil]
        unsafe environment =
            program.environment.map { unsafe strdup("\($0)=\($1)") } + [nil]
    }

    deinit { unsafe (arguments + environment).forEach { unsafe free($0) } }

    /// Starts so many of its processes at once, waits for all, and gives the time that took, and
    /// how many of them did not end as they should.
    func run(processes: Int) throws -> (time: Duration, failures: Int) {
        var streams = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&streams)
        defer { unsafe posix_spawn_file_actions_destroy(&streams) }
        unsafe posix_spawn_file_actions_addopen(&streams, STDIN_FILENO, input, O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&streams, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&streams, STDERR_FILENO, "/dev/null", O_WRONLY, 0)

        var started: [pid_t] = []
        started.reserveCapacity(processes)
        let clock = ContinuousClock()
        let start = clock.now
        for _ in 0..<processes {
            var process = pid_t()
            let failure = unsafe posix_spawn(
                &process, path, &streams, nil, arguments, environment)
            guard failure == 0 else { throw SandboxError("\(path) does not start: \(failure)") }
            started.append(process)
        }
        var statuses: [Int32] = []
        for process in started {
            var status: Int32 = 0
            while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
            statuses.append(status)
        }
        let duration = start.duration(to: clock.now)
        return (duration, statuses.count { $0 != status << 8 })
    }
}
