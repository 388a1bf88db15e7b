internal import Credentials
package import JSON
package import Stores

/// The routes that the config file defines under `routes`.
///
/// A route that is not valid is a problem. It is still a route, so that the servers that its patterns
/// match get no other login. If none of its patterns is valid, it is not known which servers those are.
package struct RouteSettings {
    package private(set) var routes: [Route] = []
    /// The problems, one line for each. Names of keys and patterns are quoted, other values never.
    package private(set) var problems: [String] = []
    /// The first problem for which it is not known which servers have a route; nil if it is known.
    package private(set) var doubt: String?

    /// The place of the route that is being read, for messages.
    private var place = ""
    /// The faults of the route that is being read.
    private var faults: [String] = []

    /// `source` names the place of the value, for messages.
    package init(_ value: JSON, from source: String) {
        guard case .array(let elements) = value else {
            problems.append("\(source) must be a list of routes")
            doubt = problems.last
            return
        }
        for (index, element) in elements.enumerated() {
            place = "route \(index + 1) of \(source)"
            faults = []
            read(element)
        }
    }

    private mutating func read(_ route: JSON) {
        guard let members = route.members else {
            problems.append("\(place) must be an object")
            doubt = doubt ?? problems.last
            return
        }
        let (patterns, spellings) = patterns(members)
        let source = source(route)
        checkNames(members)
        var shape = AnswerShape()
        if let name = text("username", route) {
            if name.isPointer { shape.username = name } else { shape.user = name }
        }
        shape.secret = pointer("secret", route)
        shape.basic = pointer("basic", route)
        shape.expires = pointer("expires", route)
        var lifetime = duration("lifetime", route)
        if case .vault? = source { lifetime = lifetime ?? 300 }
        let varies = words("varies", route) ?? []
        let isOptional = flag("optional", route)
        var made = Route(
            patterns, source ?? .refused(""), shape: shape, lifetime: lifetime, varies: varies,
            isOptional: isOptional)
        check(made)
        let found = faults.map { "\(place): \($0)" }
        problems += found
        if let fault = found.first {
            made = Route(patterns, .refused(fault), spellings: spellings)
        }
        if patterns.isEmpty { doubt = doubt ?? found.first }
        routes.append(made)
    }

    // MARK: Names

    /// The keys that are of use with each source, besides `match`, `username` and `optional`.
    private static let names: [(source: Text, others: [Text])] = [
        ("helper", ["lifetime", "varies"]),
        ("command", ["secret", "basic", "expires", "lifetime", "varies"]),
        ("environment", []),
        ("vault", ["secret", "basic", "expires", "lifetime", "varies", "staleFor"]),
    ]

    /// Adds a fault for each key that is unknown, there twice, or of no use with the route's source.
    private mutating func checkNames(_ members: [JSON.Member]) {
        let known: [Text] = ["match", "username", "optional"]
        let all = known + RouteSettings.names.flatMap { [$0.source] + $0.others }
        let useful = RouteSettings.names.filter { kind in
            members.contains { $0.name == kind.source }
        }
        var seen: Set<Text> = []
        for name in members.map({ $0.name }) {
            guard seen.insert(name).inserted else {
                faults.append("it has \"\(name.string.printable)\" twice")
                continue
            }
            guard all.contains(name) else {
                faults.append("it has an unknown key \"\(name.string.printable)\"")
                continue
            }
            // Without one source alone there is a fault already.
            guard useful.count == 1, let (source, others) = useful.first else { continue }
            if !known.contains(name), name != source, !others.contains(name) {
                faults.append("\"\(name)\" is of no use with \"\(source)\"")
            }
        }
    }

    // MARK: Patterns

    /// Returns the patterns that are valid, and all as they are written.
    private mutating func patterns(
        _ members: [JSON.Member]
    ) -> (valid: [RoutePattern], spellings: [Text]) {
        var values: [JSON] = []
        for member in members where member.name == "match" {
            if case .array(let elements) = member.value {
                values += elements
            } else {
                values.append(member.value)
            }
        }
        let texts = values.compactMap { $0.text }
        if texts.isEmpty || texts.count < values.count {
            faults.append("\"match\" must be a pattern, or a list of patterns")
        }
        var patterns: [RoutePattern] = []
        for text in texts {
            do throws(RoutePattern.Fault) {
                patterns.append(try RoutePattern(text))
            } catch {
                faults.append("the pattern \(text.string.printable) is refused: \(error.reason)")
            }
        }
        return (patterns, texts)
    }

    // MARK: Sources

    private mutating func source(_ route: JSON) -> Route.Source? {
        let named = RouteSettings.names.map { $0.source }.filter { route[$0] != nil }
        guard named.count == 1 else {
            faults.append(
                "it must have one of \"helper\", \"command\", \"environment\" and \"vault\"")
            return nil
        }
        switch named[0] {
        case "helper": return helper(route)
        case "command": return command(route)
        case "vault": return engine(route)
        default: return environment(route)
        }
    }

    private mutating func helper(_ route: JSON) -> Route.Source? {
        let name = text("helper", route)?.string ?? ""
        guard !name.utf8.contains(UInt8(ascii: "/")), !name.isEmpty else {
            faults.append("\"helper\" must be what follows docker-credential- in its name")
            return nil
        }
        guard name != "keyfob", !name.hasPrefix("keyfob-") else {
            faults.append("it leads back to keyfob")
            return nil
        }
        return .helper(name)
    }

    private mutating func command(_ route: JSON) -> Route.Source? {
        guard let words = words("command", route), let program = words.first else {
            faults.append("\"command\" must be a list of a program and its arguments")
            return nil
        }
        guard !Placeholders.areIn(program) else {
            faults.append("\"command\" must begin with the name of a program")
            return nil
        }
        // The folder that a relative path begins at is the client's, which anyone may have filled.
        guard program.utf8.first == UInt8(ascii: "/") || !program.utf8.contains(UInt8(ascii: "/"))
        else {
            faults.append("\"command\" must begin with a name, or with an absolute path")
            return nil
        }
        return .command(words)
    }

    private mutating func engine(_ route: JSON) -> Route.Source? {
        let path = text("vault", route)?.string ?? ""
        let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count > 2, !parts.contains(where: { $0.isEmpty || $0.first == 0x2E }),
            parts.dropFirst().dropLast().contains(where: { $0.elementsEqual("data".utf8) })
        else {
            faults.append("\"vault\" must be a path such as secret/data/registries/{host}")
            return nil
        }
        guard Placeholders.removed(from: path).utf8.allSatisfy({ $0.isOfPath }) else {
            faults.append(
                "\"vault\" has a character that no path may have; write it as % and two digits")
            return nil
        }
        return .vault(path: path, staleFor: duration("staleFor", route) ?? 0)
    }

    private mutating func environment(_ route: JSON) -> Route.Source? {
        let variables = route["environment"]
        let user = variables?["username"]?.text?.string
        guard let secret = variables?["secret"]?.text?.string,
            variables?.members?.allSatisfy({ ["username", "secret"].contains($0.name) }) == true
        else {
            faults.append(
                "\"environment\" must name the variables: \"secret\", and \"username\" or none")
            return nil
        }
        return .environment(username: user, secret: secret)
    }

    /// Adds a fault for settings of a route that do not fit together.
    private mutating func check(_ route: Route) {
        switch route.source {
        case .command(let words):
            guard route.shape.basic == nil || route.shape.secret == nil else {
                faults.append("it must not have both \"basic\" and \"secret\"")
                return
            }
            if route.shape.basic == nil, route.shape.user == nil, route.shape.username == nil {
                faults.append("it must have a \"username\"")
            }
            if !route.shape.isJSON, route.shape.username != nil || route.shape.expires != nil {
                faults.append("a pointer needs \"secret\" to be one, too")
            }
            checkStars(of: route, for: words)
        case .environment(let username, _):
            if username == nil, route.shape.user == nil {
                faults.append("it must have a \"username\"")
            }
        case .vault(let path, _):
            checkStars(of: route, for: [path])
        case .helper:
            if route.shape.username != nil { faults.append("\"username\" must not be a pointer") }
        case .refused: break
        }
    }

    private mutating func checkStars(of route: Route, for texts: [String]) {
        let most = texts.map { Placeholders.count(in: $0) }.max() ?? 0
        if route.patterns.contains(where: { $0.starCount < most }) {
            faults.append("{\(most)} stands for a label with a *, and a pattern has fewer")
        }
    }

    // MARK: Values

    private mutating func text(_ name: Text, _ route: JSON) -> Text? {
        guard let value = route[name] else { return nil }
        if let text = value.text, !text.isEmpty, !text.hasControlCharacter { return text }
        faults.append("\"\(name)\" must be a text")
        return nil
    }

    private mutating func pointer(_ name: Text, _ route: JSON) -> Text? {
        guard let text = text(name, route) else { return nil }
        if text.isPointer { return text }
        faults.append("\"\(name)\" must be a JSON pointer, such as /token")
        return nil
    }

    private mutating func words(_ name: Text, _ route: JSON) -> [String]? {
        guard let value = route[name] else { return nil }
        if let words = value.command { return words }
        faults.append("\"\(name)\" must be a list of texts")
        return nil
    }

    private mutating func flag(_ name: Text, _ route: JSON) -> Bool {
        guard let value = route[name] else { return false }
        if case .bool(let flag) = value { return flag }
        faults.append("\"\(name)\" must be true or false")
        return false
    }

    /// Returns a duration in seconds, given in seconds or with `s`, `m`, `h` or `d` after the
    /// number; at most 30 days.
    private mutating func duration(_ name: Text, _ route: JSON) -> Int? {
        guard let value = route[name] else { return nil }
        if let seconds = value.duration, (1...30 * 86_400).contains(seconds) { return seconds }
        faults.append("\"\(name)\" must be a time, such as 5m, 12h or 1d, of 30 days at most")
        return nil
    }
}

extension UInt8 {
    /// True if it may stand in the path of an address (RFC 3986, 3.3).
    fileprivate var isOfPath: Bool {
        isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lowerCased)
            || "/-._~%!$&'()*+,;=:@".utf8.contains(self)
    }
}

extension Text {
    fileprivate var isPointer: Bool { bytes.first == UInt8(ascii: "/") }
}

extension JSON {
    /// The duration in seconds; nil if the value is none.
    fileprivate var duration: Int? {
        if case .integer(let seconds) = self { return Int(exactly: seconds) }
        return text?.string.seconds
    }
}
