import Credentials
import Files
import Foundation
import Sandbox
import Testing

@testable import Clients
@testable import TextEditing

/// What each client writes, read and taken out again.
@Suite struct PlaintextFileTests {
    private let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    @Test func docker() throws {
        let file = try write(
            """
            {
            \t"auths": {
            \t\t"a.example": {
            \t\t\t"auth": "YWxpY2U6cDphc3M="
            \t\t},
            \t\t"b.example": {"auth": "Ym9iOnB3", "email": "bob@b.example"},
            \t\t"kept.example": {},
            \t\t"t.example": {
            \t\t\t"AUTH": "dTpw",
            \t\t\t"identitytoken": "id"
            \t\t},
            \t\t"r.example": {"registrytoken": "reg"},
            \t\t"bad.example": {"auth": "%%"},
            \t\t"old.example": {"username": "u", "password": "w"}
            \t},
            \t"credHelpers": {"x.example": "pass"}, "n": 1.0
            }

            """)
        let docker = RegistryAuths(file, .docker)
        #expect(
            try docker.contents().logins.map(\.words) == [
                "docker a.example alice p:ass", "docker b.example bob pw",
                "docker t.example <token> id (it has both a password and a token, "
                    + "and a helper returns one of them)",
                "docker r.example <token> reg (it is a registry token, which no helper can return)",
                "docker bad.example ? %% (its format is unknown)", "docker old.example u w",
            ])
        let before = text(file)
        let removed = try docker.remove { $0.entry.attributes["server"] == "b.example" }
        #expect(removed.map { $0.attributes["username"] } == ["bob"])
        let without = before.replacing(
            ",\n\t\t\"b.example\": {\"auth\": \"Ym9iOnB3\", \"email\": \"bob@b.example\"}", with: ""
        )
        #expect(text(file) == without)
        #expect(try docker.remove { $0.entry.attributes["server"] == "kept.example" }.isEmpty)
        #expect(text(file) == without.replacing(",\n\t\t\"kept.example\": {}", with: ""))
        #expect(try docker.remove { _ in false }.isEmpty)
        try docker.remove { _ in true }
        #expect(
            text(file)
                == "{\n\t\"auths\": {},\n\t\"credHelpers\": {\"x.example\": \"pass\"}, \"n\": 1.0\n}\n"
        )
    }

    @Test func dockerIsLeftTheMarkOfALoginThatAHelperHas() throws {
        let file = try write(
            #"{"auths":{"a.example":{"auth":"dTpw","email":"e"},"b.example":{"auth":"dTpw"}}}"#)
        let removed = try RegistryAuths(file, .docker).scrub { _ in true }
        #expect(removed.count == 2)
        #expect(text(file) == #"{"auths":{"a.example":{"email":"e"},"b.example":{}}}"#)
        #expect(try RegistryAuths(file, .docker).contents().logins.isEmpty)
    }

    /// Go, in which docker is written, takes both for one.
    @Test func aNameInTwoCasesIsNotUnderstood() throws {
        let before =
            #"{"auths":{"a.example":{"auth":"dTpw"}},"Auths":{"b.example":{"auth":"dTpw"}}}"#
        let docker = RegistryAuths(try write(before), .docker)
        #expect(throws: StoreError.self) { try docker.contents() }
        #expect(throws: StoreError.self) { try docker.remove { _ in true } }
        #expect(text(docker.file) == before)
    }

    @Test func podman() throws {
        let file = try write(
            #"{"auths":{"quay.io":{"auth":"dTpw"},"quay.io/team":{"auth":"dDpx"}},"x":[ ]}"#)
        let podman = RegistryAuths(file, .podman)
        #expect(
            try podman.contents().logins.map(\.words) == [
                "docker quay.io u p",
                "docker quay.io/team t q (podman uses no helper for a login for a single path)",
            ])
        try podman.scrub { $0.obstacle == nil }
        #expect(text(file) == #"{"auths":{"quay.io/team":{"auth":"dDpx"}},"x":[ ]}"#)
    }

    @Test func dockercfg() throws {
        let file = try write(#"{"https://index.docker.io/v1/": {"auth": "dTpw", "email": "e"}}"#)
        let old = RegistryAuths(file, .dockercfg)
        #expect(
            try old.contents().logins.map(\.words) == ["docker https://index.docker.io/v1/ u p"])
        try old.remove { _ in true }
        #expect(text(file) == "{}")
    }

    @Test func cargo() throws {
        let before = """
            # mine
            [registry]
            token = "crates"

            [registries.loop]
            token = "loop" # of the loop
            secret-key = 'k'

            [registries]
            other = { token = "o" }

            """
        let file = try write(before)
        try sandbox.write(
            "registries.loop.index = \"sparse+https://loop/\"\n", to: "home/.cargo/config.toml")
        let cargo = CargoCredentials(
            file: file,
            surroundings: Surroundings(
                home: sandbox.file("home"), variables: [:], user: 1000))
        #expect(
            try cargo.contents().logins.map(\.words) == [
                "cargo https://github.com/rust-lang/crates.io-index - crates",
                "cargo sparse+https://loop/ - loop",
                "cargo sparse+https://loop/ - k (it is a private key, which no provider can "
                    + "return)",
                "cargo other - o (cargo's configuration has no single index for it)",
            ])
        try cargo.remove { $0.obstacle == nil }
        #expect(
            text(file)
                == before.replacing("token = \"crates\"\n", with: "")
                .replacing("token = \"loop\" # of the loop\n", with: ""))
        try cargo.remove { _ in true }
        #expect(try cargo.contents().logins.isEmpty)
        #expect(text(file).hasSuffix("[registries]\nother = {}\n"))
    }

    @Test func terraform() throws {
        let file = try write(
            """
            {
              "credentials": {
                "app.terraform.io": {
                  "token": "t.a"
                },
                "tf.example.com": { "token": "t.b" }
              }
            }
            """)
        let terraform = TerraformCredentials(file: file)
        #expect(
            try terraform.contents().logins.map(\.words) == [
                "token app.terraform.io - t.a", "token tf.example.com - t.b",
            ])
        try terraform.remove { $0.entry.attributes["key"] == "app.terraform.io" }
        #expect(
            text(file)
                == "{\n  \"credentials\": {\n    \"tf.example.com\": { \"token\": \"t.b\" }\n  }\n}"
        )
    }

    @Test func pulumi() throws {
        let file = try write(
            """
            {
                "current": "https://api.pulumi.com",
                "accessTokens": {
                    "https://api.pulumi.com": "pul-1",
                    "https://other.example": "pul-2",
                    "file://~": ""
                },
                "accounts": {
                    "https://api.pulumi.com": {
                        "accessToken": "pul-1",
                        "username": "alice",
                        "organizations": ["o"]
                    },
                    "https://renewed.example": {"accessToken": "a", "refreshToken": "r"}
                }
            }
            """)
        let pulumi = PulumiCredentials(file: file)
        #expect(
            try pulumi.contents().logins.map(\.words) == [
                "token https://api.pulumi.com alice pul-1", "token https://other.example - pul-2",
                "token https://renewed.example - a (pulumi renews it in this file)",
            ])
        let before = text(file)
        try pulumi.scrub { $0.entry.username == "alice" }
        #expect(
            text(file)
                == before.replacing("\"https://api.pulumi.com\": \"pul-1\",\n        ", with: "")
                .replacing("\"accessToken\": \"pul-1\",\n            ", with: ""))
        try before.write(toFile: file.path, atomically: false, encoding: .utf8)
        try pulumi.remove { $0.entry.username == "alice" }
        #expect(!text(file).contains("pul-1"))
        #expect(text(file).contains("\"current\": \"\""))
        #expect(!text(file).contains("alice"))
        #expect(text(file).contains("\"file://~\": \"\""))
    }

    @Test func pulumisEnvelopeIsLeftAlone() throws {
        let envelope = #"{"$pulumiSecureStore":1,"backend":"linux-secretservice","data":"x"}"#
        let file = try write(envelope)
        let contents = try PulumiCredentials(file: file).contents()
        #expect(contents.logins.isEmpty && contents.notes.count == 1)
        try PulumiCredentials(file: file).remove { _ in true }
        #expect(text(file) == envelope)
    }

    @Test func git() throws {
        let file = try write(
            "https://al%40ice:p%3Ass@host.example\nnot a url\nhttps://bob:w@host.example%3a8443/a/b.git\n"
        )
        let git = GitCredentials(file: file)
        let logins = try git.contents().logins
        #expect(
            logins.map(\.words) == [
                "git host.example al@ice p:ss", "git host.example bob w",
            ])
        #expect(logins.last?.entry.attributes["port"] == "8443")
        #expect(logins.last?.entry.attributes["object"] == "a/b.git")
        #expect(logins.last?.entry.label == "Git: https://host.example:8443/a/b.git")
        try git.remove { $0.entry.username == "al@ice" }
        #expect(text(file) == "not a url\nhttps://bob:w@host.example%3a8443/a/b.git\n")
    }

    @Test func netrc() throws {
        let file = try write(
            """
            machine a.example login u password machine
            macdef init
            machine macro.example password x

            # machine comment.example password x
            machine b.example
              login w
            default login anonymous password guest
            """)
        #expect(try Netrc(file: file).machines() == ["a.example", "default"])
    }

    private func write(_ text: String) throws -> ClientFile {
        ClientFile(try sandbox.write(text, to: "home/file"))
    }

    private func text(_ file: ClientFile) -> String { sandbox.text("home/file") ?? "" }
}

extension Entry {
    fileprivate var username: Text? { attributes[schema == .git ? "user" : "username"] }
}

extension PlaintextLogin {
    /// Its parts, in the open: what a test writes is no secret.
    fileprivate var words: String {
        let place =
            ["server", "url", "key"].compactMap { entry.attributes[$0]?.string }.first ?? "?"
        return
            "\(entry.schema.rawValue) \(place) \(entry.username?.string ?? "-") \(string(secret))"
            + (obstacle.map { " (\($0))" } ?? "")
    }
}
