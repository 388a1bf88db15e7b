import Foundation
import Testing

/// The README as somebody reads it who types what it says.
struct Readme {
    /// A block of code: something to type, or to put into a file.
    struct Block {
        let lines: [String]

        var text: String { lines.map { $0 + "\n" }.joined() }
        /// By which it is known here.
        var firstLine: String { lines[0] }
    }

    /// A table, in which `|` ends a cell and `\|` is a character of it.
    struct Table {
        let head: [String]
        let rows: [[String]]
    }

    let text: String
    /// In the order in which they stand.
    let blocks: [Block]
    let tables: [Table]

    /// The folder of the sources.
    static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "../..").standardized.path

    init() throws {
        text = try String(contentsOfFile: "\(Readme.sources)/README.md", encoding: .utf8)
        blocks = Readme.blocks(of: text)
        tables = Readme.tables(of: text)
    }

    /// The table whose head begins with these cells. Throws if there is none.
    func table(_ head: String...) throws -> Table {
        try #require(tables.first { $0.head.starts(with: head) }, "no table \(head)")
    }

    /// The text between backquotes, in a cell or elsewhere.
    static func commands(in text: String) -> [String] {
        text.matches(of: /`([^`]+)`/).map { String($0.1) }
    }

    private static func tables(of text: String) -> [Table] {
        var tables: [Table] = []
        var rows: [[String]] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("|") {
                let cells = line.replacing("\\|", with: "\0").split(
                    separator: "|", omittingEmptySubsequences: false)
                rows.append(
                    cells.dropFirst().dropLast().map {
                        $0.replacing("\0", with: "|").trimmingCharacters(in: .whitespaces)
                    })
            } else if rows.count > 2 {
                // The second line is the rule.
                tables.append(Table(head: rows[0], rows: Array(rows.dropFirst(2))))
                rows = []
            }
        }
        return tables
    }

    /// The displays of a manual page, a file of `packaging/man`: those between `.Bd -literal` and
    /// `.Ed`, and the lines after `.Dl`.
    static func displays(ofManual page: String) throws -> [Block] {
        let text = try String(
            contentsOfFile: "\(sources)/packaging/man/\(page)", encoding: .utf8)
        var blocks: [Block] = []
        var lines: [String]?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix(".Bd -literal") {
                lines = []
            } else if line == ".Ed", let block = lines {
                blocks.append(Block(lines: block))
                lines = nil
            } else if lines != nil {
                lines?.append(unescaped(line))
            } else if line.hasPrefix(".Dl ") {
                blocks.append(Block(lines: [unescaped(line.dropFirst(4))]))
            }
        }
        return blocks
    }

    private static func unescaped(_ line: Substring) -> String {
        String(line.replacing("\\(dq", with: "\"").replacing("\\&", with: ""))
    }

    /// Those between fences, and those that are indented by four.
    private static func blocks(of text: String) -> [Block] {
        var blocks: [Block] = []
        var lines: [String] = []
        var isFenced = false
        func end() {
            while lines.last == "" { lines.removeLast() }
            if !lines.isEmpty { blocks.append(Block(lines: lines)) }
            lines = []
        }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix("```") {
                end()
                isFenced.toggle()
            } else if isFenced {
                lines.append(line)
            } else if line.hasPrefix("    ") {
                lines.append(String(line.dropFirst(4)))
            } else if line.isEmpty {
                if !lines.isEmpty { lines.append(line) }
            } else {
                end()
            }
        }
        end()
        return blocks
    }
}
