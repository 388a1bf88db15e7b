internal import Clients
internal import Credentials
internal import Files
internal import Settings

/// The logins outside the stores: in the clients' files, and in variables.
extension Diagnosis {
    mutating func lookForPlaintext() {
        let stored = Set(logins.compactMap(\.entry.identity))
        let own = invocation.choice.account
        for plaintext in Clients.plaintextFiles(in: invocation.surroundings)
        where plaintext.file.exists {
            let path = plaintext.file.path
            do throws(StoreError) {
                let contents = try plaintext.contents()
                for text in contents.notes { note("plaintext-encrypted", "\(path): \(text)") }
                // A failure to tell is reported with the client.
                let accounts =
                    (try? invocation.accounts(askedBy: plaintext.client)) ?? { _ in nil }
                lookAtPlaintext(contents.logins, in: plaintext, stored) { entry in
                    accounts(entry) ?? own
                }
            } catch {
                fault("client-file", error)
            }
        }
        let netrc = invocation.surroundings.netrc
        do throws(StoreError) {
            let machines = try netrc.machines()
            guard !machines.isEmpty else { return }
            note(
                "netrc",
                "\(netrc.file.path) has passwords in plain text, which keyfob does not move: "
                    + machines.joined(separator: ", "))
        } catch {
            fault("client-file", error)
        }
    }

    private mutating func lookAtPlaintext(
        _ logins: [PlaintextLogin], in plaintext: any PlaintextFile, _ stored: Set<Place>,
        _ account: (Entry) -> AccountName?
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
                "\(path) has plain-text copies of stored logins: \(Diagnosis.names(copies))",
                hint: "keyfob import")
        }
        if !alone.isEmpty {
            fault(
                "plaintext", "\(path) has logins in plain text: \(Diagnosis.names(alone))",
                hint: "keyfob import")
        }
        for login in logins {
            guard let obstacle = login.obstacle else { continue }
            let option = account(login.entry).option
            let client = option.isEmpty ? login.entry.clientName : plaintext.client.name.string
            fault(
                "plaintext",
                "\(path) has \(login.description) in plain text, and it cannot be imported: "
                    + obstacle,
                hint: plaintext.isEdited
                    ? "to remove it: keyfob logout --files --client \(client)\(option) "
                        + login.entry.serverName.shellArgument
                    : "to remove it, edit \(path.shellWord)")
        }
    }

    /// Reports logins in environment variables, which no logout removes.
    mutating func lookForTokensInEnvironment() {
        let names = invocation.surroundings.names { name in
            Clients.all.contains { $0.isLogin(variable: name, for: nil) }
        }
        for name in names {
            fault(
                "environment", "\(name) contains a login, which may override the stored ones",
                hint: "unset \(name.shellWord)")
        }
    }

    private static func names(_ logins: [PlaintextLogin]) -> String {
        logins.map(\.description).joined(separator: ", ")
    }
}
