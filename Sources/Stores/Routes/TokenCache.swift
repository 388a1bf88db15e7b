package import Credentials
package import Files

/// The token cache keeps the answers of routes as long as they may be used.
///
/// It is an encrypted file like that of logins (`FileStore`), in a folder of its own. Its key is
/// random, and is kept only in the kernel's user keyring, for as long as any of the tokens may be
/// used. So a reboot or `keyfob lock` makes the file unreadable. If the kernel keeps no key, there
/// is no cache.
///
/// A token that may not be used later is returned only to the processes that were already waiting
/// for it.
///
/// A token's age is measured by two clocks, the date and the time since the system was started. It
/// is used only while it is fresh by both, so that setting a clock cannot prolong its use.
package final class TokenCache: CredentialStore {
    /// The clocks: seconds since 1970, and milliseconds since the system was started.
    package struct Clock: Sendable {
        package let seconds: @Sendable () -> UInt64
        package let uptime: @Sendable () -> UInt64

        package init(
            seconds: @escaping @Sendable () -> UInt64, uptime: @escaping @Sendable () -> UInt64
        ) {
            self.seconds = seconds
            self.uptime = uptime
        }

        package static let system = Clock(
            seconds: { System.seconds }, uptime: { System.uptime })
    }

    private let folder: Folder
    let clock: Clock

    /// The shortest time for which the key is kept, in seconds: processes that wait for a token
    /// read it within this time.
    private static let shortest = 30

    /// `folder` belongs to this cache alone.
    package init(in folder: Folder, clock: Clock = .system) {
        self.folder = folder
        self.clock = clock
    }

    package var name: String { "cache" }

    private static let key = KernelKey("keyfob:tokens", .user)

    /// An answer of a route, and the time for which it may be used.
    struct Token {
        let username: Text
        let secret: Secret
        let host: Text
        /// The time of the request, in seconds since 1970, and in milliseconds since the system was
        /// started.
        let asked: (seconds: UInt64, uptime: UInt64)
        /// The time of the answer, in milliseconds since the system was started.
        let came: UInt64
        /// The seconds for which it may be used, and those for which it may be used in addition if
        /// its source cannot be reached.
        let fresh: UInt64
        let stale: UInt64
        /// The time until which its source, which could not be reached, is not asked again, in
        /// milliseconds since the system was started; 0 if the source may be asked.
        var rest: UInt64 = 0

        /// Returns true if it may be used, even `more` seconds longer than it is fresh. It may not
        /// be used if a clock was set to a time before the request.
        func isUsable(_ clock: Clock, after more: UInt64 = 0) -> Bool {
            let (now, uptime) = (clock.seconds(), clock.uptime())
            return now >= asked.seconds && uptime >= asked.uptime
                && now - asked.seconds < fresh + more
                && (uptime - asked.uptime) / 1000 < fresh + more
        }
    }

    // MARK: Using it

    /// Makes sure that there is a key. Returns the reason why tokens cannot be cached; nil if they
    /// can.
    package func obstacle() -> String? {
        if let (_, left) = TokenCache.key.read(), left >= TokenCache.shortest { return nil }
        do throws(StoreError) {
            let lock = try folder.lock("key")
            return publish(for: TokenCache.shortest, under: lock)
        } catch {
            return error.message
        }
    }

    /// Returns the reason why the kernel keeps no key for tokens; nil if it does. Nothing that it
    /// creates remains.
    package static var refusal: String? {
        if key.read() != nil { return nil }
        let probe = KernelKey("keyfob:probe", .user)
        defer { probe.remove() }
        return publish(.empty, as: probe, seconds: 1)
    }

    /// Waits for the lock under which the token of this name is requested, and returns it. Names
    /// with the same first digit share a lock.
    func lock(_ id: Text) throws(StoreError) -> Folder.Lock {
        try folder.lock("mint-" + (id.string.prefix(1)))
    }

    /// Returns the token of this name, usable or not; nil if there is none, or the cache cannot be
    /// opened.
    func token(_ id: Text) -> Token? {
        guard let store, let found = try? store.find(Query(.docker, ["server": id])).first else {
            return nil
        }
        return Token(found)
    }

    /// Keeps a token under this name. A failure is ignored, since the token can be requested again.
    func keep(_ token: Token, as id: Text) {
        let life = Int(clamping: token.fresh + token.stale)
        guard let lock = try? folder.lock("key") else { return }
        guard publish(for: max(life, TokenCache.shortest), under: lock) == nil, let store else {
            return
        }
        removeEnded(from: store)
        do throws(StoreError) {
            try store.save(token.credential(named: id))
        } catch {
            // The file was written with another key, or is not a cache.
            try? removeFile()
            try? store.save(token.credential(named: id))
        }
    }

    /// Removes the token of this name, which its source no longer has.
    func forget(_ id: Text) { _ = try? store?.remove([Query(.docker, ["server": id])]) }

    /// Returns the tokens that may still be used, each as the login that `find` returns.
    package func list(_ schema: Schema?, _ options: FindOptions) throws(StoreError) -> Listing {
        guard let store else { return Listing() }
        let listing: Listing
        do throws(StoreError) {
            listing = try store.list(.docker)
        } catch {
            // A file that its key does not open holds nothing that can be used.
            guard error.outcome != .damaged, error.outcome != .locked else { return Listing() }
            return Listing(warnings: ["cached tokens are not listed: \(error.message)"])
        }
        var entries: [Entry] = []
        for entry in listing.entries {
            guard let token = Token(Credential(entry, secret: .empty)), token.isUsable(clock)
            else { continue }
            entries.append(token.entry)
        }
        return Listing(entries: entries)
    }

    package func find(_ query: Query, _ options: FindOptions) throws(StoreError) -> [Credential] {
        guard let store, let listing = try? store.list(.docker) else { return [] }
        var found: [Credential] = []
        for entry in listing.entries {
            guard let id = entry["server"], let token = token(id),
                token.isUsable(clock), query.matches(token.entry)
            else { continue }
            found.append(Credential(token.entry, secret: token.secret))
        }
        return query.ranked(found)
    }

    /// Throws `failed`: only routes put logins here.
    package func save(_ credential: Credential) throws(StoreError) {
        throw StoreError(.servedByRoute, "a login cannot be stored among cached tokens")
    }

    /// Removes the matching tokens, and checks that they are gone. A file that cannot be read is
    /// removed whole.
    ///
    /// Throws `loginRemains` if that fails, too, or if a token comes back.
    @discardableResult
    package func remove(_ queries: [Query]) throws(StoreError) -> [Entry] {
        guard try folder.open() != nil else { return [] }
        func meant() -> [(id: Text, entry: Entry)]? {
            guard let listing = try? store?.list(.docker) else { return nil }
            var meant: [(id: Text, entry: Entry)] = []
            for entry in listing.entries {
                guard let id = entry["server"],
                    let token = Token(Credential(entry, secret: .empty)),
                    queries.contains(where: { $0.matches(token.entry) })
                else { continue }
                meant.append((id, token.entry))
            }
            return meant
        }
        guard let store, let found = meant() else {
            do throws(StoreError) {
                try removeFile()
            } catch {
                throw remaining("tokens may remain in \(folder.path): \(error.message)")
            }
            return []
        }
        guard !found.isEmpty else { return [] }
        try store.remove(found.map { Query(.docker, ["server": $0.id]) })
        guard let left = meant(), left.isEmpty else {
            throw remaining("a token remains in \(folder.path)")
        }
        return found.map { $0.entry }
    }

    private func remaining(_ message: String) -> StoreError {
        StoreError(.loginRemains, message, hint: "to make every token worthless: keyfob lock")
    }

    // MARK: The file and its key

    /// The file; nil if there is no key. It may have been written with another key.
    private var store: FileStore? {
        guard let (key, _) = TokenCache.key.read() else { return nil }
        var options = FileStore.Options(folder: folder, keyFolder: folder, notice: { _ in })
        options.heldKey = key
        options.mayPrompt = false
        return FileStore(options, now: clock.seconds)
    }

    /// Makes sure that the kernel keeps the key for at least so many seconds more, and makes one if
    /// there is none. Returns the reason why the kernel does not keep it; nil if it does.
    private func publish(for seconds: Int, under lock: borrowing Folder.Lock) -> String? {
        let known = TokenCache.key.read()
        if let known, known.secondsLeft >= seconds { return nil }
        if known == nil { try? removeFile() }
        return TokenCache.publish(
            known?.content ?? Seal.randomKey(), as: TokenCache.key, seconds: seconds)
    }

    private static func publish(
        _ content: Secret, as key: KernelKey, seconds: Int
    ) -> String? {
        do throws(KernelKey.Failure) {
            try key.publish(content, seconds: seconds)
            return nil
        } catch {
            guard case .refused(let error) = error else { return "there is no session" }
            return "the kernel keeps no key: \(error.reason)"
        }
    }

    private func removeFile() throws(StoreError) {
        guard let folder = try folder.open() else { return }
        try folder.remove(FileStore.fileName)
    }

    private func removeEnded(from store: FileStore) {
        guard let listing = try? store.list(.docker) else { return }
        var ended: [Query] = []
        for entry in listing.entries {
            guard let id = entry["server"] else { continue }
            let token = Token(Credential(entry, secret: .empty))
            if token?.isUsable(clock, after: token?.stale ?? 0) != true {
                ended.append(Query(.docker, ["server": id]))
            }
        }
        if !ended.isEmpty { _ = try? store.remove(ended) }
    }
}

extension TokenCache.Token {
    /// Returns the record of a token, in which `server` is the token's name.
    fileprivate func credential(named id: Text) -> Credential {
        let attributes: [String: Text] = [
            "server": id, "username": username, "host": host,
            "asked": .number(asked.seconds), "uptime": .number(asked.uptime),
            "came": .number(came), "fresh": .number(fresh), "stale": .number(stale),
            "rest": .number(rest),
        ]
        return Credential(
            Entry(schema: .docker, attributes: attributes, label: host), secret: secret)
    }

    fileprivate init?(_ record: Credential) {
        func number(_ name: String) -> UInt64? { record[name].flatMap { UInt64($0.string) } }
        guard let username = record["username"], let host = record["host"],
            let asked = number("asked"), let uptime = number("uptime"), let came = number("came"),
            let fresh = number("fresh"), let stale = number("stale"), let rest = number("rest")
        else { return nil }
        self.username = username
        self.host = host
        secret = record.secret
        self.asked = (asked, uptime)
        self.came = came
        self.fresh = fresh
        self.stale = stale
        self.rest = rest
    }

    /// The login that it is for.
    fileprivate var entry: Entry {
        let login = Entry.docker(server: host, username: username)
        return Entry(
            schema: .docker, attributes: login.attributes, label: login.label,
            modified: asked.seconds)
    }
}

extension Text {
    fileprivate static func number(_ number: UInt64) -> Text { Text("\(number)") ?? "" }
}
