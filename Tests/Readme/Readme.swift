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

    let text: String
    /// In the order in which they stand.
    let blocks: [Block]

    init(beside file: String = #filePath) throws {
        let folder = (file as NSString).deletingLastPathComponent
        text = try String(contentsOfFile: "\(folder)/../../README.md", encoding: .utf8)
        blocks = Readme.blocks(of: text)
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
