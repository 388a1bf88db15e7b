import Foundation
import Sandbox

/// A telling is what `keyfob` says in JSON of what it has done, or left.
struct Telling {
    /// What it says of one login, or of one place.
    struct Report: Decodable {
        let place: String
        let result: String
        let server: String?
        /// Why it is not done; nil if it is.
        let error: Problem?

        struct Problem: Decodable {
            let message: String
        }

        var isDone: Bool { error == nil }
        /// Whether it says that what was asked for is not done, or may not be.
        var isLeft: Bool { ["left", "remains", "unknown"].contains(result) && !isDone }
    }

    let outcome: Outcome
    let reports: [Report]

    /// Whether it says that a login of the server is left.
    func leaves(_ label: String) -> Bool {
        reports.contains { report in
            report.isLeft && report.server?.lowercased().contains(label.lowercased()) == true
        }
    }

    /// Why logins are left, for messages.
    var reasons: String { reports.compactMap(\.error?.message).joined(separator: "; ") }

    /// Whether it fails, and says that something is left in one of the files.
    func leaves(in files: [String], of house: House) -> Bool {
        let paths = house.names(of: files).map(house.sandbox.file)
        return !outcome.succeeded && reports.contains { $0.isLeft && paths.contains($0.place) }
    }
}

extension House {
    /// Runs `keyfob` and reads what it says.
    func telling(_ arguments: [String]) throws -> Telling {
        let outcome = try run(["keyfob"] + arguments + ["--json"])
        let reports =
            outcome.output.isEmpty
            ? [] : try JSONDecoder().decode(Reports.self, from: Data(outcome.output.utf8)).results
        return Telling(outcome: outcome, reports: reports)
    }

    private struct Reports: Decodable {
        let results: [Telling.Report]
    }

    /// The files, and the links to them.
    func names(of files: [String]) -> [String] {
        let links = (plan.links ?? [:]).filter { _, target in
            files.contains { text(target) == sandbox.file($0) }
        }
        return files + links.keys
    }

    /// Whether the output names one of the files, or a link to it.
    func isNamed(_ files: [String], in outcome: Outcome) -> Bool {
        let text = outcome.output + outcome.errors
        return names(of: files).contains { path in
            text.contains(sandbox.file(path))
                || path.hasPrefix("home/") && text.contains("~/" + path.dropFirst(5))
        }
    }

    /// Whether a login comes from a generator of the case or from a variable, and is in no file.
    func isMade(_ answer: Answer) -> Bool {
        answer.secret.hasPrefix("minted") || answer.secret.hasPrefix("${")
            || (plan.environment ?? [:]).values.contains(answer.secret)
    }
}

/// What commands have written, for messages.
func words(_ outcomes: Outcome...) -> String {
    outcomes.map { outcome in
        "status \(outcome.status)\n\(outcome.output)\(outcome.errors)"
    }.joined(separator: "\n").split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
}

/// What a client gets, for messages.
func words(_ answer: Answer?) -> String { answer.map(\.description) ?? "nothing" }
