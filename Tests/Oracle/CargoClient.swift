import Foundation
import Sandbox

/// cargo, asked by a yank from a registry that tells the token that it was sent. A registry is
/// named as cargo's user names it, and its name is a part of its host.
enum CargoClient: OracleClient {
    static let name = "cargo"
    static let probe: String? = "probe"

    static func answers(_ servers: [String], in house: House) throws -> [String: Answer] {
        var answers: [String: Answer] = [:]
        for server in servers {
            let registry = server == "crates-io" ? [] : ["--registry", server]
            let outcome = try run(["yank", "--version", "0.1.0", "nam"] + registry, in: house)
            guard let token = World.authorization(in: outcome.errors), !token.isEmpty else {
                continue
            }
            answers[server] = Answer(secret: String(decoding: token, as: UTF8.self))
        }
        return answers
    }

    static func plant(_ answer: Answer, for server: String, in house: House) throws {
        // What cargo itself asks a provider for.
        let log = house.sandbox.file("asked")
        try? FileManager.default.removeItem(atPath: log)
        let variable =
            server == "crates-io"
            ? "CARGO_REGISTRY_CREDENTIAL_PROVIDER"
            : "CARGO_REGISTRIES_\(server.uppercased().replacing("-", with: "_"))_CREDENTIAL_PROVIDER"
        if !FileManager.default.fileExists(atPath: house.sandbox.file("bin/cargo-spy")) {
            try house.sandbox.writeScript(
                """
                #!/bin/sh
                echo '{"v":[1]}'
                read -r line
                printf '%s\\n' "$line" >\(log)
                echo '{"Err":{"kind":"not-found"}}'

                """, as: "cargo-spy")
        }
        let registry = server == "crates-io" ? [] : ["--registry", server]
        let outcome = try run(
            ["logout"] + registry, in: house,
            environment: [variable: house.sandbox.file("bin/cargo-spy")])
        guard let asked = house.sandbox.text("asked") else {
            throw SandboxError("cargo asks no provider for \(server): \(outcome)")
        }
        let request = asked.replacing(
            #""kind":"logout""#, with: #""kind":"login","token":"\#(answer.secret)""#)
        let stored = try house.run(["cargo-credential-keyfob", "--cargo-plugin"], input: request)
        guard stored.succeeded, stored.output.contains("Ok") else {
            throw SandboxError("cargo-credential-keyfob: \(stored)")
        }
    }

    private static func run(
        _ arguments: [String], in house: House, environment: [String: String?] = [:]
    ) throws -> Outcome {
        let proxy = "http://127.0.0.1:\(house.world.port)"
        var variables: [String: String?] = [
            "RUSTUP_HOME": rustup, "CARGO_HTTP_PROXY": proxy, "http_proxy": proxy,
            "https_proxy": proxy, "CARGO_NET_RETRY": "0", "CARGO_NET_GIT_FETCH_WITH_CLI": "true",
            "CARGO_TERM_COLOR": "never", "CARGO_REGISTRIES_CRATES_IO_PROTOCOL": "git",
            "CARGO_REGISTRIES_PROBE_INDEX": "sparse+http://probe.example.com/index/",
            "PATH": "\(house.world.gitFolder):\(house.sandbox.environment["PATH"] ?? "")",
        ]
        for (name, value) in environment { variables[name] = value }
        return try house.run(["cargo"] + arguments, environment: variables)
    }

    /// Where rustup's cargo finds its toolchain from another home.
    private static let rustup: String = {
        let environment = ProcessInfo.processInfo.environment
        return environment["RUSTUP_HOME"] ?? (environment["HOME"] ?? "/root") + "/.rustup"
    }()

    static func logout(_ server: String) -> [String] { ["--client", "cargo", server] }
    /// crates-io is crates.io, too.
    static func label(of server: String) -> String { server == "crates-io" ? "crates" : server }
    static func login(_ user: String, _ secret: String) -> Answer { Answer(secret: secret) }

    static func generate(_ random: inout SeededGenerator) -> Case {
        var generator = CargoGenerator(random: random)
        let plan = generator.make()
        random = generator.random
        return plan
    }
}

/// Makes cargo's config.toml and credentials.toml.
private struct CargoGenerator {
    var random: SeededGenerator
    private var features: Set<String> = []

    init(random: SeededGenerator) { self.random = random }

    private mutating func feature(_ name: String) { features.insert(name) }

    mutating func make() -> Case {
        var files: [String: String] = [:]
        var helpers: [String: String] = [:]
        var links: [String: String] = [:]
        var environment: [String: String?] = [:]
        var config: [String] = []
        var credentials: [String] = []
        var asked: [String] = []

        var names = ["alpha", "beta", "gamma", "my-reg"]
        names.shuffle(using: &random)
        let hasProjectIndex = random.once(in: 8)
        for name in names.prefix(Int.random(in: 1...2, using: &random)) {
            let isFirst = asked.isEmpty
            asked.append(name)
            let token = "tok-\(name)-1"
            var lines = ["index = \"\(index(of: name))\""]
            if hasProjectIndex, isFirst { lines = [] }
            if random.once(in: 5) {
                let provider = random.pick([
                    "\"cargo:token\"", "[\"cargo:token\"]", "\"cargo-credential-other\"",
                    "\"cargo-credential-keyfob\"",
                ])
                feature(provider.contains("keyfob") ? "own-provider-keyfob" : "own-provider")
                if provider.contains("other") { helpers["cargo-credential-other"] = Self.minter }
                lines.append("credential-provider = \(provider)")
            }
            if random.once(in: 6) {
                feature("token-in-config")
                lines.append("token = \"\(token)-config\"")
            }
            config += table(of: name, lines, after: config)
            if !random.once(in: 5) {
                credentials += table(of: name, ["token = \"\(token)\""], after: credentials)
            }
        }
        if random.once(in: 6) {
            feature("crates-io")
            asked.append("crates-io")
            credentials += ["[registry]", "token = \"tok-crates-io\""]
        }
        if random.once(in: 4) {
            let list = random.pick([
                "[\"cargo:token\"]", "[\"cargo:token\", \"cargo-credential-other\"]",
                "[\"cargo-credential-other\", \"cargo:token\"]", "[\n  \"cargo:token\", # plain\n]",
            ])
            feature("global-providers")
            if list.contains("other") {
                feature("other-provider")
                helpers["cargo-credential-other"] = Self.minter
            }
            config += ["[registry]", "global-credential-providers = \(list)"]
        }
        if random.once(in: 3) { config = ["# a comment"] + config + ["[net]", "retry = 0"] }

        var folder = "home/.cargo"
        if random.once(in: 8) {
            feature("cargo-home")
            folder = "home/elsewhere"
            environment["CARGO_HOME"] = "{ROOT}/home/elsewhere"
        }
        let end = random.once(in: 10) ? "\r\n" : "\n"
        if end == "\r\n" { feature("crlf") }
        var file = "\(folder)/credentials.toml"
        if random.once(in: 8) {
            feature("old-name")
            file = "\(folder)/credentials"
            if random.once(in: 2) {
                feature("both-names")
                files["\(folder)/credentials.toml"] =
                    "[registries.\(asked[0])]\ntoken = \"tok-new\"\n"
            }
        }
        if !credentials.isEmpty { files[file] = credentials.joined(separator: end) + end }
        if random.once(in: 10), let text = files[file] {
            feature("link")
            files[file] = nil
            files["home/dotfiles/credentials.toml"] = text
            links[file] = "{ROOT}/home/dotfiles/credentials.toml"
        }
        files["\(folder)/config.toml"] = config.joined(separator: end) + end
        var project = random.once(in: 4) ? project(asked[0], &helpers) : nil
        if hasProjectIndex {
            feature("project-index")
            project = "[registries.\(asked[0])]\nindex = \"\(index(of: asked[0]))\"\n"
        }
        if random.once(in: 10), project == nil || hasProjectIndex {
            feature("include")
            files["\(folder)/more/token.toml"] =
                "[registries.\(asked[0])]\ntoken = \"tok-included\"\n"
            let text = files["\(folder)/config.toml"] ?? ""
            files["\(folder)/config.toml"] = "include = [\"more/token.toml\"]\(end)" + text
        }
        if let project { files["home/work/.cargo/config.toml"] = project }
        return Case(
            client: "cargo", ask: asked, folder: project == nil ? nil : "home/work/sub",
            environment: environment.isEmpty ? nil : environment,
            files: files, links: links.isEmpty ? nil : links,
            helpers: helpers.isEmpty ? nil : helpers, features: features.sorted())
    }

    /// What the folder above says, which wins over the home.
    private mutating func project(_ name: String, _ helpers: inout [String: String]) -> String {
        let isCratesIO = name == "crates-io"
        let table = isCratesIO ? "[registry]" : "[registries.\(name)]"
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            feature("project-token")
            return "\(table)\ntoken = \"tok-project\"\n"
        case 1:
            feature("project-provider")
            return "\(table)\ncredential-provider = \"cargo:token\"\n"
        case 2:
            feature("project-providers")
            let list = random.pick(["cargo:token", "cargo-credential-other"])
            if list.contains("other") { helpers["cargo-credential-other"] = Self.minter }
            return "[registry]\nglobal-credential-providers = [\"\(list)\"]\n"
        default:
            feature("project-config")
            return "[build]\njobs = 1\n"
        }
    }

    private static let minter = """
        #!/bin/sh
        echo '{"v":[1]}'
        read -r line
        case $line in
        *'"kind":"get"'*) echo '{"Ok":{"kind":"get","token":"minted","cache":"never","operation_independent":true}}' ;;
        *) echo '{"Err":{"kind":"operation-not-supported"}}' ;;
        esac

        """

    /// A registry's table. A header stands in a file once.
    private mutating func table(
        of name: String, _ lines: [String], after before: [String]
    ) -> [String] {
        let style = Int.random(in: 0..<6, using: &random)
        switch before.contains("[registries]") ? 3 : style {
        case 0:
            feature("dotted-keys")
            return ["[registries]"] + lines.map { "\(name).\($0)" }
        case 1:
            feature("inline-table")
            return ["[registries]", "\(name) = { \(lines.joined(separator: ", ")) }"]
        case 2:
            feature("quoted-name")
            return ["[registries.\"\(name)\"]"] + lines
        default: return ["[registries.\(name)]"] + lines
        }
    }

    private mutating func index(of name: String) -> String {
        switch Int.random(in: 0..<14, using: &random) {
        case 0:
            feature("git-index")
            return "https://\(name).example.com/index"
        case 1:
            feature("user-in-index")
            return "https://MyOrg@\(name).example.com/MyOrg/_git/index"
        case 2:
            feature("upper-case")
            return "sparse+http://\(name.capitalized).Example.com/index/"
        case 3:
            feature("default-port")
            return "sparse+http://\(name).example.com:80/index/"
        case 4:
            feature("git-default-port")
            return "http://\(name.capitalized).Example.com:80/git/index"
        case 5:
            feature("idn")
            return "https://\(name).münchen.example.com/index"
        case 6:
            feature("space")
            return "https://\(name).example.com/my index"
        case 7:
            feature("dot-segments")
            return "https://\(name).example.com/a/../index"
        case 8:
            feature("port")
            return "sparse+http://\(name).example.com:8080/index/"
        case 9:
            feature("trailing-slash")
            return "https://\(name).example.com/index/"
        default: return "sparse+http://\(name).example.com/index/"
        }
    }
}
