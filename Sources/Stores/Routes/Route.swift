package import Credentials

/// A route names the source of logins for the servers that its patterns match: another helper, a
/// command, the environment or an engine. It is read from `routes` in the config file.
package struct Route: Hashable, Sendable {
    package enum Source: Hashable, Sendable {
        /// `docker-credential-NAME`.
        case helper(String)
        /// A program and its arguments, in which `{host}`, `{1}` and `{2}` are replaced by parts of
        /// the server's name (`Placeholders`).
        case command([String])
        /// The names of variables. `username` is nil if the route states the user name.
        case environment(username: String?, secret: String)
        /// The path of a login in an engine (`Engine`), in which `{host}`, `{1}` and `{2}` are
        /// replaced by parts of the server's name. While the engine cannot be reached, the login is
        /// used for `staleFor` seconds more.
        case vault(path: String, staleFor: Int)
        /// The route is not valid, for this reason.
        case refused(String)
    }

    package let patterns: [RoutePattern]
    /// The patterns as they were written, also those that are refused.
    package let spellings: [Text]
    package let source: Source
    package var shape: AnswerShape
    /// The longest time that an answer may be used, in seconds; nil if the answer alone says it.
    package var lifetime: Int?
    /// The variables on whose values the answer depends, besides those of every route
    /// (TokenName.swift).
    package var varies: [String]
    /// True if a failure counts as no login.
    package var isOptional: Bool

    package init(
        _ patterns: [RoutePattern], _ source: Source, shape: AnswerShape = AnswerShape(),
        lifetime: Int? = nil, varies: [String] = [], isOptional: Bool = false,
        spellings: [Text]? = nil
    ) {
        self.patterns = patterns
        self.spellings = spellings ?? patterns.map { $0.spelling }
        self.source = source
        self.shape = shape
        self.lifetime = lifetime
        self.varies = varies
        self.isOptional = isOptional
    }

    /// Its name in messages: its patterns.
    package var name: String {
        var name = ""
        for spelling in spellings {
            name += (name.isEmpty ? "" : ", ") + spelling.string.printable
        }
        return name.isEmpty ? "-" : name
    }
}

/// A server that a route is asked for.
package struct RoutedServer: Hashable, Sendable {
    /// The server as podman names it: `host` or `host:port`, and `docker.io` for Docker Hub.
    package let host: String
    /// The labels that replace `{1}` and `{2}`.
    let labels: [String]

    /// The server as docker names it, which differs for Docker Hub only.
    var dockerKey: String { host == "docker.io" ? ServerKey.hub.spelling.string : host }
}

extension Route {
    /// The kind and the name of its source, for messages: `helper ecr-login`.
    package var origin: (kind: String, name: String) {
        switch source {
        case .helper(let name): ("helper", name)
        case .command(let words): ("command", words.first ?? "")
        case .environment(_, let secret): ("environment", secret)
        case .vault(let path, _): ("vault", path)
        case .refused(let reason): ("invalid", reason)
        }
    }

    /// Returns the server; nil if no pattern of the route matches it.
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

    /// The program that it runs; nil if it runs none.
    package var program: String? {
        switch source {
        case .helper(let name): "docker-credential-\(name)"
        case .command(let words): words.first
        case .environment, .vault, .refused: nil
        }
    }
}

/// The placeholders in an argument or a path: `{host}` is replaced by the server, `{1}` and `{2}`
/// by those of its labels for which the pattern has a `*`.
package enum Placeholders {
    /// Returns the number of labels that the text needs: the highest number of a placeholder.
    package static func count(in text: String) -> Int {
        var most = 0
        for number in 1...9 where text.utf8.contains(Array("{\(number)}".utf8)) { most = number }
        return most
    }

    /// Returns true if the text has a placeholder.
    package static func areIn(_ text: String) -> Bool {
        count(in: text) > 0 || text.utf8.contains(Array("{host}".utf8))
    }

    /// Returns the text without its placeholders.
    package static func removed(from text: String) -> String {
        var rest = text.replacing("{host}", with: "")
        for number in 1...9 { rest = rest.replacing("{\(number)}", with: "") }
        return rest
    }

    /// Returns the text with its placeholders replaced by the server's parts, each encoded by
    /// `encode`.
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
    /// Returns the string with each of these words replaced; bytes are compared.
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
