/// A secret: bytes in memory that is locked, left out of core dumps, and wiped when the last secret
/// in it is gone (`SecretMemory`).
///
/// It is never a `String`, never printed, and compared in constant time. The one way to its bytes
/// is `expose`, so that `grep expose` lists every place where a secret is in the open.
///
/// Locking is asked for and not insisted on: `RLIMIT_MEMLOCK` may be small, and a login that
/// works comes first.
package struct Secret: Sendable {
    private let memory: SecretMemory
    private let range: Range<Int>

    package static let empty = Secret(capacity: 0) { _ in }

    /// A secret of at most `capacity` bytes, which `body` appends. If it throws, the memory is wiped.
    package init<E: Error>(
        capacity: Int, filledBy body: (inout OutputSpan<UInt8>) throws(E) -> Void
    ) throws(E) {
        memory = SecretMemory(count: capacity)
        range = 0..<(try memory.fill(body))
    }

    /// A secret that is a copy of these bytes. The caller wipes its own.
    package init(copying bytes: Span<UInt8>) {
        self.init(capacity: bytes.count) { $0.append(bytes) }
    }

    /// The secrets one after the other, in memory of their own.
    package init(joining parts: [Secret]) {
        self.init(capacity: parts.reduce(0) { $0 + $1.count }) { output in
            for part in parts { output.append(part) }
        }
    }

    /// A part of the secret, in the same memory.
    package subscript(part: Range<Int>) -> Secret {
        precondition(part.lowerBound >= 0 && part.upperBound <= count, "a part lies within")
        return Secret(
            memory: memory,
            range: range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound)
    }

    package var count: Int { range.count }

    package var isEmpty: Bool { range.isEmpty }

    /// The secret in the open: what `body` does with the bytes is its own responsibility.
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
                unsafe (memory.baseAddress! + count).initialize(from: source, count: bytes.count)
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
    /// A text that is no secret, to stand beside one or to be answered as one is.
    package var secret: Secret { Secret(copying: Array(utf8).span) }
}

extension Secret: Equatable {
    /// Takes the same time wherever the first difference is; only the lengths are not hidden.
    package static func == (left: Secret, right: Secret) -> Bool {
        guard left.count == right.count else { return false }
        return left.expose { left in
            right.expose { right in
                var difference: UInt8 = 0
                for index in left.indices { difference |= left[index] ^ right[index] }
                return difference == 0
            }
        }
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
