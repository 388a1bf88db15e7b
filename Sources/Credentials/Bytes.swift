internal import CLibc

/// Searches and compares bytes in place, with the C library. Swift's own loops take ten times as
/// many instructions, which was most of the time of listing many logins.
extension Span<UInt8> {
    /// Returns true if one of the bytes has this value.
    package func contains(_ byte: UInt8) -> Bool {
        unsafe withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return false }
            return unsafe memchr(start, Int32(byte), bytes.count) != nil
        }
    }

    /// Returns less than 0, 0 or more than 0 if these bytes come before the others, are the same or
    /// come after them.
    package func order(to other: Span<UInt8>) -> Int {
        let common = Swift.min(count, other.count)
        let order = unsafe withUnsafeBytes { left in
            unsafe other.withUnsafeBytes { right in
                guard let left = left.baseAddress, let right = right.baseAddress else { return 0 }
                return unsafe Int(memcmp(left, right, common))
            }
        }
        return order == 0 ? count - other.count : order
    }

    package func isEqual(to other: Span<UInt8>) -> Bool {
        count == other.count && order(to: other) == 0
    }
}
