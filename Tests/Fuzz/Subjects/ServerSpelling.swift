import Credentials
import Foundation

extension Subject {
    /// A registry's address in any spelling. The input is one, or two on a line each.
    package static let serverSpelling = Subject("server-spelling") { input in
        let lines = input.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false)
        let keys = lines.compactMap { Text(validating: $0).map(ServerKey.init) }
        for key in keys { try requireOnePlace(key) }
        guard keys.count == 2 else { return }
        let areSame = keys[0].normalForm == keys[1].normalForm
        try require(areSame == matches(keys[0], keys[1]), "a query matches the same server alone")
        try require(areSame == matches(keys[1], keys[0]), "a query matches either way")
        if areSame { try requireSameAddress(keys[0].spelling, keys[1].spelling) }
    }

    private static func requireOnePlace(_ key: ServerKey) throws {
        let normal = ServerKey(key.normalForm)
        try require(normal.normalForm == key.normalForm, "a normal form is its own")
        try require(normal.isHub == key.isHub, "a normal form is Hub if its key is")
        try require(key.spellings.first == key.spelling, "a key is a spelling of itself")
        let written = [key.normalForm, key.listed, key.podmanHost].compactMap(\.self)
        for other in key.spellings + written {
            try require(
                ServerKey(other).normalForm == key.normalForm, "a spelling is of the same server")
            try requireSameAddress(other, key.spelling)
        }
        try require(key.logout.first == key, "a logout is of the server")
        try require(key.logout.count == (key.isHub ? 3 : 1), "a logout is of no other server")
        for token in key.logout.dropFirst() {
            try require(token.normalForm != key.normalForm, "a token is not the login")
        }
    }

    private static func requireSameAddress(_ left: Text, _ right: Text) throws {
        guard left != right, let one = Address(left), let other = Address(right) else { return }
        try require(one == other, "one server has one scheme, host, port and path")
    }

    private static func matches(_ key: ServerKey, _ other: ServerKey) -> Bool {
        let entry = Entry(
            schema: .docker, attributes: ["server": other.spelling], label: other.spelling)
        return Query(.docker, ["server": key.spelling]).matches(entry)
    }
}

/// An address as Foundation takes it apart, which knows nothing of our grammar; nil where it is
/// not a URL.
private struct Address: Equatable {
    private let scheme: String
    private let host: String
    private let port: Int
    private let path: [String]

    init?(_ key: Text) {
        let prefixes = ["https://", "http://"]
        let namesScheme = prefixes.contains { prefix in
            key.bytes.count >= prefix.utf8.count
                && String(decoding: key.bytes.prefix(prefix.utf8.count), as: UTF8.self)
                    .lowercased() == prefix
        }
        let url = namesScheme ? key.string : "https://" + key.string
        guard let parts = URLComponents(string: url, encodingInvalidCharacters: false),
            let scheme = parts.scheme?.lowercased(), let host = parts.host?.lowercased()
        else { return nil }
        let port = parts.port ?? (scheme == "http" ? 80 : 443)
        let isHub =
            scheme == "https" && port == 443
            && ["docker.io", "index.docker.io", "registry-1.docker.io"].contains(host)
        let path = parts.percentEncodedPath.split(separator: "/").map(String.init)
        self.scheme = scheme
        self.host = isHub ? "Docker Hub" : host
        self.port = port
        self.path = path == ["v1"] || path == ["v2"] ? [] : path
    }
}
