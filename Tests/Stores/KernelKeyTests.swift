import Credentials
import Files
import Foundation
import Testing

/// Keys in the kernel, as every process of this user has them. Other tests have names of their own.
@Suite struct KernelKeyTests {
    private let key = KernelKey("keyfob:test:\(UUID().uuidString)", .user)

    @Test func itIsGivenBackUntilItIsRemoved() throws {
        #expect(key.read() == nil)
        try key.publish(secret("a key"), seconds: 100)
        let kept = try #require(key.read())
        #expect(kept.content == secret("a key"))
        #expect((99...100).contains(kept.secondsLeft))
        #expect(KernelKey.all(key.name)?.values.sorted() == [key.name])
        key.remove()
        #expect(key.read() == nil)
        #expect(KernelKey.all(key.name)?.isEmpty == true)
        key.remove()
    }

    /// The kernel takes the time from a key that is changed: it is replaced instead.
    @Test func anotherTakesItsPlaceWithItsOwnTime() throws {
        try key.publish(secret("the first"), seconds: 1000)
        let first = KernelKey.all(key.name)
        for seconds in [50, 2000] {
            try key.publish(secret("lasts \(seconds)"), seconds: seconds)
            let kept = try #require(key.read())
            #expect(kept.content == secret("lasts \(seconds)"))
            #expect((seconds - 1...seconds).contains(kept.secondsLeft))
            #expect(try timeouts().allSatisfy { $0 != "perm" })
        }
        #expect(KernelKey.all(key.name) != first)
        #expect(KernelKey.removeAll(key.name)?.isEmpty == true)
    }

    /// The kernel goes on showing a key that was replaced, for a moment, and lets nobody have it.
    @Test func aKeyThatWasReplacedDoesNotRemain() throws {
        for round in 0..<200 {
            try key.publish(secret("the first"), seconds: 100)
            try key.publish(secret("the second"), seconds: 100)
            usleep(UInt32(round) * 100)
            try #require(KernelKey.removeAll(key.name)?.isEmpty == true)
        }
    }

    @Test func itsTimeEndsIt() throws {
        try key.publish(secret("short"), seconds: 1)
        usleep(2_100_000)
        #expect(key.read() == nil)
        #expect(KernelKey.all(key.name)?.isEmpty == true)
        // Its name is free again.
        try key.publish(secret("again"), seconds: 10)
        #expect(key.read()?.content == secret("again"))
        key.remove()
    }

    @Test func theLongestContentIsKept() throws {
        let content = secret(String(repeating: "x", count: KernelKey.limit))
        try key.publish(content, seconds: 10)
        #expect(key.read()?.content == content)
        key.remove()
    }

    /// The column of /proc/keys that tells how long its keys have yet.
    private func timeouts() throws -> [String] {
        try String(contentsOfFile: "/proc/keys", encoding: .utf8).split(separator: "\n")
            .filter { $0.contains(key.name) }
            .map { String($0.split(separator: " ")[3]) }
    }
}
