import Credentials
import Testing

@testable import TextEditing

@Suite struct JSONTextTests {
    private static let config = """
        {
        \t"auths": {
        \t\t"a.example": {
        \t\t\t"auth": "dTpw"
        \t\t},
        \t\t"b.example" : {"auth":"x"} ,
        \t\t"c.\\u0065xample": {}
        \t},
        \t"HttpHeaders": { "User-Agent": "d\\"}{" }, "n": [1.50, [], {"a": null}],
          "e": -0.0E+1
        }
        """

    @Test(arguments: [
        ([0], "{ \"b\": 2 , \"c\" : 3 }"),
        ([1], "{ \"a\": 1 , \"c\" : 3 }"),
        ([2], "{ \"a\": 1, \"b\": 2 }"),
        ([0, 1], "{ \"c\" : 3 }"),
        ([1, 2], "{ \"a\": 1 }"),
        ([0, 2], "{ \"b\": 2 }"),
        ([0, 1, 2], "{}"),
        ([], "{ \"a\": 1, \"b\": 2 , \"c\" : 3 }"),
    ])
    func membersAreCutWithTheirCommas(indices: [Int], result: String) throws {
        let text = try JSONText(secret("{ \"a\": 1, \"b\": 2 , \"c\" : 3 }"))
        var edits = Edits()
        text.cut(Set(indices), of: try #require(text.root), in: &edits)
        #expect(string(edits.applied(to: text.content)) == result)
    }

    @Test func allElseStaysByteForByte() throws {
        let text = try JSONText(secret(Self.config))
        let auths = try #require(text.root?["AUTHS"])
        #expect(auths.members?.map(\.name.string) == ["a.example", "b.example", "c.example"])
        var edits = Edits()
        text.cut([1], of: auths, in: &edits)
        let cut = try JSONText(edits.applied(to: text.content))
        let addition = cut.addition(
            #""credsStore": "keyfob""#, to: try #require(cut.root), depth: 1)
        let result = string(addition.applied(to: cut.content))
        #expect(
            result
                == Self.config.replacing(",\n\t\t\"b.example\" : {\"auth\":\"x\"}", with: "")
                .replacing("-0.0E+1", with: "-0.0E+1,\n  \"credsStore\": \"keyfob\""))
    }

    @Test(arguments: [
        ("{}", "{\n\t\"k\": 1\n}"),
        ("{\"a\":1}", "{\"a\":1,\"k\": 1}"),
        ("{\n    \"a\": 1\n}\n", "{\n    \"a\": 1,\n    \"k\": 1\n}\n"),
        ("{\"a\":1,\r\n  \"b\":2}", "{\"a\":1,\r\n  \"b\":2,\r\n  \"k\": 1}"),
    ])
    func aMemberIsAddedAsTheOthersStand(before: String, after: String) throws {
        let text = try JSONText(secret(before))
        let addition = text.addition("\"k\": 1", to: try #require(text.root), depth: 1)
        #expect(string(addition.applied(to: text.content)) == after)
        #expect((try? JSONText(secret(after))) != nil)
    }

    @Test func aBlankTextHasNoValue() throws {
        #expect(try JSONText(secret(" \n")).root == nil)
        #expect(throws: (any Error).self) { try JSONText(secret("{\"a\": }")) }
        #expect(throws: (any Error).self) { try JSONText(secret("{\"a\": 1, \"a\": 2")) }
    }
}

func secret(_ text: String) -> Secret { Secret(copying: Array(text.utf8).span) }

func string(_ secret: Secret) -> String {
    secret.expose { bytes in String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self) }
}
