import Foundation
import Sandbox
import Testing

/// Clients' files that are larger than any person's: what `keyfob` reads of them takes time and
/// memory that grow with the file and no faster.
@Suite struct ScaleTests {
    /// A client's file, and its content.
    enum Large: String, CaseIterable, Sendable {
        case gitCredentials = ".git-credentials"
        case longLines = ".config/git/credentials"
        case cargoTokens = ".cargo/credentials.toml"
        case dockerAuths = ".docker/config.json"
        case pulumiTokens = ".pulumi/credentials.json"
        case terraformTokens = ".terraform.d/credentials.tfrc.json"

        /// How many logins are in it. `make test` takes a tenth, since its build is not optimised.
        var count: Int {
            let count =
                switch self {
                case .gitCredentials: 100_000
                case .longLines: 5000
                case .dockerAuths: 65_536
                case .cargoTokens, .pulumiTokens, .terraformTokens: 20_000
                }
            return Sandbox.isSoak ? count : count / 10
        }

        var content: String {
            switch self {
            case .gitCredentials:
                return lines { "https://user\($0):password\($0)@host\($0).example\n" }
            case .longLines:
                let password = String(repeating: "p", count: 3000)
                return lines { "https://user\($0):\(password)@host\($0).example\n" }
            case .cargoTokens:
                return lines { "[registries.r\($0)]\ntoken = \"t\($0)\"\n" }
            case .dockerAuths:
                let auth = Data("user:password".utf8).base64EncodedString()
                return #"{"auths":{"# + list { #""h\#($0).example":{"auth":"\#(auth)"}"# } + "}}"
            case .pulumiTokens:
                return #"{"accessTokens":{"# + list { #""https://h\#($0).example":"t""# } + "}}"
            case .terraformTokens:
                return #"{"credentials":{"# + list { #""h\#($0).example":{"token":"t"}"# } + "}}"
            }
        }

        private func lines(_ line: (Int) -> String) -> String { (0..<count).map(line).joined() }

        private func list(_ item: (Int) -> String) -> String {
            (0..<count).map(item).joined(separator: ",")
        }
    }

    private let kilobytes = 200 << 10

    @Test(arguments: Large.allCases, [false, true])
    func largeFilesAreRead(file: Large, unprivileged: Bool) throws {
        let sandbox = try Sandbox(unprivileged: unprivileged)
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        try sandbox.write(file.content, to: "home/\(file.rawValue)")
        if file == .cargoTokens {
            let indexes = (0..<file.count).map {
                "[registries.r\($0)]\nindex = \"https://i\($0)/\"\n"
            }
            try sandbox.write(indexes.joined(), to: "home/.cargo/config.toml")
        }
        for command in ["keyfob status", "keyfob import --dry-run"] {
            let outcome = try sandbox.run(
                "/usr/bin/time", "-q", "-o", sandbox.file("tmp/time"), "-f", "%e %M", "sh", "-c",
                "\(command) >'\(sandbox.file("tmp/output"))'; echo $?", deadline: .seconds(90))
            #expect(["0\n", "1\n"].contains(outcome.output), "\(command)")
            #expect((sandbox.read("tmp/output") ?? []).count > 10 * file.count, "\(command)")
            let figures = (sandbox.text("tmp/time") ?? "").split(whereSeparator: \.isWhitespace)
                .compactMap { Double($0) }
            try #require(figures.count == 2, "\(command)")
            if Sandbox.isSoak {
                print("\(file.rawValue): \(command): \(figures[0]) s, \(figures[1]) kB")
            }
            #expect(Int(figures[1]) < kilobytes, "\(command)")
        }
    }

    @Test(arguments: [
        (".cargo/config.toml", "a = ", "["), (".cargo/credentials.toml", "a = ", "{a = "),
        (".config/containers/registries.conf", "a = ", "[{a = "), (".docker/config.json", "", "["),
        (".terraformrc", "", "a {"), (".terraformrc", "a = ", "["),
        (".terraform.d/credentials.tfrc.json", "", "["),
        (".pulumi/credentials.json", "", #"{"a":"#),
    ])
    func whatIsNestedDeeplyIsAnAnswer(file: String, start: String, opening: String) throws {
        let sandbox = try Sandbox()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        try sandbox.write(
            start + String(repeating: opening, count: 200_000), to: "home/\(file)")
        for arguments in [["status"], ["import", "--dry-run"]] {
            let outcome = try sandbox.program(["keyfob"] + arguments).run()
            #expect([0, 1].contains(outcome.status), "\(arguments)")
        }
    }
}
