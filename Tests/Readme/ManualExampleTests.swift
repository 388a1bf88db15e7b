import Foundation
import Sandbox
import Testing

/// Everything that a manual page says to type, or to put into a file, is tried.
@Suite struct ManualExampleTests {
    /// The displays of each page by their first line, in order.
    static var uses: [(page: String, uses: [(firstLine: String, use: Use)])] {
        [
            (
                "docker-credential-keyfob.1",
                [
                    (
                        #"{ "credsStore": "keyfob" }"#,
                        .file("~/.docker/config.json", check: Use.asksKeyfob("docker"))
                    ),
                    (
                        "docker-credential-keyfob store <<'END'",
                        .typed(check: "[ -z \"$(keyfob list)\" ]")
                    ),
                ]
            ),
            (
                "docker-credential-keyfob-podman.1",
                [
                    (
                        #"credential-helpers = ["keyfob-podman"]"#,
                        .file(
                            "~/.config/containers/registries.conf", check: Use.asksKeyfob("podman"))
                    ),
                    (
                        #"{ "credHelpers": { "registry.example.com": "keyfob-podman" } }"#,
                        .file(
                            "$XDG_RUNTIME_DIR/containers/auth.json", { try $0.logIn() },
                            check: "podman login --get-login registry.example.com | grep -x alice")
                    ),
                ]
            ),
            (
                "cargo-credential-keyfob.1",
                [
                    ("[registry]", .file("~/.cargo/config.toml", check: Use.asksKeyfob("cargo"))),
                    (
                        "[registries.example]",
                        .file(
                            "~/.cargo/config.toml",
                            check: """
                                python3 -c 'import sys, tomllib; tomllib.load(open(sys.argv[1], "rb"))' \
                                ~/.cargo/config.toml
                                """)
                    ),
                ]
            ),
            (
                "git-credential-keyfob.1",
                [
                    (
                        "git config --global credential.helper keyfob",
                        .typed(check: Use.asksKeyfob("git"))
                    ),
                    (#"export GOAUTH="git $HOME""#, .typed()),
                ]
            ),
            (
                "terraform-credentials-keyfob.1",
                [
                    (
                        #"credentials_helper "keyfob" {}"#,
                        .file(
                            "~/.terraformrc",
                            check: "grep keyfob ~/.terraformrc")
                    ),
                    (
                        "mkdir -p ~/.terraform.d/plugins",
                        .typed(
                            {
                                try $0.sandbox.write(
                                    "credentials_helper \"keyfob\" {}\n", to: "home/.terraformrc")
                            },
                            check: Use.asksKeyfob("terraform"))
                    ),
                ]
            ),
            (
                "keyfob-config.5",
                [
                    (
                        #"{ "store": "file", "passphraseCommand": ["pass", "show", "keyfob"] }"#,
                        .file("~/.config/keyfob/config.json", check: usesTheFile)
                    ),
                    (
                        #"{ "store": "file", "passphraseCommand": ["tpm2_unseal", "-c", "0x81010001"] }"#,
                        .file(
                            "~/.config/keyfob/config.json", { try $0.sealPassphrase() },
                            check: """
                                setsid -w docker-credential-keyfob store \
                                    <<<'{"ServerURL":"a.example.com","Username":"u","Secret":"s"}'
                                setsid -w docker-credential-keyfob get <<<a.example.com
                                setsid -w keyfob unlock --for 1m
                                keyfob status | grep '^file .* passphrase, unlocked until '
                                TPM2TOOLS_TCTI=none docker-credential-keyfob get <<<a.example.com
                                """)
                    ),
                    (
                        #"{ "keyFile": "/media/stick/keyfob.key" }"#,
                        .file(
                            "~/.config/keyfob/config.json",
                            check: "keyfob status 2>&1 | tee /dev/stderr | grep -v 'not an'")
                    ),
                    (
                        "(umask 077; head -c 32 /dev/urandom >/media/stick/keyfob.key)",
                        .typed(check: "[ $(stat -c %s:%a /media/stick/keyfob.key) = 32:600 ]")
                    ),
                    (
                        #"{ "routes": ["#,
                        .file(
                            "~/.config/keyfob/config.json",
                            check: "keyfob status | tee /dev/stderr | grep '^routes  *3,'")
                    ),
                ]
            ),
            ("keyfob-json.5", []),
            (
                "keyfob.1",
                [
                    (
                        "keyfob status",
                        .lines({ try $0.logInInPlainText() }, statuses: [1, 0, 0])
                    ),
                    (
                        "keyfob import --from-helper pass",
                        .typed(
                            { try $0.logInWithPass() },
                            check: "docker-credential-keyfob get <<<https://pass.example.com")
                    ),
                    (
                        #"printf %s "$TOKEN" | keyfob login -u ci --password-stdin registry.example.com"#,
                        // The registry knows no such user.
                        .lines(
                            {
                                try $0.findRegistry()
                                $0.sandbox.setEnvironment("TOKEN", to: Newcomer.secret)
                            }, statuses: [5])
                    ),
                    (
                        #"printf %s "$TOKEN" | keyfob login --client token --password-stdin npm.example.com"#,
                        .typed({
                            $0.sandbox.setEnvironment("TOKEN", to: Newcomer.secret)
                        })
                    ),
                    (
                        "keyfob exec --client npm registry.npmjs.org -- npm publish",
                        .typed({
                            try $0.logInToPulumi()
                            try $0.logInToNpm()
                        })
                    ),
                    (
                        "keyfob logout --all --files",
                        .typed(
                            { try $0.logIn() }, answers: [.init(question: "[y/N]", text: "y")],
                            check: "[ -z \"$(keyfob list)\" ]")
                    ),
                    (
                        "export DOCKER_CONFIG=~/.docker-work",
                        .typed(check: "grep '\"keyfob-work\"' ~/.docker-work/config.json")
                    ),
                    (
                        "keyfob logout --all --account work",
                        .typed(
                            {
                                try $0.expect(
                                    "KEYFOB_ACCOUNT=work docker-credential-keyfob store "
                                        + #"<<<'{"ServerURL":"a.example.com","Username":"u","Secret":"s"}'"#
                                )
                            }, answers: [.init(question: "[y/N]", text: "y")],
                            check: "[ -z \"$(keyfob list)\" ]")
                    ),
                    (
                        "keyfob setup --undo docker",
                        .typed(
                            {
                                try $0.expect("keyfob setup docker")
                                try $0.logIn()
                            }, answers: [.init(question: "[y/N]", text: "y")],
                            check: "[ -z \"$(keyfob list)\" ]")
                    ),
                ]
            ),
        ]
    }

    private static let usesTheFile =
        "(keyfob status || :) | tee /dev/stderr | grep '^store  *the encrypted file'"

    @Test func everyPageIsThere() throws {
        let pages = try FileManager.default.contentsOfDirectory(
            atPath: "\(Readme.sources)/packaging/man")
        #expect(pages.sorted() == Self.uses.map(\.page).sorted())
    }

    @Test(arguments: uses.map(\.page)) func everyDisplayDoesWhatItSays(page: String) throws {
        let uses = try #require(Self.uses.first { $0.page == page }).uses
        let blocks = try Readme.displays(ofManual: page)
        #expect(blocks.map(\.firstLine) == uses.map(\.firstLine))
        for (block, use) in zip(blocks, uses.map(\.use)) {
            #expect(throws: Never.self, "\(block.firstLine)") { try use.follow(block) }
        }
    }
}
