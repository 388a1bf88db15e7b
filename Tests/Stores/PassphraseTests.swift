import Credentials
import Files
import Foundation
import Sandbox
import StoreContract
import Testing

@testable import Stores

/// A file store that a passphrase protects, where the passphrase comes from, and how that is
/// changed.
struct PassphraseTests {
    let home: TemporaryHome

    init() throws { home = try TemporaryHome() }

    // MARK: Where it comes from

    @Test func aStoreIsMadeUnderThePassphraseThatIsConfigured() throws {
        try store(passphrase: "right").save(login("a.example", "user"))
        #expect(!home.exists(home.key))
        #expect(home.notices.isEmpty)
        #expect(try store(passphrase: "right").find(server("a.example")).count == 1)
    }

    @Test func aWrongPassphraseIsNamedByItsSource() throws {
        try store(passphrase: "right").save(login("a.example", "user"))
        let before = try home.read(home.file)
        let wrong = try store(passphrase: "wrong")
        let requests: [() throws -> Void] = [
            { _ = try wrong.find(server("a.example")) },
            { try wrong.save(login("b.example", "user")) },
            { try wrong.remove([server("a.example")]) },
        ]
        for request in requests {
            let error = try refusal { try request() }
            #expect(error.withCode == Sentence.withCode("<wrong-key.variable|\(home.file)>"))
        }
        #expect(try home.read(home.file) == before)
    }

    @Test func withoutAPassphraseOnlyWhatIsNotThereIsKnown() throws {
        try store(passphrase: "right").save(login("a.example", "user"))
        let store = home.store.asksNobody
        #expect(try store.find(server("other.example")).isEmpty)
        let error = try refusal { _ = try store.find(server("a.example")) }
        #expect(error.withCode == Sentence.withCode("<passphrase-needed|\(home.file)>"))
    }

    @Test(arguments: ["right", "right\\n", "right\\r\\n", "right\\nmore\\n"])
    func theFirstLineOfACommandIsThePassphrase(printed: String) throws {
        try store(passphrase: "right").save(login("a.example", "user"))
        let found = try store(command: ["printf", printed]).find(server("a.example"))
        #expect(found.count == 1)
    }

    @Test(
        arguments: [
            (["false"], "failed"),
            (["true"], "printed no passphrase"),
            (["printf", "\\n"], "printed no passphrase"),
            (["printf", "%05000d", "0"], "printed more than 4096 bytes"),
            (["sh", "-c", "echo right; kill -9 $$"], "failed"),
            (
                ["/nonexistent/command"],
                "cannot be started: no such file or directory"
            ),
            (
                ["sh", "-c", "read line && echo right"], "failed"
            ),
        ])
    func aCommandThatGivesNoPassphraseIsAnError(command: [String], why: String) throws {
        try store(passphrase: "right").save(login("a.example", "user"))
        let error = try refusal {
            _ = try self.store(command: command).find(server("a.example"))
        }
        #expect(error.withCode == Sentence.withCode("<passphrase-command-failed|\(why)>"))
    }

    @Test func aCommandThatDoesNotEndIsKilled() throws {
        try store(passphrase: "right").save(login("a.example", "user"))
        let mark = home.path + "/mark"
        let error = try refusal {
            _ = try self.store(command: ["sh", "-c", "echo $$ >\"$0\"; exec sleep 60", mark])
                .find(server("a.example"))
        }
        #expect(error.code == .passphraseCommandTimedOut)
        let text = String(decoding: try home.read(mark), as: UTF8.self)
        let process = try #require(pid_t(text.trimmingCharacters(in: .newlines)))
        #expect(kill(process, 0) == -1 && errno == ESRCH)
    }

    // MARK: How it is changed

    @Test func aPassphraseTakesThePlaceOfTheGeneratedKey() throws {
        try home.store.save(login("a.example", "user"))
        try home.store.setPassphrase(passphrase("right"))
        #expect(try store(passphrase: "right").find(server("a.example")).count == 1)
        let error = try refusal { _ = try home.store.asksNobody.find(server("a.example")) }
        #expect(error.outcome == .locked)
    }

    @Test func aChangedPassphraseAloneOpensTheStore() throws {
        try store(passphrase: "old").save(login("a.example", "user"))
        try store(passphrase: "old").setPassphrase(passphrase("new"))
        #expect(try store(passphrase: "new").find(server("a.example")).count == 1)
        #expect(throws: StoreError.self) {
            try store(passphrase: "old").find(server("a.example"))
        }
    }

    @Test func withoutAPassphraseAKeyOpensTheStoreAgain() throws {
        try store(passphrase: "right").save(login("a.example", "user"))
        try store(passphrase: "right").removePassphrase()
        #expect(home.exists(home.key))
        #expect(home.notices.count == 1)
        #expect(try home.store.find(server("a.example")).count == 1)
        #expect(throws: StoreError.self) {
            var options = home.options
            options.keyFolder = Folder(home.path + "/elsewhere/keyfob")
            options.passphrase = passphrase("right")
            _ = try FileStore(options).find(server("a.example"))
        }
    }

    @Test(arguments: [nil, "right"])
    func aFreshDataKeyKeepsTheLoginsAndWhatOpensThem(_ text: String?) throws {
        var options = home.options
        options.passphrase = text.map { passphrase($0) }
        let store = FileStore(options)
        try store.save(login("a.example", "ann"))
        try store.save(login("b.example", "bob"))
        let before = try home.read(home.file)
        try store.rekey()
        let after = try home.read(home.file)
        #expect(after.count == before.count)
        let same = zip(before, after).filter { $0 == $1 }.count
        #expect(same < before.count / 2)
        #expect(try store.find(server("a.example")).map(\.secret) == [login("a", "ann").secret])
        #expect(try store.find(server("b.example")).map(\.secret) == [login("b", "bob").secret])
    }

    @Test func aPassphraseCanBeSetBeforeTheFirstLogin() throws {
        try home.store.setPassphrase(passphrase("right"))
        #expect(!home.exists(home.key))
        #expect(try store(passphrase: "right").list(nil) == Listing())
        try store(passphrase: "right").save(login("a.example", "user"))
        #expect(throws: StoreError.self) { try home.store.asksNobody.list(nil) }
    }

    @Test func whoCannotOpenTheStoreCannotChangeItsProtection() throws {
        try store(passphrase: "right").save(login("a.example", "user"))
        let before = try home.read(home.file)
        let wrong = try store(passphrase: "wrong")
        #expect(throws: StoreError.self) { try wrong.setPassphrase(passphrase("new")) }
        #expect(throws: StoreError.self) { try wrong.removePassphrase() }
        #expect(throws: StoreError.self) { try wrong.rekey() }
        #expect(try home.read(home.file) == before)
        #expect(!home.exists(home.key))
    }

    @Test func anEmptyPassphraseIsRefused() throws {
        try home.store.save(login("a.example", "user"))
        let before = try home.read(home.file)
        for count in [0, 4097] {
            let secret = Secret(capacity: count) { $0.append(repeating: 1, count: count) }
            #expect(throws: StoreError.self) { try home.store.setPassphrase(secret) }
        }
        #expect(try home.read(home.file) == before)
    }

    @Test func aFreshDataKeyNeedsAStore() {
        #expect(
            code {
                try home.store.rekey()
            } == .noSuchFile)
    }

    private func store(passphrase text: String) throws -> FileStore {
        var options = home.options
        options.passphrase = passphrase(text)
        return FileStore(options)
    }

    private func store(command: [String]) throws -> FileStore {
        var options = home.options
        options.passphraseCommand = command
        options.mayPrompt = false
        return FileStore(options)
    }
}

func passphrase(_ text: String) -> Secret { Secret(copying: Array(text.utf8).span) }
