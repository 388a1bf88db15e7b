import Foundation
import Synchronization

/// A daemon is a program that runs until its sandbox ends, or until it is stopped.
package final class Daemon: Sendable {
    private let name: String
    private let process: pid_t
    private let output: String
    /// Whether its end has been waited for. Until then its number is nobody else's.
    private let isReaped = Mutex(false)

    /// Starts the program; what it writes goes into a file of that name.
    init(_ program: Program, output: String) throws {
        name = program.arguments[0]
        self.output = output
        let log = try FileDescriptor(opening: output, O_WRONLY | O_CREAT | O_TRUNC)
        let input = try Pipe()
        process = try program.spawn(
            input: input.reading.number, output: log.number, errors: log.number)
        guard input.writing.writeAvailable(program.input[...]) == program.input.count else {
            throw SandboxError("\(name) was given more than a pipe holds")
        }
    }

    deinit { stop() }

    /// The process group of the daemon and all that it starts.
    var group: pid_t { process }

    /// What it has written so far.
    package var log: String { (try? String(contentsOfFile: output, encoding: .utf8)) ?? "" }

    package var isRunning: Bool { isReaped.withLock { isReaped in !isReaped && !hasEnded } }

    /// Asks it to end, and kills it if it does not, with all that it started.
    package func stop() {
        isReaped.withLock { isReaped in
            if isReaped { return }
            kill(-process, SIGTERM)
            let deadline = ContinuousClock.now + .seconds(5)
            while !hasEnded {
                if ContinuousClock.now > deadline { kill(-process, SIGKILL) }
                usleep(1000)
            }
            kill(-process, SIGKILL)
            waitpid(process, nil, 0)
            isReaped = true
        }
    }

    /// Whether it has ended, and is not yet waited for.
    private var hasEnded: Bool {
        var end = unsafe siginfo_t()
        return unsafe waitid(P_PID, id_t(process), &end, WEXITED | WNOHANG | WNOWAIT) == 0
            && end.si_signo == SIGCHLD
    }

    /// Waits until there is what is looked for, and throws if the daemon ends before, or if it
    /// takes too long.
    package func wait<Found>(for purpose: String, _ look: () throws -> Found?) throws -> Found {
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            let isAlive = isRunning
            if let found = try look() { return found }
            guard isAlive, ContinuousClock.now < deadline else {
                throw SandboxError("\(name): no \(purpose):\n\(log)")
            }
            usleep(5000)
        }
    }
}
