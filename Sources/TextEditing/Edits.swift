package import Credentials

/// Edits are what is cut out of a text and what is put there instead; all else stays, byte for
/// byte.
package struct Edits {
    private struct Edit {
        let range: Range<Int>
        let replacement: Secret
    }

    private var edits: [Edit] = []

    package init() {}

    package var isEmpty: Bool { edits.isEmpty }

    /// The ranges of several replacements do not overlap.
    package mutating func replace(_ range: Range<Int>, with replacement: String = "") {
        replace(range, with: replacement.secret)
    }

    package mutating func replace(_ range: Range<Int>, with replacement: Secret) {
        edits.append(Edit(range: range, replacement: replacement))
    }

    /// Cuts those of the items of a list out that are at these indices, with the commas that
    /// belong to them. `items` are their ranges, and `inner` is what lies between the brackets.
    package mutating func cut(_ indices: Set<Int>, of items: [Range<Int>], within inner: Range<Int>)
    {
        for range in Edits.cuts(indices, of: items, within: inner) { replace(range) }
    }

    /// What `cut` cuts.
    package static func cuts(
        _ indices: Set<Int>, of items: [Range<Int>], within inner: Range<Int>
    ) -> [Range<Int>] {
        guard let firstKept = items.indices.first(where: { !indices.contains($0) }) else {
            return items.isEmpty ? [] : [inner]
        }
        // Up to the next item where there is none kept before; else from the one before.
        return indices.map { index in
            index < firstKept
                ? items[index].lowerBound..<items[index + 1].lowerBound
                : items[index - 1].upperBound..<items[index].upperBound
        }
    }

    /// The text with all of them made.
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
