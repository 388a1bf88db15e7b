import Foundation
import Sandbox

/// A transcript is one scenario: what is typed, and what must come back (README.md).
struct Transcript {
    /// What happens at one line of the file.
    enum Step {
        /// A shell command that sets the scene.
        case scene(line: Int, command: String)
        case run(Run)
    }

    /// A shell command and all that must come of it.
    struct Run {
        var line: Int
        var command: String
        var input: [UInt8] = []
        var output: [UInt8] = []
        var errors: [UInt8] = []
        var status: Int32?

        /// Whether it may touch a file: something that changes a store or a client's file, and
        /// succeeds; an import and an export do what they can.
        var mayWrite: Bool {
            let words = Set(command.split(separator: " "))
            let isPartial = !words.isDisjoint(with: ["import", "--plain-text", "--to-helper"])
            return (status == 0 || isPartial) && !words.contains("--dry-run")
                && !words.isDisjoint(with: [
                    "store", "erase", "forget", "login", "logout", "import", "export", "setup",
                    "move", "passphrase", "backup", "restore", "uninstall",
                    // Its requests are in its input.
                    "cargo-credential-keyfob",
                ])
        }
    }

    struct SyntaxError: Error, CustomStringConvertible {
        let description: String
    }

    let name: String
    let text: String

    /// All files of a folder beside this one.
    static func all(of folder: String, beside file: String = #filePath) -> [Transcript] {
        let path = URL(fileURLWithPath: file).deletingLastPathComponent()
            .appendingPathComponent(folder).path
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { $0.hasSuffix(".txt") }.sorted().map { name in
            let content = FileManager.default.contents(atPath: "\(path)/\(name)")
            return Transcript(
                name: "\(folder)/\(name)", text: String(decoding: content ?? Data(), as: UTF8.self))
        }
    }

    func steps() throws -> [Step] {
        var steps: [Step] = []
        var run: Run?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let number = index + 1
            if line.isEmpty || line.hasPrefix("#") { continue }
            let (mark, rest) = Transcript.split(line)
            switch (mark, run) {
            case ("!", nil):
                steps.append(.scene(line: number, command: String(rest)))
            case ("$", nil):
                run = Run(line: number, command: String(rest))
            case ("?", var finished?):
                finished.status = Int32(rest)
                steps.append(.run(finished))
                run = nil
            case (_, var unfinished?):
                let isInput = mark.hasPrefix("<")
                let words = isInput ? rest : Substring(Sentence.expanding(rest))
                let piece = try Transcript.piece(mark: mark, words, at: number)
                switch mark.prefix(while: { $0 == "2" || $0 == "<" || $0 == ">" }) {
                case "<": unfinished.input += piece
                case ">": unfinished.output += piece
                case "2>": unfinished.errors += piece
                default: throw SyntaxError(description: "\(name):\(number): unknown mark")
                }
                run = unfinished
            default:
                throw SyntaxError(description: "\(name):\(number): not within a step")
            }
        }
        guard run == nil else { throw SyntaxError(description: "\(name): a step has no end") }
        return steps
    }

    /// The mark before the first space, and what follows the space.
    private static func split(_ line: Substring) -> (mark: Substring, rest: Substring) {
        guard let space = line.firstIndex(of: " ") else { return (line, "") }
        return (line[..<space], line[line.index(after: space)...])
    }

    private static func piece(
        mark: Substring, _ text: Substring, at line: Int
    ) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "n"): bytes.append(0x0A)
            case UInt8(ascii: "r"): bytes.append(0x0D)
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "e"): bytes.append(0x1B)
            case UInt8(ascii: "0"): bytes.append(0x00)
            case UInt8(ascii: "\\"): bytes.append(0x5C)
            case UInt8(ascii: "x"):
                let digits = String(decoding: rest.prefix(2), as: UTF8.self)
                guard let byte = UInt8(digits, radix: 16), digits.utf8.count == 2 else {
                    throw SyntaxError(description: "line \(line): \\x wants two digits")
                }
                bytes.append(byte)
                rest = rest.dropFirst(2)
            default: throw SyntaxError(description: "line \(line): unknown escape")
            }
        }
        guard let dash = mark.firstIndex(of: "-") else { return bytes + [0x0A] }
        let times = mark[mark.index(after: dash)...]
        if times.isEmpty { return bytes }
        guard times.first == "*", let count = Int(times.dropFirst()) else {
            throw SyntaxError(description: "line \(line): unknown mark")
        }
        return Array(repeatElement(bytes, count: count).joined())
    }
}
