package import Credentials

/// A splice is one change of a text: a range, and the text that replaces it.
package struct Splice: Hashable, Sendable {
    /// The replaced range, in the text before the change.
    package let range: Range<Int>
    /// The text that replaces it.
    package let inserted: String

    package init(_ range: Range<Int>, _ inserted: String) {
        self.range = range
        self.inserted = inserted
    }

    /// Adds lines at the end of the text.
    package init(_ lines: String, atEndOf text: Secret?) {
        let count = text?.count ?? 0
        let isAtLine = count == 0 || text?.ends(with: 0x0A) == true
        self.init(count..<count, (isAtLine ? "" : "\n") + lines)
    }

    /// Returns the text that it removes. It is configuration, and not secret.
    package func removed(from text: Secret?) -> String {
        text?[range].publicString ?? ""
    }

    package func applied(to text: Secret?) -> Secret {
        var edits = Edits()
        edits.replace(range, with: inserted)
        return edits.applied(to: text ?? .empty)
    }

    /// Returns the splice that replaces `inserted` with `removed`: at `start`, else at its only
    /// occurrence. Nil if there is none, or if there are several and none is at `start`.
    ///
    /// The header of a section stays if the section has other lines since.
    package static func undoing(
        _ inserted: String, _ removed: String, at start: Int? = nil, in text: Secret
    ) -> Splice? {
        let wanted = Array(inserted.utf8)
        guard !wanted.isEmpty else { return nil }
        let places = (0..<text.count).filter { text.holds(wanted, at: $0) }
        let only = places.count == 1 ? places[0] : nil
        let header = lastHeader(of: wanted)
        guard let place = places.first(where: { $0 == start }) ?? only else {
            // The other lines may be between the header and those of the setup.
            guard !header.isEmpty, wanted.starts(with: header) else { return nil }
            return undoing(
                String(decoding: wanted[header.count...], as: UTF8.self), removed, in: text)
        }
        let end = place + wanted.count
        let next = text[end..<text.count].lines.lazy.map { text[end..<text.count][$0].trimmed }
            .first { line in !line.isEmpty && !["#", ";"].contains(where: line.hasPrefix) }
        let isGoingOn = next.map { !$0.hasPrefix("[") } ?? false
        return Splice(
            place..<end, removed + (isGoingOn ? String(decoding: header, as: UTF8.self) : ""))
    }

    /// Returns the last line that begins with a bracket, and the ends of lines before all of them.
    private static func lastHeader(of lines: [UInt8]) -> [UInt8] {
        let all = lines.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard let header = all.last(where: { $0.first == UInt8(ascii: "[") }) else { return [] }
        return lines.prefix { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
            + header + [UInt8(ascii: "\n")]
    }
}
