import Credentials
import Foundation
import Sandbox
import Stores
import Testing

/// `keyfob status` names what is wrong: each test plants one fault.
@Suite struct StatusTests {
    let desk: Desk

    init() throws { desk = try Desk() }

    private struct Report: Decodable {
        struct Finding: Decodable {
            let code: String
            let needsAttention: Bool
            let message: String
            let hint: String?
        }

        struct Store: Decodable {
            let state: String
            let locked: Bool
            let logins: Int?
            var provider: String?
            var collection: String?
        }

        let healthy: Bool
        let keyring: Store
        let file: Store
        let findings: [Finding]
    }

    // MARK: The keyring

    @Test func aKeyringThatServesIsHealthy() throws {
        _ = try desk.startKeyring()
        try store("h.example")
        let (report, status) = try report()
        #expect(status == 0 && report.healthy)
        #expect(report.keyring.state == "ready" && !report.keyring.locked)
        #expect(report.keyring.provider == "GNOME Keyring" && report.keyring.collection == "Login")
        #expect(report.keyring.logins == 1)
        #expect(report.findings.isEmpty)
    }

    @Test func aKeyringThatMakesANoteOfAClientTooLateIsHealthy() throws {
        let service = try HostileService(on: desk.bus)
        try service.begin(.init(items: [Request.held], faults: ["gnome", "late"]))
        let (report, status) = try report()
        #expect(status == 0 && report.healthy)
        #expect(report.keyring.state == "ready" && !report.keyring.locked)
        #expect(report.keyring.provider == "python3" && report.keyring.collection == "Login")
        #expect(report.keyring.logins == 1)
    }

    @Test func noBus() throws {
        desk.sandbox.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: nil)
        #expect(try finding("no-bus").needsAttention == false)
        desk.sandbox.setEnvironment("KEYFOB_STORE", to: "secret-service")
        #expect(try finding("no-bus").needsAttention)
    }

    /// What is in the keyring cannot be reached.
    @Test func noBusAlthoughALoginWasStoredInAKeyring() throws {
        _ = try desk.startKeyring()
        try store("h.example")
        desk.sandbox.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: nil)
        let finding = try finding("no-bus")
        #expect(finding.needsAttention)
        #expect(finding.message.hasPrefix("1 login is in the keyring, which cannot be reached"))
    }

    @Test func aHomeInWhichNothingCanBeStored() throws {
        let sandbox = try Sandbox(unprivileged: true)
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        unsafe chmod(sandbox.file("home"), 0o500)
        defer { unsafe chmod(sandbox.file("home"), 0o700) }
        let status = try sandbox.run("keyfob", "status")
        #expect(status.status == 1, "\(status)")
        #expect(
            status.output.contains("attention: \(sandbox.file("home")) cannot be written to"),
            "\(status)")
    }

    @Test func noProvider() throws {
        #expect(
            try finding("no-provider").message.hasPrefix("no Secret Service on the session bus"))
    }

    @Test(arguments: LockForm.allCases) func aLockedKeyring(form: LockForm) throws {
        let keyring = try desk.startKeyring()
        try store("h.example")
        _ = try desk.lock(keyring, form)
        let finding = try finding("keyring-locked")
        #expect(finding.needsAttention)
        #expect(finding.hint?.contains("KEYFOB_STORE=file") == true)
        // Whoever can be asked is asked when it matters.
        desk.sandbox.setEnvironment("DISPLAY", to: ":99")
        #expect(try self.finding("keyring-locked").needsAttention == false)
    }

    @Test func noDefaultCollection() throws {
        _ = try GnomeKeyring(on: desk.bus, isUnlocked: false)
        #expect(try finding("no-default-collection").needsAttention)
    }

    @Test func keePassXCThatExposesNoGroup() throws {
        _ = try KeePassXC(on: desk.bus, exposesGroup: false)
        #expect(try finding("keepassxc-no-group").hint?.contains("Expose entries") == true)
    }

    @Test func keePassXCThatConfirmsEveryAccess() throws {
        _ = try KeePassXC(on: desk.bus, confirmsAccess: true)
        // It makes an item by way of a prompt.
        try desk.store { $0.mayPrompt = true }.save(login("h.example", "alice", "p"))
        #expect(try finding("keyring-confirms").message.hasPrefix("KeePassXC asks before each"))
    }

    /// An item that another helper has left beside ours.
    @Test func anItemOfASecondUser() throws {
        _ = try desk.startKeyring()
        try store("h.example")
        let other = try desk.sandbox.run(
            "secret-tool", "store", "--label=h.example", "xdg:schema", "io.docker.Credentials",
            "server", "https://h.example/v1/", "docker_cli", "1", "label", "Docker Credentials",
            "username", "bob", input: "stale")
        try #require(other.succeeded)
        #expect(
            try finding("stale-login").message
                == Sentence.expanding("<several-logins.users|h.example|alice, bob>"))
    }

    // MARK: The file

    @Test func aFolderThatIsOpenToOthers() throws {
        desk.sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        try store("h.example")
        unsafe chmod(desk.sandbox.file("home/.local/share/keyfob/credentials"), 0o644)
        let finding = try finding("file")
        #expect(finding.message.hasSuffix(Sentence.expanding("<open-to-others||0644>")))
        #expect(finding.hint?.contains("chmod 600") == true)
    }

    @Test func aFileOfAnotherOwner() throws {
        try #require(geteuid() == 0, "only root can give a file away: run the tests as root")
        desk.sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        try store("h.example")
        unsafe chown(desk.sandbox.file("home/.local/share/keyfob/credentials"), 12345, 0)
        #expect(try finding("file").message.contains("is owned by uid 12345"))
    }

    @Test func aFileWithoutItsKey() throws {
        desk.sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        try store("h.example")
        unsafe unlink(desk.sandbox.file("home/.local/state/keyfob/key"))
        #expect(try finding("file").message.contains("/key does not exist"))
    }

    // MARK: Settings and clients

    @Test func anOverrideAndAnUnknownKey() throws {
        desk.sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        try desk.sandbox.write(#"{"stroe":"file"}"#, to: "home/.config/keyfob/config.json")
        #expect(try finding("override").message.hasPrefix("KEYFOB_STORE is set"))
        #expect(try finding("settings").message.hasPrefix("unknown key \"stroe\""))
    }

    @Test func aHelperThatIsNotOnThePath() throws {
        try desk.sandbox.write(#"{"credsStore":"keyfob"}"#, to: "home/.docker/config.json")
        unsafe unlink(desk.sandbox.file("bin/docker-credential-keyfob"))
        #expect(
            try finding("helper-not-found").message.contains("docker-credential-keyfob"))
    }

    @Test func anotherHelper() throws {
        try desk.sandbox.write(#"{"credsStore":"pass"}"#, to: "home/.docker/config.json")
        let finding = try finding("other-helper")
        #expect(finding.message == "docker uses the helper pass")
        #expect(finding.hint == "keyfob setup docker")
    }

    @Test func podmanThatHasNotBeenTold() throws {
        try desk.sandbox.write(#"{"credsStore":"keyfob"}"#, to: "home/.docker/config.json")
        try desk.sandbox.write("#!/bin/sh\n", to: "bin/podman")
        unsafe chmod(desk.sandbox.file("bin/podman"), 0o755)
        let finding = try finding("not-set-up")
        #expect(!finding.needsAttention)
        #expect(finding.message == "podman does not use keyfob yet")
        #expect(finding.hint == "keyfob setup podman")
    }

    @Test func aCopyInPlainText() throws {
        desk.sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        try store("h.example")
        try desk.sandbox.write(
            #"{"auths":{"h.example":{"auth":"YWxpY2U6cA=="}},"credsStore":"keyfob"}"#,
            to: "home/.docker/config.json")
        #expect(try finding("plaintext-copy").hint == "keyfob import")
    }

    @Test func aTokenInTheEnvironment() throws {
        desk.sandbox.setEnvironment("TF_TOKEN_tf_example_com", to: "a-token")
        let finding = try finding("environment")
        #expect(finding.needsAttention)
        #expect(!finding.message.contains("a-token"))
    }

    // MARK: Asking

    /// The only clients on the `PATH` are those that a test puts there.
    private func report() throws -> (Report, Int32?) {
        let outcome = try desk.sandbox.run(
            "keyfob", "status", "--json", environment: ["PATH": desk.sandbox.file("bin")])
        #expect(outcome.errors.isEmpty)
        return (
            try JSONDecoder().decode(Report.self, from: Data(outcome.outputBytes)), outcome.status
        )
    }

    private func finding(_ name: String) throws -> Report.Finding {
        let (report, status) = try report()
        let finding = try #require(
            report.findings.first { $0.code == name }, "\(report.findings)")
        #expect(report.healthy == !report.findings.contains(where: \.needsAttention))
        #expect(status == (report.healthy ? 0 : 1))
        return finding
    }

    private func store(_ server: String) throws {
        let stored = try desk.sandbox.run(
            "docker-credential-keyfob", "store",
            input: #"{"ServerURL":"\#(server)","Username":"alice","Secret":"p"}"#)
        try #require(stored.succeeded, "\(stored)")
    }
}
