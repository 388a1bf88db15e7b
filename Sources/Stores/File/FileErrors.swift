internal import Credentials

extension FileFormat.Fault {
    /// Returns the error that the user is shown for this fault of the file at this path.
    func error(of path: String) -> StoreError {
        return switch self {
        case .damaged(let what):
            StoreError(
                .fileDamaged, "\(path) is damaged: \(what)",
                hint: "restore it from a backup, or move it away and log in again")
        case .newer(let what):
            StoreError(
                .fileNewer, "\(path) was written by a newer keyfob (\(what))",
                hint: "install the newer keyfob here too")
        case .altered:
            StoreError(
                .fileAltered,
                "\(path) was altered: the key is right, but the contents are not what was "
                    + "encrypted with it",
                hint: "restore it from a backup, or move it away and log in again")
        case .full(let limit):
            StoreError(
                .fileFull, "\(path) cannot hold more than \(limit)",
                hint: "log out of servers that you do not need")
        }
    }
}

extension FileFormat.Slot.Failure {
    /// Returns the error that the user is shown for this failure of the file at this path.
    func error(of path: String) -> StoreError {
        switch self {
        case .wrongKey:
            StoreError(.wrongKey, "the key does not open \(path)")
        case .outOfMemory(let bytes):
            StoreError(
                .outOfMemory,
                "not enough memory to check the passphrase: \(bytes >> 20) MiB are needed",
                hint: "raise the limit: ulimit -v")
        }
    }
}
