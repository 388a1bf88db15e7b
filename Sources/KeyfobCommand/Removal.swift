internal import Clients
internal import Credentials
internal import Files
internal import Settings
internal import Stores

/// A removal is what has become of the logins in one place: a store, or a client's own file.
struct Removal {
    /// The store's name, or the file's path.
    let name: String
    private var removed: [Report] = []
    /// Logins that a client still reads there and that Keyfob leaves alone.
    private var left: [Report] = []
    /// Why something is or may be left.
    var problem: StoreError?

    /// Removes from the store what the queries ask for. A keyring that is absent has nothing, unless
    /// a login is known to have been stored there, or the setting `store` wants it and nothing else.
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
                for place in queries.compactMap(\.place) where try marker.contains(place) {
                    problem = StoreError(
                        .loginRemains, "it was stored there, and \(error.message)",
                        hint: "log out again in your desktop session")
                }
            } catch let unreadable {
                problem = unreadable
            }
        }
    }

    /// Removes every login that is meant from a client's file, and looks again. What is left to the
    /// client is left, if it may be of the logins that are meant: `isOfAll` says whether all are.
    init(
        from plaintext: any PlaintextFile, isOfAll: Bool, of server: Text?,
        where isMeant: (PlaintextLogin) -> Bool
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
                    "\(plaintext.client.name) uses \(used.map(\.description).joined(separator: ", ")) for it",
                    hint: "log out of that, too")
            } else if !rest.isEmpty {
                problem = StoreError(
                    .loginRemains, rest.map(\.description).joined(separator: ", "),
                    hint: "try again")
            } else if isOfAll, let note = contents.notes.first {
                problem = StoreError(.loginRemains, note)
            }
        } catch {
            problem = error
        }
    }

    /// Looks for logins of git's former schema, where nothing else has gone wrong.
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
        // A store that nobody can unlock says so only of what it has, or is known to have had.
        let remains = problem.outcome == .locked
        return removed + [
            Report(
                place: name, result: remains ? .remains : .unknown,
                words: remains ? "still there" : "may still be there", problem: problem)
        ]
    }
}
