import Credentials
import Testing

@Suite struct TextTests {
    @Test(
        arguments: [
            ("90s", 90), ("30m", 1800), ("8h", 28_800), ("7d", 604_800), ("0s", 0), ("08h", 28_800),
            ("", nil), ("s", nil), ("8", nil), ("8H", nil), ("-8h", nil), ("8 h", nil),
            ("1.5h", nil), ("8h\r\n", nil), ("٣h", nil), ("367d", nil), ("99999999d", nil),
            ("999999999s", nil), ("8hh", nil), ("0x8h", nil),
        ] as [(String, Int?)])
    func aDurationIsANumberAndItsUnit(text: String, seconds: Int?) {
        #expect(text.seconds == seconds)
    }

    @Test func textsAreComparedByTheirBytes() {
        let composed: Text = "\u{E9}"
        let decomposed: Text = "e\u{301}"
        #expect(composed.string == decomposed.string, "so Swift compares strings")
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
    }

    @Test(
        arguments: [
            [0x00], [0x61, 0x00], [0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80],
            [0xF5, 0x80, 0x80, 0x80],
            [0xE2, 0x82],
        ] as [[UInt8]])
    func bytesThatAreNoTextAreRefused(bytes: [UInt8]) {
        #expect(Text(validating: bytes) == nil)
    }

    @Test func aStringWithANULIsNoText() {
        let string = "a\u{0}b"
        #expect(Text(string) == nil)
    }

    @Test func whiteSpaceIsTrimmedFromTheEndsAlone() {
        #expect((" \t\n\u{B}\u{C}\r\na \r\n b\r\n" as Text).trimmed == "a \r\n b")
        #expect((" \r\n" as Text).trimmed == "")
        #expect(("" as Text).trimmed == "")
        #expect(("\u{A0}a\u{2003}" as Text).trimmed == "\u{A0}a\u{2003}")
    }

    @Test func aControlCharacterIsSeenWhereverItIs() {
        for scalar in (0x01...0x1F).map({ Unicode.Scalar($0 as UInt8) }) {
            #expect(Text("a\(scalar)b")?.hasControlCharacter == true)
        }
        // CRLF is one Character of Swift's, and a mark may follow a control character.
        for text: Text in ["a\r\nb", "\n\u{301}", "\u{7F}", "\u{80}", "\u{85}", "\u{9F}"] {
            #expect(text.hasControlCharacter)
        }
        for text: Text in ["", "a b", "é😀", "\u{A0}", "\u{2028}", "~"] {
            #expect(!text.hasControlCharacter)
        }
    }

    /// What a terminal would obey, or what would change the order of what follows.
    private static let unprintable: [UInt32] =
        [
            0x00...0x1F, 0x7F...0x9F, 0x61C...0x61C, 0x200E...0x200F, 0x2028...0x202E,
            0x2066...0x2069,
        ]
        .flatMap { (range: ClosedRange<UInt32>) in Array(range) }

    @Test(arguments: unprintable) func whatATerminalObeysIsShownAsAnEscape(value: UInt32) throws {
        let scalar = try #require(Unicode.Scalar(value))
        let digits = String(value, radix: 16)
        let shown = "a\\u" + String(repeating: "0", count: 4 - digits.count) + digits + "b"
        #expect("a\(scalar)b".printable == shown)
        #expect(shown.printable == shown)
    }

    @Test func allElseIsShownAsItIs() {
        for text in ["", "a b", "é😀", "\u{A0}", "\u{200B}\u{200D}", "\u{2027}\u{202F}", "\\n"] {
            #expect(text.printable == text)
        }
    }

    @Test(arguments: [
        ("registry.example.com", "registry.example.com"), ("", "''"), ("a b", "'a b'"),
        ("x;touch y", "'x;touch y'"), ("$(x)", "'$(x)'"), ("it's", #"'it'\''s'"#),
        (#"a\"#, #"'a'\\''"#), ("~", "'~'"), ("a\nb", #"$'a\u000ab'"#),
        ("\u{202E}'", #"$'\u202e\''"#),
    ]) func aWordOfACommandLineIsQuoted(word: String, quoted: String) {
        #expect(word.shellWord == quoted)
    }

    @Test func textsAreOrderedByTheirBytes() {
        #expect((["é", "b", "B", "", "a"] as [Text]).sorted() == ["", "B", "a", "b", "é"])
    }

    @Test(
        arguments: [
            ("h", "h", nil), ("h:8443", "h", "8443"), ("h:0443", "h", "443"),
            ("[::1]", "[::1]", nil),
            ("[::1]:00080", "[::1]", "80"),
        ] as [(Text, Text, Text?)])
    func aHostOfGitsIsSplitFromItsPort(host: Text, server: Text, port: Text?) throws {
        let parts = try #require(host.serverAndPort)
        #expect(parts.server == server && parts.port == port)
    }

    @Test(arguments: ["h:", "h:0", "h:65536", "h:x", "h:+1", ":443"] as [Text])
    func aHostOfGitsWithAnotherPortIsNone(host: Text) {
        #expect(host.serverAndPort == nil)
    }
}
