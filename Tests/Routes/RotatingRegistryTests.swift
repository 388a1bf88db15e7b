import Foundation
import Sandbox
import Testing

/// A registry whose password changes every five seconds: no pull fails, and none shows it an old one.
@Suite struct RotatingRegistryTests {
    @Test func noPullFails() throws {
        let home = try RoutedHome("", asUserOfItsOwn: true)
        let sandbox = home.sandbox
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("rotating-registry.py")
        let script = try sandbox.write(
            String(contentsOf: source, encoding: .utf8), to: "registry.py")
        let registry = try sandbox.startDaemon([
            "/usr/bin/python3", script, sandbox.file("password"),
        ])
        let port = try registry.wait(for: "port") {
            registry.log.firstMatch(of: /port ([0-9]+)/).map { String($0.1) }
        }
        try home.configure(
            #"""
            {"match": "127.0.0.1:\#(port)", "command": ["mint"], "username": "u",
             "secret": "/password", "lifetime": "1s"}
            """#)
        try home.script("mint", "cat \(sandbox.file("password"))")
        try sandbox.write(
            #"credential-helpers = ["keyfob-podman"]"#,
            to: "home/.config/containers/registries.conf")
        let (pulls, seconds) = Sandbox.isSoak ? (100, 60.0) : (14, 7.0)
        let start = ContinuousClock.now
        for pull in 0..<pulls {
            let outcome = try sandbox.run(
                "skopeo", "copy", "--insecure-policy", "--src-tls-verify=false",
                "docker://127.0.0.1:\(port)/image:1", "dir:\(sandbox.file("tmp/\(pull)"))")
            #expect(outcome.succeeded, "\(outcome)")
            let due = seconds * Double(pull + 1) / Double(pulls)
            let elapsed = start.duration(to: .now) / .seconds(1)
            if elapsed < due { usleep(UInt32((due - elapsed) * 1_000_000)) }
        }
        #expect(!registry.log.contains("expired"), "\(registry.log)")
        #expect(home.calls("mint") > 2)
    }
}
