internal import Credentials

extension FileFormat {
    /// A cursor reads one field after the other and never beyond its end.
    struct Cursor {
        private(set) var rest: Range<Int>

        init(_ range: Range<Int>) { rest = range }

        var isAtEnd: Bool { rest.isEmpty }

        /// Returns the range of the next `count` bytes.
        @inline(__always)
        mutating func range(_ count: Int) throws(Fault) -> Range<Int> {
            guard count <= rest.count else { throw .damaged("a length is too large") }
            let range = rest.lowerBound..<rest.lowerBound + count
            rest = range.upperBound..<rest.upperBound
            return range
        }

        mutating func bytes(_ count: Int, in bytes: Span<UInt8>) throws(Fault) -> [UInt8] {
            try range(count).map { bytes[$0] }
        }

        @inline(__always)
        mutating func integer<Number: FixedWidthInteger & BitwiseCopyable>(
            in bytes: Span<UInt8>
        ) throws(Fault) -> Number {
            let range = try range(MemoryLayout<Number>.size)
            return unsafe Number(
                littleEndian: bytes.bytes.unsafeLoadUnaligned(
                    fromByteOffset: range.lowerBound, as: Number.self))
        }

        @inline(__always)
        mutating func length(in bytes: Span<UInt8>) throws(Fault) -> Int {
            let length: UInt32 = try integer(in: bytes)
            return Int(length)
        }

        /// Reads a text. If it equals a given one, the result is that one, and shares its memory.
        mutating func text(
            in bytes: Span<UInt8>, like known: Text? = nil, _ other: Text? = nil
        ) throws(Fault) -> Text {
            let text = bytes.extracting(try range(try length(in: bytes)))
            if let known, text.isEqual(to: known.bytes.span) { return known }
            if let other, text.isEqual(to: other.bytes.span) { return other }
            guard let text = Text(validating: text) else { throw .notUTF8 }
            return text
        }

        /// Reads a name. If it equals the given one, the result is that one, and shares its memory.
        mutating func name(
            in bytes: Span<UInt8>, like known: String? = nil
        ) throws(Fault) -> String {
            let length: UInt8 = try integer(in: bytes)
            let name = bytes.extracting(try range(Int(length)))
            if let known, name.isEqual(to: known.utf8.span) { return known }
            guard let name = String(validating: name) else { throw .notUTF8 }
            return name
        }
    }
}

extension FileFormat.Fault {
    fileprivate static let notUTF8 = FileFormat.Fault.damaged("a text is not UTF-8")
}

extension OutputSpan<UInt8> {
    mutating func append(integer: some FixedWidthInteger & BitwiseCopyable) {
        let size = MemoryLayout.size(ofValue: integer)
        precondition(size <= freeCapacity, "the integer fits")
        unsafe withUnsafeMutableBufferPointer { memory, count in
            unsafe UnsafeMutableRawPointer(memory.baseAddress! + count)
                .storeBytes(of: integer.littleEndian, as: type(of: integer))
            count += size
        }
    }
}

extension [UInt8] {
    mutating func append(name: String) {
        append(UInt8(name.utf8.count))
        append(contentsOf: name.utf8)
    }

    mutating func append(text: Text) {
        append(integer: UInt32(text.bytes.count))
        append(contentsOf: text.bytes)
    }

    mutating func append(integer: some FixedWidthInteger) {
        unsafe Swift.withUnsafeBytes(of: integer.littleEndian) { unsafe append(contentsOf: $0) }
    }
}
