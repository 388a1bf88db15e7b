internal import CPlatform

/// Parallel work is done by several threads at once.
package enum Parallel {
    /// Calls `body` once for each number below `count`, in at most `threads` threads. Returns when
    /// all calls have returned.
    package static func forEach(
        _ count: Int, threads: UInt32, _ body: @escaping @Sendable (Int) -> Void
    ) {
        let box = Box(body)
        unsafe platform_in_parallel(
            count, threads,
            { context, index in
                unsafe Unmanaged<Box>.fromOpaque(context).takeUnretainedValue().body(index)
            }, Unmanaged.passUnretained(box).toOpaque())
    }

    private final class Box: Sendable {
        let body: @Sendable (Int) -> Void

        init(_ body: @escaping @Sendable (Int) -> Void) { self.body = body }
    }
}
