package import Credentials

/// Edits are replacements of ranges of a text. Every other byte is kept.
package struct Edits {
    private struct Edit {
        let range: Range<Int>
        let replacement: Secret
    }

    private var edits: [Edit] = []

    package init() {}

    package var isEmpty: Bool { edits.isEmpty }

    /// Adds a replacement. The ranges of several ones must not overlap.
    package mutating func replace(_ range: Range<Int>, with replacement: String = "") {
        replace(range, with: replacement.secret)
    }

    package mutating func replace(_ range: Range<Int>, with replacement: Secret) {
        edits.append(Edit(range: range, replacement: replacement))
    }

    /// Cuts the items at these indices out of a list, with their commas. `items` are the ranges of
    /// all items, and `inner` is the range between the brackets.
    package mutating func cut(_ indices: Set<Int>, of items: [Range<Int>], within inner: Range<Int>)
    {
        for range in Edits.cuts(indices, of: items, within: inner) { replace(range) }
    }

    /// Returns the ranges that `cut` cuts.
    package static func cuts(
        _ indices: Set<Int>, of items: [Range<Int>], within inner: Range<Int>
    ) -> [Range<Int>] {
        guard let firstKept = items.indices.first(where: { !indices.contains($0) }) else {
            return items.isEmpty ? [] : [inner]
        }
        // If no earlier item is kept, the cut ends at the next item; else it begins at the end of
        // the one before.
        return indices.map { index in
            index < firstKept
                ? items[index].lowerBound..<items[index + 1].lowerBound
                : items[index - 1].upperBound..<items[index].upperBound
        }
    }

    /// Returns the text with all edits made.
    package func applied(to text: Secret) -> Secret {
        let ordered = edits.sorted { $0.range.lowerBound < $1.range.lowerBound }
        let capacity = ordered.reduce(text.count) { $0 + $1.replacement.count }
        return Secret(capacity: capacity) { output in
            var read = 0
            for edit in ordered {
                output.append(text[read..<edit.range.lowerBound])
                output.append(edit.replacement)
                read = edit.range.upperBound
            }
            output.append(text[read..<text.count])
        }
    }
}
