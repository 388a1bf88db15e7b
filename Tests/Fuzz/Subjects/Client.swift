import Credentials
import Frontends
import JSON
import MemoryStore

/// A client makes one request and hears the answer; nothing that it hears breaks a line.
final class Client: Channel {
    private let input: [UInt8]
    private(set) var answers = 0
    /// What it was given, or told in place of an answer.
    private(set) var line: [UInt8]?
    private(set) var wasRefused = false
    private(set) var breaksLines = false

    init(_ input: [UInt8]) { self.input = input }

    /// What the docker front-end answers to one request; its laws hold for every input.
    static func ask(
        _ store: MemoryStore, _ action: String, _ input: [UInt8]
    ) throws -> (status: ExitStatus, line: [UInt8]?) {
        let client = Client(input)
        let frontend = DockerFrontend(Program(name: "helper", version: "0") { store })
        let status = frontend.serve([action], over: client)
        try require(client.answers == 1, "\(action) answers once")
        try require(!client.breaksLines, "\(action) answers on one line")
        try require(client.wasRefused == (status == .failure), "\(action) refuses what fails")
        if let line = client.line {
            try require(String(validating: line, as: UTF8.self) != nil, "an answer is UTF-8")
        }
        if status == .failure {
            let line = try require(client.line, "\(action) says why it fails")
            let isJSON = (try? JSON(decodingStartOf: Secret(copying: line.span))) != nil
            try require(!isJSON && !line.isEmpty, "\(action) fails in words")
        }
        return (status, client.line)
    }

    func read(atMost limit: Int) throws(InputError) -> Secret {
        guard input.count <= limit else { throw .tooLong }
        let bytes = input
        return Secret(copying: bytes.span)
    }

    func readLine(atMost limit: Int) throws(InputError) -> Secret {
        let line = Array(input.prefix { $0 != 0x0A })
        guard line.count <= limit else { throw .tooLong }
        return Secret(copying: line.span)
    }

    func willChangeStore() {}

    func handshake(_ line: String) { hear(Array(line.utf8)) }

    func ask(_ question: String, for noun: String) -> Secret? { nil }

    func answer(_ line: Secret?) -> ExitStatus {
        answers += 1
        self.line = line.map { $0.expose { bytes in bytes.indices.map { bytes[$0] } } }
        // JSON escapes every control character but DEL.
        breaksLines = self.line?.contains { $0 < 0x20 } ?? false
        return .success
    }

    func fail(_ line: String, hint: String?, to recipient: Recipient) -> ExitStatus {
        answers += 1
        wasRefused = true
        self.line = Array(line.utf8)
        hear(Array(line.utf8))
        if let hint { self.hint(hint) }
        return .failure
    }

    func hint(_ line: String) { hear(Array(line.utf8)) }

    func warn(_ line: String) { hear(Array(line.utf8)) }

    private func hear(_ line: [UInt8]) {
        if line.contains(where: { $0 < 0x20 || $0 == 0x7F }) { breaksLines = true }
    }
}
