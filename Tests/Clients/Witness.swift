import Foundation
import Sandbox

/// A witness is a server of this machine that writes down each secret that it is shown
/// (`witness-server.py`).
struct Witness {
    let daemon: Daemon
    /// `http://127.0.0.1:PORT`, or https.
    let address: String

    init(
        _ words: String..., certificate: Certificate? = nil, in sandbox: Sandbox,
        beside file: String = #filePath
    ) throws {
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent().path
        let tls = certificate.map { ["--tls", $0.path, $0.key] } ?? []
        let daemon = try sandbox.startDaemon(
            ["/usr/bin/python3", "-B", "\(folder)/witness-server.py"] + words + tls)
        self.daemon = daemon
        address = try daemon.wait(for: "address") {
            daemon.log.split(separator: "\n").first { $0.hasPrefix("http") }.map(String.init)
        }
    }

    /// `127.0.0.1:PORT`
    var host: String { address.components(separatedBy: "//")[1] }

    /// The secrets that it was shown, each as it was.
    var shown: [String] {
        daemon.log.split(separator: "\n").filter { $0.hasPrefix("shown ") }
            .map { String($0.dropFirst("shown ".count)) }
    }
}
