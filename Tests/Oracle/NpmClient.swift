import Foundation
import Sandbox

/// npm, asked by a ping of a registry that tells the login that it was sent. A registry is named
/// without its scheme. npm knows no helpers: what it does not find itself, `keyfob exec` gives it.
enum NpmClient: OracleClient {
    static let name = "npm"
    static let probe: String? = nil
    static let asksHelpers = false

    static func answers(_ servers: [String], in house: House) throws -> [String: Answer] {
        var answers: [String: Answer] = [:]
        for server in servers {
            let given =
                house.hasKeyfob
                ? try ping(
                    server, by: ["keyfob", "exec", "--client", "npm", server, "--"], in: house)
                : nil
            if let given {
                answers[server] = given
            } else if let own = try ping(server, by: [], in: house) {
                answers[server] = own
            }
        }
        return answers
    }

    private static func ping(
        _ server: String, by words: [String], in house: House
    ) throws -> Answer? {
        let outcome = try house.run(
            words + [
                "npm", "ping", "--json", "--registry", "http://\(server)/", "--fetch-retries=0",
            ],
            environment: [
                "npm_config_proxy": "http://127.0.0.1:\(house.world.port)",
                "npm_config_update_notifier": "false",
            ])
        guard let sent = World.authorization(in: outcome.output + outcome.errors), !sent.isEmpty
        else { return nil }
        let header = String(decoding: sent, as: UTF8.self)
        if header.hasPrefix("Bearer ") { return Answer(secret: String(header.dropFirst(7))) }
        guard let pair = Data(base64Encoded: String(header.dropFirst(6))) else { return nil }
        let text = String(decoding: pair, as: UTF8.self)
        guard let colon = text.firstIndex(of: ":") else { return Answer(secret: text) }
        return Answer(
            user: String(text[..<colon]), secret: String(text[text.index(after: colon)...]))
    }

    static func plant(_ answer: Answer, for server: String, in house: House) throws {
        let outcome = try house.run(
            ["keyfob", "login", "--client", "npm", "--password-stdin", server],
            input: answer.secret + "\n")
        guard outcome.succeeded else { throw SandboxError("keyfob login: \(outcome)") }
    }

    static func logout(_ server: String) -> [String] { ["--client", "npm", server] }
    static func label(of server: String) -> String {
        (server.split(separator: "/").first.map(String.init) ?? server).lowercased()
    }
    static func login(_ user: String, _ secret: String) -> Answer { Answer(secret: secret) }

    static func fallback(of server: String) -> String? {
        server.contains("/") ? server.split(separator: "/").first.map(String.init) : nil
    }

    static func generate(_ random: inout SeededGenerator) -> Case {
        var generator = NpmGenerator(random: random)
        let plan = generator.make()
        random = generator.random
        return plan
    }
}

/// Makes npm's `.npmrc`, the user's and one that a variable names.
private struct NpmGenerator {
    var random: SeededGenerator
    private var features: Set<String> = []

    init(random: SeededGenerator) { self.random = random }

    private mutating func feature(_ name: String) { features.insert(name) }

    mutating func make() -> Case {
        var environment: [String: String?] = [:]
        var links: [String: String] = [:]
        var files: [String: String] = [:]
        var lines = ["fund=false"]
        var host = random.pick(["one.example.com", "two.example.com", "npm.example.com"])
        if random.once(in: 5) {
            feature("port")
            host += ":8080"
        }
        var path = ""
        if random.once(in: 2) {
            feature("path")
            path = "/team"
        }
        var asked = host + path
        if path.isEmpty, random.once(in: 3) {
            feature("longer-address")
            asked = host + "/team"
        }
        var key = "//\(host)\(path)/"
        if random.once(in: 6) {
            feature("no-slash")
            key.removeLast()
        }
        switch Int.random(in: 0..<9, using: &random) {
        case 0:
            feature("pair")
            lines.append("\(key):_auth=«alice:pairsecret»")
        case 1:
            feature("two-lines")
            lines += ["\(key):username=alice", "\(key):_password=«linesecret»"]
        case 2:
            feature("duplicate")
            lines += ["\(key):_authToken=tok-old", "\(key):_authToken=tok-new"]
        case 3:
            feature("quoted")
            lines.append("\(key):_authToken=\"tok-quoted\"")
        case 4:
            feature("spaces")
            lines.append("  \(key):_authToken = tok-spaces ; a comment")
        case 5:
            feature("variable")
            lines.append("\(key):_authToken=${NPM_TOKEN}")
            environment["NPM_TOKEN"] = "tok-variable"
        case 6:
            feature("token-and-pair")
            lines += ["\(key):_auth=«alice:pairsecret»", "\(key):_authToken=tok-both"]
        default: lines.append("\(key):_authToken=tok-plain")
        }
        if random.once(in: 4) {
            feature("other-comment")
            lines.append("; //\(host)/:_authToken=tok-comment")
        }
        if random.once(in: 5) {
            feature("nobodys-token")
            lines.append("_authToken=tok-nobodys")
        }
        let end = random.once(in: 6) ? "\r\n" : "\n"
        if end == "\r\n" { feature("crlf") }
        var file = "home/.npmrc"
        if random.once(in: 6) {
            feature("user-config-variable")
            file = "home/elsewhere/npmrc"
            environment["NPM_CONFIG_USERCONFIG"] = "{ROOT}/home/elsewhere/npmrc"
        }
        if random.once(in: 5) {
            feature("scope")
            lines.insert("@team:registry=http://\(host)\(path)/", at: 0)
        }
        if random.once(in: 6) {
            feature("unset-variable")
            lines.append("//other.example.com/:_authToken=${NOT_SET}")
        }
        files[file] = lines.joined(separator: end) + end
        var folder: String?
        if random.once(in: 4) {
            feature("project")
            folder = "home/work/sub"
            files["home/work/package.json"] = "{}"
            files["home/work/.npmrc"] = "audit=false\n"
            if random.once(in: 2) {
                feature("project-token")
                files["home/work/.npmrc"]? += "\(key):_authToken=tok-project\n"
            }
        }
        if random.once(in: 8) {
            feature("link")
            files["home/dotfiles/npmrc"] = files[file]
            files[file] = nil
            links[file] = "{ROOT}/home/dotfiles/npmrc"
        }
        return Case(
            client: "npm", ask: [asked], folder: folder,
            environment: environment.isEmpty ? nil : environment, files: files,
            links: links.isEmpty ? nil : links, features: features.sorted())
    }
}
