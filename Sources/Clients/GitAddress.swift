package import Credentials
internal import TextEditing

/// A git address is the URL by which the user names a place of git's, parsed as git does:
/// `[protocol://][user@]host[:port][/path]`. The default protocol is https.
struct GitAddress {
    let facts: [String: Text]
    /// True if the URL contains a password.
    let namesPassword: Bool
    /// False if its port is none, so that no helper can be asked for it.
    private(set) var isValid = true
    /// True if it is the URL of a section from which git takes the parts alone.
    private var isPartial = false
    /// True if git, which encodes these bytes in the address, finds them in no section's URL.
    private var isEncoded = false

    /// Stands for an address that no section of git's configuration names.
    static let any = GitAddress(["protocol": "https", "server": "keyfob-any.invalid"])

    init?(_ text: String) {
        let url = (text.contains("://") ? "" : "https://") + text
        guard let parts = GitURL(url.secret), let host = Text(copying: parts.host),
            let scheme = Text(copying: parts.scheme)?.lowerCased,
            // The password of a certificate's file has no host: cert:////home/alice/client.pem
            !host.isEmpty || scheme == "cert" && !parts.path.isEmpty
        else { return nil }
        let split = host.serverAndPort
        isValid = split != nil
        var facts: [String: Text] = ["protocol": scheme, "server": split?.server ?? host]
        facts["port"] = split?.port
        if let user = parts.user.flatMap({ Text(copying: $0) }), !user.isEmpty {
            facts["user"] = user
        }
        if let path = Text(copying: parts.path), !path.isEmpty {
            // The path of a file keeps the slash at its beginning.
            facts["object"] = host.isEmpty ? Text("/" + path.string) : path
        }
        self.facts = facts
        namesPassword = parts.password != nil
    }

    /// The URL of a section in git's configuration. One that is no whole URL, such as `http://` or
    /// `example.com`, has only the parts that it names (credential.c, match_partial_url).
    init(section url: String) {
        let hostBytes = "._-[]:*".utf8
        if url.contains("://"), let address = GitAddress(url), let server = address.facts["server"],
            !server.isEmpty,
            server.bytes.allSatisfy({ $0.isAlphanumeric || hostBytes.contains($0) })
        {
            self = address
            isEncoded =
                !url.contains("%")
                && [facts["user"], facts["object"]].compactMap(\.self).flatMap(\.bytes)
                    .contains { ":?#[]@!$&'()*+,;=".utf8.contains($0) }
            return
        }
        let hasProtocol = url.contains("://") && !url.hasPrefix("://")
        let parts = GitURL((hasProtocol ? url : "any://" + url.trimmingPrefix("://")).secret)
        var facts: [String: Text] = [:]
        func add(_ name: String, _ value: Secret?) {
            guard let value = value.flatMap({ Text(copying: $0) }), !value.isEmpty else { return }
            facts[name] = value
        }
        add("protocol", hasProtocol ? parts?.scheme : nil)
        add("user", parts?.user)
        add("server", parts?.host)
        add("object", parts?.path)
        if let (server, port) = facts["server"]?.serverAndPort {
            facts["server"] = server
            facts["port"] = port
        }
        self.facts = facts
        namesPassword = parts?.password != nil
        isPartial = true
    }

    /// The address in a login's attributes.
    init(_ attributes: [String: Text]) {
        facts = attributes
        namesPassword = false
    }

    /// Throws `passwordInAddress` if the user has typed a password in the address.
    func requireNoPassword() throws(StoreError) {
        guard namesPassword else { return }
        throw StoreError(
            .passwordInAddress, "other users can read a password on the command line",
            hint: "remove it from the address; keyfob asks for it, or reads it with "
                + "--password-stdin")
    }

    /// Returns true if git applies a section with this URL to the other one (urlmatch.c): the label
    /// `*` matches any label, no user matches any user, and a path matches everything below it.
    func covers(_ other: GitAddress) -> Bool {
        func labels(_ address: GitAddress) -> [Substring] {
            (address.facts["server"]?.string.lowercased() ?? "")
                .split(separator: ".", omittingEmptySubsequences: false)
        }
        func port(_ address: GitAddress) -> Text? {
            let usual: Text = address.facts["protocol"] == "http" ? "80" : "443"
            return address.facts["port"] == usual ? nil : address.facts["port"]
        }
        func path(_ address: GitAddress) -> String {
            address.facts["object"].map { "\($0)/" } ?? ""
        }
        if isPartial {
            return facts.allSatisfy { other.facts[$0] == $1 }
                && (facts["server"] == nil || facts["port"] == other.facts["port"])
        }
        // With another byte in the host git finds no section at all.
        guard !isEncoded, let server = other.facts["server"], !server.isEmpty,
            server.bytes.allSatisfy({ $0.isAlphanumeric || "-.:[]*".utf8.contains($0) })
        else { return false }
        let (mine, theirs) = (labels(self), labels(other))
        return facts["protocol"] == other.facts["protocol"] && port(self) == port(other)
            && (facts["user"] == nil || facts["user"] == other.facts["user"])
            && mine.count == theirs.count && zip(mine, theirs).allSatisfy { $0 == "*" || $0 == $1 }
            && path(other).hasPrefix(path(self))
    }

    /// Returns a part of this address, with the path and the user of a section's URL, if git applies
    /// the section to it.
    func part(in section: GitAddress) -> GitAddress? {
        let names = ["object", "user"].filter { facts[$0] == nil && section.facts[$0] != nil }
        let more = section.facts.filter { names.contains($0.key) }
        let part = GitAddress(facts.merging(more) { own, _ in own })
        return !names.isEmpty && section.covers(part) ? part : nil
    }

    /// Returns the URL, with its user if `withUser` is true.
    func url(withUser: Bool) -> String {
        let user = withUser ? facts["user"]?.secret.percentEncoded() : nil
        return (facts["protocol"]?.string ?? "") + "://"
            + (user.flatMap { Text(copying: $0) }.map { "\($0)@" } ?? "")
            + (facts["server"]?.string ?? "") + (facts["port"].map { ":\($0)" } ?? "")
            + (facts["object"].map { "/" + $0.string.replacing("%", with: "%25") } ?? "")
    }
}

/// The parts of a URL, parsed as git does (credential.c, credential_from_url), and decoded.
struct GitURL {
    let scheme: Secret
    var user: Secret?
    var password: Secret?
    let host: Secret
    let path: Secret

    /// True if the user and the password have an `@` that is not encoded. git ends them at the first
    /// one, so what follows is no host; others do so at the last one.
    let hasSeveralAts: Bool

    init?(_ url: Secret) {
        /// Returns the index of the first of these bytes from `start` on, or the end.
        func first(_ bytes: String, from start: Int) -> Int {
            url.first(from: start) { bytes.utf8.contains($0) } ?? url.count
        }
        func part(_ start: Int, _ end: Int) -> Secret { url[start..<end].percentDecoded }
        let marker = first(":", from: 0)
        let start = marker + 3
        guard marker > 0, start <= url.count, url[marker..<start] == "://".secret else {
            return nil
        }
        scheme = url[0..<marker]
        let slash = start + url[start..<url.count].pathStart
        let last = url[start..<slash].last { $0 == UInt8(ascii: "@") }
        let (at, colon) = (last.map { start + $0 } ?? url.count, first(":", from: start))
        hasSeveralAts = last != nil && first("@", from: start) < at
        if at < slash {
            user = part(start, min(at, colon))
            if colon < at { password = part(colon + 1, at) }
        }
        host = part(at < slash ? at + 1 : start, slash)
        let path = url.first(from: slash) { $0 != 0x2F }.map { part($0, url.count) }
        // The slashes at the end are removed, but not the first byte.
        self.path = path.map { $0[0..<($0.last { $0 != 0x2F } ?? 0) + 1] } ?? .empty
    }
}

extension Text {
    /// True if a URL can have this protocol: letters, digits, `+`, `-` and `.`.
    var isGitProtocol: Bool {
        !isEmpty && bytes.allSatisfy { $0.isAlphanumeric || "+-.".utf8.contains($0) }
    }
}

extension Text {
    /// Throws `passwordInAddress` if it is a URL with a password.
    package func requireNoPassword() throws(StoreError) {
        guard string.contains("://") else { return }
        try GitAddress(string)?.requireNoPassword()
    }
}

extension String {
    /// The address, or the URL of a section, for the user: without a password or a token.
    package var shownAddress: String {
        let address = GitAddress(section: self)
        let isPublic = !address.namesPassword && address.facts["user"]?.looksLikeToken != true
        return isPublic ? self : String(address.url(withUser: false).trimmingPrefix("://"))
    }

    /// The address without the user and the password, which end at the last `@` before the path.
    var withoutUser: String {
        guard let start = firstRange(of: "://")?.upperBound,
            let at = self[start...].prefix(while: { !"/?#".contains($0) }).lastIndex(of: "@")
        else { return self }
        return String(self[..<start] + self[index(after: at)...])
    }
}

extension Secret {
    /// The end of the host in the rest of a URL after `://`.
    var pathStart: Int { first { "/?#".utf8.contains($0) } ?? count }
}
