internal import Credentials
internal import Files

extension Route {
    /// Returns the name of a token in the cache: a hash of everything on which the route's answer
    /// for a server depends. That is the route, the server, and the values of the variables by
    /// which cloud tools choose an account.
    func id(for server: RoutedServer) -> Text {
        var parts: [Secret?] = []
        func add(_ text: String?) { parts.append(text?.secret) }
        add(server.host)
        switch source {
        case .helper(let name):
            add("helper")
            add(name)
        case .command(let words):
            add("command")
            for word in words { add(Placeholders.fill(word, for: server)) }
        case .vault(let path, let staleFor):
            add("vault")
            add(Placeholders.fill(path, for: server))
            add("\(staleFor)")
        case .environment, .refused: add(name)
        }
        for text in [shape.user, shape.username, shape.secret, shape.basic, shape.expires] {
            add(text?.string)
        }
        add(lifetime.map { "\($0)" })
        for name in Route.variables + varies.sorted() {
            guard let value = System.secret(name) else { continue }
            add(name)
            parts.append(value)
        }
        return Route.hash(parts)
    }

    /// The variables on which the answers of cloud tools and engines depend.
    private static let variables = [
        "HOME", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION",
        "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE", "AWS_ROLE_ARN", "AWS_ENDPOINT_URL", "CLOUDSDK_CONFIG",
        "CLOUDSDK_ACTIVE_CONFIG_NAME", "CLOUDSDK_CORE_ACCOUNT", "GOOGLE_APPLICATION_CREDENTIALS",
        "AZURE_CONFIG_DIR", "GH_HOST", "GH_CONFIG_DIR", "GH_TOKEN", "GITHUB_TOKEN", "VAULT_ADDR",
        "VAULT_NAMESPACE", "VAULT_TOKEN", "VAULT_CACERT", "BAO_ADDR", "BAO_NAMESPACE", "BAO_TOKEN",
        "BAO_TOKEN_PATH", "BAO_CACERT",
    ]

    /// Returns a hash in hexadecimal digits. Different lists of parts have different hashes.
    private static func hash(_ parts: [Secret?]) -> Text {
        var pieces: [Secret] = []
        for part in parts {
            pieces.append((part.map { "\($0.count) " } ?? "- ").secret)
            if let part { pieces.append(part) }
        }
        let hash = Secret(joining: pieces).expose { Seal.checksum(of: $0) }
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
