import Credentials
import Files
import Foundation
import Sandbox
import Testing

@testable import Clients
@testable import TextEditing

/// What is put into each client's file, and what that leaves of the rest.
@Suite struct PlaintextTargetTests {
    private let sandbox: Sandbox
    private let file: ClientFile

    init() throws {
        sandbox = try Sandbox()
        file = ClientFile(sandbox.file("home/made/file"))
    }

    // MARK: docker and podman

    @Test func dockersMarkIsFilledAndAnImportEmptiesItAgain() throws {
        let before = """
            {
            \t"auths": {
            \t\t"a.example": {},
            \t\t"b.example": {"auth": "Ym9iOnB3", "email": "e"}
            \t},
            \t"n": 1.50
            }

            """
        try write(before)
        let docker = RegistryAuths(file, .docker)
        #expect(
            try docker.add(login("https://a.example", "alice", "p:ä"), replaces: false) == .added)
        #expect(
            text
                == before.replacing(
                    "\"a.example\": {}",
                    with:
                        "\"a.example\": {\n\t\t\t\"auth\": \"\(base64("alice:p:ä"))\"\n\t\t}"))
        #expect(try docker.add(login("a.example", "alice", "p:ä"), replaces: false) == .known)
        try docker.scrub { $0.entry.attributes["server"] == "a.example" }
        #expect(text == before)

        #expect(try docker.add(login("c.example", "c", "1"), replaces: false) == .added)
        #expect(
            text
                == before.replacing(
                    "\"e\"}",
                    with:
                        "\"e\"},\n\t\t\"c.example\": {\n\t\t\t\"auth\": \"\(base64("c:1"))\"\n\t\t}"
                ))
        try docker.remove { $0.entry.attributes["server"] == "c.example" }
        #expect(text == before)
    }

    /// What there is where there was no file.
    private static let made =
        "{\n\t\"auths\": {\n\t\t\"a.example\": {\n\t\t\t\"auth\": \"dTpw\"\n\t\t}\n\t}\n}"

    @Test(arguments: [
        (nil, made), ("\n", made),
        (#"{"x":[ ]}"#, #"{"x":[ ],"auths":{"a.example":{"auth":"dTpw"}}}"#),
        (#"{"Auths": {}}"#, #"{"Auths": {"a.example":{"auth":"dTpw"}}}"#),
        (
            #"{"auths":{"A.example":{},"b":{}}}"#,
            #"{"auths":{"A.example":{},"b":{},"a.example":{"auth":"dTpw"}}}"#
        ),
    ])
    func whatIsMissingIsMade(_ before: String?, _ after: String) throws {
        if let before { try write(before) }
        for format in [RegistryAuths.Format.docker, .podman] {
            #expect(
                try RegistryAuths(file, format).add(login("a.example", "u", "p"), replaces: false)
                    == (format == .docker ? .added : .known))
            #expect(text == after)
        }
    }

    @Test func anotherLoginStaysUnlessItIsReplaced() throws {
        let before =
            #"{"auths":{"https://a.example/v1/":{"auth":"dTpw","email":"e"},"b.example":{"auth":"dTpw"}}}"#
        try write(before)
        let docker = RegistryAuths(file, .docker)
        let new = login("a.example", "alice", "new")
        let refused = PlaintextAddition.refused(
            .docker(server: "https://a.example/v1/", username: "u"))
        #expect(try docker.add(new, replaces: false, dryRun: true) == refused)
        #expect(try docker.add(new, replaces: false) == refused)
        #expect(text == before)
        #expect(try docker.add(new, replaces: true, dryRun: true) == .replaced)
        #expect(text == before)
        #expect(try docker.add(new, replaces: true) == .replaced)
        #expect(
            text
                == #"{"auths":{"https://a.example/v1/":{"email":"e"},"b.example":{"auth":"dTpw"},"a.example":{"auth":"\#(base64("alice:new"))"}}}"#
        )
        // Under the name that docker looks up it is written over, and so are all forms of it.
        try write(#"{"auths":{"a.example":{"identitytoken":"t","email":"e","username":"u"}}}"#)
        #expect(try docker.add(login("a.example", "u", "p"), replaces: true) == .replaced)
        #expect(text == #"{"auths":{"a.example":{"email":"e","auth":"dTpw"}}}"#)
    }

    @Test func eachClientHasItsNameForAServer() throws {
        for (server, docker, podman) in [
            ("docker.io", "https://index.docker.io/v1/", "docker.io"),
            // It is asked for as it was typed.
            ("https://A.example:443/", "A.example:443", "A.example:443"),
            ("a.example:5000", "a.example:5000", "a.example:5000"),
            // docker would take it for the same host over https.
            ("http://a.example", nil, nil),
            (
                "https://index.docker.io/v1/access-token",
                "https://index.docker.io/v1/access-token", nil
            ),
        ] {
            for (format, name) in [(.docker, docker), (.podman, podman)]
                as [(RegistryAuths.Format, String?)]
            {
                try write(#"{"auths":{}}"#)
                let target = RegistryAuths(file, format)
                guard let name else {
                    #expect(throws: StoreError.self) {
                        try target.add(login(server, "u", "p"), replaces: false)
                    }
                    continue
                }
                #expect(try target.add(login(server, "u", "p"), replaces: false) == .added)
                #expect(text == #"{"auths":{"\#(name)":{"auth":"dTpw"}}}"#)
            }
        }
    }

    @Test func aTokenHasNoUser() throws {
        let token = login("a.example", "<token>", #"t"\"#)
        try write(#"{"auths":{}}"#)
        #expect(try RegistryAuths(file, .docker).add(token, replaces: false) == .added)
        #expect(text == #"{"auths":{"a.example":{"identitytoken":"t\"\\"}}}"#)
        try write(#"{"auths":{}}"#)
        #expect(try RegistryAuths(file, .podman).add(token, replaces: false) == .added)
        #expect(
            text
                == #"{"auths":{"a.example":{"auth":"\#(base64("<token>:"))","identitytoken":"t\"\\"}}}"#
        )
        // As docker writes one beside the name of a user.
        let own = #"{"auths":{"a.example":{"auth":"dTo=","identitytoken":"t\"\\"}}}"#
        try write(own)
        #expect(try RegistryAuths(file, .podman).add(token, replaces: false) == .known)
        #expect(text == own)
    }

    @Test(arguments: 0..<10) func everyLengthIsReadBack(_ count: Int) throws {
        let bytes = (0...count).map { UInt8(truncatingIfNeeded: 251 + 37 * $0) }
        let login = Credential(
            .docker(server: "a.example", username: "u"), secret: Secret(copying: bytes.span))
        #expect(try RegistryAuths(file, .docker).add(login, replaces: false) == .added)
        #expect(text.contains(Data("u:".utf8 + bytes).base64EncodedString()))
    }

    @Test func whatDockerCouldNotReadIsNotWritten() throws {
        let docker = RegistryAuths(file, .docker)
        for user in ["", "a:b"] {
            let error = #expect(throws: StoreError.self) {
                try docker.add(login("a.example", user, "p"), replaces: false)
            }
            #expect(error?.code == .unfitForFile)
        }
        let bytes: [UInt8] = [0xFF]
        #expect(throws: StoreError.self) {
            try docker.add(
                Credential(
                    .docker(server: "a.example", username: "<token>"),
                    secret: Secret(copying: bytes.span)), replaces: false)
        }
        #expect(!file.exists)
        let other = #"{"auths":[]}"#
        try write(other)
        let error = #expect(throws: StoreError.self) {
            try docker.add(login("a.example", "u", "p"), replaces: true)
        }
        #expect(error?.code == .unexpectedContent)
        #expect(text == other)
        // docker reads null as an object without members.
        try write(#"{"auths":{"a.example":null}}"#)
        #expect(try docker.add(login("a.example", "u", "p"), replaces: false) == .added)
        #expect(text == #"{"auths":{"a.example":{"auth":"dTpw"}}}"#)
    }

    /// A login that no helper could give would be gone.
    @Test func whatCannotBeTakenBackIsNotReplaced() throws {
        for (before, target, login, why) in [
            (
                #"{"auths":{"a.example":{"registrytoken":"r"}}}"#, RegistryAuths(file, .docker),
                login("a.example", "u", "p"), "it is a registry token, which no helper can return"
            ),
            (
                "[registry]\nsecret-key = \"k\"\n", try cargo(),
                Credential(crates, secret: "t".secret),
                "it is a private key, which no provider can return"
            ),
        ] as [(String, any PlaintextTarget, Credential, String)] {
            try write(before)
            #expect {
                try target.add(login, replaces: true)
            } throws: {
                ($0 as? StoreError)?.message.hasSuffix("would be lost: \(why)") == true
            }
            #expect(text == before)
        }
    }

    /// However it is spelled.
    @Test func whatIsThereAlreadyStaysAsItIs() throws {
        for (before, target, login) in [
            (
                "{\"auths\":{\"a.example\":{\"username\":\"u\",\"password\":\"p\"}}}",
                RegistryAuths(file, .docker), login("a.example", "u", "p")
            ),
            ("[registry]\ntoken = 't'\n", try cargo(), Credential(crates, secret: "t".secret)),
            (
                "https://u:%70@a.example", GitCredentials(file: file),
                Credential(
                    .git(protocol: "https", server: "a.example", user: "u"), secret: "p".secret)
            ),
            (
                #"{"credentials":{"a.example":{"token":"\u0074"}}}"#,
                TerraformCredentials(file: file),
                Credential(.token(of: "terraform", key: "a.example"), secret: "t".secret)
            ),
        ] as [(String, any PlaintextTarget, Credential)] {
            try write(before)
            #expect(try target.add(login, replaces: true) == .known)
            #expect(text == before)
        }
    }

    @Test func dockersOldFileIsAllAuths() throws {
        try write("{}")
        #expect(
            try RegistryAuths(file, .dockercfg).add(login("a.example", "u", "p"), replaces: false)
                == .added)
        #expect(text == "{\n\t\"a.example\": {\n\t\t\"auth\": \"dTpw\"\n\t}\n}")
    }

    // MARK: The file

    @Test func theFileIsItsOwnersAlone() throws {
        let docker = RegistryAuths(file, .docker)
        #expect(try docker.add(login("a.example", "u", "p"), replaces: false) == .added)
        #expect(try mode() == 0o600)
        unsafe chmod(file.path, 0o644)
        #expect(try docker.add(login("b.example", "u", "p"), replaces: false) == .added)
        #expect(try mode() == 0o600)
        unsafe chmod(file.path, 0o640)
        try docker.remove { $0.entry.attributes["server"] == "b.example" }
        #expect(try mode() == 0o640)
    }

    /// The first that there is of those that the client reads.
    @Test func theFileIsTheOneThatItsClientReads() throws {
        func path(_ client: String, _ variables: [String: String] = [:]) -> String? {
            let home = sandbox.file("home")
            let surroundings = Surroundings(home: home, variables: variables, user: 4242)
            return try? Clients.named(client)?.plaintextTarget(in: surroundings).file.path
                .replacing(home, with: "~")
        }
        #expect(path("docker") == "~/.docker/config.json")
        #expect(
            path("podman", ["TMPDIR": "/none"]) == "/none/podman-run-4242/containers/auth.json")
        #expect(path("cargo") == "~/.cargo/credentials.toml")
        #expect(path("git") == "~/.git-credentials")
        #expect(path("terraform") == "~/.terraform.d/credentials.tfrc.json")
        #expect(path("pulumi") == nil && path("token") == nil)
        for file in [
            ".dockercfg", ".config/containers/auth.json", ".cargo/credentials",
            ".config/git/credentials",
        ] {
            try sandbox.write("", to: "home/" + file)
        }
        #expect(path("docker") == "~/.docker/config.json")
        #expect(path("podman") == "~/.config/containers/auth.json")
        #expect(path("podman", ["REGISTRY_AUTH_FILE": "/none/a.json"]) == "/none/a.json")
        #expect(path("cargo") == "~/.cargo/credentials")
        #expect(path("git") == "~/.config/git/credentials")
    }

    /// An index is in cargo's configuration, or in a variable under a name that the login tells.
    @Test func cargosRegistriesAreThoseOfItsConfiguration() throws {
        try sandbox.write(
            "[registries]\none = { index = \"sparse+https://one/\" }\ntwo.index = \"sparse+https://two/\"\n",
            to: "home/.cargo/config.toml")
        let cargo = try Cargo().plaintextTarget(
            in: Surroundings(
                home: sandbox.file("home"),
                variables: ["CARGO_REGISTRIES_MY_OWN_INDEX": "sparse+https://own/"], user: 1000))
        for (url, name) in [("one", "other"), ("two", "two"), ("own", "my-own")] {
            let entry = Entry.cargo(
                url: Text("sparse+https://\(url)/") ?? "", name: Text(name) ?? "")
            #expect(try cargo.add(Credential(entry, secret: "t".secret), replaces: false) == .added)
        }
        let names = ["one", "two", "my-own"].map { "[registries.\($0)]\ntoken = \"t\"\n" }
        #expect(sandbox.text("home/.cargo/credentials.toml") == names.joined(separator: "\n"))
    }

    // MARK: cargo

    @Test(arguments: [
        ("", "[registries.loop]\ntoken = \"t\"\n", "[registries.loop]\n"),
        ("# mine\n[registries.loop]\n", "# mine\n[registries.loop]\ntoken = \"t\"\n", nil),
        (
            "[registries.loop]\n[registry]\nx = 1 # one\n",
            "[registries.loop]\ntoken = \"t\"\n[registry]\nx = 1 # one\n", nil
        ),
        (
            "[registries.loop]", "[registries.loop]\ntoken = \"t\"\n", "[registries.loop]\n"
        ),
        (
            "[registry]\ntoken = \"c\"",
            "[registry]\ntoken = \"c\"\n\n[registries.loop]\ntoken = \"t\"\n",
            "[registry]\ntoken = \"c\"\n\n[registries.loop]\n"
        ),
        (
            "[registries]\nloop = {}\n", "[registries]\nloop = { token = \"t\" }\n", nil
        ),
        (
            "registries = { loop = { x = 1 } }\n",
            "registries = { loop = { x = 1, token = \"t\" } }\n", nil
        ),
        (
            "registries = { other = { token = \"o\" } }\n",
            "registries = { other = { token = \"o\" }, loop.token = \"t\" }\n", nil
        ),
        (
            "[registries]\nother.token = \"o\"\n",
            "[registries]\nother.token = \"o\"\n\n[registries.loop]\ntoken = \"t\"\n",
            "[registries]\nother.token = \"o\"\n\n[registries.loop]\n"
        ),
    ])
    func cargosTokenIsPutWhereItsRegistryIs(
        _ before: String, _ after: String, _ rest: String?
    ) throws {
        try write(before)
        let token = Credential(loop, secret: "t".secret)
        #expect(try cargo().add(token, replaces: false) == .added)
        #expect(text == after)
        #expect(try cargo().add(token, replaces: false) == .known)
        try cargo().remove { $0.entry.attributes == loop.attributes }
        #expect(text == rest ?? before)
    }

    @Test func cargosTokensAreFoundByTheNameOfTheirIndex() throws {
        #expect(try cargo().add(Credential(crates, secret: "c".secret), replaces: false) == .added)
        // The name that it was stored with is another registry's by now.
        let renamed = Entry.cargo(url: "sparse+https://loop/", name: "other")
        #expect(try cargo().add(Credential(renamed, secret: "t".secret), replaces: false) == .added)
        #expect(text == "[registry]\ntoken = \"c\"\n\n[registries.loop]\ntoken = \"t\"\n")
        let before = text
        let unknown = Entry.cargo(url: "sparse+https://unknown/", name: nil)
        let error = #expect(throws: StoreError.self) {
            try cargo().add(Credential(unknown, secret: "t".secret), replaces: false)
        }
        #expect(error?.code == .noIndexName)
        #expect(text == before)
    }

    @Test func cargosTokenIsReplacedWhereItStands() throws {
        try write("[registries.loop]\ntoken = 'old' # kept\n")
        let token = Credential(loop, secret: "a\"\\\n".secret)
        #expect(try cargo().add(token, replaces: false) == .refused(loop))
        #expect(try cargo().add(token, replaces: true) == .replaced)
        #expect(text == "[registries.loop]\ntoken = \"a\\\"\\\\\\n\" # kept\n")
        // A table of dotted keys cannot be added to under a header.
        let dotted = "[registries]\nloop.x = 1\n"
        try write(dotted)
        #expect(throws: StoreError.self) { try cargo().add(token, replaces: true) }
        #expect(text == dotted)
        // The one character that TOML has escaped and JSON need not.
        try write("[registries.loop]\ntoken = 'old'\n")
        let control = Credential(loop, secret: "a\u{7F}".secret)
        #expect(try cargo().add(control, replaces: true) == .replaced)
        #expect(text == "[registries.loop]\ntoken = \"a\\u007f\"\n")
    }

    // MARK: git

    @Test func gitsLineIsTheFirst() throws {
        let before = "not a url\nhttps://bob:w@host.example%3a8443/a/b.git"
        try write(before)
        let git = GitCredentials(file: file)
        let alice = Credential(
            .git(
                protocol: "https", server: "host.example", port: "8443", object: "a b/c.git",
                user: "al@ice"), secret: "p:/ä%".secret)
        #expect(try git.add(alice, replaces: false) == .added)
        #expect(
            text == "https://al%40ice:p%3a%2f%c3%a4%25@host.example%3a8443/a%20b/c.git\n" + before)
        #expect(try git.add(alice, replaces: false) == .known)
        try git.remove { $0.entry.attributes["user"] == "al@ice" }
        #expect(text == before)
    }

    @Test func gitsLineIsReplacedWhereItStands() throws {
        try write(
            "https://u:a@a.example\nhttps://u:old@b.example\nhttps://u:older@b.example\nhttps://v:x@b.example"
        )
        let git = GitCredentials(file: file)
        let entry = Entry.git(protocol: "https", server: "b.example", user: "u")
        let new = Credential(entry, secret: "new".secret)
        #expect(try git.add(new, replaces: false) == .refused(entry))
        #expect(try git.add(new, replaces: true) == .replaced)
        #expect(text == "https://u:a@a.example\nhttps://u:new@b.example\nhttps://v:x@b.example")
    }

    @Test func whatALineOfGitsCannotHoldIsNotWritten() throws {
        let git = GitCredentials(file: file)
        for (entry, secret) in [
            (Entry.git(protocol: "https", server: "a.example", user: nil), "p"),
            (.git(protocol: "https", server: "a.example", user: "u"), "p\noauth_refresh_token=r"),
            (.git(protocol: "", server: "a.example", user: "u"), "p"),
        ] {
            #expect(throws: StoreError.self) {
                try git.add(Credential(entry, secret: secret.secret), replaces: false)
            }
        }
        #expect(!file.exists)
    }

    // MARK: terraform

    @Test func terraformsTokenStandsUnderItsHost() throws {
        let entry = Entry.token(of: "terraform", key: "tf.example.com")
        let terraform = TerraformCredentials(file: file)
        #expect(try terraform.add(Credential(entry, secret: "t".secret), replaces: false) == .added)
        let made = """
            {
              "credentials": {
                "tf.example.com": {
                  "token": "t"
                }
              }
            }
            """
        #expect(text == made)
        #expect(try terraform.add(Credential(entry, secret: "t".secret), replaces: false) == .known)
        let other = Credential(entry, secret: "u".secret)
        #expect(try terraform.add(other, replaces: false) == .refused(entry))
        #expect(text == made)
        #expect(try terraform.add(other, replaces: true) == .replaced)
        #expect(text == made.replacing("\"t\"", with: "\"u\""))

        try write(#"{ "credentials": {"a.example":{"token":"a"}, "tf.example.com":{"x":1}} }"#)
        #expect(try terraform.add(other, replaces: false) == .added)
        #expect(
            text
                == #"{ "credentials": {"a.example":{"token":"a"}, "tf.example.com":{"x":1,"token":"u"}} }"#
        )
    }

    // MARK: Parts

    private let crates = Entry.cargo(url: CargoIndex.cratesIO, name: "crates-io")
    private let loop = Entry.cargo(url: "sparse+https://loop/", name: "loop")

    private func cargo() throws -> CargoCredentials {
        try sandbox.write(
            "registries.loop.index = \"sparse+https://loop/\"\n", to: "home/.cargo/config.toml")
        return CargoCredentials(
            file: file,
            surroundings: Surroundings(
                home: sandbox.file("home"), variables: [:], user: 1000))
    }

    private func login(_ server: String, _ user: String, _ secret: String) -> Credential {
        Credential(
            .docker(server: Text(server) ?? "", username: Text(user) ?? ""), secret: secret.secret)
    }

    private func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    private func write(_ text: String) throws { try sandbox.write(text, to: "home/made/file") }

    private var text: String { sandbox.text("home/made/file") ?? "" }

    private func mode() throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
    }
}
