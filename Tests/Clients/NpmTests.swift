import Foundation
import Sandbox
import Testing

/// The real npm, and a registry on loopback that tells what it was sent.
@Suite(.enabled(if: isInstalled)) struct NpmTests {
    private let sandbox: Sandbox
    private let registry: Daemon
    private let host: String

    init() throws { try self.init(beside: #filePath) }

    private init(beside file: String) throws {
        sandbox = try Sandbox()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        sandbox.setEnvironment("NO_UPDATE_NOTIFIER", to: "1")
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent().path
        let server = try sandbox.startDaemon([
            "/usr/bin/python3", "-B", "\(folder)/npm-registry.py",
        ])
        host = try server.wait(for: "address") {
            server.log.split(separator: "\n").first.map(String.init)
        }
        registry = server
    }

    /// A line of `.npmrc`, and what npm sends to the registry under `team`.
    enum Case: String, CaseIterable {
        case token = "//HOST/team/:_authToken=tok-1"
        case withoutSlash = "//HOST/team:_authToken=tok-2"
        case ofTheWholeHost = "  //HOST/:_authToken = tok-3= ; a comment"
        case quoted = "//HOST/team/:_authToken=\"tok-4\""
        case pair = "//HOST/team/:_auth=YWxpY2U6cHc6MQ=="
        case twoLines = "//HOST/team/:username=alice\nx=y\n//HOST/team/:_password=cHc6MQ=="
        case later = "//HOST/team/:_authToken=tok-old\r\n//HOST/team/:_authToken=tok-5"
        case tokenBeforePair = "//HOST/team/:_authToken=tok-6\n//HOST/team/:_auth=YTpi"

        /// What Keyfob calls the registry of the line.
        var key: String { self == .ofTheWholeHost ? "HOST" : "HOST/team" }
        /// Whether all of it can be stored: else a line is left that npm does not use.
        var isWhole: Bool { self != .tokenBeforePair }
    }

    /// After an import npm is given by `keyfob exec` what it had; by itself it sends nothing, and after
    /// an export the same as before.
    @Test(arguments: Case.allCases)
    func importExecAndExportGiveWhatItHad(_ line: Case) throws {
        try sandbox.write(
            "fund=false\n\(line.rawValue)\naudit=false\n".replacing("HOST", with: host),
            to: "home/.npmrc")
        let before = try sent()
        try #require(before.contains("Bearer") || before.contains("Basic"), "\(before)")

        let imported = try sandbox.run("keyfob", "import", "--client", "npm")
        #expect(imported.succeeded == line.isWhole, "\(imported)")
        let key = line.key.replacing("HOST", with: host)
        #expect(try sent(by: ["keyfob", "exec", "--client", "npm", key, "--"]) == before)
        guard line.isWhole else { return }
        #expect(try sent() == "nothing")
        #expect(sandbox.text("home/.npmrc")?.hasPrefix("fund=false\n") == true)
        #expect(sandbox.text("home/.npmrc")?.hasSuffix("audit=false\n") == true)

        let exported = try sandbox.run("keyfob", "export", "--client", "npm", "--plain-text")
        #expect(exported.succeeded, "\(exported)")
        #expect(try sent() == before)

        let logout = try sandbox.run("keyfob", "logout", "--client", "npm", key, "--files")
        #expect(logout.succeeded, "\(logout)")
        #expect(try sent() == "nothing")
        #expect(!(try sandbox.run("keyfob", "token", "--client", "npm", key).succeeded))
    }

    /// What npm takes from a variable, and what it never looks for, stays; a status names plain text.
    @Test func whatIsNoLoginOfTheFileStays() throws {
        let lines = """
            //\(host)/team/:_authToken=${NPM_TOKEN}
            ; //\(host)/team/:_authToken=tok-comment
            //REGISTRY.example.com/:_authToken=tok-upper
            _authToken=tok-nobody's

            """
        try sandbox.write(lines, to: "home/.npmrc")
        let imported = try sandbox.run("keyfob", "import", "--client", "npm")
        #expect(imported.status == 1, "\(imported)")
        #expect(sandbox.text("home/.npmrc") == lines)
        #expect(imported.output.contains("REGISTRY.example.com"))
        #expect(try sandbox.run("keyfob", "status").output.contains(".npmrc"))
        let logout = try sandbox.run(
            "keyfob", "logout", "--all", "--files", "--force", "--non-interactive")
        #expect(logout.succeeded, "\(logout)")
        #expect(!(sandbox.text("home/.npmrc") ?? "").contains("=tok-u"))
        #expect(!(sandbox.text("home/.npmrc") ?? "").contains("=tok-n"))
    }

    /// The file of the project comes before the user's, and a variable before both.
    @Test func theProjectsTokenIsTheOneThatIsKept() throws {
        let line = "//\(host)/team/:_authToken="
        try sandbox.write("{}", to: "home/project/package.json")
        try sandbox.write("\(line)tok-project\n", to: "home/project/.npmrc")
        try sandbox.write("\(line)tok-user\n", to: "home/.npmrc")
        try sandbox.makeFolder("home/project/sub")
        let folder = sandbox.file("home/project/sub")
        let before = try sent(in: folder)
        #expect(before == "Bearer tok-project")
        let imported = try sandbox.run(
            "sh", "-c", "cd \"$1\" && keyfob import --client npm", "sh", folder)
        #expect(imported.status == 1, "\(imported)")
        let token = try sandbox.run("keyfob", "token", "--client", "npm", "\(host)/team")
        #expect(token.output == "tok-project\n")
        #expect(sandbox.text("home/.npmrc") == "\(line)tok-user\n")
        #expect(
            try sent(by: ["keyfob", "exec", "--client", "npm", "\(host)/team", "--"]) == before)
    }

    @Test func loginTakesTheAddressThatIsCopied() throws {
        let login = try sandbox.run(
            "keyfob", "login", "--client", "npm", "--password-stdin", "http://\(host)/team/",
            input: "tok-7\n")
        #expect(login.succeeded, "\(login)")
        let exec = ["keyfob", "exec", "--client", "npm", "\(host)/team", "--"]
        #expect(try sent(by: exec) == "Bearer tok-7")
        let odd = try sandbox.run(
            "keyfob", "login", "--client", "npm", "--password-stdin", "bad host", input: "x\n")
        #expect(odd.status != 0)
    }

    // MARK: Running it

    /// What npm sends to the registry under `team` when it looks for a package.
    private func sent(by words: [String] = [], in folder: String? = nil) throws -> String {
        let package = sandbox.uniqueName("package")
        let view = try sandbox.program(
            [
                "sh", "-c", "cd \"$1\" && shift && exec \"$@\"", "sh",
                folder ?? sandbox.file("home"),
            ] + words + [
                "npm", "view", package, "name", "--registry", "http://\(host)/team/",
                "--fetch-retries=0",
            ]
        ).run()
        try #require(view.succeeded, "\(view)")
        let line = registry.log.split(separator: "\n").first { $0.hasPrefix("/team/\(package) ") }
        return String(try #require(line).drop { $0 != " " }.dropFirst())
    }
}

private let isInstalled: Bool = {
    if PlainClients.npm == nil { print("NpmTests: not run, for there is no npm on the PATH") }
    return PlainClients.npm != nil
}()
