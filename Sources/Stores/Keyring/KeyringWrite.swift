internal import Credentials
internal import Files

/// A keyring write stores one login in place of the earlier ones.
///
/// The login is read back before an earlier one is removed. After a failure, the old secret is put
/// back and a new item is removed; the error says what may remain if that fails.
struct KeyringWrite {
    private let keyring: OpenKeyring
    private let credential: Credential
    private let query: Query
    private let place: Place
    /// The items that existed before and that the login replaces.
    private var before: [KeyringSearch.Match] = []

    private var service: SecretService { keyring.service }

    /// Throws `failed` if the login does not name its server.
    init(_ credential: Credential, to keyring: OpenKeyring) throws(StoreError) {
        guard let place = credential.entry.place, let query = Query(replacedBy: credential.entry)
        else { throw StoreError(.namelessLogin, "the login does not name its server") }
        self.keyring = keyring
        self.credential = credential
        self.query = query
        self.place = place
    }

    /// Stores the login. `lock` is the one that all writers hold.
    mutating func run(under lock: borrowing Folder.Lock) throws(StoreError) {
        let marker = keyring.options.marker
        // The marker is written to the disk while the keyring searches and agrees on keys.
        let search = service.beginSearch(query.patterns)
        service.beginSession()
        try service.findProvider()
        let wasMarked = try marker.contains(place)
        var isWriting = false
        do throws(StoreError) {
            try marker.insert(place)
            let hits = try search.finish()
            let collection = try keyring.collection()
            before = try KeyringSearch(keyring, [query], .toReplace, .details)
                .matches(among: hits)
            isWriting = true
            let kept = try write(to: collection)
            try removeOthers(than: kept)
        } catch {
            // After `locked` and `declined` nothing has been written.
            if !wasMarked, !isWriting || error.outcome == .locked || error.outcome == .declined {
                try marker.remove(place)
            }
            throw error
        }
    }

    private func removeOthers(than kept: String) throws(StoreError) {
        do throws(StoreError) {
            let others = before.map { $0.path }.filter { $0 != kept }
            for other in others { try keyring.delete(other) }
            try keyring.expectGone(others, query)
        } catch {
            throw error.leaving("the login was stored, and an older one may remain")
        }
    }

    /// Writes the login, and returns the path of its item. A collection that turns out to be locked
    /// is unlocked once.
    private mutating func write(to collection: String) throws(StoreError) -> String {
        if let path = try updateOrCreate(in: collection) { return path }
        try keyring.unlock([collection])
        // More items may be visible now.
        before = try KeyringSearch(keyring, [query], .toReplace, .details).matches()
        guard let path = try updateOrCreate(in: collection) else { throw .keyringStaysLocked }
        return path
    }

    /// Updates an item or creates one, and returns its path. Returns nil, and writes nothing, if
    /// the collection is locked.
    private func updateOrCreate(in collection: String) throws(StoreError) -> String? {
        // An item whose secret cannot be read could not be restored after a failure.
        if let same = before.first(where: { $0.entry.attributes == credential.entry.attributes }),
            let old = try service.secret(of: same.path)
        {
            try update(same, from: old)
            return same.path
        }
        return try create(in: collection)
    }

    // MARK: Updating

    /// Gives an item of the same server and user the new secret, in place: programs that know its
    /// path still find it, and no provider asks for a confirmation.
    private func update(_ same: KeyringSearch.Match, from old: Secret) throws(StoreError) {
        do throws(StoreError) {
            try service.setSecret(of: same.path, to: credential.secret)
        } catch {
            throw error.whileWriting
        }
        do throws(StoreError) {
            guard try service.secret(of: same.path) == credential.secret else {
                throw .keyringAltersSecrets
            }
        } catch {
            throw putBack(old, into: same.path, after: error)
        }
        // The secret is stored. The label and the attributes are for other programs: an error is
        // ignored.
        let (label, attributes) = (credential.entry.label, credential.entry.itemAttributes)
        if old == credential.secret, !credential.entry.schema.accountNames.isEmpty {
            // Of several accounts the newest is given. gnome-keyring (42) and KeePassXC (2.7) keep
            // the time of an item that does not change, so an attribute is added and then removed
            // again.
            var other = attributes
            other["keyfob_stored"] = "again"
            try? service.describe(same.path, label: label, attributes: other)
        } else {
            guard same.item.label != label || same.item.attributes != attributes else { return }
        }
        try? service.describe(same.path, label: label, attributes: attributes)
    }

    /// Puts the old secret back, and returns the error together with what is stored now.
    private func putBack(
        _ old: Secret, into path: String, after error: StoreError
    ) -> StoreError {
        guard !error.isTheEnd else { return error.whileWriting }
        do throws(StoreError) {
            try service.setSecret(of: path, to: old)
            if try service.secret(of: path) == old { return error.and("nothing was stored") }
        } catch {}
        return error.leaving("the previous login may be lost")
    }

    // MARK: Creating

    /// Creates the item, and returns its path once it has been read back. Returns nil, and creates
    /// nothing, if the collection is locked. Anything that a failure leaves behind is removed.
    private func create(in collection: String) throws(StoreError) -> String? {
        try untilSettled(or: .keyringTakesNoLogin) { () throws(StoreError) -> String?? in
            let creation: SecretService.Creation
            do throws(StoreError) {
                creation = try service.create(
                    in: collection, label: credential.entry.label,
                    attributes: credential.entry.itemAttributes, secret: credential.secret)
            } catch {
                if error.outcome == .locked { return .some(nil) }
                guard try removeRest(after: error) else { throw error.whileWriting }
                // KWallet creates the item before it decrypts the secret, and cannot decrypt it in
                // one session of 256.
                service.dropSession()
                return .none
            }
            switch creation {
            case .item(let path): return try confirm(path)
            case .prompt(let prompt): return try create(asking: prompt)
            }
        }
    }

    /// Creates the item through a prompt, and returns its path.
    private func create(asking prompt: String) throws(StoreError) -> String {
        do throws(StoreError) {
            try keyring.confirmChange(prompt)
        } catch {
            guard try removeRest(after: error), error.outcome != .locked else {
                throw error.whileWriting
            }
            // KeePassXC reports a refusal by the user if it created the item but cannot keep the
            // secret.
            throw StoreError.keyringAltersSecrets.and("nothing was stored")
        }
        let path: String
        do throws(StoreError) {
            guard let first = try newItems().first else { throw .keyringStoredNothing }
            path = first
        } catch {
            throw error.leaving("the login may or may not have been stored")
        }
        return try confirm(path)
    }

    /// Returns the items of exactly this login that did not exist before.
    private func newItems() throws(StoreError) -> [String] {
        let known = Set(before.map { $0.path })
        let hits = try service.search(query.patterns).filter { !known.contains($0.path) }
        let matches = try KeyringSearch(keyring, [query], .toRemove).matches(of: hits) ?? []
        return matches.filter { $0.entry.attributes == credential.entry.attributes }
            .map { $0.path }
    }

    /// Removes what a failed creation has left. Returns true if there was anything.
    private func removeRest(after error: StoreError) throws(StoreError) -> Bool {
        guard [.failed, .declined, .locked].contains(error.outcome), !error.leavesOutcomeUnknown
        else { return false }
        do throws(StoreError) {
            let rest = try newItems()
            for path in rest { try keyring.delete(path) }
            try keyring.expectGone(rest, query)
            return !rest.isEmpty
        } catch {
            throw error.leaving("an item of the login may remain in the keyring")
        }
    }

    /// Reads the item back, and returns its path if it holds the login; otherwise removes it and
    /// throws.
    private func confirm(_ path: String) throws(StoreError) -> String {
        do throws(StoreError) {
            let item = try service.read([path], [.attributes, .secret])[0]
            guard isLogin(item), let secret = item.secret else { throw .keyringStoredNothing }
            guard secret == credential.secret else { throw .keyringAltersSecrets }
            return path
        } catch {
            throw withdraw(path, after: error)
        }
    }

    /// Removes an item that does not hold the login as it was given, and returns the error together
    /// with what is stored now. An item that may not be ours is left alone.
    private func withdraw(_ path: String, after error: StoreError) -> StoreError {
        guard !error.isTheEnd else { return error.whileWriting }
        do throws(StoreError) {
            let item = try service.read([path], .attributes)[0]
            guard item.attributes != nil else { return error }
            if isLogin(item), !before.contains(where: { $0.path == path }) {
                try keyring.delete(path)
                try keyring.expectGone([path], query)
                return error.and("nothing was stored")
            }
        } catch {}
        return error.leaving("an item of the login may remain in the keyring")
    }

    private func isLogin(_ item: SecretService.Item) -> Bool {
        item.entry(of: credential.entry.schema)?.attributes == credential.entry.attributes
    }
}
