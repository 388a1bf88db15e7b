import Foundation
import Sandbox
import Testing

/// A probe is the program `StoreProbe`, running as an unprivileged user or as this one.
final class Probe {
    private let process = Process()
    private let output = Pipe()

    /// What it printed, and its exit status.
    struct Outcome: Equatable {
        let lines: [String]
        let status: Int32
    }

    /// Starts it with these words behind the home. A `shell` is a line of sh before it.
    init(
        _ home: TemporaryHome, _ words: [String], unprivileged: Bool = false, shell: String? = nil
    ) throws {
        var command = [try Probe.program(for: home), home.path] + words
        if unprivileged && geteuid() == 0 {
            command =
                [
                    "setpriv", "--reuid=\(Probe.nobody)", "--regid=\(Probe.nobody)",
                    "--clear-groups", "--",
                ] + command
        }
        if let shell { command = ["sh", "-c", shell + "\nexec \"$@\"", "sh"] + command }
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        try process.run()
    }

    static let nobody: uid_t = 65534

    /// Waits for its end.
    func wait() -> Outcome {
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return Outcome(
            lines: text.split(separator: "\n").map(String.init),
            status: process.terminationStatus)
    }

    var isRunning: Bool { process.isRunning }

    /// A copy in the home, since another user may not reach where it was built.
    private static func program(for home: TemporaryHome) throws -> String {
        let built = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent("StoreProbe").path
        guard geteuid() == 0 else { return built }
        let copy = home.path + "/StoreProbe"
        if !home.exists(copy) {
            try Sandbox.copy(product: "StoreProbe", to: copy)
            try #require(unsafe chmod(copy, 0o755) == 0)
        }
        return copy
    }
}
