internal import CLibc
package import Credentials

/// The owners of a path are the users who decide which file it leads to: the owner of each symbolic
/// link on the way and, for root, the owner of each directory on the way.
package enum PathOwners {
    /// Throws `failed` if one of them is neither this user nor root. `action` says what is not done
    /// then, for messages: `read`, `created`, `changed`, `used`.
    ///
    /// An entry that does not exist has no owner. Directories are checked for root only, who may
    /// change other users' files: under sudo, `HOME` may be another user's, and links and
    /// directories there may lead anywhere. Other users' files are often below directories of the
    /// user who set up the machine.
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
            // An entry whose status cannot be read cannot be opened either.
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
            // The kernel follows no more links than this (path_resolution(7)).
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

    /// Returns the target of a symbolic link; nil if it cannot be read.
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
    /// Returns the error for an action that is not done because another user decides what is at a
    /// path.
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
