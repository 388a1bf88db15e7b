internal import Clients
internal import Credentials
internal import Files
internal import Settings
internal import Stores

/// An import run stores the logins of one import that are for one account.
struct ImportRun {
    enum Result {
        case imported
        /// The same login is stored already.
        case known
        /// The login in the file is dropped, because the store has another one that is preferred.
        case dropped
        case left(StoreError)

        /// The reason for which it is left; nil if it is stored.
        var problem: StoreError? {
            if case .left(let error) = self { return error }
            return nil
        }

        var isStored: Bool { problem == nil }
    }

    /// The number of logins that are stored at once. A store that has to write all of its logins
    /// each time then writes them once for so many.
    private static let batch = 1024
    /// The number of logins from which on all stored ones are read at once.
    private static let many = 16

    private let invocation: Invocation
    private let prefer: Preference?
    private let dryRun: Bool
    /// The logins that this run has stored or found in the store, by the place that they are for.
    private var stored: [Place: Credential] = [:]
    /// The places with a login that stays in a file, which its client reads before it asks the
    /// helper.
    private var left: Set<Place> = []
    /// True if the client of the logins asks Keyfob, and so gets stored logins now.
    var isAsked = true
    /// The time at which the last login for a place was stored, in seconds.
    private var seconds: [Place: UInt64] = [:]
    /// The logins that are yet to be stored, each with the index of its result.
    private var waiting: [(index: Int, login: Credential)] = []

    init(_ invocation: Invocation, prefer: Preference?, dryRun: Bool) {
        self.invocation = invocation
        self.prefer = prefer
        self.dryRun = dryRun
    }

    /// Imports logins of one client until one fails with an error of the store. Returns the results
    /// of the last logins, in the same order. Calls `didImport` after each login.
    mutating func results(
        of logins: [PlaintextLogin], _ failure: inout StoreError?, _ didImport: () -> Void
    ) -> [Result] {
        var results: [Result] = []
        waiting = []
        var known = StoredLogins(
            invocation.choice, areMany: logins.count > ImportRun.many, mayAsk: !dryRun)
        // A client gets the account that was stored last, and that is the first one in its file. So
        // the logins are stored in reverse order.
        for login in logins.reversed() {
            let result = result(of: login, at: results.count, &known)
            if let error = result.problem, error.isTheStores {
                failure = error
                break
            }
            results.append(result)
            if waiting.last?.index != results.count - 1 { didImport() }
        }
        storeWaiting(&results, &failure, didImport)
        for login in logins where login.obstacle != nil && !login.isShadowed {
            if let place = login.entry.identity { left.insert(place) }
        }
        return results.reversed()
    }

    // MARK: One login

    private mutating func result(
        of login: PlaintextLogin, at index: Int, _ known: inout StoredLogins
    ) -> Result {
        do throws(StoreError) {
            if let obstacle = login.obstacle { return try result(of: login, obstacle, &known) }
            guard let place = login.entry.identity else {
                throw StoreError(.namelessLogin, "it does not name its server")
            }
            let isStored = stored[place] != nil
            try requireNoOther(login, of: place)
            var result = isStored && !dryRun ? Result.known : .imported
            if !isStored, let other = try known.login(replacedBy: login.entry) {
                result = try resultBeside(other, login.credential)
            } else if !isStored, prefer != .found {
                try requireNoPath(login.entry)
            }
            if case .known = result, isStored || !isAsked, !dryRun, login.entry.schema.hasAccounts {
                // Its client finds this line first, so it is to be the newest.
                try save(login.credential)
            }
            if case .dropped = result { return result }
            if case .imported = result, !dryRun {
                if login.entry.schema.hasAccounts {
                    try storeAlone(login.credential)
                } else {
                    waiting.append((index, login.credential))
                }
            }
            stored[place] = login.credential
            return result
        } catch {
            return .left(error)
        }
    }

    /// Throws if the login cannot take its place: another one was imported or stays, or a route
    /// serves it.
    private func requireNoOther(_ login: PlaintextLogin, of place: Place) throws(StoreError) {
        // `--prefer` does not apply to a login that this run has stored: that one is never replaced.
        if let other = stored[place], !other.isSame(as: login.credential) {
            throw StoreError(
                .anotherLogin,
                "another login\(other.entry.whose) for this server was imported just now")
        }
        if stored[place] == nil, left.contains(place) {
            throw StoreError(
                .anotherLogin, "another login for it stays, and the client finds that one first")
        }
        let routes = invocation.choice.settings.routes
        if let refusal = routes.refusal(of: login.entry) { throw refusal }
    }

    /// Returns the result for a login that is not to be stored: one that its client does not use is
    /// dropped where a stored one is preferred.
    private func result(
        of login: PlaintextLogin, _ obstacle: String, _ known: inout StoredLogins
    ) throws(StoreError) -> Result {
        guard login.isShadowed, prefer == .stored,
            try known.login(replacedBy: login.entry) != nil
        else { throw StoreError(.notImportable, obstacle) }
        return .dropped
    }

    /// Returns the result for a login of which the store has another version.
    private func resultBeside(
        _ other: Credential, _ login: Credential
    ) throws(StoreError) -> Result {
        if other.isSame(as: login) { return .known }
        switch prefer {
        case .found: return .imported
        case .stored: return .dropped
        case nil:
            throw StoreError(
                .anotherLogin,
                "the store has another login\(other.entry.whose) for this server",
                hint: "choose the one to keep: --prefer stored or --prefer found")
        }
    }

    /// Throws `anotherLogin` if the client gets a stored login of a path for the whole place now: it would
    /// get this one instead.
    private func requireNoPath(_ entry: Entry) throws(StoreError) {
        let names = entry.schema.placeNames
        guard entry.schema.hasAccounts, entry["object"] == nil else { return }
        let place = Query(entry.schema, entry.attributes.filter { names.contains($0.key) })
        let found = try invocation.choice.chain.find(place, FindOptions(mayAsk: !dryRun))
        guard found.allSatisfy({ $0.entry["object"] != nil }),
            let used = found.first(where: { $0.entry.identity.map { stored[$0] == nil } ?? true })
        else { return }
        throw StoreError(
            .anotherLogin, "the store has a login of a path for it: \(used.entry.description)",
            hint: "choose the one to use: --prefer stored or --prefer found")
    }

    // MARK: Storing

    /// Stores the logins that wait, and reads them back. At an error of the store, it removes the
    /// results of all logins from there on.
    private mutating func storeWaiting(
        _ results: inout [Result], _ failure: inout StoreError?, _ didImport: () -> Void
    ) {
        for start in stride(from: 0, to: waiting.count, by: ImportRun.batch) {
            guard waiting[start].index < results.count else { break }
            store(
                waiting[start..<min(start + ImportRun.batch, waiting.count)], &results, &failure,
                didImport)
        }
        var kept = StoredLogins(invocation.choice, areMany: waiting.count > ImportRun.many)
        for (index, login) in waiting where index < results.count && results[index].isStored {
            do throws(StoreError) {
                guard try kept.login(replacedBy: login.entry)?.isSame(as: login) == true else {
                    throw .notReadBack
                }
            } catch {
                ImportRun.give(error, to: index, &results, &failure)
            }
        }
        for (index, login) in waiting where index >= results.count || !results[index].isStored {
            if let place = login.entry.identity { stored[place] = nil }
        }
    }

    private func store(
        _ some: ArraySlice<(index: Int, login: Credential)>, _ results: inout [Result],
        _ failure: inout StoreError?, _ didImport: () -> Void
    ) {
        let store = invocation.choice.chain
        do throws(StoreError) {
            try store.save(some.map(\.login))
            for _ in some { didImport() }
        } catch let error where error.isTheStores {
            // A keyring may have stored the first ones.
            let first = some.first { (try? isKept($0.login)) != true } ?? some[some.startIndex]
            ImportRun.give(error, to: first.index, &results, &failure)
        } catch {
            // One of them was refused. The store is given each by itself, to learn which one.
            for (index, login) in some where index < results.count {
                do throws(StoreError) {
                    try store.save(login)
                    didImport()
                } catch {
                    ImportRun.give(error, to: index, &results, &failure)
                }
            }
        }
    }

    private static func give(
        _ error: StoreError, to index: Int, _ results: inout [Result],
        _ failure: inout StoreError?
    ) {
        guard error.isTheStores else { return results[index] = .left(error) }
        failure = error
        results.removeSubrange(index...)
    }

    /// Returns true if the store has exactly this login. Asks nobody.
    private func isKept(_ login: Credential) throws(StoreError) -> Bool {
        guard let query = Query(replacedBy: login.entry) else { return false }
        let quietly = FindOptions(mayAsk: false)
        return try invocation.choice.chain.find(query, quietly).first?.isSame(as: login) == true
    }

    /// Stores a login of a client that has accounts, and reads it back.
    private mutating func storeAlone(_ login: Credential) throws(StoreError) {
        let store = invocation.choice.chain
        // A client gets the newest account. The logins that it got before, for the path and for the
        // whole place, are stored again after the new one, so that it still gets them. One that does
        // not ask Keyfob got none.
        let schema = login.entry.schema
        var given: [Credential] = []
        for names in prefer == .found || !isAsked
            ? [] : [schema.placeNames + ["object"], schema.placeNames]
        {
            let facts = login.entry.attributes.filter { names.contains($0.key) }
            // A client gets a login of another path for the whole place only if there is no other.
            let found = try store.find(Query(schema, facts))
            let ofPlace = found.first { $0.entry["object"] == facts["object"] }
            guard let best = ofPlace ?? found.first, let place = best.entry.identity,
                stored[place] == nil, best.entry.identity != given.last?.entry.identity
            else { continue }
            given.append(best)
        }
        try save(login)
        guard try isKept(login) else { throw .notReadBack }
        for login in given { try save(login) }
    }

    /// Stores the login in a later second than the last one for its place: the time, in seconds,
    /// tells which account is newer.
    private mutating func save(_ login: Credential) throws(StoreError) {
        guard let place = login.entry.place else { return try invocation.choice.chain.save(login) }
        while seconds[place] == System.seconds { System.sleep(milliseconds: 20) }
        try invocation.choice.chain.save(login)
        seconds[place] = System.seconds
    }
}

extension StoreError {
    fileprivate static var notReadBack: StoreError {
        StoreError(.notReadBack, "it could not be read back unchanged")
    }
}
