import Foundation
import Sandbox
import Testing

/// The laws of what Keyfob may do to a client, judged by the real client.
///
/// `KEYFOB_ORACLE_BIN` names a folder with other executables to examine; `KEYFOB_ORACLE_SEEDS`
/// (`first..last`) and `KEYFOB_ORACLE_CLIENT` narrow the seeds, and `KEYFOB_ORACLE_LAW` names a law to
/// check of each, or `all`.
@Suite struct OracleTests {
    @Test(arguments: Corpus.all) func theLawsHoldForTheCorpus(entry: Corpus) throws {
        let plan = try entry.plan()
        for law in plan.laws ?? Case.commonLaws {
            let found = try violations(of: law, by: plan)
            #expect(
                found.isEmpty,
                "\(entry.name) breaks \(law): \(found.map(\.description).joined(separator: "\n"))")
        }
    }

    @Test(arguments: Seed.all) func theLawsHoldForSeeds(seed: Seed) throws {
        for law in seed.laws {
            guard let plan = seed.plan(for: law) else { continue }
            Tally.shared.count(plan, law)
            let found = try violations(of: law, by: plan)
            guard let first = found.first else { continue }
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

    /// How often a law is checked to make a case smaller.
    static var shrinkingBudget: Int {
        environment["KEYFOB_ORACLE_BUDGET"].flatMap { Int($0) } ?? 60
    }

    /// The laws that the seed decides: one, and that every setup can be undone.
    var laws: [Case.Law] {
        let laws = Case.commonLaws
        if let only = Seed.environment["KEYFOB_ORACLE_LAW"] {
            return only == "all" ? laws : [Case.Law(rawValue: only)].compactMap(\.self)
        }
        let law = laws[number % laws.count]
        return law == .undo ? [law] : [law, .undo]
    }

    /// The case that the seed decides.
    func plan(for law: Case.Law) -> Case? {
        guard let client = oracleClient(client) else { return nil }
        var random = SeededGenerator(seed: UInt64(number) << 8)
        var plan = client.generate(&random)
        if random.once(in: 3) { plan.prefer = random.pick(["stored", "found"]) }
        if random.once(in: law == .keeps ? 3 : 2) { plan.isInUse = true }
        if random.once(in: 20) { plan.hasKeyring = true }
        return plan
    }
}
