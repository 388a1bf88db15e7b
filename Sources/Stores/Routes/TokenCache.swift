package import Credentials
package import Files

/// The token cache keeps the answers of routes as long as they may be used.
///
/// It is an encrypted file like that of logins (`FileStore`), in a folder of its own. Its key is
/// random, and is kept only in the kernel's user keyring, for as long as any of the tokens may be
/// used. So a reboot or `keyfob lock` makes the file unreadable. If the kernel keeps no key, there
/// is no cache.
///
/// A logout removes the key. So no copy of the file can be read any more, also one in a folder that
/// only other processes use, and a token that was asked for before the logout is not kept.
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

    /// The folder that is used, and others in which processes of this user keep tokens if their
    /// environment names no runtime folder, or another one.
    private let folders: [Folder]
    /// The folder of the lock under which processes change the key.
    private let lockFolder: Folder
    private let routes: Routes
    let clock: Clock

    /// The shortest time for which the key is kept, in seconds: processes that wait for a token
    /// read it within this time.
    private static let shortest = 30

    /// The folders belong to this cache alone; the first is the one that is used.
    package init(
        in folders: [Folder], lockFolder: Folder, for routes: Routes, clock: Clock = .system
    ) {
        precondition(!folders.isEmpty, "there is a folder to use")
        self.folders = folders
        self.lockFolder = lockFolder
        self.routes = routes
        self.clock = clock
    }

    package static let name = "cache"
    package var name: String { TokenCache.name }

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

    /// Makes sure that there is a key, and returns it; nil if tokens cannot be cached.
    func readyKey() -> Secret? {
        if let (key, left) = TokenCache.key.read(), left >= TokenCache.shortest { return key }
        guard let lock = try? lockOfKey() else { return nil }
        let refusal = publish(for: TokenCache.shortest)
        lock.release()
        return refusal == nil ? TokenCache.key.read()?.content : nil
    }

    /// Returns the reason why the kernel keeps no key for tokens; nil if it does. Nothing that it
    /// creates remains.
    package static var refusal: String? {
        if key.read() != nil { return nil }
        let probe = KernelKey("keyfob:probe", .user)
        defer { probe.remove() }
        return publish(.empty, as: probe, seconds: 1)
    }

    /// Waits for the lock under which the token of this name is requested, and returns it. Only
    /// names with the same first digits share a lock: its file stays, so there must not be one for
    /// each name that ever was.
    func lock(_ id: Text) throws(StoreError) -> Folder.Lock {
        try folders[0].lock("mint-" + id.string.prefix(4))
    }

    /// Returns the token of this name, usable or not; nil if there is none, or the cache cannot be
    /// opened.
    func token(_ id: Text) -> Token? {
        (try? store(in: folders[0])?.find(Query(.docker, ["server": id])).first)
            .flatMap { Token($0) }
    }

    /// Keeps a token under this name if `key` is still the key; if it is not, a logout has emptied
    /// the cache since the token was asked for. A failure is ignored, since the token can be
    /// requested again.
    func keep(_ token: Token, as id: Text, under key: Secret?) {
        guard let key, let lock = try? lockOfKey() else { return }
        let life = max(Int(clamping: token.fresh + token.stale), TokenCache.shortest)
        if TokenCache.key.read()?.content == key, publish(for: life) == nil,
            let store = store(in: folders[0])
        {
            removeEnded(from: store)
            do throws(StoreError) {
                try store.save(token.credential(named: id))
            } catch {
                // The file was written with another key, or is not a cache.
                try? removeFile(in: folders[0])
                try? store.save(token.credential(named: id))
            }
        }
        lock.release()
    }

    /// Removes the token of this name, which its source no longer has. If it cannot be removed
    /// alone, as from a read-only folder, every token is made worthless.
    func forget(_ id: Text) {
        do throws(StoreError) {
            try store(in: folders[0])?.remove([Query(.docker, ["server": id])])
        } catch {
            try? empty()
        }
    }

    /// Returns the tokens that may still be used, each as the login that `find` returns.
    package func list(_ schema: Schema?, _ options: FindOptions) throws(StoreError) -> Listing {
        let (tokens, warnings) = usable()
        return Listing(entries: tokens.map { $0.entry }, warnings: warnings)
    }

    package func find(_ query: Query, _ options: FindOptions) throws(StoreError) -> [Credential] {
        let found = usable().tokens.filter { query.matches($0.entry) }
        return query.ranked(found.map { Credential($0.entry, secret: $0.secret) })
    }

    /// Returns the tokens that may be used, also those that may only while their source cannot be
    /// reached; of several for one server the newest. A file that cannot be read is a warning.
    private func usable() -> (tokens: [Token], warnings: [String]) {
        var tokens: [Token] = []
        var warnings: [String] = []
        for folder in folders {
            guard let store = store(in: folder) else { break }
            do throws(StoreError) {
                for record in try store.find(Query(.docker)) {
                    guard let token = Token(record), token.isUsable(clock, after: token.stale)
                    else { continue }
                    tokens.append(token)
                }
            } catch {
                // A file that its key does not open holds nothing that can be used.
                guard error.outcome != .damaged, error.outcome != .locked else { continue }
                warnings.append("cached tokens are not listed: \(error.message)")
            }
        }
        tokens.sort { $0.asked.uptime > $1.asked.uptime }
        var servers: Set<Text> = []
        return (tokens.filter { servers.insert($0.host).inserted }, warnings)
    }

    /// Throws `failed`: only routes put logins here.
    package func save(_ credential: Credential) throws(StoreError) {
        throw StoreError(.servedByRoute, "a login cannot be stored among cached tokens")
    }

    /// Makes every token worthless (`empty`) if there is one that matches, or if one may be in a
    /// place that this process does not see: if a query is for a routed server, or for all. Returns
    /// those that match.
    @discardableResult
    package func remove(_ queries: [Query]) throws(StoreError) -> [Entry] {
        let known = usable().tokens.map { $0.entry }
        let meant = known.filter { entry in queries.contains { $0.matches(entry) } }
        guard !meant.isEmpty || queries.contains(where: isOfRoutes) else { return [] }
        try empty()
        return meant
    }

    private func isOfRoutes(_ query: Query) -> Bool {
        guard query.schema.isRoutable else { return false }
        guard let key = query.schema.serverKey(in: query.facts) else { return true }
        return routes.obstacle != nil || routes.route(for: key) != nil
    }

    /// Makes every token worthless: removes the key, checks that it is gone, and removes the files.
    ///
    /// Throws `loginRemains` if the key or a file remains.
    package func empty() throws(StoreError) {
        // Without a key nobody keeps a token, so there is nobody to wait for.
        guard TokenCache.key.read() != nil, let lock = try? lockOfKey() else {
            return try removeKeyAndFiles()
        }
        try removeKeyAndFiles()
        lock.release()
    }

    private func removeKeyAndFiles() throws(StoreError) {
        TokenCache.key.remove()
        guard TokenCache.key.read() == nil else {
            throw remaining("the kernel keeps the key of cached tokens")
        }
        for folder in folders {
            do throws(StoreError) {
                try removeFile(in: folder)
            } catch {
                throw remaining("tokens may remain in \(folder.path): \(error.message)")
            }
        }
    }

    private func remaining(_ message: String) -> StoreError {
        StoreError(.loginRemains, message, hint: "to make every token worthless: keyfob lock")
    }

    // MARK: The file and its key

    /// The file in a folder; nil if there is no key. It may have been written with another key.
    private func store(in folder: Folder) -> FileStore? {
        guard let (key, _) = TokenCache.key.read() else { return nil }
        var options = FileStore.Options(folder: folder, keyFolder: folder, notice: { _ in })
        options.heldKey = key
        options.mayPrompt = false
        return FileStore(options, now: clock.seconds)
    }

    /// Waits for the lock under which the key is changed, whatever folder the tokens are in. Where
    /// that cannot be written, the processes that use one folder still wait for each other.
    private func lockOfKey() throws(StoreError) -> Folder.Lock {
        do throws(StoreError) {
            return try lockFolder.lock("tokens")
        } catch {
            guard error.code != .lockTimedOut else { throw error }
            return try folders[0].lock("key")
        }
    }

    /// Makes sure that the kernel keeps the key for at least so many seconds more, and makes one if
    /// there is none. Returns the reason why the kernel does not keep it; nil if it does. The
    /// caller holds the lock of the key.
    private func publish(for seconds: Int) -> String? {
        let known = TokenCache.key.read()
        if let known, known.secondsLeft >= seconds { return nil }
        if known == nil { try? removeFile(in: folders[0]) }
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
            switch error {
            case .noSession: return "there is no session"
            case .tooMany: return "you have as many keys as the kernel allows"
            case .refused(let error): return "the kernel keeps no key: \(error.reason)"
            }
        }
    }

    private func removeFile(in folder: Folder) throws(StoreError) {
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
