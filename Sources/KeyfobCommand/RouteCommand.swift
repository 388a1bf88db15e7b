internal import ArgumentParser
internal import Clients
internal import Credentials
internal import JSON
internal import Settings
internal import Stores

/// `keyfob route`: lists, tries, adds and removes the routes of the config file.
struct RouteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "route",
        abstract: "Get logins of some servers from other programs.",
        discussion: """
            A route makes the logins of a pattern of servers, such as a cloud's registries. Routes \
            are in the config file: see keyfob-config(5).
            """,
        subcommands: [List.self, Test.self, RouteAdd.self, RouteRemove.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the routes.")

        @OptionGroup var output: Output

        func run() throws {
            let invocation = try Invocation(output.console)
            let routes = invocation.choice.settings.routes
            let problems = routes.all.map { invocation.problem(of: $0) }
            let table = Table(
                head: ["SERVERS", "FROM", "PROBLEM"],
                rows: zip(routes.all, problems).map { route, problem in
                    let (kind, name) = route.origin
                    return [route.name, "\(kind) \(name)", problem?.message ?? ""]
                })
            try output.print(
                ["routes": .array(zip(routes.all, problems).map { $0.json($1) })],
                lines: routes.all.isEmpty ? [] : table.lines(width: invocation.console.width),
                errors: [routes.obstacle])
            if routes.isEmpty { invocation.console.note("no routes; to add one: keyfob route add") }
            try ExitStatus(problems + [routes.obstacle]).exit()
        }
    }

    struct Test: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test",
            abstract: "Ask the route of a server now.",
            discussion: "Uses no cached login and stores none. Never shows the secret.")

        @Argument(help: "The server, as docker or podman names it.")
        var server: String

        @OptionGroup var output: Output

        func run() throws {
            let invocation = try Invocation(output.console)
            let server = server.shownAddress
            let key = ServerKey(try Invocation.key(server))
            let choice = invocation.choice
            let (route, username, end) = try choice.settings.routes.test(key, caller: choice.caller)
            let (kind, name) = route.origin
            let time = end.flatMap { LocalTime($0) }.map { ", which ends on \($0.minute)" } ?? ""
            try output.answer(
                [
                    "server": .name(server), "route": .name(route.name),
                    "username": .text(username), "expires": .seconds(end),
                ],
                lines: output.quiet
                    ? []
                    : ["\(server): \(kind) \(name) gives a login of \(username)\(time)"])
        }
    }
}

extension Invocation {
    /// Returns the reason why a route cannot work; nil if none is known.
    func problem(of route: Route) -> StoreError? {
        if case .refused(let reason) = route.source {
            return StoreError(.badConfiguration, reason)
        }
        guard let program = route.program, surroundings.program(program) == nil else { return nil }
        return StoreError(
            .programNotRun,
            program.hasPrefix("/") ? "\(program) is no program" : "\(program) is not on the PATH",
            hint: "install it, or remove the route: keyfob route remove "
                + (route.spellings.first?.string ?? "").shellWord)
    }
}

extension Route {
    /// Returns the route as JSON, for scripts.
    func json(_ problem: StoreError?) -> JSON {
        let (kind, name) = origin
        return [
            "match": .array(spellings.map { .text($0) }), "kind": .name(kind),
            "name": .name(name), "lifetime": .count(lifetime),
            "optional": .bool(isOptional), "error": problem?.json ?? .null,
        ]
    }
}
