import Foundation

/// A plot of what a get and a list cost against the number of logins, both axes logarithmic.
struct Plot {
    private struct Series {
        let program: String
        let place: Case.Place
        let color: String
        let isOurs: Bool

        var title: String { "\(program) (\(place.rawValue))" }
    }

    private let report: Report

    init(_ report: Report) { self.report = report }

    private static let series = [
        Series(program: "docker-credential-pass", place: .file, color: "#c2703d", isOurs: false),
        Series(
            program: "docker-credential-secretservice", place: .keyring, color: "#8a6bbd",
            isOurs: false),
        Series(program: "keyfob", place: .keyring, color: "#2166ac", isOurs: true),
        Series(program: "keyfob", place: .file, color: "#1b7837", isOurs: true),
    ]

    private let width = 380.0
    private let height = 300.0
    private let logins = 1.0...10_000.0
    /// In multiples of a process that does nothing.
    private let cost = 1.0...3000.0

    var svg: String {
        let panels = ["get", "list"].enumerated().map { index, action in
            panel(action, left: 70 + Double(index) * (width + 50), top: 50)
        }
        let legend = Plot.series.enumerated().map { index, series in
            let x = 70 + Double(index % 2) * (width + 50)
            let y = 415 + Double(index / 2) * 20
            return """
                <path d="M\(text(x)) \(text(y - 4))h24" \(stroke(series))/>
                <text x="\(text(x + 32))" y="\(text(y))">\(series.title)</text>
                """
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 910 455" \
            font-family="sans-serif" font-size="12" fill="#333">
            <rect width="910" height="455" fill="#fff"/>
            <text x="70" y="20" font-size="14">Cost of a whole process, in multiples of a C program \
            that returns 0 (\(report.date), \(report.cores) cores, medians of \(report.rounds))</text>
            \(panels.joined(separator: "\n"))
            \(legend.joined(separator: "\n"))
            </svg>

            """
    }

    private func panel(_ action: String, left: Double, top: Double) -> String {
        func x(_ value: Double) -> Double { left + place(value, in: logins) * width }
        func y(_ value: Double) -> Double { top + (1 - place(value, in: cost)) * height }
        var parts = [
            #"<text x="\#(text(left))" y="\#(text(top - 10))" font-weight="bold">\#(action)</text>"#,
            #"<text x="\#(text(left + width / 2))" y="\#(text(top + height + 36))" text-anchor="middle">logins</text>"#,
        ]
        for tick in [1.0, 10, 100, 1000, 10_000] {
            parts.append(
                """
                <path d="M\(text(x(tick))) \(text(top))v\(text(height))" stroke="#ddd"/>
                <text x="\(text(x(tick)))" y="\(text(top + height + 18))" text-anchor="middle">\
                \(Int(tick).formatted(.number.locale(Locale(identifier: "en_US"))))</text>
                """)
        }
        for tick in [1.0, 10, 100, 1000] {
            parts.append(
                """
                <path d="M\(text(left)) \(text(y(tick)))h\(text(width))" stroke="#ddd"/>
                <text x="\(text(left - 8))" y="\(text(y(tick) + 4))" text-anchor="end">\
                \(Int(tick))</text>
                """)
        }
        for series in Plot.series {
            let points = report.costs
                .filter {
                    $0.measured.program == series.program && $0.measured.place == series.place
                        && $0.measured.action == action && $0.measured.processes == 1
                }
                .map { (x(Double($0.measured.logins)), y($0.timesNothing.median)) }
            let path = points.map { "\(text($0.0)) \(text($0.1))" }.joined(separator: "L")
            parts.append(#"<path d="M\#(path)" fill="none" \#(stroke(series))/>"#)
            for point in points {
                parts.append(
                    #"<circle cx="\#(text(point.0))" cy="\#(text(point.1))" r="3" fill="\#(series.color)"/>"#
                )
            }
        }
        return parts.joined(separator: "\n")
    }

    private func stroke(_ series: Series) -> String {
        let dashes = series.isOurs ? "" : #" stroke-dasharray="5 3""#
        return #"stroke="\#(series.color)" stroke-width="2"\#(dashes)"#
    }

    /// Where a value lies on a logarithmic axis, from 0 to 1.
    private func place(_ value: Double, in range: ClosedRange<Double>) -> Double {
        log(value / range.lowerBound) / log(range.upperBound / range.lowerBound)
    }

    private func text(_ value: Double) -> String { String(format: "%.1f", value) }
}
