internal import Credentials

/// An ownership is the condition that a file's owner and permissions must meet before it is
/// trusted.
package enum Ownership: Sendable {
    /// The user owns the file, and no other user has any access to it.
    case mine
    /// The same, or root owns the file, and the user's group may be able to read it: systemd hands
    /// out credentials in this way.
    case mineOrGivenByRoot

    /// Throws `failed`, with a hint, if the file must not be trusted, or is not a regular file (a
    /// directory, if one is expected).
    ///
    /// A file that no longer has a name was replaced after it was opened: its content is complete.
    func check(
        _ status: FileStatus, of path: String, isDirectory: Bool = false,
        user: UInt32 = System.user
    ) throws(StoreError) {
        guard status.kind == (isDirectory ? .folder : .file) else {
            throw StoreError(
                .wrongKindOfFile, "\(path) is not a \(isDirectory ? "directory" : "regular file")",
                hint: "move it away: mv \(path.shellWord) \((path + ".old").shellWord)")
        }
        let isGiven = self == .mineOrGivenByRoot && status.owner == 0 && user != 0
        guard status.owner == user || isGiven else {
            throw StoreError(
                .foreignFile, "\(path) is owned by uid \(status.owner), not by you (uid \(user))",
                hint: user == 0
                    ? "run this as uid \(status.owner), or set HOME to your own"
                    : "if it is yours, run: sudo chown \(user) \(path)")
        }
        guard status.permissions & (isGiven ? 0o027 : 0o077) == 0 else {
            throw StoreError(
                .openToOthers, "\(path) is open to other users (mode \(status.mode))",
                hint: "run: chmod \(isDirectory ? "700" : "600") \(path.shellWord)")
        }
        guard isDirectory || status.names <= 1 else {
            throw StoreError(
                .hardLinked, "\(path) has \(status.names) hard links, and must have one",
                hint: "remove its other names; find them with: find ~ -samefile \(path.shellWord)")
        }
    }

    static func symbolicLink(_ path: String) -> StoreError {
        return StoreError(
            .symbolicLink, "\(path) is a symbolic link, which is not followed",
            hint: "put what it points to in its place, or remove it: rm \(path.shellWord)")
    }
}
