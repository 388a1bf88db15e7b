internal import Credentials
internal import Files

extension Route {
    /// Returns the name of a token in the cache: a hash of everything on which the route's answer
    /// for a server depends. That is the route, the server, the program, and the values of the
    /// variables by which cloud tools choose an account.
    func id(for server: RoutedServer) -> Text {
        var parts: [Secret?] = []
        func add(_ text: String?) { parts.append(text?.secret) }
        add(server.host)
        switch source {
        case .helper(let name):
            add("helper")
            add(name)
        case .command(let words):
            add("command of \(words.count)")
            for word in words { add(Placeholders.fill(word, for: server)) }
        case .vault(let path, let staleFor):
            add("vault")
            add(Placeholders.fill(path, for: server))
            add("\(staleFor)")
        case .environment, .refused: add(name)
        }
        // Another PATH may lead to another program.
        add(program.flatMap { Path.program($0) })
        for text in [shape.user, shape.username, shape.secret, shape.basic, shape.expires] {
            add(text?.string)
        }
        add(lifetime.map { "\($0)" })
        let names = System.variables { _ in false }.keys.filter(Route.isOfTools)
        for name in Set(names).union(varies).sorted() {
            guard let value = System.secret(name) else { continue }
            add(name)
            parts.append(value)
        }
        return Route.hash(parts)
    }

    /// Returns true for the variables on which the answers of cloud tools and engines depend: which
    /// account they use, which server they ask, and where their settings are.
    ///
    /// All of a tool's variables count, for a new version may read another one. Those that differ
    /// in each shell or job do not belong here: what they name would be asked for each time.
    private static func isOfTools(_ name: String) -> Bool {
        tools.contains(name) || prefixes.contains { name.utf8.starts(with: $0.utf8) }
    }

    private static let prefixes = [
        "AWS_", "CLOUDSDK_", "GOOGLE_", "GCE_", "AZURE_", "ARM_", "IDENTITY_", "MSI_", "GH_",
        "VAULT_", "BAO_",
    ]

    private static let tools: Set<String> = [
        "HOME", "XDG_CONFIG_HOME", "GITHUB_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GITLAB_TOKEN",
        "GITLAB_HOST", "DOCKER_CONFIG", "PASSWORD_STORE_DIR", "GNUPGHOME",
    ]

    /// Returns a hash in hexadecimal digits. Different lists of parts have different hashes.
    private static func hash(_ parts: [Secret?]) -> Text {
        var pieces: [Secret] = []
        for part in parts {
            pieces.append((part.map { "\($0.count) " } ?? "- ").secret)
            if let part { pieces.append(part) }
        }
        let hash = Seal.checksum(of: Secret(joining: pieces))
        return Text(hash.hexadecimal) ?? ""
    }
}

extension TokenCache.Token {
    /// Makes a token of an answer that was requested at the times `asked`, and arrived at `came`.
    ///
    /// It is fresh until a minute before it expires, but for at most half of its time, and at most
    /// the route's lifetime. If it is not known when it expires, it is fresh for the lifetime.
    init(
        _ answer: Answer, for server: RoutedServer, asked: (seconds: UInt64, uptime: UInt64),
        came: UInt64, lifetime: Int?, stale: UInt64 = 0
    ) {
        username = answer.username
        secret = answer.secret
        host = Text(server.dockerKey) ?? ""
        self.asked = asked
        self.came = came
        self.stale = stale
        let most = lifetime.map { UInt64($0) }
        // A time that is many years ahead was written in another unit, so it counts as unknown.
        let farthest = asked.seconds + 10 * 366 * 86_400
        guard let end = answer.end, end <= farthest else {
            fresh = most ?? 0
            return
        }
        let window = end > asked.seconds ? end - asked.seconds : 0
        fresh = min(window > 60 ? window - 60 : 0, window / 2, most ?? .max)
    }
}
