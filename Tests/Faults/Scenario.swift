import Foundation
import Sandbox
import Testing

/// A scenario is one program that is run in one home, and what is there before and after it.
struct Scenario: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Each is a program and its input; they make the home what it is before.
    var before: [Command] = []
    /// What lies in the home that no program has put there.
    var files: [(path: String, bytes: [UInt8])] = []
    let command: Command
    /// Sorted, as `remembered` gives it.
    let old: [String]
    let new: [String]
    /// What the next writer adds.
    var next = Command.save("next.example", "next")
    var added = "next.example next"
    /// The variables that the next writer finds beside those of the home.
    var nextEnvironment: [String: String] = [:]
    /// What the home remembers.
    var remembered: @Sendable (Home) throws -> [String] = { try $0.logins() }
    /// The files that are there when a writer has been there.
    var left = ["credentials", "credentials.lock", "key", "key.lock"]

    /// What is said where the new state is there, and the disk does not say that it lasts.
    var uncertain = Sentence.expanding("<not-durable|/credentials>")
    /// The folder of which a writer that died before may not have brought the names to the disk,
    /// though what is said now rests on them.
    var unsynced: String?
    /// What it says: exit status and standard output, where no fault is met.
    var answer: (status: Int32, output: String) = (0, "")

    struct Command: Sendable {
        let words: @Sendable (Home) -> [String]
        let input: String

        private init(_ input: String = "", _ words: @escaping @Sendable (Home) -> [String]) {
            self.words = words
            self.input = input
        }

        static func save(_ server: String, _ user: String) -> Command {
            let secret = Home.secretText(of: user)
            return helper(
                "store", #"{"ServerURL":"\#(server)","Username":"\#(user)","Secret":"\#(secret)"}"#)
        }

        static func helper(_ action: String, _ input: String) -> Command {
            Command(input) { _ in ["docker-credential-keyfob", action] }
        }

        static func probe(_ words: String...) -> Command {
            Command { ["\(Sandbox.products)/StoreProbe", $0.path] + words }
        }
    }

    static let ofStore: [Scenario] = [
        Scenario(
            testDescription: "the first store of all",
            command: .save("a.example", "ann"), old: [], new: ["a.example ann"]),
        Scenario(
            testDescription: "the first store with a key that is there",
            files: [("state/keyfob/key", key)],
            command: .save("a.example", "ann"), old: [], new: ["a.example ann"],
            unsynced: "state/keyfob"),
        Scenario(
            testDescription: "the first store with a key that is cut short",
            files: [("state/keyfob/key", Array(key.prefix(7)))],
            command: .save("a.example", "ann"), old: [], new: ["a.example ann"]),
        Scenario(
            testDescription: "a store of another server, after a writer died",
            before: [.save("a.example", "ann")],
            files: [("data/keyfob/.credentials.tmp.dead", [1, 2, 3])],
            command: .save("b.example", "bob"),
            old: ["a.example ann"], new: ["a.example ann", "b.example bob"]),
        Scenario(
            testDescription: "a store of another user",
            before: [.save("a.example", "ann"), .save("b.example", "bob")],
            command: .save("b.example", "eve"),
            old: ["a.example ann", "b.example bob"], new: ["a.example ann", "b.example eve"]),
        Scenario(
            testDescription: "an erase",
            before: [.save("a.example", "ann"), .save("b.example", "bob")],
            command: .helper("erase", "b.example"),
            old: ["a.example ann", "b.example bob"], new: ["a.example ann"]),
        Scenario(
            testDescription: "an erase of what is not there",
            before: [.save("a.example", "ann")],
            command: .helper("erase", "b.example"),
            old: ["a.example ann"], new: ["a.example ann"], unsynced: "data/keyfob"),
        Scenario(
            testDescription: "a get",
            before: [.save("a.example", "ann")],
            command: .helper("get", "a.example"),
            old: ["a.example ann"], new: ["a.example ann"],
            answer: (
                0,
                #"{"ServerURL":"a.example","Username":"ann","Secret":"the secret of ann"}"# + "\n"
            )),
        Scenario(
            testDescription: "a get of what is not there",
            before: [.save("a.example", "ann")],
            command: .helper("get", "b.example"),
            old: ["a.example ann"], new: ["a.example ann"], answer: (1, notFound)),
        Scenario(
            testDescription: "a get where nothing is",
            command: .helper("get", "b.example"), old: [], new: [], answer: (1, notFound)),
        Scenario(
            testDescription: "a list",
            before: [.save("a.example", "ann"), .save("b.example", "bob")],
            command: .helper("list", ""),
            old: ["a.example ann", "b.example bob"], new: ["a.example ann", "b.example bob"],
            answer: (0, #"{"a.example":"ann","b.example":"bob"}"# + "\n")),
    ]

    /// Other ways to protect the file. Each opening takes a passphrase its time.
    static let ofProtection: [Scenario] = [
        protecting("a new data key", command: .probe("rekey"), old: "key", new: "key"),
        protecting("a passphrase", command: .probe("protect"), old: "key", new: "passphrase"),
        protecting(
            "no passphrase any more", before: [.probe("protect")], command: .probe("unprotect"),
            old: "passphrase", new: "key"),
    ]

    /// What a store in a keyring writes before, and an erase after it.
    static let ofMarker: [Scenario] = [
        marking(
            "the first mark", before: [], command: .probe("mark", "a.example"),
            old: [], new: ["a.example"]),
        marking(
            "another mark", before: [.probe("mark", "a.example")],
            command: .probe("mark", "b.example"),
            old: ["a.example"], new: ["a.example", "b.example"]),
        marking(
            "a mark that is there", before: [.probe("mark", "a.example")],
            command: .probe("mark", "a.example"),
            old: ["a.example"], new: ["a.example"], unsynced: "state/keyfob/in-keyring"),
        marking(
            "a mark removed",
            before: [.probe("mark", "a.example"), .probe("mark", "b.example")],
            command: .probe("unmark", "b.example"),
            old: ["a.example", "b.example"], new: ["a.example"]),
    ]

    static let notFound = "credentials not found in native keychain\n"

    private static let key = Array("the key that was here before ...".utf8)

    private static func protecting(
        _ name: String, before: [Command] = [], command: Command, old: String, new: String
    ) -> Scenario {
        Scenario(
            testDescription: name, before: [.save("a.example", "ann")] + before, command: command,
            old: ["a.example ann", "by \(old)"], new: ["a.example ann", "by \(new)"],
            nextEnvironment: ["KEYFOB_PASSPHRASE": Home.passphrase],
            remembered: { try $0.protectedLogins() })
    }

    private static func marking(
        _ name: String, before: [Command], command: Command, old: [String], new: [String],
        unsynced: String? = nil
    ) -> Scenario {
        Scenario(
            testDescription: name, before: before, command: command, old: old, new: new,
            next: .probe("mark", "next.example"), added: "next.example",
            remembered: { try $0.marks(among: ["a.example", "b.example", "next.example"]) },
            left: ["in-keyring", "salt", "salt.lock"],
            uncertain: Sentence.expanding("<not-durable|/in-keyring>"),
            unsynced: unsynced)
    }
}
