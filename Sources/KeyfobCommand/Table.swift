internal import CPlatform
internal import Credentials

/// A table is rows of text in columns. If the terminal is too narrow, the widest columns are made
/// narrower, and their text continues in the next line.
struct Table {
    let head: [String]
    let rows: [[String]]

    private static let gap = 2
    private static let narrowest = 8

    /// Returns the lines of the table. `width` is the terminal's in columns; if it is nil, every
    /// row is one line.
    func lines(width: Int?) -> [String] {
        let all = [head] + rows.map { $0.map(\.printable) }
        let widths = widths(of: all, atMost: width)
        return all.flatMap { row in
            let cells = zip(row, widths).map { $0.split(every: $1) }
            return (0..<(cells.map(\.count).max() ?? 0)).map { index in
                var line = ""
                var end = 0
                for (column, pieces) in cells.enumerated() {
                    let piece = index < pieces.count ? pieces[index] : ""
                    line += piece
                    end += widths[column] + Table.gap
                    line += String(repeating: " ", count: max(0, end - line.columns))
                }
                while line.last == " " { line.removeLast() }
                return line
            }
        }
    }

    private func widths(of rows: [[String]], atMost width: Int?) -> [Int] {
        var widths = head.indices.map { column in rows.map { $0[column].columns }.max() ?? 0 }
        guard let width else { return widths }
        var excess = widths.reduce(0, +) + Table.gap * (widths.count - 1) - width
        while excess > 0, let widest = widths.max(), widest > Table.narrowest,
            let column = widths.firstIndex(of: widest)
        {
            widths[column] -= 1
            excess -= 1
        }
        return widths
    }
}

extension String {
    /// The number of columns of a terminal that the string takes.
    fileprivate var columns: Int { reduce(0) { $0 + $1.columns } }

    /// Returns the string in pieces of at most `width` columns; an empty string is one piece.
    fileprivate func split(every width: Int) -> [String] {
        var pieces = [""]
        var used = 0
        for character in self {
            let columns = character.columns
            if used + columns > width, used > 0 {
                pieces.append("")
                used = 0
            }
            pieces[pieces.count - 1].append(character)
            used += columns
        }
        return pieces
    }
}

extension Character {
    fileprivate var columns: Int {
        unicodeScalars.map { Int(platform_columns($0.value)) }.max() ?? 0
    }
}
