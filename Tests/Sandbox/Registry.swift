/// A registry is Debian's docker-registry with one account, on a free port of this machine.
package final class Registry: Sendable {
    package static let user = "alice"
    /// The account's password, with all that a careless client or helper may change.
    package static let password = #"p<&>"'\ ä€😀 :="#

    /// `127.0.0.1:port`.
    package let host: String
    private let daemon: Daemon

    package init(in sandbox: Sandbox) throws {
        let name = sandbox.uniqueName("registry")
        let accounts = try sandbox.run(
            "htpasswd", "-i", "-B", "-n", Registry.user, input: Registry.password)
        guard accounts.succeeded else { throw SandboxError("htpasswd: \(accounts.errors)") }
        let file = try sandbox.write(accounts.output, to: "\(name)/htpasswd")
        let configuration = try sandbox.write(
            """
            version: 0.1
            log: {level: info, accesslog: {disabled: true}}
            storage: {filesystem: {rootdirectory: \(sandbox.file("\(name)/data"))}}
            http: {addr: "127.0.0.1:0", secret: \(name)}
            auth: {htpasswd: {realm: \(name), path: \(file)}}
            """, to: "\(name)/config.yml")
        daemon = try sandbox.startDaemon(["docker-registry", "serve", configuration])
        host = try daemon.wait(for: "address") { [daemon] in
            daemon.log.firstMatch(of: /listening on (127\.0\.0\.1:[0-9]+)/).map { String($0.1) }
        }
    }
}
