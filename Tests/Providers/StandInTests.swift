import Foundation
import Sandbox
import Testing

/// Another user of the machine has taken the place of a session bus that is gone, with a bus that
/// lets everybody in and a keyring on it. They are given nothing, and believed nothing.
///
/// The other user is nobody, whose number also stands for those of other user namespaces.
@Suite(.enabled(if: geteuid() == 0, "only root can be two users"))
struct StandInTests {
    enum Place: CaseIterable {
        case path, name, pathWithItsGuid, pathAfterItsGuid, nameAfterADeadBus
    }

    private let user: Sandbox
    private let other: Sandbox
    /// A folder in which everybody may make sockets.
    private let common: Sandbox

    init() throws {
        user = try Sandbox(unprivileged: true, as: 8)
        other = try Sandbox(unprivileged: true)
        common = try Sandbox()
        unsafe chmod(common.path, 0o755)
        unsafe chmod(common.file("tmp"), 0o1777)
    }

    @Test(arguments: Place.allCases) func theyAreGivenNothing(place: Place) throws {
        let bus = try PrivateBus(in: other, listening: socket(place), letsInEverybody: true)
        let keyring = try GnomeKeyring(on: bus)
        user.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: address(place, bus))

        for (arguments, input) in [
            (["docker-credential-keyfob", "store"], Request.update.input),
            (["docker-credential-keyfob", "get"], "h.example"),
            (["docker-credential-keyfob", "list"], ""),
            (["docker-credential-keyfob", "erase"], "h.example"),
            (
                ["keyfob", "login", "--no-verify", "-u", "u", "--password-stdin", "h.example"],
                "new"
            ),
            (["keyfob", "token", "h.example"], ""),
            (["keyfob", "list"], ""),
            (["keyfob", "logout", "h.example"], ""),
            (["keyfob", "status"], ""),
        ] {
            let outcome = try user.program(arguments, input: Array(input.utf8)).run()
            #expect(outcome.status == 1, "\(arguments): \(outcome)")
            let said = outcome.output + outcome.errors
            #expect(said.contains("another user (uid 65534) listens"), "\(arguments): \(outcome)")
        }
        #expect(try keyring.items().isEmpty)
        #expect(user.read("home/.local/share/keyfob/credentials") == nil)
    }

    /// A login that they offer is not served, and one that they are told of by a request is none of
    /// their business.
    @Test func aLoginOfTheirsIsNotServed() throws {
        let bus = try PrivateBus(in: other, listening: socket(.path), letsInEverybody: true)
        _ = try GnomeKeyring(on: bus)
        let stored = try other.run("docker-credential-keyfob", "store", input: Request.update.input)
        try #require(stored.succeeded)
        user.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: bus.address)
        let get = try user.run("docker-credential-keyfob", "get", input: "h.example")
        #expect(get.status == 1)
        #expect(!get.output.contains("Secret"))
    }

    /// Not even the request for a way in.
    @Test(arguments: [Request.get, .list, .erase, .update, .replace])
    func notOneByteIsSent(request: Request) throws {
        let script = """
            import socket, sys
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(sys.argv[1])
            listener.listen()
            import os; os.chmod(sys.argv[1], 0o777)
            print("listening", flush=True)
            while True:
                connection, _ = listener.accept()
                print("took", len(connection.recv(4096)), flush=True)
            """
        let path = common.file("tmp/bus")
        let daemon = try other.startDaemon(["/usr/bin/python3", "-c", script, path])
        try daemon.wait(for: "socket") { daemon.log.isEmpty ? nil : () }
        user.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: "unix:path=\(path)")
        let outcome = try user.run(
            "docker-credential-keyfob", request.action, input: request.input)
        #expect(outcome.status == 1)
        try daemon.wait(for: "end of the connection") { daemon.log.contains("took") ? () : nil }
        #expect(daemon.log == "listening\ntook 0\n")
    }

    /// Where another place of the address has the user's own bus, that serves.
    @Test func theUsersOwnBusServesBesideTheirs() throws {
        let theirs = try PrivateBus(in: other, listening: socket(.path), letsInEverybody: true)
        let keyring = try GnomeKeyring(on: theirs)
        let ours = try PrivateBus(in: user)
        let own = try GnomeKeyring(on: ours)
        user.setEnvironment(
            "DBUS_SESSION_BUS_ADDRESS", to: "\(theirs.address);\(ours.address)")
        let stored = try user.run("docker-credential-keyfob", "store", input: Request.update.input)
        #expect(stored.succeeded, "\(stored)")
        #expect(try keyring.items().isEmpty)
        #expect(try own.items().count == 1)
    }

    /// root is no stand-in, and has another number in a user namespace that does not know root.
    @Test(arguments: [[], ["unshare", "--map-root-user"], ["unshare", "--map-current-user"]])
    func aBusOfRootsServes(prefix: [String]) throws {
        let bus = try PrivateBus(in: common, listening: socket(.name), letsInEverybody: true)
        let keyring = try GnomeKeyring(on: bus)
        user.setEnvironment("DBUS_SESSION_BUS_ADDRESS", to: bus.address)
        let stored = try user.program(
            prefix + ["docker-credential-keyfob", "store"], input: Array(Request.update.input.utf8)
        ).run()
        #expect(stored.succeeded, "\(stored)")
        #expect(try keyring.items().count == 1)
    }

    /// Where the bus listens.
    private func socket(_ place: Place) -> String {
        switch place {
        case .path, .pathWithItsGuid, .pathAfterItsGuid: "unix:path=\(common.file("tmp/bus"))"
        case .name, .nameAfterADeadBus: "unix:abstract=\(common.path)"
        }
    }

    /// How the user's environment names it.
    private func address(_ place: Place, _ bus: PrivateBus) -> String {
        let guid = bus.address.split(separator: "guid=").last ?? ""
        return switch place {
        case .path, .name: socket(place)
        case .pathWithItsGuid: bus.address
        case .pathAfterItsGuid: "unix:guid=\(guid),path=\(common.file("tmp/bus"))"
        case .nameAfterADeadBus: "unix:path=/nonexistent/bus;\(socket(place))"
        }
    }
}
