import Foundation
import Sandbox
import Testing

/// The real terraform, which no Debian package brings: where it is not on the `PATH`, that is
/// printed and these tests are not run. The transcripts call the helper as it does.
@Suite(.enabled(if: isInstalled)) struct TerraformTests {
    private static let host = "tf.example.com"
    private static let token = "a-token.of<terraform>&\"quotes\""

    @Test(arguments: Machine.Kind.allCases)
    func aTokenOpensAPrivateModuleUntilLogout(_ kind: Machine.Kind) throws {
        let machine = try Machine(kind)
        let registry = try configure(machine)
        #expect(try !terraform(machine, "init").succeeded)

        try login(machine)
        let initialized = try terraform(machine, "init")
        #expect(initialized.succeeded, "\(initialized)")
        #expect(registry.log.contains("a module was fetched with the token"))
        #expect(try machine.list().isEmpty)

        for _ in 0..<2 {
            let logout = try terraform(machine, "logout", Self.host)
            #expect(logout.succeeded, "\(logout)")
            #expect(logout.output.contains("Success!"))
            #expect(try helper(machine, "get").output == "{}\n")
        }
        try machine.expectNothing()
    }

    @Test func aLogoutOfALockedKeyringFailsAndSaysWhy() throws {
        let machine = try Machine(.desktop)
        _ = try configure(machine)
        try store(machine)
        try machine.keyring?.lock()
        let logout = try terraform(machine, "logout", Self.host)
        #expect(!logout.succeeded)
        let words = logout.errors.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(words.contains("the keyring is locked"), "\(logout)")
        #expect(try machine.keyring?.items().count == 1)
    }

    /// `terraform login`, at a terminal.
    private func login(_ machine: Machine) throws {
        let terminal = try PseudoTerminal()
        let run = try machine.sandbox.program(
            [
                "sh", "-c", "exec setsid -cw terraform login \(Self.host) <$0 >$0 2>&1",
                terminal.path,
            ],
            environment: ["CHECKPOINT_DISABLE": "1"]
        ).start()
        try terminal.wait(for: "Enter a value:")
        terminal.type("yes\n")
        try terminal.wait(for: "Token for")
        // It drops what is typed before it asks.
        usleep(300_000)
        terminal.type(Self.token + "\n")
        #expect(try run.finish().succeeded, "\(terminal.screen)")
        #expect(!terminal.screen.contains(Self.token))
        #expect(machine.sandbox.text("home/.terraform.d/credentials.tfrc.json") == nil)
    }

    private func store(_ machine: Machine) throws {
        let token = Self.token.replacingOccurrences(of: "\"", with: "\\\"")
        let stored = try helper(machine, "store", input: #"{"token":"\#(token)"}"#)
        try #require(stored.succeeded)
    }

    private func helper(
        _ machine: Machine, _ verb: String, input: String = ""
    ) throws -> Outcome {
        try machine.sandbox.run("terraform-credentials-keyfob", verb, Self.host, input: input)
    }

    private func terraform(_ machine: Machine, _ arguments: String...) throws -> Outcome {
        try machine.sandbox.program(
            ["terraform", "-chdir=\(machine.sandbox.file("project"))"] + arguments
                + (arguments == ["init"] ? ["-input=false", "-no-color"] : []),
            environment: ["CHECKPOINT_DISABLE": "1"]
        ).run()
    }

    /// A module registry that wants the token, and a project that has a module of it.
    private func configure(_ machine: Machine, beside file: String = #filePath) throws -> Daemon {
        let sandbox = machine.sandbox
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent().path
        let registry = try sandbox.startDaemon([
            "/usr/bin/python3", "-B", "\(folder)/module-registry.py",
            try sandbox.write(Self.token, to: "token"),
        ])
        let address = try registry.wait(for: "address") {
            registry.log.split(separator: "\n").first { $0.hasPrefix("http://") }
        }
        try sandbox.write(
            """
            credentials_helper "keyfob" { args = ["--profile", "dev"] }
            host "\(Self.host)" {
              services = {
                "modules.v1" = "\(address)/v1/modules/"
                "tfe.v2" = "\(address)/api/"
                "tfe.v2.1" = "\(address)/api/"
                "tfe.v2.2" = "\(address)/api/"
              }
            }
            """, to: "home/.terraformrc")
        try sandbox.write(
            #"module "greeting" { source = "\#(Self.host)/team/greeting/none" }"#,
            to: "project/main.tf")
        try sandbox.makeFolder("home/.terraform.d/plugins")
        try FileManager.default.createSymbolicLink(
            atPath: sandbox.file("home/.terraform.d/plugins/terraform-credentials-keyfob"),
            withDestinationPath: sandbox.file("bin/terraform-credentials-keyfob"))
        return registry
    }
}

private let isInstalled: Bool = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let isFound = folders.contains { unsafe access("\($0)/terraform", X_OK) == 0 }
    if !isFound { print("TerraformTests: not run, for there is no terraform on the PATH") }
    return isFound
}()
