internal import Credentials

/// A table is rows of text in columns, as wide as what is in them, or as the terminal is.
struct Table {
    let head: [String]
    let rows: [[String]]
    /// The column that is cut where the terminal is too narrow for all.
    let flexible: Int

    private static let gap = 2
    private static let narrowest = 12

    /// The lines of the table; `width` is the terminal's, nil where there is none and nothing is
    /// cut.
    func lines(width: Int?) -> [String] {
        let all = [head] + rows.map { $0.map(\.printable) }
        var widths = head.indices.map { column in all.map { $0[column].columns }.max() ?? 0 }
        if let width {
            let total = widths.reduce(0, +) + Table.gap * (widths.count - 1)
            let most = max(Table.narrowest, widths[flexible] - max(0, total - width))
            widths[flexible] = min(widths[flexible], most)
        }
        return all.map { row in
            let cells = row.indices.map { row[$0].padded(to: widths[$0]) }
            var line = cells.joined(separator: String(repeating: " ", count: Table.gap))
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}

extension String {
    /// How many columns it takes, if none of its characters is a wide one.
    fileprivate var columns: Int { count }

    fileprivate func padded(to width: Int) -> String {
        if columns > width { return prefix(width - 1) + "…" }
        return self + String(repeating: " ", count: width - columns)
    }
}
