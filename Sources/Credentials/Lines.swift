extension Secret {
    /// The ranges of the lines, each with the line feed that ends it; the last line may have none.
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

    /// The secret without the line feed, or the carriage return and line feed, at its end.
    package var withoutLineEnd: Secret {
        let end = expose { bytes in
            var end = bytes.count
            if end > 0, bytes[end - 1] == 0x0A { end -= 1 }
            if end > 0, bytes[end - 1] == 0x0D { end -= 1 }
            return end
        }
        return self[0..<end]
    }
}
