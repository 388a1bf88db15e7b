import Foundation
import Synchronization

/// A running program is fed its input and read from until it ends or its deadline passes.
package final class RunningProgram: Sendable {
    private let program: Program
    private let process: pid_t
    private let started = ContinuousClock.now
    private let exchange: Mutex<Exchange>
    private let hasEnded = Mutex(false)

    init(_ program: Program, process: pid_t, exchange: Exchange) {
        self.program = program
        self.process = process
        self.exchange = Mutex(exchange)
    }

    /// Kills what nobody waited for.
    deinit {
        if hasEnded.withLock({ $0 }) { return }
        signal(SIGKILL)
        var status: Int32 = 0
        unsafe waitpid(process, &status, 0)
    }

    /// Sends a signal to the program and, unless it is to reach that alone, to all that it started.
    package func signal(_ signal: Int32, alone: Bool = false) {
        kill(alone ? process : -process, signal)
    }

    /// Waits for the end, and throws if it does not come before the deadline: the program and
    /// all that it started are then killed. To be called once.
    package func finish() throws -> Outcome {
        while true {
            exchange.withLock { $0.step() }
            var status: Int32 = 0
            if unsafe waitpid(process, &status, WNOHANG) == process {
                let seconds = started.duration(to: .now) / .seconds(1)
                hasEnded.withLock { $0 = true }
                return exchange.withLock { exchange in
                    exchange.receive()
                    return Outcome(
                        status: exitStatus(of: status), outputBytes: exchange.outputBytes,
                        errorBytes: exchange.errorBytes, seconds: seconds)
                }
            }
            if started.duration(to: .now) > program.deadline {
                throw SandboxError(
                    "\(program.arguments.joined(separator: " ")) did not end within "
                        + "\(program.deadline)")
            }
        }
    }

    /// Waits as `finish` does, on a thread of its own: other tests go on.
    package func end() async throws -> Outcome {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try self.finish() }) }
        }
    }

    private func exitStatus(of status: Int32) -> Int32 {
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }
}
