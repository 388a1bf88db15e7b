import Foundation
import Sandbox
import Testing

/// The README's picture shows what happens when these commands are typed.
@Suite struct PictureTests {
    private static let path = "\(Readme.sources)/packaging/picture.svg"

    private static let commands = [
        "cat ~/.docker/config.json", "echo YWxpY2U6czNjcmV0 | base64 -d", "keyfob setup docker",
        "keyfob import", "keyfob status",
    ]

    /// `make picture` draws it anew.
    @Test func itShowsWhatHappens() throws {
        let newcomer = try Newcomer()
        try newcomer.install()
        try newcomer.haveNoClientButDocker()
        try newcomer.logInInPlainText()
        var lines: [TerminalPicture.Line] = []
        for command in Self.commands {
            let typed = try newcomer.type(command)
            try #require(typed.outcome.succeeded, "\(typed.outcome)")
            if !lines.isEmpty { lines.append(.printed("")) }
            lines.append(.typed(command))
            let printed = (typed.outcome.output + typed.outcome.errors)
                .replacing(newcomer.sandbox.file("home"), with: "/home/alice")
                .split(separator: "\n", omittingEmptySubsequences: false)
            lines += printed.dropLast(printed.last == "" ? 1 : 0).map { .printed(String($0)) }
        }
        let svg = TerminalPicture(lines).svg
        if ProcessInfo.processInfo.environment["KEYFOB_DRAW"] != nil {
            try svg.write(toFile: Self.path, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOfFile: Self.path, encoding: .utf8) == svg, "make picture")
    }
}
