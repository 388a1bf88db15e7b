/// A certificate of 127.0.0.1 that it has signed itself, and its key, as files.
package struct Certificate: Sendable {
    package let path: String
    package let key: String

    package init(in sandbox: Sandbox) throws {
        let name = sandbox.uniqueName("certificate")
        try sandbox.makeFolder(name)
        path = sandbox.file("\(name)/certificate.pem")
        key = sandbox.file("\(name)/key.pem")
        let made = try sandbox.run(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=\(name)", "-addext", "subjectAltName=IP:127.0.0.1",
            "-out", path, "-keyout", key)
        guard made.succeeded else { throw SandboxError("openssl: \(made.errors)") }
    }
}
