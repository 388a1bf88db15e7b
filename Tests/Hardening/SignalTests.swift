import Foundation
import Sandbox
import Testing

/// A store that a signal ends, at each of its system calls in turn: what was there is still there,
/// or what was to be stored is.
@Suite struct SignalTests {
    private let sandbox: Sandbox
    private let old = Login()
    private let new = Login(user: "bob")

    init() throws { sandbox = try Sandbox() }

    @Test(arguments: [
        ("TERM", ["write", "fsync", "flock", "fchmod", "/^renameat"]),
        ("INT", ["fsync", "/^renameat"]), ("HUP", ["write", "/^renameat"]),
    ])
    func theFileHoldsTheOldOrTheNew(signal: String, calls: [String]) throws {
        _ = try Place.file.prepare(sandbox)
        for call in calls { #expect(try endStores(by: signal, at: call) > 0, "\(call)") }
        let folder = try FileManager.default.contentsOfDirectory(
            atPath: sandbox.file("home/.local/share/keyfob"))
        #expect(folder.sorted() == ["credentials", "credentials.lock"])
    }

    @Test func theKeyringHoldsTheOldOrTheNew() throws {
        let keyring = try Place.keyring.prepare(sandbox)
        #expect(try endStores(by: "TERM", at: "sendmsg") > 10)
        #expect(try keyring?.items().count == 1)
    }

    /// Ends a store at the first, the second, … of these calls until there is none left, which
    /// is a store that ends well. Says how many there were.
    private func endStores(by signal: String, at call: String) throws -> Int {
        var count = 0
        while true {
            #expect(try run("store", old.json).succeeded)
            let ended = try sandbox.run(
                "strace", "-f", "-o", "/dev/null", "-e", "trace=\(call)",
                "-e", "inject=\(call):signal=\(signal):when=\(count + 1)",
                "docker-credential-keyfob", "store", input: new.json)
            let answer = try run("get", old.server).output
            let isOld = answer == old.answer
            let isNew = answer == new.answer
            #expect(isOld != isNew, "after \(call) \(count + 1)")
            #expect(try run("list", "").output.contains(isOld ? old.user : new.user))
            if ended.succeeded {
                #expect(isNew)
                return count
            }
            #expect(ended.status > 128)
            count += 1
        }
    }

    private func run(_ action: String, _ input: String) throws -> Outcome {
        try sandbox.run("docker-credential-keyfob", action, input: input)
    }
}
