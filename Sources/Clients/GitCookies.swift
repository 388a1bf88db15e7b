internal import Credentials
internal import Files

/// A file of cookies that `http.cookieFile` names (git-config(1)), in Netscape's format. git sends
/// them without asking a helper. They are named and not changed.
struct GitCookies: PlaintextFile {
    let file: ClientFile

    var client: any Client { Git() }

    /// Returns the files that the settings name, also those that git reads in some folders alone.
    static func all(_ surroundings: Surroundings) -> [GitCookies] {
        let pattern = #"^http\.(.*\.)?cookiefile$"#
        let settings = ([nil] + GitConfiguration.conditional(surroundings).map(\.file)).flatMap {
            (try? GitConfiguration.settings(pattern, file: $0)) ?? []
        }
        let paths = settings.map(\.value.publicString).filter { !$0.isEmpty }
            .map { $0.hasPrefix("~/") ? surroundings.home + $0.dropFirst() : $0 }
        return Set(paths).sorted().map { GitCookies(file: ClientFile($0)) }
    }

    func contents(of content: Secret) throws(StoreError) -> PlaintextContents {
        PlaintextContents(logins: content.lines.compactMap { GitCookies.login(in: content[$0]) })
    }

    /// Returns the login of a line: domain, flag, path, flag, time, name and value, with tabs.
    private static func login(in line: Secret) -> PlaintextLogin? {
        let hidden = "#HttpOnly_"
        let line = line.hasPrefix(hidden) ? line[hidden.utf8.count..<line.count] : line
        guard !line.hasPrefix("#"), let first = line.first(where: { $0 == 0x09 }),
            let last = line.last(where: { $0 == 0x09 }), first < last,
            let domain = Text(copying: line[0..<first])
        else { return nil }
        return PlaintextLogin(
            .git(
                protocol: "https", server: Text(String(domain.string.drop { $0 == "." })) ?? domain,
                port: nil, object: nil, user: ""),
            secret: line[last + 1..<line.count].trimmed,
            obstacle: "git takes it from its settings, without asking a helper")
    }

    /// A cookie of a domain is sent to its subdomains, too.
    func isUsed(_ login: PlaintextLogin, for server: Text) -> Bool {
        guard let host = GitAddress(server.string)?.facts["server"]?.string,
            let domain = login.entry["server"]
        else { return false }
        return host == domain.string || host.hasSuffix(".\(domain)")
    }
}
