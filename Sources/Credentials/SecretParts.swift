/// Positions and parts of a secret, found without its bytes leaving it.
///
/// A predicate is given each byte, and must not keep it. `publicBytes` and `publicString` copy what
/// the caller knows not to be confidential.
extension Secret {
    /// The index of the first byte at or after `start` that satisfies the predicate; nil if there
    /// is none.
    package func first(from start: Int = 0, where matches: (UInt8) -> Bool) -> Int? {
        expose { bytes in (start..<max(start, bytes.count)).first { matches(bytes[$0]) } }
    }

    /// The index of the last byte that satisfies the predicate; nil if there is none.
    package func last(where matches: (UInt8) -> Bool) -> Int? {
        expose { bytes in bytes.indices.last { matches(bytes[$0]) } }
    }

    package func contains(where matches: (UInt8) -> Bool) -> Bool { first(where: matches) != nil }

    package func contains(_ byte: UInt8) -> Bool { contains { $0 == byte } }

    /// True if every byte satisfies the predicate.
    package func allSatisfy(_ matches: (UInt8) -> Bool) -> Bool { !contains { !matches($0) } }

    package func ends(with byte: UInt8) -> Bool {
        !isEmpty && first(from: count - 1) { $0 == byte } != nil
    }

    /// True if these bytes stand at `start`.
    package func holds(_ text: [UInt8], at start: Int = 0) -> Bool {
        guard start + text.count <= count else { return false }
        var rest = text[...]
        return self[start..<start + text.count].allSatisfy { $0 == rest.removeFirst() }
    }

    package func hasPrefix(_ text: String) -> Bool { holds(Array(text.utf8)) }

    /// The bytes that `body` appends for each byte: in all, at most `growth` for each byte so far.
    /// `body` is called once more, with nil, at the end.
    package init(
        converting secret: Secret, growth: Int,
        _ body: (UInt8?, inout OutputSpan<UInt8>) -> Void
    ) {
        self.init(capacity: (secret.count + 1) * growth) { output in
            secret.expose { bytes in
                for index in bytes.indices { body(bytes[index], &output) }
            }
            body(nil, &output)
        }
    }

    package var isUTF8: Bool { expose { (try? UTF8Span(validating: $0)) != nil } }

    /// A copy of bytes that are not confidential.
    package var publicBytes: [UInt8] { expose { bytes in bytes.indices.map { bytes[$0] } } }

    /// A copy of text that is not confidential. Bytes that are not UTF-8 are replaced.
    package var publicString: String { String(decoding: publicBytes, as: UTF8.self) }

    /// The same without the white space and control characters at its ends.
    package var trimmed: Secret {
        guard let first = first(where: { $0 > 0x20 }), let last = last(where: { $0 > 0x20 }) else {
            return self[0..<0]
        }
        return self[first..<last + 1]
    }

    /// The ranges of the lines, each with the line feed that ends it; the last may have none.
    package var lines: [Range<Int>] {
        var lines: [Range<Int>] = []
        var start = 0
        while start < count {
            let end = first(from: start) { $0 == 0x0A }.map { $0 + 1 } ?? count
            lines.append(start..<end)
            start = end
        }
        return lines
    }

    /// The same without the line feed at its end, or the carriage return and line feed.
    package var withoutLineEnd: Secret {
        let end = ends(with: 0x0A) ? count - 1 : count
        return self[0..<(self[0..<end].ends(with: 0x0D) ? end - 1 : end)]
    }

    /// The first line that is not blank, without white space at its ends, as a copy: it must not be
    /// confidential.
    package var publicFirstLine: String {
        let text = trimmed
        return text.lines.first.map { text[$0].trimmed.publicString } ?? ""
    }
}
