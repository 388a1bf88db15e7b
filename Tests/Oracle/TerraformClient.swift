import Foundation
import Sandbox

/// terraform, asked by an init of providers from registries that tell the token that they were sent.
///
/// Of a host that is not ASCII terraform 1.11 fetches no module, but a provider.
enum TerraformClient: OracleClient {
    static let name = "terraform"
    static let probe: String? = "probe.example.com"

    static func answers(_ servers: [String], in house: House) throws -> [String: Answer] {
        let project = house.sandbox.uniqueName("home/project")
        let providers = servers.enumerated().map {
            "    x\($0) = { source = \"\($1)/team/x\($0)\" }\n"
        }
        try house.sandbox.write(
            "terraform {\n  required_providers {\n\(providers.joined())  }\n}\n",
            to: "\(project)/main.tf")
        let outcome = try telling(of: servers, in: house) { variables in
            try house.run(
                ["terraform", "-chdir=\(house.sandbox.file(project))", "init", "-input=false"]
                    + ["-no-color"], environment: variables)
        }
        var answers: [String: Answer] = [:]
        for block in (outcome.output + outcome.errors).components(separatedBy: "Error: ") {
            guard let provider = block.firstMatch(of: /\/team\/x([0-9]+)/),
                let index = Int(provider.1), servers.indices.contains(index),
                let sent = World.authorization(in: block), !sent.isEmpty
            else { continue }
            let header = String(decoding: sent, as: UTF8.self)
            answers[servers[index]] = Answer(
                secret: header.hasPrefix("Bearer ") ? String(header.dropFirst(7)) : header)
        }
        return answers
    }

    /// Tells terraform, for as long as it runs, where the hosts' services are.
    private static func telling(
        of servers: [String], in house: House, _ body: ([String: String?]) throws -> Outcome
    ) throws -> Outcome {
        var variables: [String: String?] = ["CHECKPOINT_DISABLE": "1"]
        let services = "http://127.0.0.1:\(house.world.port)/v1/providers/"
        let hosts = Set(servers.map(comparable))
        let blocks = hosts.sorted().map {
            "host \"\($0)\" {\n  services = { \"providers.v1\" = \"\(services)\" }\n}\n"
        }.joined()
        if let named = house.sandbox.environment["TF_CLI_CONFIG_FILE"] {
            // That file and no folder is read: a copy is, with the hosts in it.
            let text = FileManager.default.contents(atPath: named).map {
                String(decoding: $0, as: UTF8.self)
            }
            if let text {
                let members = hosts.sorted().map {
                    "\"\($0)\":{\"services\":{\"providers.v1\":\"\(services)\"}}"
                }.joined(separator: ",")
                let isJSON = text.trimmingCharacters(in: .whitespacesAndNewlines).hasPrefix("{")
                var changed = text + "\n" + blocks
                if isJSON, let brace = text.firstIndex(of: "{") {
                    let rest = text[text.index(after: brace)...]
                    let isEmpty = rest.trimmingCharacters(in: .whitespacesAndNewlines)
                        .hasPrefix("}")
                    changed = "{\"host\":{\(members)}" + (isEmpty ? "" : ",") + rest
                }
                variables["TF_CLI_CONFIG_FILE"] = try house.sandbox.write(
                    changed,
                    to:
                        "\(house.sandbox.uniqueName("told"))/\((named as NSString).lastPathComponent)"
                )
            }
            return try body(variables)
        }
        let file = try house.sandbox.write(blocks, to: "home/.terraform.d/zz-oracle.tfrc")
        defer { try? FileManager.default.removeItem(atPath: file) }
        return try body(variables)
    }

    /// A host as terraform compares it.
    private static func comparable(_ server: String) -> String {
        let lower = server.lowercased()
        return lower.hasSuffix(":443") ? String(lower.dropLast(4)) : lower
    }

    /// A host as terraform asks its helper for it.
    private static func asked(_ server: String) -> String {
        comparable(server).replacingOccurrences(of: "münchen", with: "xn--mnchen-3ya")
    }

    static func plant(_ answer: Answer, for server: String, in house: House) throws {
        let outcome = try house.run(
            ["terraform-credentials-keyfob", "store", asked(server)],
            input: "{\"token\":\"\(answer.secret)\"}")
        guard outcome.succeeded else {
            throw SandboxError("terraform-credentials-keyfob: \(outcome)")
        }
    }

    static func complaints(in house: House) throws -> String {
        let outcome = try house.run(
            ["terraform", "version"], environment: ["CHECKPOINT_DISABLE": "1"])
        return (outcome.output + outcome.errors).split(separator: "\n")
            .filter { $0.contains("Warning:") || $0.contains("Error:") }.joined(separator: "\n")
    }

    static func logout(_ server: String) -> [String] { ["--client", "terraform", server] }
    static func label(of server: String) -> String { asked(server) }
    static func login(_ user: String, _ secret: String) -> Answer { Answer(secret: secret) }

    static func generate(_ random: inout SeededGenerator) -> Case {
        var generator = TerraformGenerator(random: random)
        let plan = generator.make()
        random = generator.random
        return plan
    }
}

/// Makes terraform's CLI configuration and its files of tokens.
private struct TerraformGenerator {
    var random: SeededGenerator
    private var features: Set<String> = []
    private var asked: [String] = []

    init(random: SeededGenerator) { self.random = random }

    private mutating func feature(_ name: String) { features.insert(name) }

    mutating func make() -> Case {
        var files: [String: String] = [:]
        var links: [String: String] = [:]
        var environment: [String: String?] = [:]
        var written: [String: [(String, String)]] = [:]
        let rc = "home/.terraformrc"
        let json = "home/.terraform.d/credentials.tfrc.json"
        for index in 0..<Int.random(in: 1...3, using: &random) {
            let host = host()
            if asked.contains(where: { $0.lowercased() == host.lowercased() }) { continue }
            var place = json
            switch Int.random(in: 0..<10, using: &random) {
            case 0:
                feature("token-in-rc")
                place = rc
            case 1:
                feature("tfrc-in-folder")
                place = "home/.terraform.d/team.tfrc"
            case 2:
                feature("json-in-folder")
                place = "home/.terraform.d/other.tfrc.json"
            default: break
            }
            written[place, default: []].append((host, "tok-\(index)-secret"))
            asked.append(TerraformGenerator.plain(host, &random))
        }
        for (place, tokens) in written {
            files[place] = place.hasSuffix(".json") ? jsonText(tokens) : hclText(tokens)
        }
        if random.once(in: 5), files[rc] == nil {
            feature("rc-with-comment")
            files[rc] = "# mine\nplugin_cache_dir = \"/tmp/none\"\ndisable_checkpoint = true\n"
        }
        if random.once(in: 6) {
            feature("config-file-variable")
            if random.once(in: 2) {
                feature("json-config")
                let tokens = asked.map { ($0, "tok-json-secret") }
                files["home/mine.tfrc.json"] = jsonText(Array(tokens.prefix(1)))
                environment["TF_CLI_CONFIG_FILE"] = "{ROOT}/home/mine.tfrc.json"
            } else {
                files["home/mine.tfrc"] = "disable_checkpoint = true\n"
                environment["TF_CLI_CONFIG_FILE"] = "{ROOT}/home/mine.tfrc"
            }
        } else if random.once(in: 8) {
            feature("helper-in-folder")
            files["home/.terraform.d/helper.tfrc"] = "credentials_helper \"env\" {}\n"
        } else if random.once(in: 8) {
            feature("other-helper")
            files[rc] = (files[rc] ?? "") + "credentials_helper \"env\" {\n  args = []\n}\n"
        }
        if random.once(in: 10), let text = files[json] {
            feature("link")
            files[json] = nil
            files["home/dotfiles/credentials.tfrc.json"] = text
            links[json] = "{ROOT}/home/dotfiles/credentials.tfrc.json"
        }
        return Case(
            client: "terraform", ask: asked, environment: environment.isEmpty ? nil : environment,
            files: files, links: links.isEmpty ? nil : links, features: features.sorted())
    }

    /// The host as it stands in a module's source.
    private static func plain(_ host: String, _ random: inout SeededGenerator) -> String {
        let short = host.hasSuffix(":443") ? String(host.dropLast(4)) : host
        return random.once(in: 3) ? host : short.lowercased()
    }

    private mutating func host() -> String {
        switch Int.random(in: 0..<8, using: &random) {
        case 0:
            feature("upper-case")
            return "TF.Example.com"
        case 1:
            feature("default-port")
            return "tfe.example.com:443"
        case 2:
            feature("port")
            return "tfe.example.com:8443"
        case 3: return "app.terraform.io"
        case 4:
            feature("idn")
            return random.pick(["münchen.example.com", "MÜNCHEN.example.com:443"])
        default:
            return random.pick(["one.example.com", "two.example.com", "three.example.com"])
        }
    }

    private mutating func jsonText(_ tokens: [(String, String)]) -> String {
        let members = tokens.map { "\"\($0)\": {\"token\": \"\($1)\"}" }
        let end = random.once(in: 8) ? "\r\n" : "\n"
        if end == "\r\n" { feature("crlf") }
        return "{\(end)  \"credentials\": {\(end)    "
            + members.joined(separator: ",\(end)    ") + "\(end)  }\(end)}\(end)"
    }

    private func hclText(_ tokens: [(String, String)]) -> String {
        tokens.map { "credentials \"\($0)\" {\n  token = \"\($1)\"\n}\n" }.joined()
    }
}
