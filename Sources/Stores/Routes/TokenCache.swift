package import Credentials
package import Files

/// The token cache keeps what routes have answered until it may no longer be used.
///
/// It is an encrypted file like that of logins (`FileStore`), in a folder of its own. Its key is random
/// and in the kernel's user keyring alone, for as long as the longest token may be used; so a reboot,
/// and `keyfob lock`, make the file worthless. Where the kernel keeps no key there is no cache.
///
/// A token that may not be used later is kept for those alone who were already waiting for it.
///
/// A token's time is measured on two clocks, the wall's and the system's since its start: it is used
/// only while it is fresh by both, so that a clock that is set cannot prolong it.
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

    /// Waiting processes join a mint that ends within this time, in seconds.
    private static let shortest = 30

    /// `folder` is of this cache alone.
    package init(in folder: Folder, clock: Clock = .system) {
        self.folder = folder
        self.clock = clock
    }

    package var name: String { "cache" }

    private static let key = KernelKey("keyfob:tokens", .user)

    /// What a route has answered, and for how long it may be used.
    struct Token {
        let username: Text
        let secret: Secret
        let host: Text
        /// When it was asked for, in seconds since 1970, and in milliseconds since the system's start.
        let asked: (seconds: UInt64, uptime: UInt64)
        /// When it came.
        let came: UInt64
        /// For how many seconds it may be used, and for how many more where its source is out of reach.
        let fresh: UInt64
        let stale: UInt64
        /// Until then its source, which is out of reach, is not asked again.
        var rest: UInt64 = 0

        /// Whether it may be used, after so many seconds more than it is fresh. A clock that stands
        /// before the time at which it was asked for has been set.
        func isUsable(_ clock: Clock, after more: UInt64 = 0) -> Bool {
            let (now, uptime) = (clock.seconds(), clock.uptime())
            return now >= asked.seconds && uptime >= asked.uptime
                && now - asked.seconds < fresh + more
                && (uptime - asked.uptime) / 1000 < fresh + more
        }
    }

    // MARK: Using it

    /// Makes sure that there is a key, and returns why tokens cannot be cached; nil if they can.
    package func obstacle() -> String? {
        if let (_, left) = TokenCache.key.read(), left >= TokenCache.shortest { return nil }
        do throws(StoreError) {
            let lock = try folder.lock("key")
            return publish(for: TokenCache.shortest, under: lock)
        } catch {
            return error.message
        }
    }

    /// Returns why the kernel keeps no key for tokens; nil if it does. Nothing is created.
    package static var refusal: String? {
        if key.read() != nil { return nil }
        let probe = KernelKey("keyfob:probe", .user)
        defer { probe.remove() }
        return publish(.empty, as: probe, seconds: 1)
    }

    /// The lock under which the token of this name is asked for. Few names share one.
    func lock(_ id: Text) throws(StoreError) -> Folder.Lock {
        try folder.lock("mint-" + (id.string.prefix(1)))
    }

    /// The token of this name, usable or not; nil if there is none, or nothing opens the cache.
    func token(_ id: Text) -> Token? {
        guard let store, let found = try? store.find(Query(.docker, ["server": id])).first else {
            return nil
        }
        return Token(found)
    }

    /// Keeps a token under this name. Where it cannot be kept, it is not: it can be had again.
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
            // What lies there is not of this key, or is no cache.
            removeFile()
            try? store.save(token.credential(named: id))
        }
    }

    /// Removes the token of this name, which its source has no more.
    func forget(_ id: Text) { _ = try? store?.remove([Query(.docker, ["server": id])]) }

    /// The tokens that may still be used, each as the login that `find` gives.
    package func list(_ schema: Schema?, _ options: FindOptions) throws(StoreError) -> Listing {
        guard let store, let listing = try? store.list(.docker) else { return Listing() }
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
            guard let id = entry.attributes["server"], let token = token(id),
                token.isUsable(clock), query.matches(token.entry)
            else { continue }
            found.append(Credential(token.entry, secret: token.secret))
        }
        return query.ranked(found)
    }

    /// Nothing but a route puts a login here.
    package func save(_ credential: Credential) throws(StoreError) {
        throw StoreError(.servedByRoute, "a login cannot be stored among cached tokens")
    }

    /// Removes the tokens that are meant, and looks again.
    @discardableResult
    package func remove(_ queries: [Query]) throws(StoreError) -> [Entry] {
        guard try folder.open() != nil else { return [] }
        guard let store else {
            // Nothing opens it any more.
            removeFile()
            return []
        }
        func meant() -> [(id: Text, entry: Entry)]? {
            guard let listing = try? store.list(.docker) else { return nil }
            var meant: [(id: Text, entry: Entry)] = []
            for entry in listing.entries {
                guard let id = entry.attributes["server"],
                    let token = Token(Credential(entry, secret: .empty)),
                    queries.contains(where: { $0.matches(token.entry) })
                else { continue }
                meant.append((id, token.entry))
            }
            return meant
        }
        guard let found = meant() else {
            removeFile()
            return []
        }
        guard !found.isEmpty else { return [] }
        try store.remove(found.map { Query(.docker, ["server": $0.id]) })
        guard let left = meant(), left.isEmpty else {
            throw StoreError(
                .loginRemains, "a token remains in \(folder.path)",
                hint: "to make it worthless: keyfob lock")
        }
        return found.map { $0.entry }
    }

    // MARK: The file and its key

    /// The file, as far as there is a key; it may have been written under another one.
    private var store: FileStore? {
        guard let (key, _) = TokenCache.key.read() else { return nil }
        var options = FileStore.Options(folder: folder, keyFolder: folder, notice: { _ in })
        options.heldKey = key
        options.mayPrompt = false
        return FileStore(options, now: clock.seconds)
    }

    /// Keeps the key for so many seconds more, at least; a new one if there is none. Returns why the
    /// kernel does not; nil if it does.
    private func publish(for seconds: Int, under lock: borrowing Folder.Lock) -> String? {
        let known = TokenCache.key.read()
        if let known, known.secondsLeft >= seconds { return nil }
        if known == nil { removeFile() }
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

    private func removeFile() {
        guard let folder = try? folder.open() else { return }
        try? folder.remove(FileStore.fileName)
    }

    private func removeEnded(from store: FileStore) {
        guard let listing = try? store.list(.docker) else { return }
        var ended: [Query] = []
        for entry in listing.entries {
            guard let id = entry.attributes["server"] else { continue }
            let token = Token(Credential(entry, secret: .empty))
            if token?.isUsable(clock, after: token?.stale ?? 0) != true {
                ended.append(Query(.docker, ["server": id]))
            }
        }
        if !ended.isEmpty { _ = try? store.remove(ended) }
    }
}

extension TokenCache.Token {
    /// The record of a token, in which `server` is its name.
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

    /// The login that it is.
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
