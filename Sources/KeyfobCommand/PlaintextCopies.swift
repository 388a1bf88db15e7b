internal import Clients
internal import Credentials
internal import Files
internal import Settings

/// The logins in a client's file that a logout is about. A login for which the client asks Keyfob
/// for another account is that account's, so it stays.
struct PlaintextCopies {
    let file: any PlaintextFile
    private let isWanted: (PlaintextLogin) -> Bool
    /// Returns the accounts for which the client asks Keyfob for a login.
    private let accounts: (Entry) -> [AccountName?]
    private let own: AccountName?

    /// `invocation` has the account of the logout; nil if all accounts are meant.
    init(
        _ file: any PlaintextFile, in invocation: Invocation?,
        where isWanted: @escaping (PlaintextLogin) -> Bool
    ) {
        self.file = file
        self.isWanted = isWanted
        own = invocation?.choice.account
        accounts = (try? invocation?.accounts(askedBy: file.client)) ?? { _ in [] }
    }

    /// True if the file has such logins.
    var areMeant: Bool { file.readableLogins.contains(where: isMeant) }

    /// True if the file has no other logins.
    var areAll: Bool { (try? file.contents())?.logins.allSatisfy(isMeant) == true }

    func isMeant(_ login: PlaintextLogin) -> Bool { isWanted(login) && !isOthers(login) }

    private func isOthers(_ login: PlaintextLogin) -> Bool {
        accounts(login.entry).first.map { $0 != own } ?? false
    }

    /// Returns the reports of the logins that stay because they are another account's.
    func others(dryRun: Bool) -> [Report] {
        // A file that cannot be read is reported when its logins are removed.
        return file.readableLogins.filter { isWanted($0) && isOthers($0) }.map { login in
            let account = accounts(login.entry).first ?? nil
            return Report(
                othersLogin: login.entry.in(account), askedBy: file.client, in: file.file.path,
                dryRun: dryRun)
        }
    }
}

extension Report {
    /// Makes the report of another account's login, which stays and which the client gets.
    init(
        othersLogin entry: Entry, askedBy client: any Client, in place: String, dryRun: Bool
    ) {
        let account = entry.schema.account
        self.init(
            entry, in: place, .remains, dryRun ? "would remain" : "still there:",
            problem: StoreError(
                .loginRemains,
                "\(client.name) asks for "
                    + (account.map { "the account \($0)" } ?? "a login of no account"),
                hint: "to remove it, too: keyfob logout --files\(account.option) "
                    + (client.name == Docker().name ? "" : "--client \(client.name) ")
                    + entry.in(nil).accountName.shellArgument))
    }
}
