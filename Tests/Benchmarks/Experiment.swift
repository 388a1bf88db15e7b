import Sandbox

/// An experiment runs its cases in turn, A B C A B C …, so that what slows the machine down slows
/// all of them.
struct Experiment {
    private var launches: [(Case, Launch)]

    init(nothing: Launch) { launches = [(.nothing, nothing)] }

    mutating func add(_ measured: Case, _ launch: Launch) { launches.append((measured, launch)) }

    /// Runs every case so many times, after a round that does not count. Ours must never fail; a
    /// peer's failures are counted.
    func run(rounds: Int) throws -> Measurements {
        var times: [Case: [Double]] = [:]
        var failures: [Case: Int] = [:]
        for round in 0...rounds {
            for (measured, launch) in launches {
                let (time, failed) = try launch.run(processes: measured.processes)
                guard failed == 0 || measured.program != Case.ours else {
                    throw SandboxError("\(measured): has failed while it was measured")
                }
                guard round > 0 else { continue }
                times[measured, default: []].append(time / .milliseconds(1))
                failures[measured, default: 0] += failed
            }
        }
        return Measurements(cases: launches.map(\.0), times: times, failures: failures)
    }
}

/// Measurements are the times of an experiment, in milliseconds, in the order of its rounds.
struct Measurements {
    let cases: [Case]
    private let times: [Case: [Double]]
    private let failures: [Case: Int]

    init(cases: [Case], times: [Case: [Double]], failures: [Case: Int]) {
        self.cases = cases
        self.times = times
        self.failures = failures
    }

    /// How many of its processes have failed, in all rounds.
    func failures(of measured: Case) -> Int { failures[measured] ?? 0 }

    func spread(of measured: Case) -> Spread { Spread(times[measured] ?? []) }

    /// How one case compares to another, round by round.
    func ratio(of measured: Case, to other: Case) -> Spread {
        Spread(zip(times[measured] ?? [], times[other] ?? []).map { $0 / $1 })
    }
}

/// A spread is the middle of many figures, and where half of them lie.
struct Spread: Encodable {
    let median: Double
    let lowerQuartile: Double
    let upperQuartile: Double

    init(_ figures: [Double]) {
        precondition(!figures.isEmpty, "a case of the experiment")
        let sorted = figures.sorted()
        func quantile(_ part: Double) -> Double {
            let position = part * Double(sorted.count - 1)
            let below = Int(position)
            let above = min(below + 1, sorted.count - 1)
            return sorted[below] + (sorted[above] - sorted[below]) * (position - Double(below))
        }
        median = quantile(0.5)
        lowerQuartile = quantile(0.25)
        upperQuartile = quantile(0.75)
    }
}
