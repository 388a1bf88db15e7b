import Foundation
import Sandbox

/// git, asked with `git credential fill`.
enum GitClient: OracleClient {
    static let name = "git"
    static let probe: String? = "https://probe.example.com"
    static let hasAccounts = true

    static func answers(_ servers: [String], in house: House) throws -> [String: Answer] {
        try answers(servers, of: [], in: house)
    }

    /// Of several accounts git is given one, which is for Keyfob to say.
    static func kept(for servers: [String], in house: House) throws -> [String: Answer]? {
        try answers(servers, of: onlyKeyfob, in: house)
    }

    private static let onlyKeyfob = ["-c", "credential.helper=", "-c", "credential.helper=keyfob"]

    private static func answers(
        _ servers: [String], of settings: [String], in house: House
    ) throws -> [String: Answer] {
        var answers: [String: Answer] = [:]
        for server in servers {
            let outcome = try house.run(
                ["git"] + settings + ["credential", "fill"], input: "url=\(server)\n\n",
                environment: quiet)
            guard outcome.succeeded else { continue }
            let fields = outcome.output.split(separator: "\n").map {
                $0.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            }
            let value = { (name: String) in
                fields.first { $0[0] == name && $0.count == 2 }.map { String($0[1]) }
            }
            guard let password = value("password") else { continue }
            answers[server] = Answer(user: value("username") ?? "", secret: password)
        }
        return answers
    }

    static func plant(_ answer: Answer, for server: String, in house: House) throws {
        // git itself says by which path it asks.
        let outcome = try house.run(
            ["git"] + onlyKeyfob + ["credential", "approve"],
            input: "url=\(server)\nusername=\(answer.user ?? "")\npassword=\(answer.secret)\n\n",
            environment: quiet)
        guard outcome.succeeded else { throw SandboxError("git approve: \(outcome)") }
    }

    static func label(of server: String) -> String {
        let rest = server.split(separator: "/").dropFirst().first ?? ""
        return String(rest.split(separator: "@").last ?? "").lowercased()
    }

    /// In its settings the standard port of a scheme is the same as none.
    static func settingsLabel(of server: String) -> String {
        let label = label(of: server)
        let port = server.lowercased().hasPrefix("https:") ? ":443" : ":80"
        return label.hasSuffix(port) ? String(label.dropLast(port.count)) : label
    }

    private static let quiet: [String: String?] = [
        "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "/bin/false",
    ]

    // MARK: Cases

    static func generate(_ random: inout SeededGenerator) -> Case {
        var generator = GitGenerator(random: random)
        let plan = generator.make()
        random = generator.random
        return plan
    }
}

/// Makes git's files: `.git-credentials` in odd lines, and `credential.helper` in odd places.
private struct GitGenerator {
    var random: SeededGenerator
    private var features: Set<String> = []
    private var lines: [String] = []
    private var asked: [String] = []
    private var count = 0

    init(random: SeededGenerator) { self.random = random }

    mutating func make() -> Case {
        var files: [String: String] = [:]
        var helpers: [String: String] = [:]
        var links: [String: String] = [:]
        var environment: [String: String?] = [:]

        for _ in 0..<Int.random(in: 1...4, using: &random) { addLogin() }
        if random.once(in: 3) { addOddLine() }
        var store = "home/.git-credentials"
        var helper = "store"
        if random.once(in: 5) {
            feature("store-file")
            store = "home/secrets/creds"
            helper = random.pick([
                "store --file ~/secrets/creds", "store --file {ROOT}/home/secrets/creds",
                "store --file $HOME/secrets/creds", "store --fi={ROOT}/home/secrets/creds",
                "!git credential-store --file ~/secrets/creds",
                "/usr/lib/git-core/git-credential-store --file '{ROOT}/home/secrets/creds'",
            ])
            if random.once(in: 2) {
                feature("unread-file")
                files["home/.git-credentials"] = "https://old:oldsecret@one.example.com\n"
            }
        } else if random.once(in: 6) {
            feature("xdg-credentials")
            store = "home/.config/git/credentials"
        }
        var end = "\n"
        if random.once(in: 12) {
            feature("crlf")
            end = "\r\n"
        }
        files[store] = lines.joined(separator: end) + (random.once(in: 5) ? "" : end)
        if store == "home/.git-credentials", random.once(in: 5) {
            feature("two-files")
            files["home/.config/git/credentials"] =
                "https://late:latesecret@\(random.pick(["one", "two", "git"])).example.com\n"
        }
        if random.once(in: 10) {
            feature("link")
            files["home/dotfiles/credentials"] = files[store]
            files[store] = nil
            links[store] = "{ROOT}/home/dotfiles/credentials"
        }

        var config = "[user]\n\tname = A\n"
        var list = [helper]
        if random.once(in: 3) {
            feature("generator")
            helpers["git-credential-oauth"] = """
                #!/bin/sh
                [ "$1" = get ] || exit 0
                cat >/dev/null
                printf 'username=oauth2\\npassword=minted\\n'
                """
            list.insert("oauth", at: random.once(in: 2) ? 0 : 1)
        }
        if random.once(in: 4) {
            feature("empty-value")
            list.insert("", at: Int.random(in: 0...list.count, using: &random))
        }
        let section = list.map { "\thelper = \($0)\n" }.joined()
        config += "[credential]\n\(section)"
        if random.once(in: 3) {
            feature("use-http-path")
            config += "\tuseHttpPath = true\n"
        }
        if random.once(in: 5), let server = asked.first {
            feature("helper-per-url")
            let host = server.split(separator: "/").prefix(2).joined(separator: "//")
            let other = random.pick(["store", ""])
            config += "[credential \"\(host)\"]\n\thelper = \(other)\n"
        } else if random.once(in: 6), let server = asked.first {
            feature("partial-url")
            let host = String(server.split(separator: "/")[1])
            let section = random.pick(["http://", "https://", "ssh://", host])
            config +=
                "[credential \"\(section)\"]\n"
                + random.pick([
                    "\thelper =\n", "\thelper =\n\thelper = store\n", "\thelper = store\n",
                ])
        }
        if random.once(in: 8) {
            feature("include")
            files["home/included.config"] = config
            config = "[include]\n\tpath = included.config\n"
        } else if random.once(in: 8) {
            feature("system-config")
            files["etc/gitconfig"] = config
            environment["GIT_CONFIG_SYSTEM"] = "{ROOT}/etc/gitconfig"
            config = "[user]\n\tname = B\n"
        }
        files[random.once(in: 8) ? "home/.config/git/config" : "home/.gitconfig"] = config
        return Case(
            client: "git", ask: asked, environment: environment.isEmpty ? nil : environment,
            files: files, links: links.isEmpty ? nil : links,
            helpers: helpers.isEmpty ? nil : helpers, features: features.sorted())
    }

    private mutating func feature(_ name: String) { features.insert(name) }

    private mutating func addLogin() {
        count += 1
        var scheme = "https"
        if random.once(in: 8) {
            feature("http")
            scheme = "http"
        }
        var host = random.pick([
            "one.example.com", "two.example.com", "git.example.com", "127.0.0.1",
        ])
        if random.once(in: 8) {
            feature("port")
            host += ":8443"
        } else if random.once(in: 10) {
            feature("ipv6")
            host = "[::1]:3000"
        } else if random.once(in: 10) {
            feature("upper-case")
            host = "Up.Example.com"
        } else if random.once(in: 12) {
            feature("idn")
            host = "münchen.example.com"
        } else if random.once(in: 10) {
            feature("default-port")
            host += scheme == "https" ? ":443" : ":80"
        }
        if asked.contains(where: { $0.hasPrefix("\(scheme)://\(host)") }) {
            feature("duplicate-host")
        }
        var user = "user\(count)"
        var password = "sec\(count)ret"
        switch Int.random(in: 0..<14, using: &random) {
        case 0:
            feature("empty-password")
            user = "ghp\(count)token"
            password = ""
        case 1:
            feature("empty-user")
            user = ""
        case 2:
            feature("percent")
            user = "al%40ice\(count)"
            password += "%3a%2F"
        case 3:
            feature("percent-lower")
            password += "%c3%a4"
        case 4:
            feature("percent-odd")
            password += "%zz%"
        case 5:
            feature("not-utf-8")
            password += "%e4"
        default: break
        }
        var path = ""
        switch Int.random(in: 0..<9, using: &random) {
        case 0:
            feature("path")
            path = "/team/repo.git"
        case 1:
            feature("trailing-slash")
            path = "/"
        case 2:
            feature("path-slash")
            path = "/team/repo/"
        case 3:
            feature("double-slash")
            path = "//team/repo.git"
        default: break
        }
        lines.append("\(scheme)://\(user):\(password)@\(host)\(path)")
        let asked = "\(scheme)://\(host)" + (random.once(in: 2) ? path : "")
        if !self.asked.contains(asked) { self.asked.append(asked) }
    }

    private mutating func addOddLine() {
        count += 1
        let odd: [(String, String, String?)] = [
            ("comment", "#https://old:oldpw@one.example.com", "https://one.example.com"),
            ("blank-line", "", nil),
            ("newline-in-password", "https://nl:p%0aw@nl.example.com", "https://nl.example.com"),
            ("no-password", "https://nopw@nopw.example.com", "https://nopw.example.com"),
            ("at-in-path", "https://at.example.com:8443/p@th", "https://at.example.com:8443"),
            (
                "latin-1-user", "https://J%f6rg:latinpw@latin.example.com",
                "https://latin.example.com"
            ),
            ("raw-latin-1", "https://J‹F6›rg:rawpw@raw.example.com", "https://raw.example.com"),
            (
                "other-protocol", "smtp://mail:smtppw@smtp.example.com:587",
                "smtp://smtp.example.com:587"
            ),
            ("not-a-url", "this is no address", nil),
        ]
        let (name, line, server) = random.pick(odd)
        feature(name)
        lines.insert(line, at: Int.random(in: 0...lines.count, using: &random))
        if let server, !asked.contains(server) { asked.append(server) }
    }
}
