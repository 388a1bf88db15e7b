import Credentials
import Testing

@testable import TextEditing

@Suite struct TOMLTextTests {
    private static let text = #"""
        # a comment with [brackets] and "quotes
        top = 1979-05-27 07:32:00Z   # a date
        a."b.c".d = 'lite\ral'

        [registry]
        token = "t\u00e9\"x" # beside it
        "quoted key" = [ "x", # in the middle
          'y', ]

        [registries.loop]
        index = "sparse+http://127.0.0.1:1/index/"
        token = """
        li\
          ne"""
        [ registries . "my.reg" ]
        inline = { token = "in", other = { deep = 1.5e3, token = 'x' } }
        [[array.of]]
        token = "element"
        [last]
        q = """a""b"""""
        """#

    @Test func keysAndStringsAreFound() throws {
        let text = try TOMLText(secret(Self.text))
        let values = Dictionary(
            uniqueKeysWithValues: text.places.map { keys, place in
                (keys.map(\.string).joined(separator: "/"), place.entry.value.text?.string)
            })
        #expect(values.keys.contains("top"))
        #expect(values["a/b.c/d"] == "lite\\ral")
        #expect(values["registry/token"] == "t\u{e9}\"x")
        #expect(values["registry/quoted key"] == .some(nil))
        #expect(values["registries/loop/token"] == "line")
        #expect(values["registries/my.reg/inline/token"] == "in")
        #expect(values["registries/my.reg/inline/other/token"] == "x")
        #expect(values["last/q"] == "a\"\"b\"\"")
        #expect(values.count == 10)
    }

    @Test func entriesAreCutAndAllElseStays() throws {
        let text = try TOMLText(secret(Self.text))
        let tokens = text.places.filter { $0.keys.last == "token" }.map(\.place)
        #expect(tokens.count == 4)
        var edits = Edits()
        text.cut(tokens, in: &edits)
        #expect(
            string(edits.applied(to: text.content))
                == Self.text.replacing("token = \"t\\u00e9\\\"x\" # beside it\n", with: "")
                .replacing("token = \"\"\"\nli\\\n  ne\"\"\"\n", with: "")
                .replacing("token = \"in\", ", with: "").replacing(", token = 'x'", with: ""))
    }

    @Test(arguments: [
        "a", "a =", "a = 1 b = 2", "[a", "a = \"x", "a = 'x\ny'", "a = [1, 2", "a = { b = 1",
        "a = \"\\q\"", "a = \"\\ud800\"", "[[a]", "= 1", "a = 1\n\u{1}", "a. = 1", "a = \"\\u12\"",
    ])
    func whatIsNotUnderstoodIsRefused(text: String) {
        #expect(throws: LineFault.self) { try TOMLText(secret(text)) }
    }

    @Test(arguments: ["[", "{ a = ", "[{ a = ["])
    func whatIsNestedTooDeeplyIsRefused(opening: String) {
        let text = "a = " + String(repeating: opening, count: 200_000)
        #expect(throws: LineFault(line: 1)) { try TOMLText(secret(text)) }
    }

    @Test func whatIsNestedAsDeeplyAsItMayIsRead() throws {
        func nested(_ count: Int) -> String {
            "a = " + String(repeating: "[", count: count) + String(repeating: "]", count: count)
        }
        #expect(try TOMLText(secret(nested(64))).places.count == 1)
        #expect(throws: LineFault(line: 1)) { try TOMLText(secret(nested(66))) }
    }

    @Test func aKeyOfTooManyPartsIsRefused() throws {
        func key(_ count: Int) -> String {
            Array(repeating: "a", count: count).joined(separator: ".")
        }
        #expect(try TOMLText(secret("\(key(64)) = 1")).places.count == 1)
        for text in ["\(key(65)) = 1", "[\(key(65))]", "a = { \(key(200_000)) = 1 }"] {
            #expect(throws: LineFault(line: 1)) { try TOMLText(secret(text)) }
        }
    }

    @Test(arguments: [
        (#""a\"b""#, #"a"b"#), (#""\\""#, #"\"#), (#""\U0001F511""#, "\u{1F511}"), ("''", ""),
        ("\"\"\"\"\"\"", ""), ("\"\"\"\\\"\"\\\"\"\"\"\"", "\"\"\"\""),
        ("'''a''b'''''", "a''b''"), ("\"\"\"a\\\n   b\"\"\"", "ab"), (#"'a\'"#, #"a\"#),
    ])
    func stringsAreDecoded(spelled: String, text: String) throws {
        let toml = try TOMLText(secret("a = \(spelled)\nb = 'next'\n"))
        #expect(toml.places.map { $0.place.entry.value.text?.string } == [text, "next"])
    }

    @Test func windowsLinesAreLines() throws {
        let text = try TOMLText(secret("[registry]\r\ntoken = \"x\"\r\nb = 2\r\n"))
        var edits = Edits()
        text.cut(text.places.filter { $0.keys.last == "token" }.map(\.place), in: &edits)
        #expect(string(edits.applied(to: text.content)) == "[registry]\r\nb = 2\r\n")
    }
}
