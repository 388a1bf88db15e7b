package import Credentials

/// A route pattern is a host that may contain `*`, and decides which servers a route is for.
///
/// The rules are the kubelet's for credential providers (`matchImages`, v1): a `*` matches any
/// bytes within one label; the server's host has as many labels; the port is the server's; the
/// server's path begins with the pattern's. Stricter than the kubelet's: the pattern's path must
/// end at the end of a part of the server's, an empty label matches nothing, and the last two
/// labels hold no `*`, so that no pattern covers a whole top-level domain.
///
/// Only servers over https are matched. Docker Hub is one server under all of its names.
package struct RoutePattern: Hashable, Sendable {
    /// The reason why a text is no pattern.
    package enum Fault: Error, Hashable, Sendable {
        case notAHost, tooWide, tooManyStars
        case starInPortOrPath
    }

    /// The pattern as it was written.
    package let spelling: Text
    private let labels: [ArraySlice<UInt8>]
    private let port: Int
    private let path: [UInt8]

    /// The most labels that may hold a `*`: the account and the region of a cloud's registry.
    private static let mostStars = 2

    package init(_ spelling: Text) throws(Fault) {
        self.spelling = spelling
        let slash = spelling.bytes.firstIndex(of: UInt8(ascii: "/")) ?? spelling.bytes.endIndex
        let end = spelling.bytes[..<slash].firstIndex(of: UInt8(ascii: ":")) ?? slash
        let star = UInt8(ascii: "*")
        guard !spelling.bytes[end...].contains(star) else { throw .starInPortOrPath }
        let isLiteral = !spelling.bytes.contains(star)
        // `ServerKey` checks the rest, so each star is replaced by a letter.
        let example = spelling.bytes.map { $0 == star ? UInt8(ascii: "x") : $0 }
        guard !spelling.bytes.starts(with: "http:".utf8),
            !spelling.bytes.starts(with: "https:".utf8), let text = Text(validating: example),
            let server = ServerKey(text).webServer
        else { throw .notAHost }
        let host =
            isLiteral ? server.host[...] : spelling.bytes.map { $0.lowerCased }[..<end]
        labels = RoutePattern.labels(of: host)
        port = server.port
        path = server.path
        guard labels.allSatisfy({ !$0.isEmpty }) else { throw .notAHost }
        guard !labels.suffix(2).contains(where: { $0.contains(star) }) else { throw .tooWide }
        guard labels.count(where: { $0.contains(star) }) <= RoutePattern.mostStars else {
            throw .tooManyStars
        }
    }

    /// The number of labels that hold a `*`.
    package var starCount: Int { labels.count { $0.contains(UInt8(ascii: "*")) } }

    /// A server that matches it. The labels in place of each `*` are so uncommon that only a pattern
    /// that matches all of its servers matches this one.
    package var example: ServerKey {
        let star = UInt8(ascii: "*")
        let bytes = spelling.bytes.flatMap { $0 == star ? Array("0k3y-f0b".utf8) : [$0] }
        return ServerKey(Text(validating: bytes) ?? "")
    }

    /// Returns the server's labels at the places where the pattern's hold a `*`, in their order;
    /// nil if the server does not match.
    package func match(_ server: ServerKey.WebServer) -> [String]? {
        let hostLabels = RoutePattern.labels(of: server.host[...])
        guard port == server.port, labels.count == hostLabels.count, isPathOf(server) else {
            return nil
        }
        var starred: [String] = []
        for (pattern, label) in zip(labels, hostLabels) {
            guard !label.isEmpty, RoutePattern.matches(label, pattern) else { return nil }
            if pattern.contains(UInt8(ascii: "*")) {
                starred.append(String(decoding: label, as: UTF8.self))
            }
        }
        return starred
    }

    private func isPathOf(_ server: ServerKey.WebServer) -> Bool {
        guard server.path.starts(with: path) else { return false }
        let rest = server.path.dropFirst(path.count)
        return rest.isEmpty || rest.first == UInt8(ascii: "/")
    }

    private static func labels(of host: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    }

    private static func matches(_ label: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
        let pieces = pattern.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false)
        guard let first = pieces.first, let last = pieces.last, pieces.count > 1 else {
            return label.elementsEqual(pattern)
        }
        guard label.count >= first.count + last.count, label.starts(with: first),
            label.suffix(last.count).elementsEqual(last)
        else { return false }
        var rest = label.dropFirst(first.count).dropLast(last.count)
        for piece in pieces.dropFirst().dropLast() {
            while !rest.starts(with: piece) {
                guard !rest.isEmpty else { return false }
                rest = rest.dropFirst()
            }
            rest = rest.dropFirst(piece.count)
        }
        return true
    }
}

extension RoutePattern.Fault {
    /// The reason in words, for messages.
    package var reason: String {
        switch self {
        case .notAHost: "it is no host, such as registry.example.com or *.example.com:5000"
        case .tooWide: "a * in one of the last two labels would match the servers of strangers"
        case .tooManyStars: "more than two labels have a *"
        case .starInPortOrPath: "a * may stand neither in a port nor in a path"
        }
    }
}
