internal import Credentials

/// A description is a login in the form in which git and its helpers exchange it: attributes, each
/// a line `NAME=VALUE` that ends with a line feed (git-credential(1), "INPUT/OUTPUT FORMAT").
///
/// It is read byte by byte: a carriage return does not end a line (CVE-2024-52006), and is no part
/// of a name either. Input that could be taken for another host's is refused: a control character
/// in a name (CVE-2020-5260, CVE-2024-50349), two hosts, or no host at all (CVE-2020-11008).
struct GitDescription {
    /// The facts of a query in the git schema.
    private(set) var facts: [String: Text] = [:]
    private(set) var username: Text?
    private(set) var secret = GitSecret()
    /// True if git understands `authtype` and `credential`.
    private(set) var knowsAuthtype = false
    /// True if the login must not be stored.
    private(set) var isEphemeral = false

    /// The longest line, in bytes: git's own limit.
    private static let lineLimit = 65_535

    init(_ input: Secret) throws(Refusal) {
        var host: Text?
        var scheme: Text?
        for line in try GitDescription.lines(of: input) {
            let (name, value) = try GitDescription.split(line)
            switch name {
            case "protocol":
                guard scheme == nil else { throw .refused(.badInput, "there are two protocols") }
                scheme = try GitDescription.text(value, name)
            case "host":
                guard host == nil else { throw .refused(.badInput, "there are two hosts") }
                host = try GitDescription.text(value, name)
            case "path": facts["object"] = try GitDescription.text(value, name)
            case "username": username = try GitDescription.text(value, name)
            case "password": secret.password = try GitDescription.secret(value, name)
            case "credential": secret.credential = try GitDescription.secret(value, name)
            case "oauth_refresh_token":
                secret.refreshToken = try GitDescription.secret(value, name)
            case "authtype": secret.authtype = try GitDescription.text(value, name)
            case "password_expiry_utc": secret.expiry = GitSecret.seconds(value)
            case "ephemeral": isEphemeral = GitDescription.isTrue(value)
            case "capability[]":
                if try GitDescription.text(value, name) == "authtype" { knowsAuthtype = true }
            default: continue
            }
        }
        guard let scheme, !scheme.isEmpty else { throw .refused(.badInput, "there is no protocol") }
        // A login without a host is identified by its path: the file of a certificate
        // (protocol=cert).
        let mayLackHost =
            scheme != "https" && scheme != "http" && facts["object"]?.isEmpty == false
        guard let host, !host.isEmpty || mayLackHost else {
            throw .refused(.badInput, "there is no host")
        }
        facts["protocol"] = scheme
        guard let (server, port) = host.serverAndPort else {
            throw .refused(.badInput, "the host is not HOST or HOST:PORT")
        }
        (facts["server"], facts["port"]) = (server, port)
        if facts["object"]?.isEmpty == true { facts["object"] = nil }
        facts["user"] = username
    }

    /// The query for the logins that it describes.
    var query: Query { Query(.git, facts) }

    /// The query for these logins and those that have their user name in the secret.
    var queryForAnyUser: Query { Query(.git, facts.filter { $0.key != "user" }) }

    /// The entry of the login, with the user name as it was given.
    var entry: Entry {
        .git(
            protocol: facts["protocol"] ?? "", server: facts["server"] ?? "", port: facts["port"],
            object: facts["object"], user: username)
    }

    /// The login as it is stored.
    var login: Credential { .git(entry, secret) }

    // MARK: The lines

    /// Returns the lines up to a blank line.
    private static func lines(of input: Secret) throws(Refusal) -> [Secret] {
        let described = input.lines.map { line in
            input[line].ends(with: 0x0A) ? line.lowerBound..<line.upperBound - 1 : line
        }.prefix { !$0.isEmpty }
        guard described.allSatisfy({ $0.count <= lineLimit }) else {
            throw .refused(.tooLong, "a line is longer than \(lineLimit) bytes")
        }
        return described.map { input[$0] }
    }

    private static func split(_ line: Secret) throws(Refusal) -> (name: Text, value: Secret) {
        guard let equals = line.first(where: { $0 == UInt8(ascii: "=") }),
            let name = Text(copying: line[0..<equals])
        else {
            throw .refused(.badInput, "a line is not NAME=VALUE")
        }
        return (name, line[(equals + 1)..<line.count])
    }

    private static func text(_ value: Secret, _ name: Text) throws(Refusal) -> Text {
        guard let text = Text(copying: value) else {
            throw .refused(.badInput, "\(name) is not UTF-8, or contains a NUL")
        }
        guard !text.hasControlCharacter else {
            throw .refused(.badInput, "\(name) contains a control character")
        }
        return text
    }

    private static func secret(_ value: Secret, _ name: Text) throws(Refusal) -> Secret {
        guard value.isOneLine else {
            throw .refused(.badInput, "\(name) contains a carriage return or a NUL")
        }
        return value
    }

    private static func isTrue(_ value: Secret) -> Bool {
        let word = value.publicBytes.map { $0.lowerCased }
        return ["1", "true", "yes", "on"].contains { word.elementsEqual($0.utf8) }
    }
}
