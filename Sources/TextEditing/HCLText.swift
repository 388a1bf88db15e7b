package import Credentials

/// An HCL text and its top-level blocks; nothing else in it is parsed.
package struct HCLText {
    package let content: Secret
    package let blocks: [Block]

    package struct Block {
        /// The block's type, then its labels.
        package let words: [String]
        /// The range from its type to its last brace.
        package let range: Range<Int>
        /// The range between its braces.
        package let inner: Range<Int>
        /// The tokens between its braces, without those of inner blocks.
        fileprivate let tokens: [Scanner.Token]
    }

    package init(_ content: Secret) {
        self.content = content
        blocks = content.expose { Scanner.blocks($0) }
    }

    /// Returns the value of an attribute of a block; nil if it is not a plain string without
    /// escapes and templates.
    package func string(_ name: String, of block: Block) -> Secret? {
        let tokens = block.tokens
        func holds(_ text: String, _ token: Scanner.Token) -> Bool {
            content[token.range].count == text.utf8.count && content[token.range].hasPrefix(text)
        }
        guard
            let index = tokens.firstIndex(where: {
                $0.kind == .word && holds(name, $0)
            }), index + 2 < tokens.count, holds("=", tokens[index + 1]),
            tokens[index + 2].kind == .string
        else { return nil }
        let value = content[tokens[index + 2].range]
        return value.contains(UInt8(ascii: "\\")) || value.contains(UInt8(ascii: "$")) ? nil : value
    }

    /// Returns the range of the block's whole lines if nothing else is on them, else that of the
    /// block.
    package func lines(of block: Block) -> Range<Int> {
        let before = content[0..<block.range.lowerBound]
        let start = before.last { $0 != 0x20 && $0 != 0x09 }.map { $0 + 1 } ?? 0
        let end = content.first(from: block.range.upperBound) { $0 > 0x20 || $0 == 0x0A }
        guard start == 0 || content[0..<start].ends(with: 0x0A),
            end.map({ content[$0..<$0 + 1].ends(with: 0x0A) }) ?? true
        else { return block.range }
        return start..<(end.map { $0 + 1 } ?? content.count)
    }
}

/// The scanner finds words, strings and braces, and skips comments.
private struct Scanner {
    var position: Int
    var depth = 0
    private let end: Int

    init(position: Int, end: Int) {
        self.position = position
        self.end = end
    }

    struct Token {
        enum Kind {
            case word, string, open, close, line
        }

        let kind: Kind
        /// The range of the token; of a string without its quotes.
        let range: Range<Int>
    }

    static func blocks(_ bytes: Span<UInt8>) -> [HCLText.Block] {
        var scanner = Scanner(position: 0, end: bytes.count)
        var blocks: [HCLText.Block] = []
        var words: [Range<Int>] = []
        var open: (words: [Range<Int>], start: Int)?
        var tokens: [Token] = []
        while let token = scanner.next(bytes) {
            if scanner.depth == 1, token.kind != .open { tokens.append(token) }
            switch token.kind {
            case .word, .string: if scanner.depth == 0 { words.append(token.range) }
            case .line: if scanner.depth == 0 { words = [] }
            case .open:
                if scanner.depth == 1 { (open, tokens) = ((words, token.range.upperBound), []) }
            case .close:
                guard scanner.depth == 0 else { continue }
                if let block = open, let first = block.words.first {
                    blocks.append(
                        HCLText.Block(
                            words: block.words.map { range in
                                String(decoding: range.map { bytes[$0] }, as: UTF8.self)
                            },
                            range: first.lowerBound..<token.range.upperBound,
                            inner: block.start..<token.range.lowerBound, tokens: tokens))
                }
                (words, open) = ([], nil)
            }
        }
        return blocks
    }

    mutating func next(_ bytes: Span<UInt8>) -> Token? {
        while position < end {
            let (start, byte) = (position, bytes[position])
            if byte == UInt8(ascii: "#") || bytes.begins("//", at: position, end) {
                while position < end, bytes[position] != 0x0A { position += 1 }
            } else if bytes.begins("/*", at: position, end) {
                position += 2
                while position < end, !bytes.begins("*/", at: position, end) { position += 1 }
                position = min(end, position + 2)
            } else if byte == UInt8(ascii: "\"") {
                position += 1
                while position < end, bytes[position] != byte {
                    position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
                }
                position = min(position, end)
                defer { position = min(position + 1, end) }
                return Token(kind: .string, range: start + 1..<max(start + 1, position))
            } else if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}") {
                position += 1
                let opens = byte == UInt8(ascii: "{")
                depth = opens ? depth + 1 : max(0, depth - 1)
                return Token(kind: opens ? .open : .close, range: start..<position)
            } else if byte == 0x0A {
                position += 1
                return Token(kind: .line, range: start..<position)
            } else if byte == UInt8(ascii: "=") {
                position += 1
                return Token(kind: .word, range: start..<position)
            } else if byte > 0x20 {
                while position < end, bytes[position] > 0x20,
                    !"\"{}#=".utf8.contains(bytes[position])
                {
                    position += 1
                }
                return Token(kind: .word, range: start..<position)
            } else {
                position += 1
            }
        }
        return nil
    }
}

extension Span<UInt8> {
    fileprivate func begins(_ text: String, at position: Int, _ end: Int) -> Bool {
        position + text.utf8.count <= end
            && zip(position..., text.utf8).allSatisfy { self[$0] == $1 }
    }
}
