/// A private bus is a D-Bus session bus of a sandbox, on which nothing can be activated but what
/// a test says.
package final class PrivateBus: Sendable {
    package let sandbox: Sandbox
    /// As `DBUS_SESSION_BUS_ADDRESS` names it.
    package let address: String
    private let daemon: Daemon

    /// Starts the bus; from then on the sandbox's programs find it.
    ///
    /// - Parameters:
    ///   - activating: what can be activated, the command for each name.
    ///   - mechanism: how a client must authenticate.
    ///   - listening: where it listens; at a socket of the sandbox's by default.
    ///   - letsInEverybody: whether it lets in other users than the one it runs as.
    package init(
        in sandbox: Sandbox, activating commands: [String: String] = [:],
        mechanism: String = "EXTERNAL", listening: String? = nil, letsInEverybody: Bool = false
    ) throws {
        self.sandbox = sandbox
        let name = sandbox.uniqueName("bus")
        let socket = sandbox.file("run/\(name)")
        for (service, command) in commands {
            try sandbox.write(
                "[D-BUS Service]\nName=\(service)\nExec=\(command)\n",
                to: "\(name)/\(service).service")
        }
        let services =
            commands.isEmpty ? "" : "<servicedir>\(sandbox.file(name))</servicedir>"
        let configuration = try sandbox.write(
            """
            <!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
                "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
            <busconfig>
              <type>session</type>
              <listen>\(listening ?? "unix:path=\(socket)")</listen>
              <auth>\(mechanism)</auth>
              \(services)
              <policy context="default">
                <allow send_destination="*" eavesdrop="true"/>
                <allow eavesdrop="true"/>
                <allow own="*"/>
                \(letsInEverybody ? "<allow user=\"*\"/>" : "")
              </policy>
            </busconfig>
            """, to: "\(name).conf")
        daemon = try sandbox.startDaemon([
            "dbus-daemon", "--config-file=\(configuration)", "--nofork", "--nopidfile",
            "--print-address=1",
        ])
        address = try daemon.wait(for: "address") { [daemon] in
            daemon.log.split(separator: "\n").first { $0.hasPrefix("unix:") }.map(String.init)
        }
        sandbox.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: address)
    }

    /// Ends the bus, and leaves its address dead.
    package func stop() { daemon.stop() }

    /// Calls a method and gives its answer as `gdbus` prints it; nil if it failed.
    package func call(
        _ destination: String, _ object: String, _ method: String, _ arguments: String...
    ) throws -> String? {
        let outcome = try sandbox.program(
            ["gdbus", "call", "--address", address, "--dest", destination]
                + ["--object-path", object, "--method", method] + arguments
        ).run()
        return outcome.succeeded ? outcome.output : nil
    }

    /// Whether somebody owns the name.
    package func hasOwner(_ name: String) throws -> Bool {
        try call(
            "org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner", name)
            == "(true,)\n"
    }

    /// Waits until nobody owns the name.
    package func waitUntilFree(_ name: String) throws {
        try daemon.wait(for: "free \(name)") { try hasOwner(name) ? nil : () }
    }
}
