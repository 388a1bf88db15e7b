import Foundation
import Sandbox

/// The world is what every client talks to: one loopback server for all cases, which keeps
/// nothing and tells each client the authorization that it has sent.
struct World: Sendable {
    /// docker's engine.
    let socket: String
    /// A registry of everything, and a proxy for hosts that do not exist.
    let port: String
    /// A folder with a git that finds one index of crates wherever it is asked to look.
    let gitFolder: String
    private let sandbox: Sandbox

    static let shared = Result { try World() }

    private init(beside file: String = #filePath) throws {
        sandbox = try Sandbox()
        let socket = sandbox.file("run/docker.sock")
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent().path
        // As nobody, too, a client must reach the socket.
        unsafe chmod(sandbox.path, 0o755)
        unsafe chmod(sandbox.file("run"), 0o755)
        let server = try sandbox.startDaemon([
            "/usr/bin/python3", "-B", "\(folder)/world.py", socket,
        ])
        self.socket = socket
        gitFolder = try World.makeIndex(in: sandbox)
        port = try server.wait(for: "port") {
            server.log.firstMatch(of: /port ([0-9]+)\n/).map { String($0.1) }
        }
    }

    private static func makeIndex(in sandbox: Sandbox) throws -> String {
        try sandbox.write(
            #"{"dl":"http://crates.example.com/dl","api":"http://crates.example.com"}"#,
            to: "index/config.json")
        let index = sandbox.file("index")
        let git = try sandbox.program(["git"]).executable()
        for arguments in [
            ["init", "-q"], ["add", "."],
            ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "index"],
        ] {
            let outcome = try sandbox.program([git, "-C", index] + arguments).run()
            guard outcome.succeeded else { throw SandboxError("git: \(outcome)") }
        }
        let script = try sandbox.write(
            """
            #!/bin/sh
            for argument; do
                shift
                case $argument in *://*) argument=file://\(index) ;; esac
                set -- "$@" "$argument"
            done
            exec \(git) "$@"

            """, to: "index-git/source")
        let installed = try sandbox.run(
            "install", "-m", "755", script, sandbox.file("index-git/git"))
        guard installed.succeeded else { throw SandboxError(installed.errors) }
        return sandbox.file("index-git")
    }

    /// What the client has sent, of its output; nil if the server was not reached, and an empty
    /// text if it was sent nothing.
    static func authorization(in output: String) -> [UInt8]? {
        guard let match = output.firstMatch(of: /AUTH\[(-|[A-Za-z0-9+\/=]*)\]/) else { return nil }
        return match.1 == "-" ? [] : Data(base64Encoded: String(match.1)).map { [UInt8]($0) }
    }
}
