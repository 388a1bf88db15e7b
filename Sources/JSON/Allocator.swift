internal import CJansson
internal import Glibc

/// The allocator that Jansson uses: what it frees is wiped first, because what it parses holds
/// secrets.
enum Allocator {
    /// Must be called before any other function of Jansson's.
    static func install() { installed }

    private static let installed: Void = unsafe json_set_alloc_funcs(
        { size in unsafe allocate(size) }, { memory in unsafe wipeAndFree(memory) })

    /// The size is kept in front of the memory, in as many bytes as leave it aligned.
    private static let header = 16

    private static func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
        let (total, overflows) = size.addingReportingOverflow(header)
        // Jansson would call it a syntax error. The process ends as after a crash (platform_harden).
        guard size >= 0, !overflows, let start = unsafe malloc(total) else { abort() }
        unsafe start.storeBytes(of: total, as: Int.self)
        return unsafe start + header
    }

    private static func wipeAndFree(_ memory: UnsafeMutableRawPointer?) {
        guard let memory = unsafe memory else { return }
        let start = unsafe memory - header
        unsafe explicit_bzero(start, unsafe start.load(as: Int.self))
        unsafe free(start)
    }
}
