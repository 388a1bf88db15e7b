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
        let answer = try Minter(route: route, server: server).answer(within: Minter.patience)
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
            let (username, secret) = try login(of: route, for: server)
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

    private func login(
        of route: Route, for server: RoutedServer
    ) throws(StoreError) -> (username: Text, secret: Secret) {
        guard caller == nil else { throw route.loop(by: caller ?? "") }
        let start = System.uptime
        guard let cache, route.isCacheable else {
            let answer = try mint(route, server, since: start)
            return (answer.username, answer.secret)
        }
        let id = route.id(for: server)
        if let token = cache.token(id), token.isUsable(cache.clock) {
            return (token.username, token.secret)
        }
        guard cache.obstacle() == nil else {
            let answer = try mint(route, server, since: start)
            return (answer.username, answer.secret)
        }
        let lock: Folder.Lock
        do throws(StoreError) {
            lock = try cache.lock(id)
        } catch {
            throw error.code == .lockTimedOut ? route.isAskedElsewhere(for: server) : error
        }
        if let token = cache.token(id), token.isUsable(cache.clock) || token.came >= start {
            return (token.username, token.secret)
        }
        let asked = (seconds: cache.clock.seconds(), uptime: cache.clock.uptime())
        let answer = try mint(route, server, since: start)
        let token = TokenCache.Token(
            answer, for: server, asked: asked, came: System.uptime, lifetime: route.lifetime)
        cache.keep(token, as: id)
        lock.release()
        return (answer.username, answer.secret)
    }

    private func mint(
        _ route: Route, _ server: RoutedServer, since start: UInt64
    ) throws(StoreError) -> Answer {
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
