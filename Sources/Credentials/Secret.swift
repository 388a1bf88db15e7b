internal import CLibc

/// A secret is bytes in memory that is locked, left out of core dumps, and wiped when no secret
/// uses it any more (`SecretMemory`).
///
/// It is never a `String`, never printed, and compared in constant time. The only access to its
/// bytes is `expose`, so that `grep expose` lists every place that reads a secret.
///
/// A failure to lock the memory is ignored: `RLIMIT_MEMLOCK` may be small, and a login that works
/// is more important.
package struct Secret: Sendable {
    private let memory: SecretMemory
    private let range: Range<Int>

    package static let empty = Secret(capacity: 0) { _ in }

    /// A secret of at most `capacity` bytes, which `body` appends. If it throws, the memory is
    /// wiped.
    ///
    /// If `isSealed`, the bytes are encrypted, so that large memory is neither locked nor wiped.
    package init<E: Error>(
        capacity: Int, isSealed: Bool = false,
        filledBy body: (inout OutputSpan<UInt8>) throws(E) -> Void
    ) throws(E) {
        memory = SecretMemory(count: capacity, isSealed: isSealed)
        range = 0..<(try memory.fill(body))
    }

    /// A secret that is a copy of these bytes. The caller must wipe the original.
    package init(copying bytes: Span<UInt8>) {
        self.init(capacity: bytes.count) { $0.append(bytes) }
    }

    /// Joins the secrets, one after the other, in memory of their own.
    package init(joining parts: [Secret]) {
        self.init(capacity: parts.reduce(0) { $0 + $1.count }) { output in
            for part in parts { output.append(part) }
        }
    }

    /// Returns a part of the secret, in the same memory.
    package subscript(part: Range<Int>) -> Secret {
        precondition(part.lowerBound >= 0 && part.upperBound <= count, "a part lies within")
        return Secret(
            memory: memory,
            range: range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound)
    }

    package var count: Int { range.count }

    package var isEmpty: Bool { range.isEmpty }

    /// Calls `body` with the bytes of the secret, which must not keep a copy that is not wiped.
    package func expose<Result, E: Error>(
        _ body: (Span<UInt8>) throws(E) -> Result
    ) throws(E) -> Result {
        try memory.read(range, body)
    }

    private init(memory: SecretMemory, range: Range<Int>) {
        self.memory = memory
        self.range = range
    }
}

extension OutputSpan<UInt8> {
    package mutating func append(_ bytes: Span<UInt8>) {
        precondition(bytes.count <= freeCapacity, "the bytes fit")
        unsafe withUnsafeMutableBufferPointer { memory, count in
            unsafe bytes.withUnsafeBufferPointer { bytes in
                guard let source = bytes.baseAddress else { return }
                unsafe memcpy(memory.baseAddress! + count, source, bytes.count)
                count += bytes.count
            }
        }
    }

    package mutating func append(_ secret: Secret) { secret.expose { append($0) } }

    package mutating func append(_ text: StaticString) {
        for index in 0..<text.utf8CodeUnitCount { append(unsafe text.utf8Start[index]) }
    }
}

extension String {
    /// The text, which is not secret, as a value that can be joined or compared with secrets.
    package var secret: Secret { Secret(copying: Array(utf8).span) }
}

extension Text {
    /// The text, which is not secret, in the same way.
    package var secret: Secret { Secret(copying: bytes.span) }
}

extension Secret: Equatable {
    /// Takes the same time wherever the first difference is. Only a difference in length is not
    /// hidden.
    package static func == (left: Secret, right: Secret) -> Bool {
        guard left.count == right.count else { return false }
        return left.expose { left in right.expose { hasSameBytes(left, $0) } }
    }

    private static func hasSameBytes(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible {
    package var description: String { "(secret)" }
    package var debugDescription: String { "(secret)" }
}

#if !hasFeature(Embedded)
extension Secret: CustomReflectable {
    package var customMirror: Mirror { Mirror(self, children: []) }
}
#endif
