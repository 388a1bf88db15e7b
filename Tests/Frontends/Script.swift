import Credentials
import Frontends

/// A script is a channel whose input is written beforehand and whose output is kept.
final class Script: Channel {
    private let input: [UInt8]
    private(set) var output: String?
    private(set) var answer: Secret?
    private(set) var errors: [String] = []
    private(set) var answers = 0
    private(set) var reads = 0
    private(set) var changes = 0
    private(set) var greeting: String?
    /// What a person types at the terminal; nil: there is none.
    var typed: Secret?

    init(_ input: [UInt8]) { self.input = input }

    convenience init(_ input: String) { self.init(Array(input.utf8)) }

    func read(atMost limit: Int) throws(InputError) -> Secret {
        reads += 1
        guard input.count <= limit else { throw .tooLong }
        let bytes = input
        return Secret(copying: bytes.span)
    }

    func readLine(atMost limit: Int) throws(InputError) -> Secret {
        reads += 1
        let line = Array(input.prefix { $0 != 0x0A })
        guard line.count <= limit else { throw .tooLong }
        return Secret(copying: line.span)
    }

    func willChangeStore() { changes += 1 }

    func handshake(_ line: String) { greeting = line }

    func ask(_ question: String, for noun: String) throws(StoreError) -> Secret? { typed }

    func answer(_ line: Secret?) -> ExitStatus {
        answers += 1
        answer = line
        return .success
    }

    func fail(_ line: String, hint: String?, to recipient: Recipient) -> ExitStatus {
        answers += 1
        if recipient != .person { output = line }
        if recipient != .client { errors.append(line) }
        if let hint { self.hint(hint) }
        return .failure
    }

    func hint(_ line: String) { errors.append("hint: \(line)") }

    func warn(_ line: String) { errors.append("warning: \(line)") }
}
