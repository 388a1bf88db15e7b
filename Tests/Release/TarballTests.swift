import Credentials
import Foundation
import Sandbox
import Testing

/// The portable tarball, of the programs that have been built: installed without a question, used,
/// and removed. `make tarball-test` tries the real one, in which libsodium is linked.
@Suite struct TarballTests {
    private let sandbox: Sandbox
    /// The folder that the tarball holds.
    private let folder: String
    private var prefix: String { sandbox.file("home/.local") }

    init() throws {
        sandbox = try Sandbox()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        let sources = (#filePath as NSString).deletingLastPathComponent + "/../.."
        let tarball = sandbox.file("tmp/portable.tar.gz")
        for command in [
            ["make", "-C", sources, "pack", "portable_tarball=\(tarball)"],
            ["tar", "-xzf", tarball, "-C", sandbox.file("tmp")],
        ] {
            let outcome = try sandbox.program(command).run()
            try #require(outcome.succeeded, "\(outcome)")
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: sandbox.file("tmp"))
        let name = try #require(names.first { $0.contains("-linux-") })
        folder = sandbox.file("tmp/\(name)")
        // Root's own prefix is not one for a test.
        try sandbox.writeScript("#!/bin/sh\necho 1000\n", as: "id")
    }

    @Test func whatIsInstalledServes() throws {
        let words = try run("\(folder)/install.sh")
        #expect(words.contains("\(prefix)/bin is not on your PATH"))
        for name in ProgramName.allCases.map(\.rawValue) + ["keyfob"] {
            #expect(FileManager.default.isExecutableFile(atPath: "\(prefix)/bin/\(name)"))
            #expect(exists("share/man/man1/\(name).1"))
        }
        for name in [
            "bash-completion/completions/keyfob", "zsh/site-functions/_keyfob",
            "fish/vendor_completions.d/keyfob.fish", "doc/keyfob/LICENSE",
            "doc/keyfob/copyright-of-libsodium",
        ] {
            #expect(exists("share/\(name)"), "\(name)")
        }
        #expect(try run("\(prefix)/bin/keyfob", "--version").hasPrefix("keyfob "))

        let helper = "\(prefix)/bin/docker-credential-keyfob"
        let login = #"{"ServerURL":"https://r.example","Username":"ann","Secret":"s3cret"}"#
        #expect(try run(helper, "version").contains("(org.keyfob)"))
        _ = try run(helper, "store", input: login)
        #expect(try run(helper, "get", input: "https://r.example") == login + "\n")
        _ = try run(helper, "erase", input: "https://r.example")
        #expect(try run(helper, "list") == "{}\n")
    }

    @Test func aProgramThatMayBeRunningIsReplacedAndNotWrittenTo() throws {
        let other = sandbox.file("other place")
        func number() throws -> Int? {
            let path = "\(other)/bin/docker-credential-keyfob"
            return try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
        }
        _ = try run("\(folder)/install.sh", other)
        let first = try number()
        _ = try run("\(folder)/install.sh", other)
        #expect(try first != nil && number() != first)
        #expect(try files(in: other) == files(in: folder).filter { !$0.hasSuffix("install.sh") })
    }

    @Test func whatIsRemovedIsWhatWasInstalled() throws {
        _ = try run("\(folder)/install.sh")
        for name in ["bin/other", "share/doc/keyfob/examples/mine"] {
            try Data().write(to: URL(fileURLWithPath: "\(prefix)/\(name)"))
        }
        #expect(try run("\(folder)/uninstall.sh").contains("logins remain"))
        #expect(try files(in: prefix) == ["bin/other", "share/doc/keyfob/examples/mine"])
        // A folder in which nothing is left goes, too.
        #expect(exists("share/doc/keyfob/examples") && !exists("share/doc/keyfob/examples/routes"))
    }

    @Test(arguments: ["install.sh", "uninstall.sh"])
    func anOptionIsExplainedAndDoesNothing(script: String) throws {
        let outcome = try sandbox.run("\(folder)/\(script)", "--help")
        #expect(!outcome.succeeded && outcome.output.contains("./\(script) [PREFIX]"))
        #expect(!FileManager.default.fileExists(atPath: "\(sandbox.path)/--help"))
        #expect(!exists("bin"))
    }

    private func exists(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(prefix)/\(name)")
    }

    /// What the program prints. It must succeed.
    private func run(_ words: String..., input: String = "") throws -> String {
        let outcome = try sandbox.program(words, input: Array(input.utf8)).run()
        try #require(outcome.succeeded, "\(outcome)")
        return outcome.output
    }

    private func files(in folder: String) throws -> [String] {
        try run("find", folder, "-not", "-type", "d", "-printf", "%P\\n")
            .split(separator: "\n").map(String.init).sorted()
    }
}
