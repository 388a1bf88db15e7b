/// The name of an account, which is a separate set of logins: letters, digits, `.`, `_` and `-`,
/// the first a letter or digit, at most 64 bytes.
///
/// It is appended to the name of a program (`docker-credential-keyfob-work`). It cannot be
/// `podman`, nor begin with `podman-`, since `docker-credential-keyfob-podman` is a program.
package struct AccountName: Hashable, Sendable {
    package let text: Text

    package init?(_ name: some StringProtocol) {
        let bytes = Array(name.utf8)
        let isPodmans = bytes == Array("podman".utf8) || bytes.starts(with: "podman-".utf8)
        guard (1...64).contains(bytes.count), bytes[0].isAlphanumeric, !isPodmans,
            bytes.allSatisfy({ $0.isAlphanumeric || "._-".utf8.contains($0) })
        else { return nil }
        text = Text(unchecked: bytes)
    }

    package var string: String { text.string }
}

extension AccountName: CustomStringConvertible {
    package var description: String { string }
}
