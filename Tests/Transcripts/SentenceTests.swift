import Credentials
import Sandbox
import Testing

@Suite struct SentenceTests {
    /// What is said before another error, or of bytes within one.
    private static let parts: Set = [
        "item-may-remain", "json", "nothing-removed", "nothing-stored", "older-may-remain",
        "storing-unknown",
    ]

    @Test(arguments: Sentence.all.keys.sorted()) func everySentenceIsThatOfACode(key: String) {
        let code = String(key.prefix { $0 != "." })
        #expect(SentenceTests.parts.contains(code) != (ErrorCode(rawValue: code) != nil))
    }

    @Test(arguments: ErrorCode.allCases) func aCodeIsOfSmallLettersAndHyphens(code: ErrorCode) {
        #expect(
            code.rawValue.utf8.allSatisfy { byte in
                byte == UInt8(ascii: "-") || byte == UInt8(ascii: "8")
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            })
    }

    @Test func aCodeInATextBecomesItsSentence() {
        #expect(
            Sentence.expanding("x: <nothing-removed|<no-such-file|/a b>>, <server>")
                == "x: /a b does not exist; nothing was removed, <server>")
        // One with too few arguments stays, and is no error's words.
        #expect(Sentence.expanding("<no-such-file>") == "<no-such-file>")
    }
}
