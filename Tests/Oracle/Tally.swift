import Foundation
import Synchronization

/// How many cases of each client have reached which feature and which law, printed when the tests
/// end if `KEYFOB_ORACLE_TALLY` names a file.
final class Tally: Sendable {
    static let shared = Tally()

    private let counts = Mutex<[String: [String: Int]]>([:])
    private let path = ProcessInfo.processInfo.environment["KEYFOB_ORACLE_TALLY"]

    func count(_ plan: Case, _ law: Case.Law) {
        guard let path else { return }
        var names = (plan.features ?? []) + ["law \(law)", "cases"]
        if plan.prefer != nil { names.append("prefer") }
        if plan.isInUse == true { names.append("in use") }
        if plan.hasKeyring == true { names.append("keyring") }
        let text = counts.withLock { counts in
            for name in names { counts[plan.client, default: [:]][name, default: 0] += 1 }
            return counts.sorted { $0.key < $1.key }.map { client, features in
                client + ": "
                    + features.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
                    .joined(separator: ", ")
            }.joined(separator: "\n")
        }
        try? (text + "\n").write(toFile: path, atomically: true, encoding: .utf8)
    }
}
