import Credentials
import Foundation
import Sandbox
import Testing

/// What Keyfob proposes to type is pasted into a shell: a name in it must be one word, itself.
@Suite struct PastedCommandTests {
    private let sandbox: Sandbox

    init() throws {
        sandbox = try Sandbox()
        try sandbox.makeFolder("work")
    }

    private static let words = [
        "", "plain", "a b", "$(touch made)", "`touch made`", "${x:-$(touch made)}", "~", "~root",
        "*", "?", "[a]", "{a,b}", "a;touch made", "a&touch made", "a|touch made", "a>made", "a<b",
        "(touch made)", "#a", "a #b", "!!", "^a^b", "%1", "=ls", "a=b", "'", "\"", "\\", "a\\",
        "\\'; touch made #", "'; touch made; '", "\"; touch made; \"", "a'b\"c\\d$e`f", "$'a'",
        "\\n", "é💥", "-x", "--all", "a\\\\'b", "$",
    ]

    /// In `$'…'`, which is bash's and zsh's.
    private static let unprintable = [
        "a\nb", "a\r", "\u{1B}[31m", "\u{7F}", "\u{9B}2J", "\u{202E}'\\$(touch made)",
        "\t;touch made",
        "\u{2028}0",
    ]

    @Test(arguments: ["sh", "bash", "zsh", "fish"]) func aWordIsItself(shell: String) throws {
        try expect(Self.words, in: shell)
        if shell == "bash" || shell == "zsh" { try expect(Self.unprintable, in: shell) }
    }

    private func expect(_ words: [String], in shell: String) throws {
        for word in words {
            let quoted = word.shellWord
            let outcome = try sandbox.run(
                shell, "-c", "cd \(sandbox.file("work")); printf '<%s>' \(quoted)")
            #expect(outcome.output == "<\(word)>", "\(shell): \(quoted): \(outcome)")
            let isShown = quoted.unicodeScalars.allSatisfy { !$0.isUnprintable }
            #expect(isShown, "\(quoted)")
        }
        let made = try FileManager.default.contentsOfDirectory(atPath: sandbox.file("work"))
        #expect(made.isEmpty, "\(shell): \(made)")
    }
}
