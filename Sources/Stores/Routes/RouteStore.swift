package import Credentials
internal import Files

/// What the routes are that the user has configured.
package struct Routes: Hashable, Sendable {
    package var all: [Route]
    /// Why it is not known which routes there are; nil if it is. No docker server is asked about then:
    /// what is stored for it may not be what its route gives.
    package var obstacle: StoreError?

    package init(_ all: [Route] = [], obstacle: StoreError? = nil) {
        self.all = all
        self.obstacle = obstacle
    }

    package var isEmpty: Bool { all.isEmpty && obstacle == nil }

    /// The first route that is for the server.
    package func route(for key: ServerKey) -> (route: Route, server: RoutedServer)? {
        for route in all {
            if let server = route.server(key) { return (route, server) }
        }
        return nil
    }

    /// Asks the route of a server now, whatever is cached. Returns the route, the user name and the
    /// end of the login, in seconds since 1970, if that is told. `caller` is the route whose program
    /// runs this process, if one does.
    package func test(
        _ key: ServerKey, caller: String?
    ) throws(StoreError) -> (route: Route, username: Text, end: UInt64?) {
        if let obstacle { throw obstacle }
        guard let (route, server) = route(for: key) else {
            throw StoreError(
                .noRoute, "no route serves \(key.spelling.string)", hint: "see: keyfob route list")
        }
        guard caller == nil else { throw route.loop(by: caller ?? "") }
        guard
            let answer = try Minter(route: route, server: server).answer(within: Minter.patience)
        else {
            throw StoreError(
                .notLoggedIn, "the route \(route.name) has no login for \(server.host)")
        }
        return (route, answer.username, answer.end)
    }

    /// Why such a login is not stored; nil if no route serves its server.
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

/// The store of routes answers for the servers that a route matches, and lets another store answer
/// for all others.
///
/// What must hold: a routed server has the route's answer or its failure, and never a stored login,
/// nor "not found", unless the route is optional. Nothing is stored for it. It is asked for once,
/// however many ask at once, where its answer can be cached (`TokenCache`).
package final class RouteStore: CredentialStore {
    private let store: any CredentialStore
    private let routes: Routes
    private let cache: TokenCache?
    private let caller: String?
    private let notice: @Sendable (String) -> Void

    /// How long a find may take in all, in milliseconds: less than the helper's watchdog allows, also
    /// where a program has to be ended.
    private static let patience = 16_000
    /// For how long an engine that is out of reach is not asked again, in milliseconds.
    private static let rest: UInt64 = 3000

    /// `cache` is nil where nothing can be cached. `caller` is the route whose program runs this
    /// process, if one does. `notice` says one line to the user.
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

    /// What is stored, but for servers that a route serves, and the tokens that are cached.
    package func list(_ schema: Schema?, _ options: FindOptions) throws(StoreError) -> Listing {
        var listing = try store.list(schema, options)
        if let obstacle = routes.obstacle { listing.warnings.append(obstacle.message) }
        listing.entries.removeAll { routes.refusal(of: $0) != nil }
        if schema == nil || schema == .docker, let cache {
            listing.entries += try cache.list(schema, options).entries
        }
        return listing
    }

    package func save(_ credential: Credential) throws(StoreError) {
        if let refusal = routes.refusal(of: credential.entry) { throw refusal }
        try store.save(credential)
    }

    /// Removes also what was stored for a server before there was a route for it.
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
        guard cache.obstacle() == nil else { return try mintedAlone() }
        let lock: Folder.Lock
        do throws(StoreError) {
            lock = try cache.lock(id)
        } catch {
            throw error.code == .lockTimedOut ? route.isAskedElsewhere(for: server) : error
        }
        let known = cache.token(id)
        if let known, let login = use(known, route, server, cache) { return login }
        if let known, known.came >= start { return (known.username, known.secret) }
        let login = try askAndKeep(route, server, as: id, in: cache, known, since: start)
        lock.release()
        return login
    }

    /// Asks the route, and caches what it answers. Where an engine is out of reach, what is known is
    /// used as long as the route lets it, and the engine is left alone for some seconds.
    private func askAndKeep(
        _ route: Route, _ server: RoutedServer, as id: Text, in cache: TokenCache,
        _ known: TokenCache.Token?, since start: UInt64
    ) throws(StoreError) -> Login? {
        let asked = (seconds: cache.clock.seconds(), uptime: cache.clock.uptime())
        do throws(StoreError) {
            guard let answer = try mint(route, server, since: start) else {
                if known != nil { cache.forget(id) }
                return nil
            }
            let token = TokenCache.Token(
                answer, for: server, asked: asked, came: System.uptime, lifetime: route.lifetime,
                stale: route.staleFor)
            cache.keep(token, as: id)
            return (answer.username, answer.secret)
        } catch let error where error.code == .routeUnreachable {
            guard var known, known.isUsable(cache.clock, after: known.stale) else { throw error }
            known.rest = System.uptime + RouteStore.rest
            cache.keep(known, as: id)
            say(known, server, error.message)
            return (known.username, known.secret)
        }
    }

    /// What a cached token gives; nil if the route is to be asked.
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
        return try Minter(route: route, server: server).answer(within: left / 1000)
    }
}

extension Route {
    /// Nothing is asked where the environment has the answer.
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
