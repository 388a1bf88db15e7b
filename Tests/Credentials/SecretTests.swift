import Credentials
import Testing

@Suite struct SecretTests {
    private struct Stop: Error {}

    @Test func aSecretIsNeverPrinted() {
        let secret = Secret(text: "hunter2")
        var dumped = ""
        dump([secret], to: &dumped)
        let credential = Credential(
            Entry(realm: .token, attributes: [:], label: ""), secret: secret)
        let printed = "\(secret) \(String(reflecting: secret)) \(dumped) \(credential)"
        #expect(printed.contains("(secret)"))
        #expect(!printed.contains("hunter2"))
    }

    @Test func secretsAreEqualWhenAllTheirBytesAre() {
        #expect(Secret(text: "abc") == Secret(text: "abc"))
        #expect(Secret(text: "abc") != Secret(text: "abd"))
        #expect(Secret(text: "abc") != Secret(text: "bbc"))
        #expect(Secret(text: "abc") != Secret(text: "ab"))
        #expect(Secret(text: "") == Secret(text: ""))
    }

    @Test func aSecretIsAsLongAsItWasFilled() {
        let secret = Secret(capacity: 100_000) { memory in
            memory[0] = 1
            memory[1] = 2
            return 2
        }
        #expect(secret.count == 2)
        #expect(secret.expose { [$0[0], $0[1]] } == [1, 2])
        #expect(Secret(capacity: 0) { _ in 0 }.isEmpty)
    }

    @Test func aPartOfASecretOutlivesTheWhole() {
        var whole: Secret? = Secret(text: "user:password")
        let part = whole?[5..<13]
        whole = nil
        #expect(part == Secret(text: "password"))
        #expect(part?[4..<8] == Secret(text: "word"))
    }

    @Test func whatFillsASecretMayFail() {
        #expect(throws: Stop.self) {
            try Secret(capacity: 8) { _ throws(Stop) in throw Stop() }
        }
    }
}

extension Secret {
    fileprivate init(text: String) { self.init(copying: Array(text.utf8).span) }
}
