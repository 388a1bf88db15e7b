import Foundation
import Sandbox
import Testing

/// The laws of what Keyfob may do to a client, judged by the real client.
///
/// `KEYFOB_ORACLE_BIN` names a folder with other executables to examine; `KEYFOB_ORACLE_SEEDS`
/// (`first..last`), `KEYFOB_ORACLE_CLIENT` and `KEYFOB_ORACLE_LAW` narrow what is checked, and
/// `KEYFOB_ORACLE_ALL` runs the seeds whose features known.txt excuses, too.
@Suite struct OracleTests {
    @Test(arguments: Corpus.all) func theLawsHoldForTheCorpus(entry: Corpus) throws {
        let plan = try entry.plan()
        for law in plan.laws ?? Case.commonLaws {
            let found = try violations(of: law, by: plan)
            if Known.shared.breaks(entry.name, law) {
                #expect(
                    !found.isEmpty, "\(entry.name) keeps \(law): take its line out of known.txt")
            } else {
                #expect(
                    found.isEmpty,
                    "\(entry.name) breaks \(law): \(found.map(\.description).joined(separator: "\n"))"
                )
            }
        }
    }

    @Test(arguments: Seed.all) func theLawsHoldForSeeds(seed: Seed) throws {
        guard let (plan, law) = seed.plan() else { return }
        try check(law, of: plan, seed)
        // Whatever else a seed is for, what its setup does must be undone.
        if Seed.isAll, law != .undo { try check(.undo, of: plan, seed) }
    }

    private func check(_ law: Case.Law, of plan: Case, _ seed: Seed) throws {
        Tally.shared.count(plan, law)
        let found = try violations(of: law, by: plan)
        guard let first = found.first else { return }
        var shrinking = Shrinking(law: law, kind: first.kind, budget: Seed.shrinkingBudget)
        var small = shrinking.smallest(of: plan)
        small.laws = [law]
        var still = (try? violations(of: law, by: small)) ?? []
        if still.isEmpty { still = found }
        Issue.record(
            """
            \(seed) breaks \(law): \(still.map(\.description).joined(separator: "\n"))
            its smallest case, for Tests/Oracle/Corpus/\(plan.client):
            \(small.json)
            """)
    }
}

/// A case that was found once.
struct Corpus: Sendable, CustomTestStringConvertible {
    /// The client, a slash, and the file's name without `.json`.
    let name: String
    private let path: String

    var testDescription: String { name }

    static let all: [Corpus] = {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Corpus"
        let only = ProcessInfo.processInfo.environment["KEYFOB_ORACLE_CLIENT"]
        let names =
            FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return names.filter { $0.hasSuffix(".json") && (only == nil || $0.hasPrefix(only! + "/")) }
            .sorted()
            .map { Corpus(name: String($0.dropLast(5)), path: "\(folder)/\($0)") }
    }()

    func plan() throws -> Case {
        try JSONDecoder().decode(Case.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    }
}

/// A seed of one client.
struct Seed: Sendable, CustomTestStringConvertible, CustomStringConvertible {
    let client: String
    let number: Int

    var description: String { "\(client) seed \(number)" }
    var testDescription: String { description }

    private static let environment = ProcessInfo.processInfo.environment

    static let all: [Seed] = {
        let parts = environment["KEYFOB_ORACLE_SEEDS"]?.split(separator: ".").compactMap { Int($0) }
        let numbers = parts.map { $0[0]...$0[$0.count - 1] } ?? 1...(Sandbox.isSoak ? 500 : 40)
        let only = environment["KEYFOB_ORACLE_CLIENT"]
        return oracleClients.map { $0.name }.filter { only == nil || only == $0 }
            .flatMap { client in numbers.map { Seed(client: client, number: $0) } }
    }()

    /// The one law that is checked; nil if each seed decides one.
    private static let only = environment["KEYFOB_ORACLE_LAW"].flatMap { Case.Law(rawValue: $0) }

    /// Whether nothing that is known to be broken is passed over.
    static let isAll = environment["KEYFOB_ORACLE_ALL"] != nil || Sandbox.isSoak

    /// How often a law is checked to make a case smaller.
    static var shrinkingBudget: Int {
        environment["KEYFOB_ORACLE_BUDGET"].flatMap { Int($0) } ?? 60
    }

    /// The case and the law that the seed decides; nil where known.txt excuses all that it makes.
    func plan() -> (Case, Case.Law)? {
        guard let client = oracleClient(client) else { return nil }
        let laws = Case.commonLaws
        let law = Seed.only ?? laws[number % laws.count]
        for attempt in 0..<50 {
            var random = SeededGenerator(seed: UInt64(number) << 8 | UInt64(attempt))
            var plan = client.generate(&random)
            switch law {
            case .keeps where random.once(in: 3): plan.prefer = random.pick(["stored", "found"])
            case .logout, .logoutAll: if random.once(in: 2) { plan.isInUse = true }
            default: break
            }
            if random.once(in: 20) { plan.hasKeyring = true }
            if Seed.isAll || !Known.shared.excuses(plan, law) { return (plan, law) }
        }
        return nil
    }
}
