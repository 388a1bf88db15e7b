internal import ArgumentParser
internal import Clients
internal import Credentials
internal import Files
internal import JSON
internal import Settings
internal import Stores
internal import TextEditing

/// `keyfob route add`: adds a route of a known kind to the config file, and tries it first if that
/// is possible.
struct RouteAdd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add a route for the registries of a cloud.",
        usage: "keyfob route add <kind> [<options>]",
        discussion: """
            If the tool is installed and the server is known, the route is tried first. The rest \
            of the config file stays byte for byte the same.
            """)

    @Argument(help: "The kind of registry.")
    var kind: RouteTemplate

    @Option(help: "The servers, instead of the usual ones.")
    var match: [String] = []

    @Flag(help: "Treat a failure as no login, for public images.")
    var optional = false

    @Flag(help: "Add it without trying it.")
    var noVerify = false

    @OptionGroup var output: ChangeOutput

    func run() throws {
        let invocation = try Invocation(output.console)
        try invocation.requireSettings(before: "added")
        let value = kind.route(match: match, isOptional: optional)
        let read = RouteSettings(.array([value]), from: "--match")
        if let problem = read.problems.first {
            throw StoreError(
                .badConfiguration, "this route is not valid: \(problem)",
                hint: match.count > 1 ? "add one route for each --match" : nil)
        }
        guard let route = read.routes.first, let text = try? value.encoded().publicString else {
            return
        }
        if let (earlier, pattern) = invocation.choice.settings.routes.route(before: route.patterns)
        {
            throw StoreError(
                .servedByRoute,
                "the route would never be asked for \(pattern.spelling): the route "
                    + "\(earlier.name) serves it",
                hint: "to remove that: keyfob route remove "
                    + (earlier.spellings.first?.string ?? "").shellWord)
        }
        if !noVerify, !output.dryRun { try verify(route, invocation) }
        let file = ClientFile(invocation.directories.config + "/config.json")
        if !output.dryRun {
            try file.edit { content throws(StoreError) in
                try file.adding(route: text, to: content ?? .empty)
            }
        }
        let report = Report(
            place: file.path, result: .changed,
            words: "\(output.dryRun ? "would have" : "now has") a route for \(route.name)",
            server: route.name)
        try output.answer([report])
    }

    /// Asks the route once, if its tool is installed and a server is known.
    private func verify(_ route: Route, _ invocation: Invocation) throws(StoreError) {
        if let problem = invocation.problem(of: route) {
            invocation.console.warn("the route was not tried: \(problem.message)")
            return
        }
        guard let pattern = route.patterns.first(where: { $0.starCount == 0 }) else {
            invocation.console.note("not tried yet; to try it: keyfob route test <server>")
            return
        }
        _ = try Routes([route]).test(
            ServerKey(pattern.spelling), caller: invocation.choice.caller,
            hint: "to add it all the same: --no-verify")
    }
}

/// `keyfob route remove`: removes routes from the config file, and their cached logins.
struct RouteRemove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove the routes of a pattern, or of a server.",
        discussion: "Removes all cached logins, too, and looks again.")

    @Argument(help: "A pattern as it is written in the route, or a server.")
    var server: String

    @OptionGroup var output: ChangeOutput

    func run() throws {
        let invocation = try Invocation(output.console)
        let key = try Invocation.key(server)
        let file = ClientFile(invocation.directories.config + "/config.json")
        var reports: [Report] = []
        let change = { (content: Secret?) throws(StoreError) -> Secret? in
            reports = []
            guard let content, let text = try file.object(content),
                let array = text.root?.entry("routes")?.value
            else { return nil }
            let ranges = text.elements(of: array)
            var meant: Set<Int> = []
            for (index, range) in ranges.enumerated() {
                guard let value = try? JSON(decoding: content[range]) else { continue }
                let names = RouteRemove.patterns(value)
                let route = RouteSettings(.array([value]), from: "").routes.first
                guard names.contains(key) || route?.server(ServerKey(key)) != nil else { continue }
                meant.insert(index)
                let name = names.map(\.string).joined(separator: ", ")
                reports.append(
                    Report(
                        place: file.path, result: .removed,
                        words:
                            "\(output.dryRun ? "would remove" : "removed") the route for \(name)",
                        server: name))
            }
            guard !meant.isEmpty, !output.dryRun else { return nil }
            var edits = Edits()
            edits.cut(meant, of: ranges, within: array.inner)
            return edits.applied(to: content)
        }
        try file.edit(change)
        if !output.dryRun, !reports.isEmpty { try removeTokens(invocation, &reports) }
        let error =
            reports.isEmpty
            ? StoreError(
                .noRoute, "no route serves \(server.shownAddress)", hint: "see: keyfob route list")
            : nil
        try output.answer(reports, errors: [error])
    }

    private static func patterns(_ value: JSON) -> [Text] {
        guard let match = value["match"] else { return [] }
        if case .array(let elements) = match { return elements.compactMap(\.text) }
        return match.text.map { [$0] } ?? []
    }

    /// Empties the cache, and reports the tokens of servers that another route serves now, or none.
    private func removeTokens(
        _ invocation: Invocation, _ reports: inout [Report]
    ) throws(StoreError) {
        guard let tokens = invocation.choice.tokens else { return }
        let before = invocation.choice.settings.routes
        let after = try Invocation().choice.settings.routes
        let entries = try tokens.list(.docker).entries.filter { entry in
            guard let key = entry.schema.serverKey(in: entry.attributes) else { return false }
            return before.route(for: key)?.route != after.route(for: key)?.route
        }
        try tokens.empty()
        for entry in entries {
            reports.append(Report(entry, in: tokens.name, .removed, "removed"))
        }
    }
}

extension ClientFile {
    /// Returns the content of the config file with one more route.
    fileprivate func adding(route: String, to content: Secret) throws(StoreError) -> Secret {
        guard let text = try object(content) else {
            return "{\n  \"routes\": [\n    \(route)\n  ]\n}\n".secret
        }
        guard let array = text.root?.entry("routes")?.value, case .array = array.json else {
            let value = "[\n    \(route)\n  ]".secret
            guard let text = text.setting([.key("routes")], to: value, indent: "  ") else {
                throw StoreError(.unexpectedContent, "\(path) cannot be edited")
            }
            return text
        }
        var edits = Edits()
        text.add(route, to: array, in: &edits)
        return edits.applied(to: content)
    }
}
