import Credentials
import Files
import Foundation
import Sandbox
import StoreContract
import Testing

@testable import Stores

/// The file vectors: what every version must open, and what none may.
@Suite struct FileVectorTests {
    @Test func everyVectorIsThere() throws {
        let recorded = Set(try FileVector.recorded.map(\.name))
        for vector in try FileVector.proposed where !recorded.contains(vector.name) {
            if ProcessInfo.processInfo.environment["KEYFOB_RECORD_VECTORS"] != nil {
                try vector.record()
            }
            Issue.record("\(vector.name) was not there")
        }
        #expect(try recorded == Set(FileVector.proposed.map(\.name)))
    }

    @Test func aFileThatVersion1WroteOpensWithEachOfItsKeys() throws {
        let vectors = try FileVector.recorded.filter { $0.refused == nil }
        #expect(!vectors.isEmpty)
        for vector in vectors {
            let contents = try FileVector.contents(of: vector.bytes, with: vector.keys)
            #expect(contents == vector.contents, "\(vector.name)")
        }
    }

    @Test func aGoodFileIsAStoreAndStaysOne() throws {
        for vector in try FileVector.recorded where vector.refused == nil {
            guard case .raw? = vector.keys.first else { continue }
            let home = try home(with: vector)
            let entries = try home.store.list(nil).entries
            #expect(
                entries.count
                    == vector.contents.count { $0.hasPrefix("record: ") && $0.contains(",") },
                "\(vector.name)")
            try home.store.save(login("new.example", "new"))
            #expect(try home.store.list(nil).entries.dropLast() == entries[...], "\(vector.name)")
            #expect(
                try FileVector.contents(of: home.read(home.file), with: vector.keys)
                    .starts(with: vector.contents), "\(vector.name)")
        }
    }

    @Test func twoLoginsOfOnePlaceAreListedOnce() throws {
        let vector = try #require(FileVector.recorded.first { $0.name == "good-duplicates" })
        let home = try home(with: vector)
        #expect(try home.store.list(.docker).entries.count == 2)
        let chain = StoreChain([home.store], marker: nil, notice: { _ in })
        #expect(try chain.list(.docker).entries.count == 1)
    }

    @Test func aFileWithAFaultIsRefusedWithItsOwnWordsAndStaysAsItIs() throws {
        let vectors = try FileVector.recorded.filter { $0.refused != nil }
        #expect(!vectors.isEmpty)
        for vector in vectors {
            let home = try home(with: vector)
            let file = try home.read(home.file)
            let refused = vector.refused.map(Sentence.withCode)?
                .replacing("STORE", with: home.file).replacing("KEY", with: home.key)
            let actions: [() throws -> Void] = [
                { _ = try home.store.list(nil) },
                { _ = try home.store.find(server("a.example")) },
                { try home.store.save(login("a.example", "eve")) },
                { try home.store.remove([server("a.example")]) },
            ]
            for action in actions {
                let error = try refusal { try action() }
                #expect(error.withCode == refused, "\(vector.name)")
            }
            let isAsItWas = try home.read(home.file) == file
            #expect(isAsItWas, "\(vector.name)")
            #expect(try home.names(in: home.data.path).allSatisfy { !$0.contains(".tmp.") })
        }
    }

    /// Too large to be recorded.
    @Test func aSecretOf1MiBComesBack() throws {
        let home = try TemporaryHome()
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: index &* 31) }
        let large = Credential(login("a.example", "ann").entry, secret: secret(bytes))
        try home.store.save(large)
        try home.store.save(login("b.example", "bob"))
        let isTheSame = try home.store.find(server("a.example")).map(\.secret) == [large.secret]
        #expect(isTheSame)
    }

    /// A home with the vector as its store and the first of its keys, if that is a raw one.
    private func home(with vector: FileVector) throws -> TemporaryHome {
        let home = try TemporaryHome()
        _ = try home.data.create()
        _ = try home.state.create()
        try home.write(vector.bytes, to: home.file)
        if let length = vector.length { try #require(unsafe truncate(home.file, length) == 0) }
        if case .raw(let key)? = vector.keys.first { try home.write(key, to: home.key) }
        return home
    }
}
