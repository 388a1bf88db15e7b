import Foundation
import Sandbox
import Testing

/// Plain clients are the real docker, podman, cargo and terraform, told of no helper, so that they
/// write what they are given into files of their own, in plain text; and what pulumi writes.
struct PlainClients {
    let machine: Machine
    let registry: Registry
    /// An index of cargo's and an API of terraform's.
    private let address: String

    static let cargoToken = "cargo-token-0123456789"
    static let terraformToken = "terraform-token-0123456789"
    static let pulumiToken = "pul-0123456789abcdef"
    static let terraformHost = "tf.example.com"

    /// Every secret that they have been given.
    static let secrets = [Registry.password, cargoToken, terraformToken, pulumiToken]

    var sandbox: Sandbox { machine.sandbox }

    init(on machine: Machine, beside file: String = #filePath) throws {
        self.machine = machine
        registry = try Registry(in: machine.sandbox)
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent().path
        let server = try machine.sandbox.startDaemon([
            "/usr/bin/python3", "-B", "\(folder)/plain-server.py",
        ])
        address = try server.wait(for: "address") {
            server.log.split(separator: "\n").first { $0.hasPrefix("http://") }.map(String.init)
        }
    }

    /// docker itself looks for a helper as long as its configuration names nothing.
    func loginDocker() throws {
        if sandbox.text("home/.docker/config.json") == nil {
            try sandbox.write(
                #"{"credHelpers":{"none.example":"none"}}"#, to: "home/.docker/config.json")
        }
        let login = try sandbox.run(
            "docker", "login", "-u", Registry.user, "--password-stdin", registry.host,
            input: Registry.password)
        try #require(login.succeeded, "\(login)")
    }

    func loginPodman(_ arguments: String...) throws {
        let login = try sandbox.program(
            [
                "podman", "login", "--tls-verify=false", "-u", Registry.user, "--password-stdin",
                registry.host,
            ] + arguments, input: Array(Registry.password.utf8)
        ).run()
        try #require(login.succeeded, "\(login)")
    }

    /// Whether podman thinks that there is a login.
    func podmanHasLogin() throws -> Bool {
        try sandbox.run("podman", "login", "--get-login", registry.host).succeeded
    }

    /// The real cargo; where there is none that is printed, and what it writes is written.
    func loginCargo() throws {
        try sandbox.write(
            "[registries.loop]\nindex = \"sparse+\(address)/index/\"\n[net]\nretry = 0\n",
            to: "home/.cargo/config.toml")
        guard PlainClients.cargo != nil else {
            print("PlainClients: cargo is not run, for there is none on the PATH")
            try sandbox.write(
                "[registries.loop]\ntoken = \"\(PlainClients.cargoToken)\"\n",
                to: "home/.cargo/credentials.toml")
            return
        }
        let login = try cargo("login", "--registry", "loop", input: PlainClients.cargoToken + "\n")
        try #require(login.succeeded, "\(login)")
        try #require(
            sandbox.text("home/.cargo/credentials.toml")?.contains(PlainClients.cargoToken) == true)
    }

    func cargo(_ arguments: String..., input: String = "") throws -> Outcome {
        try sandbox.program(
            ["cargo"] + arguments, input: Array(input.utf8),
            environment: ["RUSTUP_HOME": PlainClients.rustup]
        ).run()
    }

    /// The real terraform, at a terminal; where there is none that is printed, and what it writes
    /// is written.
    func loginTerraform() throws {
        try sandbox.makeFolder("home/.terraform.d")
        guard PlainClients.terraform != nil else {
            print("PlainClients: terraform is not run, for there is none on the PATH")
            try sandbox.write(
                #"{"credentials":{"\#(PlainClients.terraformHost)":{"token":"\#(PlainClients.terraformToken)"}}}"#,
                to: "home/.terraform.d/credentials.tfrc.json")
            return
        }
        let services = ["tfe.v2", "tfe.v2.1", "tfe.v2.2"].map { "\"\($0)\" = \"\(address)/api/\"" }
        try sandbox.write(
            """
            host "\(PlainClients.terraformHost)" {
              services = { \(services.joined(separator: ", ")) }
            }
            """, to: "home/.terraformrc")
        let terminal = try PseudoTerminal()
        let login = try sandbox.program(
            [
                "sh", "-c",
                "exec setsid -cw terraform login \(PlainClients.terraformHost) <$0 >$0 2>&1",
                terminal.path,
            ], environment: ["CHECKPOINT_DISABLE": "1"]
        ).start()
        try terminal.wait(for: "Enter a value:")
        terminal.type("yes\n")
        try terminal.wait(for: "Token for")
        // It drops what is typed before it asks.
        usleep(300_000)
        terminal.type(PlainClients.terraformToken + "\n")
        let outcome = try login.finish()
        try #require(outcome.succeeded, "\(terminal.screen)")
    }

    /// What pulumi 3.258 writes at a login.
    func loginPulumi() throws {
        try sandbox.write(
            """
            {
                "current": "https://api.pulumi.com",
                "accessTokens": {
                    "https://api.pulumi.com": "\(PlainClients.pulumiToken)"
                },
                "accounts": {
                    "https://api.pulumi.com": {
                        "accessToken": "\(PlainClients.pulumiToken)",
                        "username": "alice",
                        "organizations": [
                            "acme"
                        ],
                        "lastValidatedAt": "2026-11-26T10:00:00Z"
                    },
                    "file://~": {
                        "organizations": null,
                        "lastValidatedAt": "0001-01-01T00:00:00Z"
                    }
                }
            }
            """, to: "home/.pulumi/credentials.json")
    }

    /// The files in the home and the runtime folder that hold one of the secrets, or its base64 by
    /// itself or after a user name.
    func filesWithSecrets() throws -> [String] {
        let patterns = PlainClients.secrets.flatMap { secret in
            [
                secret, Data(secret.utf8).base64EncodedString(),
                Data("\(Registry.user):\(secret)".utf8).base64EncodedString(),
            ]
        }
        let list = try sandbox.write(patterns.joined(separator: "\n") + "\n", to: "patterns")
        let found = try sandbox.run(
            "grep", "-rlF", "-f", list, sandbox.file("home"), sandbox.file("run"))
        return found.output.split(separator: "\n").map(String.init).sorted()
    }

    private static let terraform = executable("terraform")
    static let cargo = executable("cargo")
    static let npm = executable("npm")

    /// Where rustup's cargo finds its toolchain from another home.
    static let rustup: String = {
        let environment = ProcessInfo.processInfo.environment
        return environment["RUSTUP_HOME"] ?? (environment["HOME"] ?? "/root") + "/.rustup"
    }()

    private static func executable(_ name: String) -> String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
            .map { "\($0)/\(name)" }.first { unsafe access($0, X_OK) == 0 }
    }
}
