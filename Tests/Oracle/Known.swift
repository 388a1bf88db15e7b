import Foundation

/// What is known to be broken, in known.txt. A line is one of
///
///     case CLIENT/NAME LAW
///     feature CLIENT NAME LAW
///
/// A law that a case is known to break must still be broken: the line goes with the mend. Seeds
/// whose case has a feature that is known to break the law are passed over, in `make test` alone;
/// `*` is every law, or every feature.
struct Known {
    private let lines: [[String]]

    static let shared = Known()

    private init(beside file: String = #filePath) {
        let path = URL(fileURLWithPath: file).deletingLastPathComponent()
            .appendingPathComponent("known.txt")
        let text = (try? String(contentsOf: path, encoding: .utf8)) ?? ""
        lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
            .map { $0.split(separator: " ").map(String.init) }
    }

    func breaks(_ name: String, _ law: Case.Law) -> Bool {
        lines.contains(["case", name, law.rawValue])
    }

    func excuses(_ plan: Case, _ law: Case.Law) -> Bool {
        lines.contains { line in
            line.count == 4 && line[0] == "feature" && line[1] == plan.client
                && (line[2] == "*" || plan.features?.contains(line[2]) == true)
                && (line[3] == "*" || line[3] == law.rawValue)
        }
    }
}
