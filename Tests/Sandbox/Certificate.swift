/// A certificate that it has signed itself, and its key, as files.
package struct Certificate: Sendable {
    package let path: String
    package let key: String

    /// For 127.0.0.1, or another name as openssl spells it.
    package init(in sandbox: Sandbox, for name: String = "IP:127.0.0.1") throws {
        let folder = sandbox.uniqueName("certificate")
        try sandbox.makeFolder(folder)
        path = sandbox.file("\(folder)/certificate.pem")
        key = sandbox.file("\(folder)/key.pem")
        let made = try sandbox.run(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=\(folder)", "-addext", "subjectAltName=\(name)",
            "-out", path, "-keyout", key)
        guard made.succeeded else { throw SandboxError("openssl: \(made.errors)") }
    }
}
