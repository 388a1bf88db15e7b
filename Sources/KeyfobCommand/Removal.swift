internal import Clients
internal import Credentials
internal import JSON
internal import Settings
internal import Stores

/// A removal is what has become of the logins in one place: a store, or a client's own file.
struct Removal {
    /// The store's name, or the file's path.
    let name: String
    var removed: [Entry] = []
    /// Why something is or may be left.
    var problem: StoreError?
    /// Logins that a client still reads there and that Keyfob leaves alone.
    var left: [Entry] = []

    var isDone: Bool { problem == nil && left.isEmpty }

    private static let remains = "still there"
    private static let mayRemain = "may still be there"
    private static let wasNotThere = "was not there"
}

extension Removal {
    /// Removes from the store what the queries ask for. A keyring that is absent has nothing, unless
    /// a login is known to have been stored there, or the setting `store` wants it and nothing else.
    init(
        removing queries: [Query], from store: any CredentialStore, _ session: Session,
        isOfAll: Bool
    ) {
        name = store.name
        do throws(StoreError) {
            removed = try store.remove(queries)
        } catch {
            guard error.outcome == .absent, session.choice.file != nil else {
                problem = error
                return
            }
            do throws(StoreError) {
                guard let marker = session.choice.marker else { return }
                if isOfAll, try marker.count() > 0 {
                    problem = StoreError(
                        .failed, "logins were stored there, and \(error.message)",
                        hint: "log out again in the session where the keyring runs")
                }
                for place in queries.compactMap(\.place) where try marker.contains(place) {
                    problem = StoreError(
                        .failed, "it was stored there, and \(error.message)",
                        hint: "log out again in the session where the keyring runs")
                }
            } catch let unreadable {
                problem = unreadable
            }
        }
    }

    /// Removes every login that is meant from a client's file, and looks again.
    init(from plaintext: any PlaintextFile, where isMeant: (Entry) -> Bool) {
        name = plaintext.file.path
        do throws(StoreError) {
            removed = try plaintext.remove { isMeant($0.entry) }
            let rest = try plaintext.contents().logins.map(\.entry).filter(isMeant)
            guard !rest.isEmpty else { return }
            problem = StoreError(
                .failed, rest.map(\.description).joined(separator: ", "), hint: "try again")
        } catch {
            problem = error
        }
    }

    /// Looks for logins of git's former schema, where nothing else has gone wrong.
    mutating func lookForFormerLogins(in keyring: KeyringStore, where isMeant: (Entry) -> Bool) {
        guard problem == nil else { return }
        do throws(StoreError) {
            left = try keyring.formerLogins(.git).filter(isMeant)
        } catch {
            if error.outcome != .absent { problem = error }
        }
    }

    var lines: [String] {
        var lines = removed.map { "\(name): removed \($0.description)" }
        if let problem { lines.append("\(name): \(state(of: problem)): \(problem.message)") }
        if let reason = reasonForLeft { lines.append("\(name): \(Removal.remains): \(reason)") }
        return lines.isEmpty ? ["\(name): \(Removal.wasNotThere)"] : lines
    }

    /// What is left alone, and why; nil if nothing is.
    private var reasonForLeft: String? {
        guard !left.isEmpty else { return nil }
        return left.map(\.description).joined(separator: ", ")
            + ", as git-credential-libsecret before git 2.41 stores it and still gives it"
    }

    var json: JSON {
        let result: Text =
            switch problem?.outcome {
            case .none where !left.isEmpty: "remains"
            case .none: removed.isEmpty ? "absent" : "removed"
            case .locked: "remains"
            case .absent, .declined, .timedOut, .gone, .damaged, .failed: "unknown"
            }
        return .object([
            JSON.Member("place", .name(name)),
            JSON.Member("result", .text(result)),
            JSON.Member("removed", .array(removed.map(\.json))),
            JSON.Member("reason", (problem?.message ?? reasonForLeft).map { .name($0) } ?? .null),
        ])
    }

    /// A store that nobody can unlock says so only of what it has, or is known to have had.
    private func state(of problem: StoreError) -> String {
        switch problem.outcome {
        case .locked: Removal.remains
        case .absent, .declined, .timedOut, .gone, .damaged, .failed: Removal.mayRemain
        }
    }
}

extension Entry {
    /// `docker registry.example.com (alice)`
    var description: String {
        "\(clientName) \(serverName)" + (shownUser.map { " (\($0))" } ?? "")
    }

    var json: JSON {
        .object([
            JSON.Member("client", .name(clientName)),
            JSON.Member("server", .name(serverName)),
            JSON.Member("username", shownUser.map { .name($0) } ?? .null),
        ])
    }
}
