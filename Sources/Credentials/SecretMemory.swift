import CLibc

/// The memory of a secret: locked, left out of core dumps, zero when it is given out and wiped when
/// it is released. It is written once, by the initialiser of `Secret`, and only read after that.
///
/// A small secret shares its pages with others of about its size (`SecretPool`). One mapping for
/// each secret would reach the kernel's limit of 65,530 (vm.max_map_count), since a client's file
/// may hold more logins. From `leastLarge` bytes on, a secret is in large pages.
@safe
final class SecretMemory: @unchecked Sendable {
    private let start: UnsafeMutablePointer<UInt8>
    private let count: Int
    private let isSealed: Bool

    /// Aborts the process if there is no memory, with the last words that `platform_harden`
    /// describes. If `isSealed`, memory that is not of the pool is neither locked nor wiped.
    init(count: Int, isSealed: Bool) {
        self.count = count
        self.isSealed = isSealed
        unsafe start =
            count <= SecretPool.largest
            ? SecretPool.shared.take(count)
            : mapPages(SecretMemory.wholePages(count), isLocked: !isSealed)
    }

    deinit {
        if count <= SecretPool.largest {
            unsafe SecretPool.shared.release(start, count)
        } else {
            if !isSealed { unsafe explicit_bzero(start, count) }
            unsafe munmap(start, SecretMemory.wholePages(count))
        }
    }

    func read<Result, E: Error>(
        _ range: Range<Int>, _ body: (Span<UInt8>) throws(E) -> Result
    ) throws(E) -> Result {
        let span = unsafe Span(
            _unsafeStart: UnsafePointer(start + range.lowerBound), count: range.count)
        return try body(span)
    }

    /// Returns the number of bytes that `body` has appended.
    func fill<E: Error>(
        _ body: (inout OutputSpan<UInt8>) throws(E) -> Void
    ) throws(E) -> Int {
        let memory = unsafe UnsafeMutableBufferPointer(start: start, count: count)
        var output = unsafe OutputSpan(buffer: memory, initializedCount: 0)
        try body(&output)
        return unsafe output.finalize(for: memory)
    }

    private static func wholePages(_ count: Int) -> Int {
        let page = count < leastLarge ? Int(getpagesize()) : Int(libc_large_page)
        return (count + page - 1) / page * page
    }

    /// The kernel clears one large page in the time in which it maps 100 to 200 small ones.
    fileprivate static let leastLarge = 1 << 20
}

/// The pool of small secrets: pages that are cut into pieces, each block of pages into pieces of
/// one size, a power of two. Pieces are used again; pages are kept until the process ends. Any
/// thread may use it.
@safe
private final class SecretPool: @unchecked Sendable {
    static let shared = SecretPool()

    /// The longest secret that the pool takes, in bytes.
    static let largest = 1 << largestExponent

    /// A piece is large enough for the link of the list of free pieces.
    private static let smallestExponent = 4
    private static let largestExponent = 11
    /// The most bytes that are mapped at once. Blocks grow up to it, so that a process with few
    /// secrets locks few pages.
    private static let largestBlock = 1 << 18

    /// The pieces of one size.
    @safe
    private struct Pieces {
        /// The first free piece, which begins with the address of the next.
        var free: UnsafeMutableRawPointer?
        /// The part of the newest block that was never given out.
        var rest: UnsafeMutablePointer<UInt8>?
        var restCount = 0
        var nextBlock: Int
    }

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var pieces: [Pieces]

    private init() {
        unsafe pthread_mutex_init(mutex, nil)
        let page = Int(getpagesize())
        pieces = (SecretPool.smallestExponent...SecretPool.largestExponent).map { _ in
            unsafe Pieces(nextBlock: page)
        }
    }

    /// Returns memory of at least this many bytes, all zero.
    func take(_ count: Int) -> UnsafeMutablePointer<UInt8> {
        let (index, size) = SecretPool.kind(of: count)
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        if let piece = unsafe pieces[index].free {
            unsafe pieces[index].free = piece.load(as: UnsafeMutableRawPointer?.self)
            unsafe piece.storeBytes(of: nil, as: UnsafeMutableRawPointer?.self)
            return unsafe piece.assumingMemoryBound(to: UInt8.self)
        }
        if pieces[index].restCount == 0 {
            let block = pieces[index].nextBlock
            unsafe pieces[index].rest = mapPages(block, isLocked: true)
            pieces[index].restCount = block / size
            pieces[index].nextBlock = min(2 * block, max(block, SecretPool.largestBlock))
        }
        let piece = unsafe pieces[index].rest!
        unsafe pieces[index].rest = piece + size
        pieces[index].restCount -= 1
        return unsafe piece
    }

    /// Wipes memory that `take` returned for this many bytes, and takes it back.
    func release(_ start: UnsafeMutablePointer<UInt8>, _ count: Int) {
        unsafe explicit_bzero(start, count)
        let (index, _) = SecretPool.kind(of: count)
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        let piece = UnsafeMutableRawPointer(start)
        unsafe piece.storeBytes(of: pieces[index].free, as: UnsafeMutableRawPointer?.self)
        unsafe pieces[index].free = unsafe piece
    }

    /// Returns the pieces that so many bytes fit in: their index, and the length of each.
    private static func kind(of count: Int) -> (index: Int, size: Int) {
        let bits = Int.bitWidth - max(count - 1, 0).leadingZeroBitCount
        let exponent = max(bits, smallestExponent)
        return (exponent - smallestExponent, 1 << exponent)
    }
}

/// Returns pages that are left out of core dumps, and, if `isLocked`, locked as far as the limit
/// (RLIMIT_MEMLOCK) allows it. The count must be one of whole pages, large ones from `leastLarge`
/// on.
private func mapPages(_ count: Int, isLocked: Bool) -> UnsafeMutablePointer<UInt8> {
    let isLarge = count >= SecretMemory.leastLarge
    guard let pages = unsafe isLarge ? libc_map_large(count) : libc_map(count) else { abort() }
    if isLocked { _ = unsafe mlock(pages, count) }
    _ = unsafe madvise(pages, count, Int32(MADV_DONTDUMP))
    return unsafe pages.assumingMemoryBound(to: UInt8.self)
}
