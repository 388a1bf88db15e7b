import Sandbox
import Testing

/// The built helper with a bus, or a start of the keyring, that misbehaves. Only where there is
/// no keyring does the file take its place.
@Suite struct BusTests {
    let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    @Test(arguments: Request.allCases)
    func aBusThatRefusesTheAuthenticationIsAnError(request: Request) async throws {
        _ = try PrivateBus(in: sandbox, mechanism: "ANONYMOUS")
        try await expectError(request, "the session bus refused the authentication", within: 2)
    }

    @Test(arguments: Request.allCases)
    func aBusThatSaysNothingIsAnError(request: Request) async throws {
        let address = try socket("signal.pause()")
        sandbox.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: address)
        try await expectError(request, "the session bus did not answer", within: 5)
    }

    @Test(arguments: Request.allCases)
    func aBusThatLetsOneInAndThenSaysNothingIsAnError(request: Request) async throws {
        let address = try socket(
            """
            connection, _ = listener.accept()
            words = connection.makefile("rwb", buffering=0)
            answers = {
                b"AUTH": b"REJECTED EXTERNAL",
                b"AUTH EXTERNAL": b"OK 0123456789abcdef0123456789abcdef",
                b"NEGOTIATE_UNIX_FD": b"AGREE_UNIX_FD",
            }
            while (line := words.readline().strip(b"\\0\\r\\n")) != b"BEGIN":
                words.write(answers[b" ".join(line.split()[:2])] + b"\\r\\n")
            signal.pause()
            """)
        sandbox.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: address)
        try await expectError(request, "the session bus did not answer", within: 5)
    }

    @Test(arguments: Request.allCases)
    func aKeyringThatDoesNotStartInTimeIsAnError(request: Request) async throws {
        _ = try PrivateBus(in: sandbox, activating: [secrets: "/bin/sleep 60"])
        try await expectError(request, "the keyring did not start in time", within: 14)
    }

    @Test func aKeyringThatCannotBeStartedLeavesTheLoginToTheFile() throws {
        _ = try PrivateBus(in: sandbox, activating: [secrets: "/bin/false"])
        #expect(try run(.replace).finish().status == 0)
        #expect(try run(.update).finish().status == 0)
        let get = try run(.get).finish()
        #expect(Trial.isAnswer(get, .login(user: "u", secret: "new")), "\(get)")
        #expect(sandbox.read("home/.local/share/keyfob/credentials") != nil)
    }

    private let secrets = "org.freedesktop.secrets"

    private func run(_ request: Request) throws -> RunningProgram {
        try sandbox.program(
            ["docker-credential-keyfob", request.action], input: Array(request.input.utf8)
        ).start()
    }

    private func expectError(
        _ request: Request, _ line: String, within limit: Double,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let outcome = try await run(request).end()
        let isError = Trial.isAnswer(outcome, .error(line))
        #expect(isError, "\(request): \(outcome)", sourceLocation: sourceLocation)
        #expect(outcome.errors.hasPrefix(line + "\n"), sourceLocation: sourceLocation)
        #expect(outcome.seconds < limit, "\(outcome)", sourceLocation: sourceLocation)
        #expect(
            sandbox.read("home/.local/share/keyfob/credentials") == nil,
            sourceLocation: sourceLocation)
    }

    /// The address of a socket at which this is done.
    private func socket(_ deed: String) throws -> String {
        let path = sandbox.file("run/silent")
        let script = """
            import signal, socket, sys
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(sys.argv[1])
            listener.listen()
            print("listening", flush=True)
            \(deed)
            """
        let daemon = try sandbox.startDaemon(["/usr/bin/python3", "-c", script, path])
        try daemon.wait(for: "socket") { daemon.log.isEmpty ? nil : () }
        return "unix:path=\(path)"
    }
}
