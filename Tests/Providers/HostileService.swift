import Foundation
import Sandbox

/// A Secret Service of ours, real on the wire, that is honest unless its plan says otherwise
/// (HostileService/service.py lists what can be said).
final class HostileService {
    /// What it holds, and what it does wrong.
    struct Plan: Encodable {
        var items: [HeldItem] = []
        var locked = false
        var faults: [String] = []
    }

    /// What it says about itself after each change and each fault.
    struct State: Decodable {
        let items: [HeldItem]
        /// Whether a fault at a call was met.
        let met: Bool
    }

    private static let name = "org.keyfob.HostileService"

    private let bus: PrivateBus
    private let daemon: Daemon

    /// Starts it on the bus. It is no Secret Service until it has a plan.
    init(on bus: PrivateBus, beside file: String = #filePath) throws {
        self.bus = bus
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent()
        // -B: nothing is written beside the sources. Debian's own Python has its D-Bus modules;
        // another one may come first on the path.
        daemon = try bus.sandbox.startDaemon([
            "/usr/bin/python3", "-B", folder.path + "/HostileService/service.py",
        ])
        try daemon.wait(for: "name on the bus") {
            try bus.hasOwner(HostileService.name) ? () : nil
        }
    }

    /// Begins anew, with a plan; returns when it can be asked.
    func begin(_ plan: Plan) throws {
        let file = try write(plan, to: "plan.json")
        let begun = try bus.call(
            HostileService.name, "/", "\(HostileService.name).Begin", "'\(file)'")
        guard begun != nil else { throw SandboxError("the service does not begin: \(daemon.log)") }
    }

    /// Writes a plan, and gives the path of the file.
    func write(_ plan: Plan, to name: String) throws -> String {
        let text = String(decoding: try JSONEncoder().encode(plan), as: UTF8.self)
        return try bus.sandbox.write(text, to: name)
    }

    /// What it holds, or held when it left the bus.
    func state() throws -> State {
        guard let line = daemon.log.split(separator: "\n").last else {
            throw SandboxError("the service says nothing")
        }
        return try JSONDecoder().decode(State.self, from: Data(line.utf8))
    }
}

/// An item as the service holds it.
struct HeldItem: Codable {
    var attributes: [String: String]
    var label: String
    var secret: Data
    var modified: UInt64 = 1_000_000_000
    /// The attributes that it shows until it was unlocked; nil if they are the same.
    var sealed: [String: String]?

    /// A docker login as every helper keeps it.
    init(_ server: String, _ username: String, _ secret: String) {
        attributes = [
            "xdg:schema": "io.docker.Credentials", "label": "Docker Credentials",
            "docker_cli": "1", "server": server, "username": username,
        ]
        label = server
        self.secret = Data(secret.utf8)
    }

    /// The same item with an attribute that is another, or none.
    func with(_ name: String, _ value: String?) -> HeldItem {
        var item = self
        item.attributes[name] = value
        return item
    }

    func with(secret: [UInt8]) -> HeldItem {
        var item = self
        item.secret = Data(secret)
        return item
    }

    /// The same item, with other attributes until it was unlocked.
    func sealed(_ attributes: [String: String]) -> HeldItem {
        var item = self
        item.sealed = attributes
        return item
    }
}
