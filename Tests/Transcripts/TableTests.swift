import Foundation
import Sandbox
import Testing

/// The table of `keyfob list` at a terminal: aligned, and never wider than that.
@Suite struct TableTests {
    private let sandbox: Sandbox

    init() throws {
        sandbox = try Sandbox()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        for (server, user) in [
            ("registry.example.com", "alice"),
            ("a-rather-long-name-of-a-registry.europe-west1.example.com:8443", "bob"),
            ("c.example", "日本語の名前がとても長いユーザー名"), ("d.example", "e\u{301}le\u{300}ve"),
        ] {
            let login = #"{"ServerURL":"\#(server)","Username":"\#(user)","Secret":"s"}"#
            try #require(
                try sandbox.run("docker-credential-keyfob", "store", input: login).succeeded)
        }
    }

    @Test(arguments: [60, 80, 120, 200]) func noLineIsWiderThanTheTerminal(columns: Int) throws {
        let lines = try list(columns: columns)
        #expect(lines.count >= 5)
        for line in lines { #expect(width(line) <= columns, "\(width(line)): \(line)") }
        // Nothing is cut: what does not fit goes on below.
        let text = lines.joined()
        for piece in ["alice", "c.example"] { #expect(text.contains(piece)) }
        #expect(columns < 80 || text.contains("registry.example.com"))
        let letters = text.filter { !$0.isWhitespace }
        for name in ["日", "本", "語", "ザ", "ー", "名"] { #expect(letters.contains(name)) }
    }

    @Test func columnsAreAlignedInEveryScript() throws {
        let lines = try list(columns: 200)
        let starts = lines.map { line -> Int? in
            guard let range = line.range(of: " file ") else { return nil }
            return width(String(line[..<range.lowerBound]))
        }.compactMap(\.self)
        #expect(starts.count == 4 && Set(starts).count == 1, "\(lines)")
    }

    private func list(columns: Int) throws -> [String] {
        let terminal = try PseudoTerminal()
        let outcome = try sandbox.program([
            "sh", "-c", "exec setsid -cw sh -c 'stty cols \(columns); keyfob list' <$0 >$0 2>&1",
            terminal.path,
        ]).run()
        try #require(outcome.succeeded, "\(outcome)")
        return terminal.screen.split(whereSeparator: \.isNewline).map(String.init)
    }

    /// How many columns it takes: a wide letter two, a combining one none.
    private func width(_ line: String) -> Int {
        line.reduce(0) { sum, letter in
            let value = letter.unicodeScalars.first?.value ?? 0
            return sum + (value >= 0x1100 ? 2 : 1)
        }
    }
}
