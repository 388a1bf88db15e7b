import Foundation
import Sandbox
import Testing

/// The real docker-compose, which asks for the logins of all its images at once.
@Suite struct ComposeTests {
    private static let runs = Sandbox.isSoak ? 10 : 1
    private static let images = ["web", "api", "db"]

    @Test func aPullOfThreePrivateImagesIsGivenEachItsLogin() throws {
        for _ in 0..<Self.runs {
            let sandbox = try Sandbox()
            let registry = try Registry(in: sandbox)
            try fill(registry, in: sandbox)
            let engine = try startEngine(in: sandbox)
            try configure(registry, engine, in: sandbox)

            let terminal = try PseudoTerminal()
            let settings = terminal.settings
            var program = sandbox.program([
                "docker-compose", "-f", sandbox.file("docker-compose.yml"), "pull",
            ])
            program.terminal = terminal
            program.deadline = .seconds(120)
            let question = "Keyfob: passphrase for \(registry.host): "
            let pull = try program.start()
            for number in Self.images.indices {
                try terminal.wait(for: question, times: number + 1, deadline: .seconds(60))
                terminal.type("correct horse\n")
            }
            let outcome = try pull.finish()
            #expect(outcome.succeeded, "\(outcome)")
            #expect(terminal.screen.count(of: question) == Self.images.count)
            #expect(!terminal.screen.contains("horse"))
            #expect(terminal.settings == settings)
            let pulled = (sandbox.text("engine/images") ?? "").split(separator: "\n")
                .map(String.init).sorted()
            #expect(pulled == Self.images.map { "\(registry.host)/\($0) 200" }.sorted())
        }
    }

    @Test func afterOneUnlockAPullAsksForNothing() throws {
        let sandbox = try Sandbox()
        let registry = try Registry(in: sandbox)
        try fill(registry, in: sandbox)
        let engine = try startEngine(in: sandbox)
        try configure(registry, engine, in: sandbox)
        let unlock = try sandbox.run(
            "keyfob", "unlock", "--password-stdin", "--for", "5m", input: "correct horse\n")
        #expect(unlock.succeeded, "\(unlock)")
        let terminal = try PseudoTerminal()
        var program = sandbox.program([
            "docker-compose", "-f", sandbox.file("docker-compose.yml"), "pull",
        ])
        program.terminal = terminal
        program.deadline = .seconds(120)
        let pull = try program.run()
        #expect(pull.succeeded, "\(pull)")
        #expect(terminal.screen.count(of: "Keyfob:") == 0)
        let pulled = (sandbox.text("engine/images") ?? "").split(separator: "\n")
        #expect(pulled.count == Self.images.count && pulled.allSatisfy { $0.hasSuffix(" 200") })
    }

    /// Pushes an image under each name.
    private func fill(_ registry: Registry, in sandbox: Sandbox) throws {
        let image = try Image(in: sandbox)
        for name in Self.images {
            let push = try sandbox.run(
                "skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", "--dest-creds",
                "\(Registry.user):\(Registry.password)", "docker-archive:\(image.archive)",
                "docker://\(registry.host)/\(name):latest")
            try #require(push.succeeded, "\(push.errors)")
        }
    }

    private func startEngine(in sandbox: Sandbox) throws -> String {
        try sandbox.makeFolder("engine")
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
        let socket = sandbox.file("engine/socket")
        let daemon = try sandbox.startDaemon([
            "/usr/bin/python3", "-B", "\(folder)/docker-engine.py", socket,
        ])
        try daemon.wait(for: "socket") {
            FileManager.default.fileExists(atPath: socket) ? () : nil
        }
        return socket
    }

    private func configure(_ registry: Registry, _ socket: String, in sandbox: Sandbox) throws {
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        sandbox.setEnvironment("DOCKER_HOST", to: "unix://\(socket)")
        try sandbox.write(#"{"credsStore":"keyfob"}"#, to: "home/.docker/config.json")
        let services = Self.images.map { "  \($0): {image: \"\(registry.host)/\($0):latest\"}\n" }
        try sandbox.write(
            "version: \"3\"\nservices:\n" + services.joined(), to: "docker-compose.yml")
        var login = sandbox.program(["docker-credential-keyfob", "store"])
        login.environment["KEYFOB_PASSPHRASE"] = "correct horse"
        let secret = Registry.password.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        login.input = Array(
            #"{"ServerURL":"\#(registry.host)","Username":"\#(Registry.user)","Secret":"\#(secret)"}"#
                .utf8)
        try #require(try login.run().succeeded)
    }
}
