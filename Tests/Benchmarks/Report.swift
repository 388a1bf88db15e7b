import Foundation

/// A report is what was measured, and how it compares to what it is meant to be.
struct Report: Encodable {
    struct Cost: Encodable {
        let measured: Case
        let milliseconds: Spread
        /// In multiples of a process that does nothing, round by round.
        let timesNothing: Spread
        /// How many of its processes have failed, in all rounds.
        let failures: Int
    }

    struct Figure: Encodable {
        let name: String
        let value: Double
        let unit: String
        /// At most, unless it is at least.
        let limit: Double?
        let isFloor: Bool

        var isMet: Bool {
            guard let limit else { return true }
            return isFloor ? value >= limit : value <= limit
        }
    }

    let date: String
    let cores: Int
    let rounds: Int
    private(set) var costs: [Cost] = []
    private(set) var figures: [Figure] = []

    init(rounds: Int) {
        date = String(Date.now.ISO8601Format().prefix(10))
        cores = ProcessInfo.processInfo.activeProcessorCount
        self.rounds = rounds
    }

    /// Adds what all cases of an experiment cost.
    mutating func add(_ measurements: Measurements) {
        for measured in measurements.cases where measured != .nothing {
            costs.append(
                Cost(
                    measured: measured, milliseconds: measurements.spread(of: measured),
                    timesNothing: measurements.ratio(of: measured, to: .nothing),
                    failures: measurements.failures(of: measured)))
        }
    }

    mutating func add(
        _ name: String, _ value: Double, unit: String = "", atMost limit: Double? = nil
    ) {
        figures.append(Figure(name: name, value: value, unit: unit, limit: limit, isFloor: false))
    }

    mutating func add(_ name: String, _ value: Double, unit: String = "", atLeast limit: Double) {
        figures.append(Figure(name: name, value: value, unit: unit, limit: limit, isFloor: true))
    }

    // MARK: What is shown of it

    var json: Data {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            return try encoder.encode(self) + [UInt8(ascii: "\n")]
        }
    }

    var table: String {
        var lines = ["\(date), \(cores) cores, medians of \(rounds) rounds", ""]
        let width = costs.map(\.measured.description.count).max() ?? 0
        lines.append(pad("", width) + "        ms   half lie within   times nothing")
        for cost in costs {
            let time = cost.milliseconds
            lines.append(
                pad(cost.measured.description, width) + column(time.median, 10)
                    + column(time.lowerQuartile, 9) + " –" + column(time.upperQuartile, 7)
                    + column(cost.timesNothing.median, 15)
                    + (cost.failures > 0 ? "   \(cost.failures) failed" : ""))
        }
        lines.append("")
        let names = figures.map(\.name.count).max() ?? 0
        for figure in figures {
            let limit = figure.limit.map {
                "   \(figure.isFloor ? "at least" : "at most") \($0.formatted())"
                    + (figure.isMet ? "" : "   MISSED")
            }
            lines.append(
                pad(figure.name, names) + column(figure.value, 9) + " \(pad(figure.unit, 3))"
                    + (limit ?? ""))
        }
        return lines.joined(separator: "\n")
    }

    private func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private func column(_ value: Double, _ width: Int) -> String {
        let text = String(format: "%.2f", value)
        return String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
