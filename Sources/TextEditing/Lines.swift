package import Credentials

extension Secret {
    /// The ranges of the lines, each with the line feed that ends it; the last may have none.
    package var lines: [Range<Int>] {
        expose { bytes in
            var lines: [Range<Int>] = []
            var start = 0
            for index in bytes.indices where bytes[index] == 0x0A {
                lines.append(start..<index + 1)
                start = index + 1
            }
            return start < bytes.count ? lines + [start..<bytes.count] : lines
        }
    }
}
