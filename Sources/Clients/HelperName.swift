package import Credentials

/// A helper name is the name of a program of Keyfob's that a client runs:
/// `docker-credential-keyfob`, or `docker-credential-keyfob-work` for the logins of an account.
package struct HelperName: Hashable, Sendable {
    /// The account whose logins the program returns; nil if the name contains none, so that
    /// `KEYFOB_ACCOUNT` decides.
    package let account: AccountName?

    /// Reads a program's name or path. Nil if it is none of these programs of Keyfob's.
    init?(_ path: some StringProtocol, of programs: ProgramName...) {
        let name = path.split(separator: "/" as Character).last.map { String($0) } ?? ""
        guard let (program, account) = ProgramName.reading(name), programs.contains(program) else {
            return nil
        }
        self.account = account
    }
}

extension Text {
    /// The helper name that docker or podman makes of it, a value such as that of `credsStore`; nil
    /// if that is another helper's.
    var helperName: HelperName? {
        HelperName(
            "docker-credential-\(self)", of: .credentialHelper, .credentialHelperOfHosts)
    }

    /// True if it is a name of Keyfob in a configuration of docker or podman.
    var isOurHelper: Bool { helperName != nil }
}
