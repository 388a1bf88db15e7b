import Credentials
import Foundation
import Testing

@Suite struct SecretTests {
    private struct Stop: Error {}

    @Test func aSecretIsNeverPrinted() {
        let secret = Secret(text: "hunter2")
        var dumped = ""
        dump([secret], to: &dumped)
        let credential = Credential(
            Entry(schema: .token, attributes: [:], label: ""), secret: secret)
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
            memory.append(1)
            memory.append(2)
        }
        #expect(secret.count == 2)
        #expect(secret.expose { [$0[0], $0[1]] } == [1, 2])
        #expect(Secret.empty.isEmpty)
    }

    @Test func aPartOfASecretOutlivesTheWhole() {
        var whole: Secret? = Secret(text: "user:password")
        let part = whole?[5..<13]
        whole = nil
        #expect(part == Secret(text: "password"))
        #expect(part?[4..<8] == Secret(text: "word"))
    }

    /// One mapping each would meet the kernel's limit (vm.max_map_count).
    @Test func manySmallSecretsTakeFewMappings() throws {
        let before = try mappings()
        let secrets = (0..<100_000).map { Secret(text: "a secret of its own, number \($0)") }
        #expect(try mappings() - before < 1000)
        let isEachItself = secrets.indices.allSatisfy {
            secrets[$0] == Secret(text: "a secret of its own, number \($0)")
        }
        #expect(isEachItself)
    }

    @Test(arguments: [0, 1, 7, 8, 15, 16, 17, 31, 32, 1000, 2047, 2048, 2049, 4096, 5000])
    func whatIsUsedAgainIsWiped(count: Int) {
        for _ in 0..<100 {
            var isZero = true
            let secret = Secret(capacity: count) { memory in
                unsafe memory.withUnsafeMutableBufferPointer { memory, filled in
                    isZero = unsafe isZero && memory.allSatisfy { $0 == 0 }
                    unsafe memory.update(repeating: 0xA5)
                    filled = count
                }
            }
            #expect(isZero)
            #expect(secret.count == count)
        }
    }

    @Test(arguments: [(1 << 20) - 1, 1 << 20, 2 << 20, (4 << 20) + 1])
    func aLargeSecretHasAllItsBytes(count: Int) {
        let secret = Secret(capacity: count) { memory in
            unsafe memory.withUnsafeMutableBufferPointer { memory, filled in
                #expect(unsafe memory[0] == 0 && memory[count - 1] == 0)
                unsafe memory.update(repeating: 0xA5)
                filled = count
            }
        }
        #expect(secret.count == count)
        #expect(secret[0..<1] == secret[count - 1..<count])
        #expect(secret[count - 1..<count].publicBytes == [0xA5])
    }

    @Test func threadsShareThePool() async {
        let areRight = await withTaskGroup(of: Bool.self) { group in
            for task in 0..<8 {
                group.addTask {
                    var secrets: [(text: String, secret: Secret)] = []
                    for number in 0..<20_000 {
                        let text = String(repeating: "\(task).\(number).", count: number % 40)
                        secrets.append((text, Secret(text: text)))
                        if secrets.count > 50 { secrets.remove(at: number % 50) }
                    }
                    return secrets.allSatisfy { $0.secret == Secret(text: $0.text) }
                }
            }
            return await group.reduce(true) { $0 && $1 }
        }
        #expect(areRight)
    }

    private func mappings() throws -> Int {
        try String(contentsOfFile: "/proc/self/maps", encoding: .utf8).utf8.count { $0 == 0x0A }
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
