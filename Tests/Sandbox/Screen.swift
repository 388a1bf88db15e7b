/// A screen is an X server without a monitor, with a test in the place of the person who sits at
/// it.
package final class Screen: Sendable {
    private let sandbox: Sandbox
    private let daemon: Daemon
    /// As `DISPLAY` names it.
    package let display: String

    /// Starts it; programs that the sandbox starts from then on have it for their display.
    package init(in sandbox: Sandbox) throws {
        self.sandbox = sandbox
        daemon = try sandbox.startDaemon([
            "Xvfb", "-displayfd", "1", "-noreset", "-nolisten", "tcp", "-screen", "0", "800x600x24",
        ])
        display = try daemon.wait(for: "display") { [daemon] in
            daemon.log.split(separator: "\n").first { Int($0) != nil }.map { ":\($0)" }
        }
        sandbox.setEnvironment("DISPLAY", to: display)
    }

    /// Waits until a window of this class is shown that takes the keys.
    package func wait(forWindowOf name: String) throws {
        try daemon.wait(for: "window of \(name)") {
            // There is no window manager that would give it the keys.
            try xdotool("search", "--onlyvisible", "--class", name, "windowfocus").succeeded
                ? () : nil
        }
    }

    /// Types into the window that takes the keys.
    package func type(_ text: String) throws {
        try expect(xdotool("type", "--delay", "5", text))
    }

    /// Presses a key, by the name that X has for it.
    package func press(_ key: String) throws { try expect(xdotool("key", key)) }

    private func expect(_ outcome: Outcome) throws {
        guard outcome.succeeded else { throw SandboxError("xdotool: \(outcome.errors)") }
    }

    private func xdotool(_ arguments: String...) throws -> Outcome {
        try sandbox.program(["xdotool"] + arguments).run()
    }
}
