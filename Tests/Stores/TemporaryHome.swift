import Credentials
import Files
import Foundation
import Synchronization
import Testing

@testable import Stores

/// A temporary home is a directory for one test, with a file store in it; it is removed with the
/// last reference to it.
final class TemporaryHome: Sendable {
    let path: String
    private let said = Mutex<[String]>([])

    init() throws {
        var template = Array("/tmp/keyfob-test.XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw POSIXError(.EIO) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var data: Folder { Folder(path + "/data/keyfob") }
    var state: Folder { Folder(path + "/state/keyfob") }
    var file: String { data.path + "/credentials" }
    var key: String { state.path + "/key" }

    /// What the stores made here have said to the user.
    var notices: [String] { said.withLock { $0 } }

    var options: FileStore.Options {
        FileStore.Options(
            folder: data, keyFolder: state,
            notice: { notice in self.said.withLock { $0.append(notice) } })
    }

    var store: FileStore { FileStore(options) }

    func read(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// Puts a file there as it is, mode 0600.
    func write(_ bytes: [UInt8], to path: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        try #require(unsafe chmod(path, 0o600) == 0)
    }

    func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// The names in a directory, sorted.
    func names(in path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }
}

/// A docker login; its secret is made of the user's name, as in `StoreProbe`.
func login(_ server: String, _ user: String) -> Credential {
    let attributes = ["server": text(server), "username": text(user)]
    let entry = Entry(
        schema: .docker, attributes: attributes.merging(Schema.docker.constants) { $1 },
        label: text(server))
    return Credential(entry, secret: secret("the secret of \(user)"))
}

func server(_ spelling: String) -> Query { Query(.docker, ["server": text(spelling)]) }

func text(_ string: String) -> Text {
    guard let text = Text(string) else { preconditionFailure("a test's text holds no NUL") }
    return text
}

func secret(_ string: String) -> Secret { secret(Array(string.utf8)) }

func secret(_ bytes: [UInt8]) -> Secret { Secret(copying: bytes.span) }

/// The error that `body` throws; the test fails if it throws none.
func refusal(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) throws -> StoreError {
    try #require(
        #expect(throws: StoreError.self, sourceLocation: sourceLocation, performing: body),
        sourceLocation: sourceLocation)
}
