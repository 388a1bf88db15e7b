import Foundation
import Testing

/// What `make fuzz` found to matter is read again, crashes of the past among it.
@Suite struct CorpusTests {
    @Test(arguments: Subject.all) func theLawsHoldForTheCorpus(subject: Subject) throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Corpus/\(subject.name)")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(names.count > 10)
        for name in names {
            let input = try Data(contentsOf: folder.appendingPathComponent(name))
            #expect(throws: Never.self, "\(subject.name)/\(name)") {
                try subject.examine(Array(input))
            }
        }
    }
}

extension Subject: CustomTestStringConvertible {
    package var testDescription: String { name }
}
