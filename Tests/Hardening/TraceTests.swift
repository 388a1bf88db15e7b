import Foundation
import Sandbox
import Testing

/// What strace sees of a secret: the read of the input and the write of the answer.
@Suite struct TraceTests {
    private let sandbox: Sandbox
    private let login = Login()

    init() throws { sandbox = try Sandbox() }

    @Test(arguments: Place.allCases)
    func theSecretGoesFromTheInputToTheAnswerAndNowhereElse(place: Place) throws {
        let keyring = try place.prepare(sandbox)
        defer { withExtendedLifetime(keyring) {} }
        #expect(try calls(of: "store", login.json) == ["read(0"])
        try expectNoFileHoldsIt()
        #expect(try calls(of: "get", login.server) == ["write(1"])
        #expect(try calls(of: "list", "") == [])
        #expect(try calls(of: "erase", login.server) == [])
        try expectNoFileHoldsIt()
        let gone = try sandbox.run("docker-credential-keyfob", "get", input: login.server)
        #expect(gone.output == "credentials not found in native keychain\n")
    }

    /// The system calls in whose arguments the secret is, up to the first comma.
    private func calls(of action: String, _ input: String) throws -> [String] {
        let outcome = try sandbox.run(
            "strace", "-f", "-v", "-s", "2097152", "-o", sandbox.file("trace"),
            "docker-credential-keyfob", action, input: input)
        #expect(outcome.succeeded)
        let trace = try #require(sandbox.text("trace"))
        let lines = trace.split(separator: "\n")
        // The arguments and the whole environment are in it.
        let start = try #require(lines.first { $0.contains("execve(") })
        #expect(start.contains("\"\(action)\"") && start.contains("\"HOME=\(sandbox.file("home"))"))
        return lines.filter { line in login.traces.contains { line.contains($0) } }.map { line in
            let call = line.drop { $0.isNumber || $0 == " " }
            return String(call.prefix { $0 != "," })
        }
    }

    private func expectNoFileHoldsIt() throws {
        try FileManager.default.removeItem(atPath: sandbox.file("trace"))
        let traces = login.traces.map { Data($0.utf8) }
        for name in try FileManager.default.subpathsOfDirectory(atPath: sandbox.path) {
            let attributes = try? FileManager.default.attributesOfItem(atPath: sandbox.file(name))
            guard attributes?[.type] as? FileAttributeType == .typeRegular,
                let content = FileManager.default.contents(atPath: sandbox.file(name))
            else { continue }
            let holdsIt = traces.contains { content.range(of: $0) != nil }
            #expect(!holdsIt, "\(name)")
        }
    }
}
