import Foundation
import Sandbox

/// podman's library, asked by skopeo from a registry that tells the login that it was sent; a
/// server after `podman:` is asked for with `podman login --get-login`, which tells the user alone.
enum PodmanClient: OracleClient {
    static let name = "podman"
    static let probe: String? = "probe.example.com"

    static func answers(_ servers: [String], in house: House) throws -> [String: Answer] {
        var answers: [String: Answer] = [:]
        let proxy = "http://127.0.0.1:\(house.world.port)"
        for server in servers {
            if server.hasPrefix("podman:") {
                let outcome = try house.run(["podman", "login", "--get-login", registry(server)])
                guard outcome.succeeded else { continue }
                let user = outcome.output.trimmingCharacters(in: .newlines)
                answers[server] = Answer(user: user, secret: "")
                continue
            }
            let outcome = try house.run(
                [
                    "skopeo", "inspect", "--tls-verify=false",
                    "docker://\(address(server, in: house))/x",
                ],
                environment: [
                    "http_proxy": proxy, "https_proxy": proxy, "HTTP_PROXY": proxy,
                    "HTTPS_PROXY": proxy,
                ])
            // The registry's tokens say in base64 for whom they were made.
            guard let sent = World.authorization(in: outcome.errors),
                let token = String(decoding: sent, as: UTF8.self).split(separator: " ").last,
                let whose = Data(base64Encoded: String(token))
            else { continue }
            let words = String(decoding: whose, as: UTF8.self).split(separator: " ", maxSplits: 1)
            if words.first == "Identity", words.count == 2 {
                answers[server] = Answer(user: "<token>", secret: String(words[1]))
            }
            guard words.first == "Basic", let pair = Data(base64Encoded: String(words[1])) else {
                continue
            }
            let text = String(decoding: pair, as: UTF8.self)
            guard text != ":", let colon = text.firstIndex(of: ":") else { continue }
            answers[server] = Answer(
                user: String(text[..<colon]), secret: String(text[text.index(after: colon)...]))
        }
        return answers
    }

    private static func registry(_ server: String) -> String {
        server.hasPrefix("podman:") ? String(server.dropFirst(7)) : server
    }

    private static func address(_ server: String, in house: House) -> String {
        house.text(server)
    }

    static func plant(_ answer: Answer, for server: String, in house: House) throws {
        // A helper is never asked for more than the registry.
        let host = registry(house.text(server)).split(separator: "/").first.map(String.init) ?? ""
        try DockerClient.plant(
            answer, key: host, with: "docker-credential-keyfob-podman", in: house)
    }

    static func logout(_ server: String) -> [String] { [registry(server)] }

    static func label(of server: String) -> String {
        DockerClient.label(of: registry(server).split(separator: "/").first.map(String.init) ?? "")
    }

    static func fallback(of server: String) -> String? {
        registry(server).split(separator: "/").count > 1
            ? registry(server).split(separator: "/").first.map(String.init) : nil
    }

    static func generate(_ random: inout SeededGenerator) -> Case {
        var generator = AuthsGenerator(random: random, isPodman: true)
        let plan = generator.make()
        random = generator.random
        return plan
    }
}
