import Foundation
import Sandbox
import Testing

/// What is left of a secret in the helper's memory when it has answered. strace holds the process
/// where it is about to end; root alone can then look into it.
@Suite(.enabled(if: geteuid() == 0, "only root can read the memory of the helper"))
struct MemoryTests {
    private let sandbox: Sandbox
    private let login = Login()

    init() throws { sandbox = try Sandbox() }

    @Test(arguments: Place.allCases) func nothingOfTheSecretIsLeft(place: Place) throws {
        let keyring = try place.prepare(sandbox)
        defer { withExtendedLifetime(keyring) {} }
        // The first store also makes the key.
        for _ in 0..<2 { #expect(try remains(of: "store", login.json) == []) }
        #expect(try remains(of: "get", login.server) == [])
        #expect(try remains(of: "list", "") == [])
        #expect(try remains(of: "erase", login.server) == [])
    }

    @Test(arguments: ["cut short", "without a user", "not to be stored"])
    func nothingIsLeftOfWhatIsRefused(fault: String) throws {
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        switch fault {
        case "cut short":
            #expect(try remains(of: "store", String(login.json.dropLast(2))) == [])
        case "without a user":
            #expect(try remains(of: "store", Login(login, user: "").json) == [])
        default:
            sandbox.setEnvironment("KEYFOB_PROMPT", to: "perhaps")
            #expect(try remains(of: "store", login.json) == [])
        }
    }

    @Test(arguments: ["KEYFOB_PASSPHRASE", "passphraseCommand"])
    func nothingOfThePassphraseIsLeft(source: String) throws {
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        let passphrase = Login().secret
        if source == "passphraseCommand" {
            let file = try sandbox.write(passphrase + "\n", to: "passphrase")
            try sandbox.write(
                #"{"\#(source)":["cat","\#(file)"]}"#, to: "home/.config/keyfob/config.json")
        } else {
            sandbox.setEnvironment(source, to: passphrase)
        }
        for (action, input) in [("store", login.json), ("get", login.server)] {
            let memory = try memory(after: action, input)
            #expect(memory.pieces(of: Array(passphrase.utf8)) == [])
            #expect(memory.pieces(of: Array(login.secret.utf8)) == [])
        }
        #expect(sandbox.read("home/.local/share/keyfob/credentials") != nil)
        #expect(sandbox.read("home/.local/state/keyfob/key") == nil)
    }

    /// Neither the passphrase nor the data key, of unlocking and of what is unlocked.
    @Test func nothingIsLeftOfWhatIsUnlocked() throws {
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        let passphrase = Login().secret
        let stored = try sandbox.run(
            "docker-credential-keyfob", "store", input: login.json,
            environment: ["KEYFOB_PASSPHRASE": passphrase])
        #expect(stored.succeeded)
        let unlock = try memory(
            after: ["keyfob", "unlock", "--for", "5m", "--password-stdin"], passphrase + "\n")
        let header = try #require(sandbox.read("home/.local/share/keyfob/credentials"))
        // The store's id lies behind the magic, the version and two lengths (FileFormat).
        let id = header[18..<34].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let kept = try sandbox.run(
            "sh", "-c",
            "keyctl pipe $((0x$(grep keyfob:file:\(id) /proc/keys | cut -d ' ' -f 1)))")
        let key = Array(kept.outputBytes.dropFirst(9))
        try #require(key.count == 32)
        for memory in [unlock, try memory(after: "get", login.server)] {
            #expect(memory.pieces(of: key) == [])
            #expect(memory.pieces(of: Array(passphrase.utf8)) == [])
            #expect(memory.pieces(of: Array(login.secret.utf8)) == [])
        }
    }

    /// That the tests above would find a secret if there were one.
    @Test func theServerIsFound() throws {
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        _ = try memory(after: "store", login.json)
        let memory = try memory(after: "get", login.server)
        #expect(memory.pieces(of: Array(login.server.utf8)).count == login.server.utf8.count / 8)
    }

    /// The pieces of the secret, and of the key, that are in memory.
    private func remains(of action: String, _ input: String) throws -> [String] {
        let memory = try memory(after: action, input)
        let key = sandbox.read("home/.local/state/keyfob/key") ?? []
        return memory.pieces(of: Array(login.secret.utf8)).map { "the secret, byte \($0)" }
            + memory.pieces(of: key).map { "the key, byte \($0)" }
    }

    private func memory(after action: String, _ input: String) throws -> Memory {
        try memory(after: ["docker-credential-keyfob", action], input)
    }

    private func memory(after words: [String], _ input: String) throws -> Memory {
        let running = try sandbox.program(
            [
                "strace", "-o", sandbox.file("trace"), "-e", "trace=exit_group",
                "-e", "inject=exit_group:delay_enter=60000000", "sh", "-c",
                #"echo $$ >"$0"; exec "$@""#, sandbox.file("process"),
            ] + words, input: Array(input.utf8)
        ).start()
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline {
            usleep(2000)
            guard let trace = sandbox.text("trace"), trace.contains("exit_group("),
                let process = sandbox.text("process").flatMap({ Int($0.dropLast()) })
            else { continue }
            let memory = try Memory(of: process)
            running.signal(SIGKILL)
            _ = try running.finish()
            try FileManager.default.removeItem(atPath: sandbox.file("trace"))
            return memory
        }
        throw SandboxError("the helper does not end")
    }
}

/// All that a process could have written to in its memory.
private struct Memory {
    private var ranges: [Data] = []

    init(of process: Int) throws {
        let maps = try String(contentsOfFile: "/proc/\(process)/maps", encoding: .utf8)
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/\(process)/mem"))
        for line in maps.split(separator: "\n") {
            let fields = line.split(separator: " ")
            let bounds = fields[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
            guard fields[1].hasPrefix("rw"), bounds.count == 2 else { continue }
            try file.seek(toOffset: bounds[0])
            guard let range = try file.read(upToCount: Int(bounds[1] - bounds[0])) else { continue }
            ranges.append(range)
        }
        guard ranges.count > 5 else { throw SandboxError("there is no memory to be read") }
    }

    /// Where those pieces of eight bytes begin that are somewhere in it.
    func pieces(of bytes: [UInt8]) -> [Int] {
        stride(from: 0, through: bytes.count - 8, by: 8).filter { start in
            let piece = Data(bytes[start..<start + 8])
            return ranges.contains { $0.range(of: piece) != nil }
        }
    }
}

extension Login {
    fileprivate init(_ login: Login, user: String) {
        self.user = user
        secret = login.secret
    }
}
