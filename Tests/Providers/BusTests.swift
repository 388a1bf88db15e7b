import Foundation
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
    func aBusThatTakesNoMoreConnectionsIsAnError(request: Request) async throws {
        let address = try socket(
            """
            listener.listen(0)
            waiting = []
            for _ in range(8):
                waiting.append(socket.socket(socket.AF_UNIX))
                waiting[-1].setblocking(False)
                waiting[-1].connect_ex(sys.argv[1])
            signal.pause()
            """)
        sandbox.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: address)
        usleep(300_000)
        try await expectError(request, "the session bus did not answer", within: 5)
    }

    @Test(arguments: Request.allCases)
    func aBusThatLetsOneInAndThenSaysNothingIsAnError(request: Request) async throws {
        let address = try socket(
            """
            connection, _ = listener.accept()
            words = connection.makefile("rwb", buffering=0)
            answers = {
                b"AUTH EXTERNAL": b"DATA",
                b"DATA": b"OK 0123456789abcdef0123456789abcdef",
            }
            while (line := words.readline().strip(b"\\0\\r\\n")) != b"BEGIN":
                words.write(answers[line] + b"\\r\\n")
            signal.pause()
            """)
        sandbox.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: address)
        try await expectError(request, "the session bus did not answer", within: 5)
    }

    @Test func aBusThatLetsOneInByteByByteIsAnError() async throws {
        let address = try socket(
            """
            import time
            connection, _ = listener.accept()
            for byte in b"DATA\\r\\nOK 0123456789abcdef0123456789abcdef\\r\\n":
                time.sleep(0.5)
                connection.send(bytes([byte]))
            """)
        sandbox.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: address)
        try await expectError(.get, "the session bus did not answer", within: 5)
    }

    /// The guid in an address says which bus is meant: another one is not told anything.
    @Test(arguments: ["EXTERNAL", "DBUS_COOKIE_SHA1"], [false, true])
    func anotherBusThanTheOneThatIsNamedIsAnError(
        mechanism: String, isSecond: Bool
    ) async throws {
        let bus = try PrivateBus(in: sandbox, mechanism: mechanism)
        let keyring = try GnomeKeyring(on: bus)
        let path = try #require(bus.address.split(separator: ",").first)
        let other = "\(path),guid=0123456789abcdef0123456789abcdef"
        sandbox.setEnvironment(
            "DBUS_SESSION_BUS_ADDRESS",
            to: isSecond ? "unix:path=/nonexistent/bus;\(other)" : other)
        for request in Request.allCases {
            try await expectError(
                request,
                "another bus listens there than the one that the address names: its guid differs",
                within: 4)
        }
        #expect(try keyring.items().isEmpty)
    }

    /// Who listens is known of unix sockets alone.
    @Test(arguments: [
        "tcp:host=127.0.0.1,port=1", "nonce-tcp:host=127.0.0.1,port=1,noncefile=/dev/null",
        "unixexec:path=/bin/false", "launchd:env=X", "tcp:host=127.0.0.1,port=1;unix:path=/none",
    ])
    func anAddressOfAnotherKindIsAnError(address: String) async throws {
        sandbox.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: address)
        for request in Request.allCases {
            try await expectError(
                request, "the session bus is at no unix socket, and is not used", within: 2)
        }
    }

    /// `dir`, `tmpdir` and `runtime` say where a bus may listen, and not where it does.
    @Test(arguments: [
        "nonsense", "unix:", "unix:path", "unix:path=", "unix:dir=/tmp", "unix:tmpdir=/tmp",
        "unix:runtime=yes", "unix:path=/a,abstract=b", "unix:path=/a,path=/b", "unix:path=/a%0",
        "unix:path=/a%00b", "unix:path=/a,", "unix:path=/a,guid=", "unix:path=/a;nonsense", ":",
        "unix:path=/a,guid=0123456789abcdef0123456789abcdef0",
        "unix:path=/" + String(repeating: "a", count: 108),
    ])
    func anAddressThatIsMalformedIsAnError(address: String) async throws {
        sandbox.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: address)
        for request in Request.allCases {
            try await expectError(
                request, "the address of the session bus is malformed", within: 2)
        }
    }

    /// In a user namespace users have other numbers, or none.
    @Test(arguments: [["--map-root-user"], [], ["--map-current-user"]])
    func aBusServesInAUserNamespaceOfItsUser(mapping: [String]) throws {
        let own = try Sandbox(unprivileged: true)
        let bus = try PrivateBus(in: own)
        let keyring = try GnomeKeyring(on: bus)
        let prefix = ["unshare", "--user"] + mapping + ["docker-credential-keyfob"]
        for (request, answer) in [
            (Request.replace, Answer.done), (.get, .login(user: "other", secret: "new")),
            (.erase, .done),
        ] {
            let outcome = try own.program(
                prefix + [request.action], input: Array(request.input.utf8)
            ).run()
            #expect(Trial.isAnswer(outcome, answer), "\(outcome)")
            #expect(try keyring.items().count == (request == .erase ? 0 : 1))
        }
    }

    /// The places of an address are tried one after the other, with their keys in any order.
    @Test func everyKindOfAddressLeadsToTheKeyring() throws {
        let bus = try PrivateBus(in: sandbox)
        _ = try GnomeKeyring(on: bus)
        let address = try #require(bus.address.split(separator: ",").first)
        let path = address.dropFirst("unix:path=".count)
        let last = try #require(path.utf8.last)
        let guid = try #require(bus.address.split(separator: "guid=").last)
        try expectKeyring(at: String(address))
        try expectKeyring(at: bus.address)
        try expectKeyring(at: address.dropLast() + "%" + String(last, radix: 16))
        try expectKeyring(at: "unix:path=/nonexistent/bus;\(address)")
        try expectKeyring(at: "\(address);unix:path=/nonexistent/bus")
        try expectKeyring(at: "unix:guid=\(guid),path=\(path)")
        try expectKeyring(at: "unix:later=1,path=\(path),guid=\(guid.uppercased())")
        try expectKeyring(at: "unix:path=/nonexistent/bus,guid=\(guid);\(bus.address)")
        try expectKeyring(at: "tcp:host=127.0.0.1,port=1;\(address)")
    }

    @Test func aSocketWithoutAFileLeadsToTheKeyring() throws {
        let name = "unix:abstract=keyfob" + sandbox.path
        let bus = try PrivateBus(in: sandbox, listening: name)
        _ = try GnomeKeyring(on: bus)
        try expectKeyring(at: name)
        try expectKeyring(at: bus.address)
    }

    @Test func aBusThatAsksForAnotherProofLeadsToTheKeyring() throws {
        let bus = try PrivateBus(in: sandbox, mechanism: "DBUS_COOKIE_SHA1")
        _ = try GnomeKeyring(on: bus)
        try expectKeyring(at: bus.address)
    }

    /// What is sent to a keyring before the bus has started it is sent again.
    @Test func aKeyringThatTheBusStartsIsAsked() async throws {
        try storeAndStop()
        let command = "/usr/bin/gnome-keyring-daemon --foreground --components=secrets"
        for request in [Request.get, .erase, .replace] {
            let bus = try PrivateBus(in: sandbox, activating: [secrets: command])
            try await expectError(
                request, "<keyring-locked>",
                within: 5)
            bus.stop()
        }
    }

    @Test func aKeyringThatTheBusStartsGivesItsSecret() throws {
        try storeAndStop()
        let password = try sandbox.write(GnomeKeyring.password, to: "password")
        let keyring = "gnome-keyring-daemon --foreground --unlock --components=secrets"
        _ = try PrivateBus(
            in: sandbox,
            activating: [secrets: "/bin/sh -c \"exec /usr/bin/\(keyring) <\(password)\""])
        let get = try run(.get).finish()
        #expect(Trial.isAnswer(get, .login(user: "other", secret: "new")), "\(get)")
    }

    /// Between the question who the provider is and the first search another takes its place,
    /// which holds nothing.
    @Test(arguments: [Request.get, .list, .erase])
    func whatAnotherProviderFindsIsNotBelieved(request: Request) async throws {
        let bus = try PrivateBus(in: sandbox)
        let service = try HostileService(on: bus)
        try service.begin(.init(items: [Request.held], faults: ["gnome"]))
        let next = try service.write(.init(items: []), to: "next.json")
        let address = try socket(
            """
            import os, struct, subprocess, threading
            path = os.environ["DBUS_SESSION_BUS_ADDRESS"].split(",")[0].removeprefix("unix:path=")
            client, _ = listener.accept()
            bus = socket.socket(socket.AF_UNIX)
            bus.connect(path)

            def answer():
                while data := bus.recv(65536):
                    client.sendall(data)
                client.close()

            threading.Thread(target=answer, daemon=True).start()
            words = client.makefile("rb")
            while (line := words.readline()) != b"BEGIN\\r\\n":
                bus.sendall(line)
            bus.sendall(line)
            while start := words.read(16):
                body, fields = struct.unpack("<4xI4xI", start)
                message = start + words.read((fields + 7) // 8 * 8 + body)
                if b"SearchItems" in message and (command := sys.argv[2:]):
                    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                    del sys.argv[2:]
                bus.sendall(message)
            """,
            "gdbus", "call", "--session", "--dest", "org.keyfob.HostileService",
            "--object-path", "/", "--method", "org.keyfob.HostileService.Begin", next)
        sandbox.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: address)
        try await expectError(request, "<keyring-gone>", within: 5)
        #expect(try service.state().items.isEmpty)
    }

    /// Leaves a login in a keyring that is not there any more, nor its bus.
    private func storeAndStop() throws {
        let bus = try PrivateBus(in: sandbox)
        let keyring = try GnomeKeyring(on: bus)
        #expect(try run(.replace).finish().succeeded)
        keyring.daemon.stop()
        bus.stop()
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

    /// Whether a login can be stored in the keyring, got and erased with this as the bus's address.
    private func expectKeyring(
        at address: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        sandbox.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: address)
        for (request, answer) in [
            (Request.replace, Answer.done), (.get, .login(user: "other", secret: "new")),
            (.erase, .done),
        ] {
            let outcome = try run(request).finish()
            let isAnswer = Trial.isAnswer(outcome, answer)
            #expect(isAnswer, "\(address): \(outcome)", sourceLocation: sourceLocation)
        }
        #expect(
            sandbox.read("home/.local/share/keyfob/credentials") == nil,
            sourceLocation: sourceLocation)
    }

    private func expectError(
        _ request: Request, _ line: String, within limit: Double,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let outcome = try await run(request).end()
        let isError = Trial.isAnswer(outcome, .error(line))
        #expect(isError, "\(request): \(outcome)", sourceLocation: sourceLocation)
        #expect(
            outcome.errors.hasPrefix(Sentence.expanding(line) + "\n"),
            sourceLocation: sourceLocation)
        #expect(outcome.seconds < limit, "\(outcome)", sourceLocation: sourceLocation)
        #expect(
            sandbox.read("home/.local/share/keyfob/credentials") == nil,
            sourceLocation: sourceLocation)
    }

    /// The address of a socket at which this is done, with these arguments after the first.
    private func socket(_ deed: String, _ arguments: String...) throws -> String {
        let path = sandbox.file("run/silent")
        let script = """
            import signal, socket, sys
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(sys.argv[1])
            listener.listen()
            print("listening", flush=True)
            \(deed)
            """
        let daemon = try sandbox.startDaemon(["/usr/bin/python3", "-c", script, path] + arguments)
        try daemon.wait(for: "socket") { daemon.log.isEmpty ? nil : () }
        return "unix:path=\(path)"
    }
}
