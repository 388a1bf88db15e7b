import Credentials
import Foundation
import Sandbox
import Testing

/// What `make install` installs of the release, and `make uninstall` removes again.
@Suite struct InstallTests {
    private let sandbox: Sandbox
    private let prefix = "/usr"

    init() throws { sandbox = try Sandbox() }

    @Test func uninstallLeavesNothingOfWhatInstallHasInstalled() throws {
        try make("install")
        let installed = try files()
        let names = ProgramName.allCases.map(\.rawValue) + ["keyfob"]
        let documents = ["CHANGELOG.md", "examples/registries.conf.d/keyfob.conf"]
        let pages = try FileManager.default.contentsOfDirectory(atPath: "\(sources)/packaging/man")
        #expect(pages.contains("keyfob-config.5") && pages.contains("keyfob-json.5"))
        for name in names.map({ "bin/\($0)" }) + names.map({ "share/man/man1/\($0).1" })
            + documents.map({ "share/doc/keyfob/\($0)" })
            + pages.map({ "share/man/man\($0.suffix(1))/\($0)" })
        {
            #expect(installed.contains("\(name)"), "\(name)")
        }

        try make("uninstall")
        #expect(try files().isEmpty)
    }

    @Test func uninstallLeavesWhatItHasNotInstalled() throws {
        try make("install")
        for name in ["bin/other", "share/doc/keyfob/examples/mine"] {
            try Data().write(to: URL(fileURLWithPath: "\(root)\(prefix)/\(name)"))
        }

        try make("uninstall")
        #expect(try files() == ["bin/other", "share/doc/keyfob/examples/mine"])
    }

    @Test func everyLinkLeadsToWhatIsInstalled() throws {
        try make("install")
        let folder = "\(root)\(prefix)"
        for name in try files() {
            let found = FileManager.default.fileExists(atPath: "\(folder)/\(name)")
            #expect(found, "\(name) leads nowhere")
        }
    }

    /// All of the targets that `make help` names.
    private static let targets: [String] = {
        let file = (#filePath as NSString).deletingLastPathComponent + "/../../Makefile"
        let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").filter { $0.contains(": ") && $0.contains(" ## ") }
            .compactMap { $0.split(separator: ":").first.map(String.init) }
    }()

    /// make runs a recipe in which `$(MAKE)` stands even where it is only to show it.
    @Test(arguments: targets) func whatIsOnlyShownIsNotDone(target: String) throws {
        #expect(Self.targets.count > 10)
        // The last one writes the others.
        for program in ["apt-get", "cc", "git", "mkdir", "rm", "swift", "tar", "install"] {
            try sandbox.writeScript(
                "#!/bin/sh\necho \(program) >>\(sandbox.file("done"))\n", as: program)
        }
        try make("-n", target)
        #expect(sandbox.text("done") == nil, "\(target) runs \(sandbox.text("done") ?? "")")
        #expect(!FileManager.default.fileExists(atPath: root))
    }

    private var root: String { "\(sandbox.path)/root" }

    private let sources = (#filePath as NSString).deletingLastPathComponent + "/../.."

    private func make(_ words: String...) throws {
        let outcome = try sandbox.program(
            ["make", "-C", sources] + words + ["PREFIX=\(prefix)", "DESTDIR=\(root)"]
        ).run()
        try #require(outcome.succeeded, "\(outcome)")
    }

    /// All that is installed, but for folders that others use too.
    private func files() throws -> [String] {
        let outcome = try sandbox.run(
            "find", "\(root)\(prefix)", "(", "-not", "-type", "d", "-o", "-name", "*keyfob*", ")",
            "-not", "(", "-type", "d", "-not", "-empty", ")", "-printf", "%P\\n")
        try #require(outcome.succeeded, "\(outcome)")
        return outcome.output.split(separator: "\n").map(String.init).sorted()
    }
}
