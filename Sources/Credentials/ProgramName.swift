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

    /// Returns the program and the account that a name such as `docker-credential-keyfob-work`
    /// consists of. The account is nil for a program's name alone. Returns nil for any other name.
    package static func reading(_ name: String) -> (program: ProgramName, account: AccountName?)? {
        if let program = ProgramName(rawValue: name) { return (program, nil) }
        for program in allCases.reversed() where name.hasPrefix(program.rawValue + "-") {
            let account = AccountName(name.dropFirst(program.rawValue.utf8.count + 1))
            // podman's name begins with docker's, so it is tried first.
            if let account { return (program, account) }
        }
        return nil
    }
}
