import Foundation
import Sandbox
import Synchronization
import Testing

/// A home whose config file has routes, as the helper and `keyfob` meet it.
struct RoutedHome {
    let sandbox: Sandbox

    /// `routes` are JSON objects, separated by commas. The kernel keeps keys for a user: a user of its
    /// own has none that other tests know, if the tests are root's.
    init(_ routes: String, asUserOfItsOwn: Bool = false) throws {
        let user = UInt32.random(in: 100_000..<1_000_000_000)
        sandbox = try Sandbox(unprivileged: asUserOfItsOwn, as: user)
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        try configure(routes)
    }

    func configure(_ routes: String) throws {
        try sandbox.write(#"{"routes": [\#(routes)]}"#, to: "home/.config/keyfob/config.json")
    }

    /// Puts a script on the PATH that first writes down that it was called.
    func script(_ name: String, _ body: String) throws {
        try sandbox.writeScript(
            "#!/bin/sh\necho called >>\(sandbox.file("calls-" + name))\n\(body)\n", as: name)
    }

    /// How often a script was called.
    func calls(_ name: String) -> Int {
        sandbox.text("calls-" + name)?.split(separator: "\n").count ?? 0
    }

    @discardableResult
    func helper(
        _ action: String, _ input: String = "", environment: [String: String?] = [:]
    ) throws -> Outcome {
        try sandbox.run("docker-credential-keyfob", action, input: input, environment: environment)
    }

    func get(_ server: String, environment: [String: String?] = [:]) throws -> Outcome {
        try helper("get", server, environment: environment)
    }

    /// The user and the secret that get gives.
    func login(_ server: String, environment: [String: String?] = [:]) throws -> [String] {
        let outcome = try get(server, environment: environment)
        guard outcome.succeeded else { return [outcome.output] }
        let login = try JSONDecoder().decode(
            [String: String].self, from: Data(outcome.outputBytes))
        return [login["Username"] ?? "", login["Secret"] ?? ""]
    }

    /// Runs the helper so many times at once, each watched by a thread of its own: what it took is
    /// told right, whatever else runs.
    func together(
        _ count: Int, _ action: String, _ input: String, environment: [String: String?] = [:]
    ) throws -> [Outcome] {
        let program = sandbox.program(
            ["docker-credential-keyfob", action], input: Array(input.utf8),
            environment: environment)
        let results = Mutex<[Result<Outcome, any Error>]>([])
        let ended = DispatchSemaphore(value: 0)
        for running in try (0..<count).map({ _ in try program.start() }) {
            Thread.detachNewThread {
                let result = Result { try running.finish() }
                results.withLock { $0.append(result) }
                ended.signal()
            }
        }
        for _ in 0..<count { ended.wait() }
        return try results.withLock { try $0.map { try $0.get() } }
    }

    /// A file below these folders that holds the text; nil if none does.
    func file(with text: String, in folders: [String]) throws -> String? {
        for folder in folders {
            let found = try sandbox.program(["grep", "-rlaF", "--", text, folder]).run()
            if found.succeeded { return found.output }
        }
        return nil
    }

    static let notFound = "credentials not found in native keychain\n"
}
