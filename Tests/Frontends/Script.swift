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

    init(_ input: [UInt8]) { self.input = input }

    convenience init(_ input: String) { self.init(Array(input.utf8)) }

    func read(atMost limit: Int) throws(InputError) -> Secret {
        reads += 1
        guard input.count <= limit else { throw .tooLong }
        let bytes = input
        return Secret(copying: bytes.span)
    }

    func answer(_ line: Secret?) -> ExitStatus {
        answers += 1
        answer = line
        return .success
    }

    func refuse(_ line: String) {
        refuseQuietly(line)
        errors.append(line)
    }

    func refuseQuietly(_ line: String) {
        answers += 1
        output = line
    }

    func complain(_ line: String) {
        answers += 1
        errors.append(line)
    }

    func hint(_ line: String) { errors.append("hint: \(line)") }

    func warn(_ line: String) { errors.append("warning: \(line)") }
}
