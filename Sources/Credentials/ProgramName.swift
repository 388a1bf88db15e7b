/// The names under which the helper is installed. Each is a protocol, or one client's form of it.
///
/// There is no other list of them: the helper, the clients' settings, the Makefile (which reads the
/// literals in this file) and the tests use this one.
package enum ProgramName: String, CaseIterable, Sendable {
    /// The docker-credential helper protocol.
    case credentialHelper = "docker-credential-keyfob"
    /// The same protocol, with a `list` that podman --remote accepts.
    case credentialHelperOfHosts = "docker-credential-keyfob-podman"
    /// cargo's credential provider protocol.
    case credentialProvider = "cargo-credential-keyfob"
    /// git's credential helper protocol.
    case passwordHelper = "git-credential-keyfob"
    /// terraform's credentials helper protocol.
    case tokenHelper = "terraform-credentials-keyfob"

    /// Returns what a program's name stands for: one of these names, or one with the name of an
    /// account behind it, as in `docker-credential-keyfob-work`. Nil if it is neither.
    package static func reading(_ name: String) -> (program: ProgramName, account: AccountName?)? {
        if let program = ProgramName(rawValue: name) { return (program, nil) }
        for program in allCases.reversed() where name.hasPrefix(program.rawValue + "-") {
            let account = AccountName(name.dropFirst(program.rawValue.utf8.count + 1))
            // docker's name begins podman's, which comes first here.
            if let account { return (program, account) }
        }
        return nil
    }
}
