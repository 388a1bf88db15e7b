package import Credentials
internal import Files

/// The routes that the user has configured.
package struct Routes: Hashable, Sendable {
    package var all: [Route]
    /// The reason why the routes are not known; nil if they are. If they are not, no login for a
    /// docker server is found, since a route may serve that server.
    package var obstacle: StoreError?

    package init(_ all: [Route] = [], obstacle: StoreError? = nil) {
        self.all = all
        self.obstacle = obstacle
    }

    package var isEmpty: Bool { all.isEmpty && obstacle == nil }

    /// Returns the first route that matches the server; nil if none does.
    package func route(for key: ServerKey) -> (route: Route, server: RoutedServer)? {
        for route in all {
            if let server = route.server(key) { return (route, server) }
        }
        return nil
    }

    /// Returns the server that a query is for if a route serves it, and that route; nil if none does.
    package func route(for query: Query) -> (route: Route, server: RoutedServer)? {
        query.schema.serverKey(in: query.facts).flatMap { route(for: $0) }
    }

    /// Returns the route that serves all servers of one of these patterns, and that pattern; nil if
    /// there is none.
    package func route(before patterns: [RoutePattern]) -> (route: Route, pattern: RoutePattern)? {
        for pattern in patterns {
            if let (route, _) = route(for: pattern.example) { return (route, pattern) }
        }
        return nil
    }

    /// Asks the route of a server now, without the cache. Returns the route, the user name, and the
    /// time at which the login expires, in seconds since 1970; nil if that is not known. `caller`
    /// is the name of the route whose program runs this process; nil if none does. `hint` is that of
    /// an error of the route.
    package func test(
        _ key: ServerKey, caller: String?, hint: String? = nil
    ) throws(StoreError) -> (route: Route, username: Text, end: UInt64?) {
        if let obstacle { throw obstacle }
        guard let (route, server) = route(for: key) else {
            throw StoreError(
                .noRoute, "no route serves \(key.spelling.string)", hint: "see: keyfob route list")
        }
        guard caller == nil else { throw route.loop(by: caller ?? "") }
        let answer: Answer?
        do throws(StoreError) {
            answer = try Minter(route: route, server: server).answer(within: Minter.patience)
        } catch {
            throw StoreError(error.code, error.message, hint: hint)
        }
        guard let answer else {
            throw StoreError(
                .notLoggedIn, "the route \(route.name) has no login for \(server.host)", hint: hint)
        }
        return (route, answer.username, answer.end)
    }

    /// Returns the reason why such a login is not stored; nil if no route serves its server.
    package func refusal(of entry: Entry) -> StoreError? {
        guard let key = entry.schema.serverKey(in: entry.attributes),
            let (route, server) = route(for: key)
        else { return nil }
        return StoreError(
            .servedByRoute,
            "nothing is stored for \(server.host): the route \(route.name) serves it",
            hint: "log in where the route's login comes from, or remove the route: "
                + "keyfob route remove \(server.host.shellWord)")
    }
}

/// The store of routes gets logins from a route if one matches the server, and from another store
/// if none does.
///
/// Invariants: for a routed server a find returns the route's answer or throws its failure. It
/// never returns a stored login. It returns nothing only if an engine has no login, the login is
/// another user's, or an optional route fails. Nothing is stored for a routed server. If several
/// processes want the same login, the route is asked once, provided that the answer can be cached
/// (`TokenCache`).
package final class RouteStore: CredentialStore {
    private let store: any CredentialStore
    private let routes: Routes
    private let cache: TokenCache?
    private let caller: String?
    private let notice: @Sendable (String) -> Void

    /// The longest time of a find, in milliseconds: less than the helper's watchdog allows, even if
    /// a program has to be ended.
    private static let patience = 16_000
    /// The time for which an engine that cannot be reached is not asked again, in milliseconds.
    private static let rest: UInt64 = 3000

    /// `cache` is nil if nothing can be cached. `caller` is the name of the route whose program
    /// runs this process; nil if none does. `notice` prints one line for the user.
    package init(
        _ store: any CredentialStore, _ routes: Routes, cache: TokenCache?, caller: String?,
        notice: @escaping @Sendable (String) -> Void
    ) {
        self.store = store
        self.routes = routes
        self.cache = cache
        self.caller = caller
        self.notice = notice
    }

    package var name: String { store.name }

    package func find(_ query: Query, _ options: FindOptions) throws(StoreError) -> [Credential] {
        guard let key = query.schema.serverKey(in: query.facts) else {
            return try store.find(query, options)
        }
        if let obstacle = routes.obstacle { throw obstacle }
        guard let (route, server) = routes.route(for: key) else {
            return try store.find(query, options)
        }
        do throws(StoreError) {
            guard let (username, secret) = try login(of: route, for: server) else { return [] }
            let entry = Entry.docker(server: key.spelling, username: username)
            return query.matches(entry) ? [Credential(entry, secret: secret)] : []
        } catch {
            guard route.isOptional else { throw error }
            notice("warning: there is no login for \(server.host): \(error.message)")
            return []
        }
    }

    /// Returns the stored logins, except those for routed servers, and the cached tokens.
    package func list(_ schema: Schema?, _ options: FindOptions) throws(StoreError) -> Listing {
        var listing = try store.list(schema, options)
        if let obstacle = routes.obstacle { listing.warnings.append(obstacle.message) }
        listing.entries.removeAll { routes.refusal(of: $0) != nil }
        if [nil, .docker].contains(schema), let cache {
            let tokens = try cache.list(schema, options)
            listing.entries += tokens.entries
            listing.warnings += tokens.warnings
        }
        return listing
    }

    package func save(_ credential: Credential) throws(StoreError) {
        if let refusal = routes.refusal(of: credential.entry) { throw refusal }
        try store.save(credential)
    }

    /// Removes cached tokens, too, and logins that were stored before a route served their server.
    @discardableResult
    package func remove(_ queries: [Query]) throws(StoreError) -> [Entry] {
        var removed: [Entry] = []
        var failure: StoreError?
        do throws(StoreError) {
            if let cache { removed += try cache.remove(queries) }
        } catch {
            failure = error
        }
        removed += try store.remove(queries)
        if let failure { throw failure }
        return removed
    }

    // MARK: Asking a route

    private typealias Login = (username: Text, secret: Secret)

    private func login(of route: Route, for server: RoutedServer) throws(StoreError) -> Login? {
        guard caller == nil else { throw route.loop(by: caller ?? "") }
        let start = System.uptime
        func mintedAlone() throws(StoreError) -> Login? {
            try mint(route, server, since: start).map { ($0.username, $0.secret) }
        }
        guard let cache, route.isCacheable else { return try mintedAlone() }
        let id = route.id(for: server)
        if let token = cache.token(id), let login = use(token, route, server, cache) {
            return login
        }
        guard cache.readyKey() != nil else { return try mintedAlone() }
        let lock: Folder.Lock
        do throws(StoreError) {
            lock = try cache.lock(id)
        } catch {
            // Where nothing can be written, nothing is cached.
            guard error.code == .lockTimedOut else { return try mintedAlone() }
            throw route.isAskedElsewhere(for: server)
        }
        let known = cache.token(id)
        if let known, let login = use(known, route, server, cache) { return login }
        if let known, known.came >= start { return (known.username, known.secret) }
        let login = try askAndKeep(route, server, as: id, in: cache, known, since: start)
        lock.release()
        return login
    }

    /// Asks the route, and caches its answer. If an engine cannot be reached, the `known` token is
    /// used as long as the route allows, and the engine is not asked again for some seconds.
    private func askAndKeep(
        _ route: Route, _ server: RoutedServer, as id: Text, in cache: TokenCache,
        _ known: TokenCache.Token?, since start: UInt64
    ) throws(StoreError) -> Login? {
        let key = cache.readyKey()
        let asked = (seconds: cache.clock.seconds(), uptime: cache.clock.uptime())
        do throws(StoreError) {
            guard let answer = try mint(route, server, since: start) else {
                if known != nil { cache.forget(id) }
                return nil
            }
            let token = TokenCache.Token(
                answer, for: server, asked: asked, came: System.uptime, lifetime: route.lifetime,
                stale: route.staleFor)
            cache.keep(token, as: id, under: key)
            return (answer.username, answer.secret)
        } catch let error where error.code == .routeUnreachable {
            guard var known, known.isUsable(cache.clock, after: known.stale) else { throw error }
            known.rest = System.uptime + RouteStore.rest
            cache.keep(known, as: id, under: key)
            say(known, server, error.message)
            return (known.username, known.secret)
        }
    }

    /// Returns the login of a cached token; nil if the route must be asked.
    private func use(
        _ token: TokenCache.Token, _ route: Route, _ server: RoutedServer, _ cache: TokenCache
    ) -> Login? {
        if token.isUsable(cache.clock) { return (token.username, token.secret) }
        guard token.rest > System.uptime, token.isUsable(cache.clock, after: token.stale) else {
            return nil
        }
        say(token, server, "the route \(route.name) was out of reach a moment ago")
        return (token.username, token.secret)
    }

    private func say(_ token: TokenCache.Token, _ server: RoutedServer, _ cause: String) {
        let age = (System.uptime - min(token.asked.uptime, System.uptime)) / 1000
        notice("warning: the login of \(server.host) is one of \(age) seconds ago: \(cause)")
    }

    private func mint(
        _ route: Route, _ server: RoutedServer, since start: UInt64
    ) throws(StoreError) -> Answer? {
        let left = RouteStore.patience - Int(System.uptime - start)
        guard left >= 1000 else { throw route.isAskedElsewhere(for: server) }
        do throws(StoreError) {
            return try Minter(route: route, server: server).answer(within: left / 1000)
        } catch {
            // It had less time than a program may take, since this process waited for another one.
            let hadItsTime = left / 1000 >= Minter.patience
            throw error.code == .routeTimedOut && !hadItsTime
                ? route.isAskedElsewhere(for: server) : error
        }
    }
}

extension Route {
    /// True if its answers are cached. The environment is read each time.
    fileprivate var isCacheable: Bool {
        if case .environment = source { return false }
        if case .refused = source { return false }
        return true
    }

    fileprivate var staleFor: UInt64 {
        guard case .vault(_, let seconds) = source else { return 0 }
        return UInt64(seconds)
    }

    fileprivate func loop(by caller: String) -> StoreError {
        StoreError(
            .routeLoop, "the route \(name) leads back to keyfob, by the route \(caller)",
            hint: "correct the route in the config file; see: keyfob route list")
    }

    fileprivate func isAskedElsewhere(for server: RoutedServer) -> StoreError {
        failure(
            "another process asks for it, and has no answer yet", for: server, code: .routeTimedOut)
    }
}
