import Credentials
import Foundation
import Testing

@testable import Stores

/// What `make fuzz` found to matter is read again, crashes of the past among it.
@Suite struct CorpusTests {
    @Test(arguments: Subject.all) func theLawsHoldForTheCorpus(subject: Subject) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder + subject.name)
        #expect(names.count > 10)
        for name in names {
            let input = try input("\(subject.name)/\(name)")
            #expect(throws: Never.self, "\(subject.name)/\(name)") { try subject.examine(input) }
        }
    }

    /// A corpus of another version of the format would reach no record.
    @Test func theCorpusHoldsARecordAsItIsWrittenToday() throws {
        let attributes = ["server": "h", "username": "u"] as [String: Text]
        let entry = Entry(
            schema: .docker, attributes: attributes.merging(Schema.docker.constants) { $1 },
            label: "h")
        let secret = Array("secret".utf8)
        let body = try FileFormat.Body.empty.keeping(
            [], adding: [Credential(entry, secret: Secret(copying: secret.span))])
        let record = Secret(joining: body.pieces).publicBytes
        #expect(try input("credential-file/one-record").dropFirst(2 + 24) == record[...])
    }

    private let folder =
        URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().path + "/Corpus/"

    private func input(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: folder + name)))
    }
}

extension Subject: CustomTestStringConvertible {
    package var testDescription: String { name }
}
