import Foundation

/// The figures of the last benchmark that was kept, `Tests/Benchmarks/Results/results.json`.
struct Benchmark: Decodable {
    struct Cost: Decodable {
        struct Measured: Decodable {
            let action, place, program: String
            let logins, processes: Int
        }

        struct Quartiles: Decodable {
            let median: Double
        }

        let measured: Measured
        let failures: Int
        let milliseconds: Quartiles
    }

    struct Figure: Decodable {
        let name: String
        let value: Double
    }

    let costs: [Cost]
    let figures: [Figure]

    init() throws {
        let path = "\(Readme.sources)/Tests/Benchmarks/Results/results.json"
        self = try JSONDecoder().decode(
            Benchmark.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// The figures whose name begins and ends so.
    func ratios(_ start: String, _ end: String = "") -> [Double] {
        figures.filter { $0.name.hasPrefix(start) && $0.name.hasSuffix(end) }.map(\.value)
    }

    /// The median of one program alone, in milliseconds.
    func milliseconds(_ action: String, _ place: String, logins: Int, of program: String)
        -> Double?
    {
        costs.first {
            let it = $0.measured
            return it.action == action && it.place == place && it.logins == logins
                && it.program == program && it.processes == 1
        }?.milliseconds.median
    }
}
