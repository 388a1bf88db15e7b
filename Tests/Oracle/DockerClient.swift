import Foundation
import Sandbox

/// docker, asked by a pull from an engine that tells the login that it was sent.
enum DockerClient: OracleClient {
    static let name = "docker"
    static let probe: String? = "probe.example.com"

    static func answers(_ servers: [String], in house: House) throws -> [String: Answer] {
        var answers: [String: Answer] = [:]
        // docker may rewrite its file.
        let environment = ["DOCKER_HOST": "unix://\(house.world.socket)"]
        for server in servers {
            let outcome = try house.run(
                ["docker", "pull", "\(server)/x/y"], environment: environment)
            guard let sent = World.authorization(in: outcome.output) else {
                // docker itself fails where its helper does.
                continue
            }
            let login = try? JSONDecoder().decode(Login.self, from: decoded(sent))
            if let token = login?.identitytoken {
                answers[server] = Answer(user: "<token>", secret: token)
            } else if let user = login?.username, !user.isEmpty {
                answers[server] = Answer(user: user, secret: login?.password ?? "")
            }
        }
        return answers
    }

    private struct Login: Decodable {
        var username: String?
        var password: String?
        var identitytoken: String?
    }

    /// base64url, as docker writes it.
    private static func decoded(_ sent: [UInt8]) -> Data {
        let text = String(decoding: sent, as: UTF8.self)
            .replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        return Data(base64Encoded: text) ?? Data()
    }

    static func plant(_ answer: Answer, for server: String, in house: House) throws {
        try plant(answer, key: key(server), with: "docker-credential-keyfob", in: house)
    }

    /// Gives a login to a helper of docker's protocol.
    static func plant(
        _ answer: Answer, key: String, with helper: String, in house: House
    ) throws {
        let login = ["ServerURL": key, "Username": answer.user ?? "", "Secret": answer.secret]
        let outcome = try house.run(
            [helper, "store"],
            input: String(decoding: try JSONEncoder().encode(login), as: UTF8.self))
        guard outcome.succeeded else { throw SandboxError("\(helper) store: \(outcome)") }
    }

    /// The key that docker asks its helper for.
    private static func key(_ server: String) -> String {
        server == "docker.io" ? "https://index.docker.io/v1/" : server
    }

    /// A port that is the default one may be left out.
    static func label(of server: String) -> String {
        let lower = server.lowercased()
        return lower.hasSuffix(":443") ? String(lower.dropLast(4)) : lower
    }

    static func generate(_ random: inout SeededGenerator) -> Case {
        var generator = AuthsGenerator(random: random, isPodman: false)
        let plan = generator.make()
        random = generator.random
        return plan
    }
}

/// Makes docker's config.json and podman's auth.json.
struct AuthsGenerator {
    var random: SeededGenerator
    let isPodman: Bool
    private var features: Set<String> = []
    private var asked: [String] = []
    private var count = 0

    init(random: SeededGenerator, isPodman: Bool) {
        self.random = random
        self.isPodman = isPodman
    }

    mutating func make() -> Case {
        var entries: [(String, String)] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) { addServer(&entries) }
        entries.shuffle(using: &random)
        return isPodman ? podman(entries) : docker(entries)
    }

    private mutating func feature(_ name: String) { features.insert(name) }

    // MARK: docker

    private mutating func docker(_ entries: [(String, String)]) -> Case {
        var files: [String: String] = [:]
        var helpers: [String: String] = [:]
        var links: [String: String] = [:]
        var environment: [String: String?] = [:]
        var members = [auths(entries)]
        if random.once(in: 4) {
            feature("empty-creds-store")
            members.append(#""credsStore":"""#)
        } else if random.once(in: 5) {
            feature("creds-store")
            helpers["docker-credential-other"] = AuthsGenerator.helper(of: "one.example.com")
            members.append(#""credsStore":"other""#)
        }
        if random.once(in: 4), let server = asked.first {
            let helper = random.pick(["", "other", "minter"])
            feature(helper.isEmpty ? "empty-cred-helper" : "cred-helper")
            switch helper {
            case "other": helpers["docker-credential-other"] = AuthsGenerator.helper(of: server)
            case "minter": helpers["docker-credential-minter"] = AuthsGenerator.minter
            default: break
            }
            let key = server == "docker.io" ? "https://index.docker.io/v1/" : server
            members.append(#""credHelpers":{"\#(key)":"\#(helper)"}"#)
        }
        if random.once(in: 3) { members.append(#""detachKeys":"ctrl-e,e""#) }
        members.shuffle(using: &random)
        let text = layout(members)
        var path = "home/.docker/config.json"
        if random.once(in: 8) {
            feature("docker-config")
            path = "home/elsewhere/config.json"
            environment["DOCKER_CONFIG"] = "{ROOT}/home/elsewhere"
        }
        files[path] = text
        if random.once(in: 8) {
            feature("link")
            files[path] = nil
            files["home/dotfiles/config.json"] = text
            links[path] = "{ROOT}/home/dotfiles/config.json"
        }
        if random.once(in: 6), let server = asked.first {
            // What docker 28 does not read, and podman does.
            feature("dockercfg")
            files["home/.dockercfg"] = #"{"\#(server)":{"auth":"«former:former1secret»"}}"#
        }
        return Case(
            client: "docker", ask: asked, environment: environment.isEmpty ? nil : environment,
            files: files, links: links.isEmpty ? nil : links,
            helpers: helpers.isEmpty ? nil : helpers, features: features.sorted())
    }

    // MARK: podman

    private mutating func podman(_ entries: [(String, String)]) -> Case {
        var files: [String: String] = [:]
        var helpers: [String: String] = [:]
        var environment: [String: String?] = [:]
        var links: [String: String] = [:]
        let places = [
            "run/containers/auth.json", "home/.config/containers/auth.json",
            "home/.docker/config.json",
        ]
        var place = random.pick(places)
        feature(
            place == places[0] ? "runtime-file" : place == places[1] ? "config-file" : "docker-file"
        )
        if random.once(in: 6) {
            feature("auth-file-variable")
            place = "home/named.json"
            environment["REGISTRY_AUTH_FILE"] = "{ROOT}/home/named.json"
        }
        var members = [auths(entries)]
        if random.once(in: 5), let server = asked.first?.split(separator: "/").first {
            feature("cred-helper")
            helpers["docker-credential-other"] = AuthsGenerator.helper(of: String(server))
            members.append(#""credHelpers":{"\#(server)":"other"}"#)
        }
        files[place] = layout(members)
        // A second file, which comes after or before the first.
        if random.once(in: 3), environment.isEmpty, let server = asked.first {
            feature("second-file")
            let second = random.pick(places.filter { $0 != place })
            count += 1
            files[second] =
                #"{"auths":{"\#(server)":{"auth":"«second\#(count):sec\#(count)ret»"}}}"#
        }
        if random.once(in: 8) {
            feature("link")
            files["home/dotfiles/auth.json"] = files[place]
            files[place] = nil
            links[place] = "{ROOT}/home/dotfiles/auth.json"
        }
        if random.once(in: 6), environment.isEmpty, let server = asked.last {
            feature("dockercfg")
            let key = random.pick(["\(server)", "https://\(server)/v1/"])
            files["home/.dockercfg"] = #"{"\#(key)":{"auth":"«former:former1secret»"}}"#
        }
        if random.once(in: 6) {
            feature("registries-conf")
            helpers["docker-credential-other"] = AuthsGenerator.helper(of: "one.example.com")
            let list = random.pick([
                #""containers-auth.json""#, #""other", "containers-auth.json""#,
                #""containers-auth.json", "other""#,
            ])
            files["home/.config/containers/registries.conf"] = "credential-helpers = [\(list)]\n"
        }
        return Case(
            client: "podman", ask: asked, environment: environment.isEmpty ? nil : environment,
            files: files, links: links.isEmpty ? nil : links,
            helpers: helpers.isEmpty ? nil : helpers, features: features.sorted())
    }

    // MARK: Both

    /// A helper of docker's protocol that has one login and can keep none.
    private static func helper(of server: String) -> String {
        """
        #!/bin/sh
        case $1 in
        get) read -r key || :
            if [ "$key" = "\(server)" ]; then
                echo '{"ServerURL":"\(server)","Username":"theirs","Secret":"mintedbyother"}'
            else
                echo 'credentials not found in native keychain'; exit 1
            fi ;;
        list) echo '{"\(server)":"theirs"}' ;;
        *) echo 'not implemented'; exit 1 ;;
        esac

        """
    }

    /// A helper that makes tokens, as those of clouds do, and lists none.
    private static let minter = """
        #!/bin/sh
        case $1 in
        get) read -r key || :
            echo '{"ServerURL":"'"$key"'","Username":"AWS","Secret":"minted"}' ;;
        *) echo 'not implemented'; exit 1 ;;
        esac

        """

    private mutating func layout(_ members: [String]) -> String {
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            feature("crlf")
            return "{\r\n\t" + members.joined(separator: ",\r\n\t") + "\r\n}\r\n"
        case 1: return "{" + members.joined(separator: ",") + "}"
        default: return "{\n\t" + members.joined(separator: ",\n\t") + "\n}\n"
        }
    }

    private func auths(_ entries: [(String, String)]) -> String {
        "\"auths\": {"
            + entries.map { "\"\($0.0)\": {\($0.1)}" }.joined(separator: ", ") + "}"
    }

    private mutating func addServer(_ entries: inout [(String, String)]) {
        // A proxy is never asked for an address of the loopback.
        let names = [
            "one.example.com", "two.example.com", "zed.example.com:5000", "docker.io",
            "images.example.com:8443",
        ]
        var host = random.pick(isPodman ? names : names + ["127.0.0.1:1", "127.0.0.2:5000"])
        if random.once(in: 8) {
            feature("upper-case")
            host = "Up.Example.com"
        } else if random.once(in: 8) {
            feature("default-port")
            host = random.pick(["port.example.com:443", "port.example.com:80"])
        } else if !isPodman, random.once(in: 10) {
            feature("localhost")
            host = "localhost:5000"
        } else if !isPodman, random.once(in: 10) {
            feature("ipv6")
            host = "[::1]:5000"
        }
        if host == "docker.io" { feature("hub") }
        if asked.contains(host) { return }
        var keys = spellings(of: host)
        let exact = keys[0]
        keys.shuffle(using: &random)
        keys = [keys[0]]
        // Of two that are not the key itself the client takes one by chance.
        if random.once(in: 3), keys[0] != exact {
            feature("both-spellings")
            keys.append(exact)
        }
        for key in keys {
            if key.hasPrefix("http://") { feature("http-key") }
            if key.hasPrefix("https://"), host != "docker.io" { feature("https-key") }
            let rest = key.split(separator: "://").last ?? ""
            if rest.contains("/"), host != "docker.io" { feature("path-key") }
            entries.append((key, login()))
            if isPodman, rest.contains("/"), !key.contains("://") { asked.append(key) }
        }
        asked.append(host)
    }

    private func spellings(of host: String) -> [String] {
        if host == "docker.io" {
            return isPodman
                ? ["docker.io", "https://index.docker.io/v1/"]
                : ["https://index.docker.io/v1/", "docker.io", "index.docker.io"]
        }
        let common = [
            host, host, host, "https://\(host)", "https://\(host)/v1/", "http://\(host)",
            "https://\(host)/v2/",
        ]
        return common + (isPodman ? ["\(host)/team", "\(host)/team/app"] : ["\(host)/team"])
    }

    private mutating func login() -> String {
        count += 1
        let user = "user\(count)"
        let secret = "sec\(count)ret"
        switch Int.random(in: 0..<14, using: &random) {
        case 0:
            feature("nul-at-end")
            return #""auth":"«\#(user):\#(secret)%00»""#
        case 1:
            feature("not-utf-8")
            return #""auth":"«\#(user):\#(secret)%E4»""#
        case 2:
            feature("colon-in-password")
            return #""auth":"«\#(user):\#(secret):more»""#
        case 3:
            feature("empty-password")
            return #""auth":"«tok\#(count)en:»""#
        case 4:
            feature("base64-line-end")
            let half = Data("\(user):\(secret)xyz".utf8).base64EncodedString()
            return #""auth":"\#(half.prefix(8))\n\#(half.dropFirst(8))\n""#
        case 5:
            feature("identity-token")
            return
                #""auth":"«00000000-0000-0000-0000-000000000000:»","identitytoken":"idtok\#(count)""#
        case 6:
            feature("user-and-password")
            return #""username":"\#(user)","password":"\#(secret)""#
        case 7:
            feature("escaped-slash")
            return #""auth":"«\#(user):\#(secret)%FF%FE»","email":"a@b.c""#
        case 8:
            feature("empty-entry")
            return ""
        default: return #""auth":"«\#(user):\#(secret)»""#
        }
    }
}
