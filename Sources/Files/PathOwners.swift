package import Credentials
internal import Glibc

/// The path's owners are those who decide what stands at its end: who owns a symbolic link on the way
/// to it, and for root who owns a directory on the way.
package enum PathOwners {
    /// Throws `failed` if one of them is neither this user nor root. `action` is what is not done then,
    /// for messages: `read`, `created`, `changed`.
    ///
    /// What does not exist is nobody's. The directories matter to root alone, who may change what is
    /// another user's: under sudo, `HOME` may be theirs, and what they put there may lead anywhere.
    /// Other users keep their files below directories of whoever set up the machine.
    package static func check(_ path: String, before action: String) throws(StoreError) {
        var resolved = ""
        var names = Array(components(of: path).reversed())
        var links = 0
        while let name = names.popLast() {
            if name == ".." {
                resolved = parent(of: resolved)
                continue
            }
            let place = resolved + "/" + name
            // Where it cannot be looked at, it cannot be opened either.
            guard let status = FileStatus(of: place, followsLinks: false) else { return }
            let isLink = status.kind == .link
            let isChecked = isLink || status.kind == .folder && System.user == 0
            guard !isChecked || status.isOfUserOrRoot else {
                throw .foreignFolder(path, action, place, status.owner)
            }
            guard isLink, let target = target(of: place) else {
                resolved = place
                continue
            }
            links += 1
            // More than the kernel follows (path_resolution(7)).
            guard links <= 40 else { return }
            if target.utf8.first == UInt8(ascii: "/") { resolved = "" }
            names += components(of: target).reversed()
        }
    }

    private static func components(of path: String) -> [String] {
        path.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
            .filter { $0 != "." }
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
        return String(path[..<slash])
    }

    /// Where a symbolic link leads; nil if it cannot be told.
    private static func target(of link: String) -> String? {
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Int(PATH_MAX)) { buffer in
            let count = unsafe readlink(
                link,
                UnsafeMutableRawPointer(buffer.baseAddress!).assumingMemoryBound(
                    to: CChar.self), buffer.count)
            guard count > 0 else { return nil }
            return unsafe String(
                decoding: UnsafeBufferPointer(rebasing: buffer[..<count]), as: UTF8.self)
        }
    }
}

extension StoreError {
    /// Something is not done at a path because another user decides what stands there.
    static func foreignFolder(
        _ path: String, _ action: String, _ place: String, _ owner: UInt32
    ) -> StoreError {
        StoreError(
            .foreignFolder,
            "\(path) is not \(action): \(place) is owned by uid \(owner), not by you"
                + " (uid \(System.user))",
            hint: "run this as the owner of that home directory, or set HOME to yours")
    }
}
