import Credentials
import Registry
import Testing
import Web

/// One table of vectors: the value of a `WWW-Authenticate`, and the challenges in it.
private let vectors: [(value: String, challenges: [Challenge])] = [
    ("", []),
    ("Basic", [challenge("basic")]),
    (#"Basic realm="a b""#, [challenge("basic", ["realm": "a b"])]),
    (#"BASIC Realm = "x""#, [challenge("basic", ["realm": "x"])]),
    (
        #" Bearer realm="https://auth.example/token",service="r.example",scope="a:b:pull,push" "#,
        [
            challenge(
                "bearer",
                [
                    "realm": "https://auth.example/token", "service": "r.example",
                    "scope": "a:b:pull,push",
                ])
        ]
    ),
    (
        #"Basic realm="one", Bearer realm="two", service=three"#,
        [
            challenge("basic", ["realm": "one"]),
            challenge("bearer", ["realm": "two", "service": "three"]),
        ]
    ),
    (#"Basic, Bearer realm="x""#, [challenge("basic"), challenge("bearer", ["realm": "x"])]),
    (#", ,Basic realm="x",, ,"#, [challenge("basic", ["realm": "x"])]),
    (#"Basic realm="x",,y=z"#, [challenge("basic", ["realm": "x", "y": "z"])]),
    (
        "Negotiate a87421000492aa874209af8bc028==, Basic realm=x",
        [challenge("negotiate"), challenge("basic", ["realm": "x"])]
    ),
    ("Negotiate a/b+c", [challenge("negotiate")]),
    (#"Basic realm="a\"b\\c""#, [challenge("basic", ["realm": #"a"b\c"#])]),
    (#"Basic realm="""#, [challenge("basic", ["realm": ""])]),
    (#"Basic realm="é😀""#, [challenge("basic", ["realm": "é😀"])]),
    // Malformed: what stands before it counts, and it does not.
    (#"Basic realm="x"#, []),
    (#"Basic realm="x\"#, []),
    (#"Basic realm="x"y"#, []),
    (#"Basic realm="x" service=y"#, []),
    (#"Basic realm="x",realm="y""#, []),
    (#"Basic realm="x",Realm="y""#, []),
    ("Basic realm=,x=y", [challenge("basic")]),
    ("Basic realm=https://x", []),
    (#"Basic realm="x", Bearer realm="y"#, [challenge("basic", ["realm": "x"])]),
    ("\"Basic\"", []),
    ("Basic\u{0}realm=x", []),
    ("Basic realm=\"a\u{0}b\"", []),
]

private func challenge(_ scheme: Text, _ parameters: [Text: Text] = [:]) -> Challenge {
    Challenge(scheme: scheme, parameters: parameters)
}

@Suite struct ChallengeTests {
    @Test(arguments: vectors.indices) func aValueHoldsTheseChallenges(index: Int) {
        let vector = vectors[index]
        #expect(Challenge.all(in: Array(vector.value.utf8)) == vector.challenges)
    }

    @Test func bytesThatAreNoTextAreNoChallenge() {
        #expect(Challenge.all(in: Array("Basic realm=\"".utf8) + [0xFF, 0x22]).isEmpty)
    }

    @Test func theHeadersOfAnAnswerAreReadInTheirOrder() {
        let answer = HTTPAnswer(
            status: 401,
            headers: Array(
                "WWW-Authenticate: Basic realm=x\nlocation:  /there \nwww-authenticate: Bearer\n"
                    .utf8),
            body: Secret(text: ""))
        #expect(answer.challenges.map(\.scheme) == ["basic", "bearer"])
        #expect(answer.location == "/there")
    }
}
