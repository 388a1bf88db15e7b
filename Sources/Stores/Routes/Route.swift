package import Credentials

/// A route says who answers for the servers that its patterns match: another helper, a command, the
/// environment or a fleet's engine. It is read from `routes` in the config file.
package struct Route: Hashable, Sendable {
    package enum Source: Hashable, Sendable {
        /// `docker-credential-NAME`.
        case helper(String)
        /// A program and its arguments, in which `{host}` and `{1}`, `{2}` stand for parts of the
        /// server's name (`Placeholders`).
        case command([String])
        /// The names of variables; no user name's where the route names the user.
        case environment(username: String?, secret: String)
        /// The path of a login in a fleet's engine (`Engine`), in which `{host}`, `{1}` and `{2}` stand
        /// for parts of the server's name. For `staleFor` seconds more it is used where the engine is
        /// out of reach.
        case vault(path: String, staleFor: Int)
        /// The route could not be understood: what is wrong with it.
        case refused(String)
    }

    package let patterns: [RoutePattern]
    package let source: Source
    package var shape: AnswerShape
    /// How long an answer may be used, in seconds; nil where the answer must say it.
    package var lifetime: Int?
    /// The variables whose values decide what the answer is, besides those that always do.
    package var varies: [String]
    /// Whether a failure means that there is no login.
    package var isOptional: Bool

    package init(
        _ patterns: [RoutePattern], _ source: Source, shape: AnswerShape = AnswerShape(),
        lifetime: Int? = nil, varies: [String] = [], isOptional: Bool = false
    ) {
        self.patterns = patterns
        self.source = source
        self.shape = shape
        self.lifetime = lifetime
        self.varies = varies
        self.isOptional = isOptional
    }

    /// What it is called in messages: its patterns.
    package var name: String {
        var name = ""
        for pattern in patterns {
            name += (name.isEmpty ? "" : ", ") + pattern.spelling.string
        }
        return name
    }
}

/// A server that a route is asked for.
package struct RoutedServer: Hashable, Sendable {
    /// `host`, or `host:port`; `docker.io` for Docker Hub. What podman calls it.
    package let host: String
    /// What stands for `{1}`, `{2}`.
    let labels: [String]

    /// What docker calls it, which is the same but for Docker Hub.
    var dockerKey: String { host == "docker.io" ? ServerKey.hub.spelling.string : host }
}

extension Route {
    /// The kind of its source, and what that is called, for people: `helper ecr-login`.
    package var origin: (kind: String, name: String) {
        switch source {
        case .helper(let name): ("helper", name)
        case .command(let words): ("command", words.first ?? "")
        case .environment(_, let secret): ("environment", secret)
        case .vault(let path, _): ("vault", path)
        case .refused(let reason): ("invalid", reason)
        }
    }

    /// The server, if it is one of this route's.
    package func server(_ key: ServerKey) -> RoutedServer? {
        guard let server = key.webServer else { return nil }
        for pattern in patterns {
            guard let labels = pattern.match(server) else { continue }
            let port = server.port == 443 ? "" : ":\(server.port)"
            let host = key.isHub ? "docker.io" : String(decoding: server.host, as: UTF8.self)
            return RoutedServer(host: host + port, labels: labels)
        }
        return nil
    }

    /// The program that it runs; nil for one that runs none.
    package var program: String? {
        switch source {
        case .helper(let name): "docker-credential-\(name)"
        case .command(let words): words.first
        case .environment, .vault, .refused: nil
        }
    }
}

/// What stands for something else in an argument: `{host}` for the server, `{1}` and `{2}` for those
/// of its labels where the pattern has a `*`.
package enum Placeholders {
    /// How many labels the text asks for.
    package static func count(in text: String) -> Int {
        var most = 0
        for number in 1...9 where text.utf8.contains(Array("{\(number)}".utf8)) { most = number }
        return most
    }

    /// Returns true if the text asks for the server or a label.
    package static func areIn(_ text: String) -> Bool {
        count(in: text) > 0 || text.utf8.contains(Array("{host}".utf8))
    }

    /// Returns the text with the server's parts in their places, each as `encode` makes it.
    static func fill(
        _ text: String, for server: RoutedServer, _ encode: (String) -> String = { $0 }
    ) -> String {
        var filled = text.replacing("{host}", with: encode(server.host))
        for (index, label) in server.labels.enumerated() {
            filled = filled.replacing("{\(index + 1)}", with: encode(label))
        }
        return filled
    }
}

extension String.UTF8View {
    fileprivate func contains(_ bytes: [UInt8]) -> Bool {
        indices.contains { self[$0...].starts(with: bytes) }
    }
}

extension String {
    /// A string with each of these words replaced, compared byte for byte.
    fileprivate func replacing(_ word: String, with replacement: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(utf8)[...]
        while let first = rest.first {
            if rest.starts(with: word.utf8) {
                bytes += replacement.utf8
                rest = rest.dropFirst(word.utf8.count)
            } else {
                bytes.append(first)
                rest = rest.dropFirst()
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
