internal import Credentials
internal import Files
internal import TextEditing

/// Logins in git's configuration itself, which git sends without asking a helper: an `extraHeader`,
/// or a URL with a password. They are named and not changed.
struct GitSettings: PlaintextFile {
    let file: ClientFile
    private var logins: [PlaintextLogin] = []

    private init(_ path: String) { file = ClientFile(path) }

    var client: any Client { Git() }

    func contents(of content: Secret) throws(StoreError) -> PlaintextContents {
        PlaintextContents(logins: logins)
    }

    /// A header without a URL is sent to every server, and one whose URL has the label `*` to
    /// several. A URL may spell its host in another way.
    func isUsed(_ login: PlaintextLogin, for server: Text) -> Bool {
        guard login.entry["server"] != GitSettings.every else { return true }
        let address = GitAddress(login.entry.attributes.filter { $0.key != "user" })
        return GitAddress(server.string).map(address.covers) == true
    }

    private static let every: Text = "*"
    private static let outside = "git takes it from its settings, without asking a helper"
    private static let headers = [
        "authorization", "token", "cookie", "api-key", "secret", "art-api",
    ]

    /// Returns the files of the configuration that contain such logins.
    static func all(_ surroundings: Surroundings) -> [GitSettings] {
        let pattern =
            #"^(http\.(.*\.)?extraheader|url\..*\.(push)?insteadof|"#
            + #"(remote|submodule)\..*\.(push)?url|branch\..*\.(push)?remote|remote\.pushdefault|"#
            + #"sendemail\.(.*\.)?smtppass|imap\.(.*\.)?pass)$"#
        var files: [GitSettings] = []
        for file in [nil] + GitConfiguration.conditional(surroundings).map(\.file) {
            let known = Set(files.map(\.file.path))
            let settings = (try? GitConfiguration.settings(pattern, file: file)) ?? []
            for (index, setting) in settings.enumerated() {
                // An empty value cancels those before it.
                let isCancelled = settings[index...].contains {
                    $0.name == setting.name && $0.name.hasPrefix("http.") && $0.value.isEmpty
                }
                guard !isCancelled, let path = setting.file.map({ ClientFile($0).path }),
                    !known.contains(path), let login = login(in: setting)
                else { continue }
                let index = files.firstIndex { $0.file.path == path }
                if index == nil { files.append(GitSettings(path)) }
                files[index ?? files.count - 1].logins.append(login)
            }
        }
        return files
    }

    private static func login(in setting: GitConfiguration.Setting) -> PlaintextLogin? {
        let dots = (setting.name.first { $0 == 0x2E }, setting.name.last { $0 == 0x2E })
        guard let first = dots.0, let last = dots.1 else { return nil }
        let section = Text(copying: setting.name[0..<first]) ?? every
        if section == "sendemail" || section == "imap" {
            return PlaintextLogin(
                .git(protocol: section, server: section, port: nil, object: nil, user: ""),
                secret: setting.value, obstacle: outside)
        }
        let middle = first < last ? setting.name[first + 1..<last] : .empty
        let isHeader = setting.name.hasPrefix("http.")
        if isHeader {
            let name = setting.value[0..<(setting.value.first { $0 == 0x3A } ?? 0)]
                .publicString.lowercased()
            guard headers.contains(where: name.contains) else { return nil }
        }
        let isKey = isHeader || setting.name.hasPrefix("url.")
        let url = GitURL(isKey ? middle : setting.value)
        let user = url?.user.flatMap { Text(copying: $0) }
        guard isHeader || url?.password != nil || user?.looksLikeToken == true else { return nil }
        let host = url.flatMap { Text(copying: $0.host) } ?? every
        let address = host.serverAndPort
        let entry = Entry.git(
            protocol: url.flatMap { Text(copying: $0.scheme) } ?? "https",
            server: address?.server ?? host, port: address?.port, object: nil, user: user ?? "")
        return PlaintextLogin(
            entry, secret: isHeader ? setting.value : url?.password ?? .empty,
            obstacle: outside)
    }
}
