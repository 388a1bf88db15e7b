internal import Clients
internal import Credentials
internal import Files
internal import Settings

/// The logins outside the stores: in the clients' files, and in variables.
extension Diagnosis {
    mutating func lookForPlaintext() {
        let stored = Set(logins.compactMap(\.entry.identity))
        let own = invocation.choice.account
        let files = Clients.plaintextFiles(in: invocation.surroundings).filter(\.file.exists)
        let inFiles = files.flatMap(\.readableLogins).map(\.entry)
        for plaintext in files {
            let path = plaintext.file.path
            do throws(StoreError) {
                let contents = try plaintext.contents()
                for text in contents.notes { note("plaintext-encrypted", "\(path): \(text)") }
                // A configuration that cannot be read is a finding about its client.
                let accounts = try? invocation.accounts(askedBy: plaintext.client)
                lookAtPlaintext(contents.logins, in: plaintext, stored, inFiles) { entry in
                    accounts?(entry).first ?? own
                }
            } catch {
                fault("client-file", error)
            }
        }
        for netrc in invocation.surroundings.netrcs {
            do throws(StoreError) {
                let machines = try netrc.machines()
                guard !machines.isEmpty else { continue }
                note(
                    "netrc",
                    "\(netrc.file.path) has passwords in plain text, which keyfob does not move: "
                        + machines.joined(separator: ", "))
            } catch {
                fault("client-file", error)
            }
        }
    }

    private mutating func lookAtPlaintext(
        _ logins: [PlaintextLogin], in plaintext: any PlaintextFile, _ stored: Set<Place>,
        _ inFiles: [Entry], _ account: (Entry) -> AccountName?
    ) {
        let path = plaintext.file.path
        func isStored(_ login: PlaintextLogin) -> Bool {
            login.entry.in(account(login.entry)).identity.map(stored.contains) ?? false
        }
        let movable = logins.filter { $0.obstacle == nil }
        let (copies, alone) = (movable.filter(isStored), movable.filter { !isStored($0) })
        if !copies.isEmpty {
            fault(
                "plaintext-copy",
                "\(path) has plain-text logins beside stored ones: "
                    + Diagnosis.names(copies),
                hint: "keyfob import")
        }
        if !alone.isEmpty {
            fault(
                "plaintext", "\(path) has logins in plain text: \(Diagnosis.names(alone))",
                hint: "keyfob import")
        }
        for login in logins {
            guard let obstacle = login.obstacle else { continue }
            fault(
                "plaintext",
                "\(path) has \(login.description)\(login.secret.isEmpty ? "" : " in plain text"), "
                    + "and it cannot be imported: \(obstacle)",
                hint: "to remove it"
                    + (logout(of: login, in: plaintext, inFiles, account(login.entry))
                        .map { ": \($0)" } ?? ", edit \(path.shellWord)"))
        }
    }

    /// Returns the command that removes the login, and no other one; nil if there is none.
    private func logout(
        of login: PlaintextLogin, in plaintext: any PlaintextFile, _ inFiles: [Entry],
        _ account: AccountName?
    ) -> String? {
        let name = login.entry.accountName
        guard plaintext.isEdited, let key = Text(name) else { return nil }
        let client = plaintext.client
        let queries = client.meaning(of: key, among: [login.entry]) + client.logoutQueries(for: key)
        let isStored = logins.contains { stored in
            stored.entry.schema.account == account
                && queries.contains { $0.matches(stored.entry.in(nil)) }
        }
        guard !isStored,
            inFiles.count(where: { entry in queries.contains { $0.matches(entry) } }) <= 1
        else { return nil }
        let named = account == nil ? login.entry.clientName : client.name.string
        return "keyfob logout --files --client \(named)\(account.option) \(name.shellArgument)"
    }

    /// Reports logins in environment variables, which no logout removes.
    mutating func lookForTokensInEnvironment() {
        var uses: [String: String] = [:]
        for client in Clients.all {
            let use =
                client.prefersVariables(in: invocation.surroundings)
                ? "may override the stored logins"
                : "\(client.name) uses it where Keyfob has no login"
            for name in client.variablesWithLogin(for: nil, in: invocation.surroundings) {
                uses[name] = use
            }
        }
        for (name, use) in uses.sorted(by: { $0.key < $1.key }) {
            fault(
                "environment", "\(name) is set, and \(use)", hint: "unset \(name.shellWord)")
        }
    }

    private static func names(_ logins: [PlaintextLogin]) -> String {
        logins.map(\.description).joined(separator: ", ")
    }
}
