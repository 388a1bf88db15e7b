/// A place is what a login is for, in normal form: two logins are for the same thing exactly if
/// their places are equal.
package struct Place: Hashable, Sendable {
    package let schema: Schema
    /// The values of the schema's `placeNames`, in that order; nil for one that is absent.
    package let parts: [Text?]

    /// The place as bytes, which differ for every two places: the schema's name, then each part,
    /// each as its length (four bytes, little endian; all ones for an absent part) and its bytes.
    package var encoded: [UInt8] {
        var bytes: [UInt8] = []
        for part in [Array(schema.rawValue.utf8)] + parts.map({ $0?.bytes }) {
            let length = part.map { UInt32($0.count) } ?? UInt32.max
            for shift in stride(from: 0, to: 32, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: length >> shift))
            }
            bytes += part ?? []
        }
        return bytes
    }
}
