internal import Clients
internal import Credentials
internal import Files
internal import Settings
internal import Stores

/// A removal is the result of removing logins from one place: a store, or a client's own file.
struct Removal {
    /// The store's name, or the file's path.
    let name: String
    private var removed: [Report] = []
    /// The reports of logins that Keyfob does not remove there and that a client still reads.
    private var left: [Report] = []
    /// The reason for which logins remain or may remain; nil if there is none.
    var problem: StoreError?

    /// Removes the logins that match the queries from the store. An absent keyring has no logins,
    /// unless a login is known to have been stored there, or the setting `store` excludes the file.
    init(
        removing queries: [Query], from store: any CredentialStore, _ invocation: Invocation,
        isOfAll: Bool
    ) {
        name = store.name
        do throws(StoreError) {
            for entry in try store.remove(queries) { add(entry, entry.description) }
        } catch {
            guard error.outcome == .absent, invocation.choice.file != nil else {
                problem = error
                return
            }
            do throws(StoreError) {
                guard let marker = invocation.choice.marker else { return }
                if isOfAll, try marker.count() > 0 {
                    problem = StoreError(
                        .loginRemains, "logins were stored there, and \(error.message)",
                        hint: "log out again in your desktop session")
                }
                let meant = queries.map { $0.in(invocation.choice.account) }
                for place in meant.compactMap(\.place) where try marker.contains(place) {
                    problem = StoreError(
                        .loginRemains, "it was stored there, and \(error.message)",
                        hint: "log out again in your desktop session")
                }
            } catch let unreadable {
                problem = unreadable
            }
        }
    }

    /// Removes the logins for which `isMeant` returns true from a client's file, and reads it
    /// again. `isOfAll` says that all logins of the file are meant: then its first note, about
    /// something that Keyfob could not read, is a problem.
    init(
        from plaintext: any PlaintextFile, isOfAll: Bool, of server: Text?,
        where isMeant: LoginTest
    ) {
        name = plaintext.file.path
        do throws(StoreError) {
            let meant = try plaintext.contents().logins.filter(isMeant)
            try plaintext.remove(where: isMeant)
            let contents = try plaintext.contents()
            let rest = contents.logins.filter(isMeant)
            for login in meant where !rest.contains(where: { $0.isSamePlace(as: login) }) {
                add(login.entry, login.description)
            }
            let used = contents.logins.filter { login in
                server.map { plaintext.isUsed(login, for: $0) } ?? false
            }
            if !used.isEmpty {
                problem = StoreError(
                    .loginRemains,
                    "\(plaintext.client.name) uses "
                        + "\(used.map(\.description).joined(separator: ", ")) for it",
                    hint: plaintext.isEdited ? "log out of that, too" : "edit \(name.shellWord)")
            } else if !rest.isEmpty {
                problem = StoreError(
                    .loginRemains, rest.map(\.description).joined(separator: ", "),
                    hint: plaintext.isEdited ? "try again" : "edit \(name.shellWord)")
            } else if let reference = contents.references.first(where: { reference in
                isMeant(reference.login)
                    || server.map { plaintext.isUsed(reference.login, for: $0) } == true
            }) {
                problem = StoreError(
                    .loginRemains,
                    "\(plaintext.client.name) takes it from the variable \(reference.variable)",
                    hint: "unset \(reference.variable.shellWord)")
            } else if isOfAll, let note = contents.notes.first {
                problem = StoreError(.loginRemains, note)
            }
        } catch {
            problem = error
        }
    }

    /// Reports the logins of git's former schema, if there is no other problem.
    mutating func lookForFormerLogins(in keyring: KeyringStore, where isMeant: (Entry) -> Bool) {
        guard problem == nil else { return }
        do throws(StoreError) {
            for entry in try keyring.formerLogins(.git).filter(isMeant) {
                left.append(
                    Report(
                        entry, in: name, .remains, "still there:",
                        problem: StoreError(
                            .loginRemains,
                            "git-credential-libsecret older than git 2.41 has stored it and "
                                + "still returns it",
                            hint:
                                "remove it with that helper, or in the keyring's own window"
                        )))
            }
        } catch {
            if error.outcome != .absent { problem = error }
        }
    }

    private mutating func add(_ entry: Entry, _ description: String) {
        removed.append(Report(entry, as: description, in: name, .removed, "removed"))
    }

    var reports: [Report] {
        guard let problem else {
            let all = removed + left
            return all.isEmpty
                ? [Report(place: name, result: .absent, words: "was not there")] : all
        }
        return removed + [Report(remainingIn: name, problem)]
    }
}

extension Report {
    /// Makes the report of a place in which logins remain, or may remain, because of the problem.
    init(remainingIn place: String, _ problem: StoreError) {
        // A locked store throws `locked` only if it has such a login, or is known to have had one.
        let remains = problem.outcome == .locked
        self.init(
            place: place, result: remains ? .remains : .unknown,
            words: remains ? "still there" : "may still be there", problem: problem)
    }
}
