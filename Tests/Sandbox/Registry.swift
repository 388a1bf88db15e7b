/// A registry is Debian's docker-registry with one account, on a free port of this machine.
package final class Registry: Sendable {
    package static let user = "alice"
    /// The account's password, with all that a careless client or helper may change.
    package static let password = #"p<&>"'\ ä€😀 :="#

    /// How it is shown who asks.
    package enum Authentication: Sendable {
        case password
        /// Tokens that the server at `realm` gives, signed with the certificate's key.
        case token(realm: String, Certificate)
        case none
    }

    /// `127.0.0.1:port`.
    package let host: String
    private let daemon: Daemon

    /// It speaks TLS if it has a certificate.
    package init(
        in sandbox: Sandbox, certificate: Certificate? = nil,
        authentication: Authentication = .password
    ) throws {
        let name = sandbox.uniqueName("registry")
        let tls = certificate.map { ", tls: {certificate: \($0.path), key: \($0.key)}" } ?? ""
        let auth =
            switch authentication {
            case .password:
                try
                    "auth: {htpasswd: {realm: \(name), path: \(Registry.accounts(name, in: sandbox))}}"
            case .token(let realm, let certificate):
                """
                auth: {token: {realm: "\(realm)", service: \(Registry.service), \
                issuer: \(Registry.service), rootcertbundle: \(certificate.path)}}
                """
            case .none: ""
            }
        let configuration = try sandbox.write(
            """
            version: 0.1
            log: {level: info, accesslog: {disabled: true}}
            storage: {filesystem: {rootdirectory: \(sandbox.file("\(name)/data"))}}
            http: {addr: "127.0.0.1:0", secret: \(name)\(tls)}
            \(auth)
            """, to: "\(name)/config.yml")
        daemon = try sandbox.startDaemon(["docker-registry", "serve", configuration])
        host = try daemon.wait(for: "address") { [daemon] in
            daemon.log.firstMatch(of: /listening on (127\.0\.0\.1:[0-9]+)/).map { String($0.1) }
        }
    }

    /// What its token server calls it.
    package static let service = "keyfob-tests"

    private static func accounts(_ name: String, in sandbox: Sandbox) throws -> String {
        let accounts = try sandbox.run(
            "htpasswd", "-i", "-B", "-n", Registry.user, input: Registry.password)
        guard accounts.succeeded else { throw SandboxError("htpasswd: \(accounts.errors)") }
        return try sandbox.write(accounts.output, to: "\(name)/htpasswd")
    }
}
