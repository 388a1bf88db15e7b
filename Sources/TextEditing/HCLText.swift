package import Credentials

/// An HCL text, of which the blocks that stand in no other are found, and nothing else.
package struct HCLText {
    private let content: Secret

    package init(_ content: Secret) { self.content = content }

    /// The first labels of the blocks of that type, in their order.
    package func labels(of type: String) -> [String] {
        content.expose { bytes in
            var labels: [String] = []
            var (index, depth, words) = (0, 0, [String]())
            func begins(_ text: String) -> Bool {
                let wanted = Array(text.utf8)
                return index + wanted.count <= bytes.count
                    && wanted.indices.allSatisfy { bytes[index + $0] == wanted[$0] }
            }
            func skip(to text: String) {
                while index < bytes.count, !begins(text) { index += 1 }
                index += text.utf8.count
            }
            while index < bytes.count {
                let byte = bytes[index]
                if byte == UInt8(ascii: "#") || begins("//") {
                    skip(to: "\n")
                    words = []
                } else if begins("/*") {
                    skip(to: "*/")
                } else if byte == UInt8(ascii: "\"") {
                    let start = index + 1
                    index += 1
                    while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                        index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
                    }
                    let end = min(index, bytes.count)
                    if depth == 0 {
                        words.append(
                            String(decoding: (start..<end).map { bytes[$0] }, as: UTF8.self))
                    }
                    index += 1
                } else if byte == UInt8(ascii: "{") {
                    if depth == 0, words.count >= 2, words[0] == type { labels.append(words[1]) }
                    depth += 1
                    index += 1
                } else if byte == UInt8(ascii: "}") {
                    depth = max(0, depth - 1)
                    words = []
                    index += 1
                } else if byte == 0x0A {
                    words = []
                    index += 1
                } else if byte > 0x20 {
                    let start = index
                    while index < bytes.count, bytes[index] > 0x20,
                        !"\"{}#".utf8.contains(bytes[index])
                    {
                        index += 1
                    }
                    if depth == 0 {
                        words.append(
                            String(decoding: (start..<index).map { bytes[$0] }, as: UTF8.self))
                    }
                } else {
                    index += 1
                }
            }
            return labels
        }
    }
}
