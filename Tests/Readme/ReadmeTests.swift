import Foundation
import Sandbox
import Testing

/// Everything that the README says to type is typed, as it stands there and in its order.
@Suite struct ReadmeTests {
    /// What is done with a block.
    enum Use {
        /// It is typed in the home that is newly made at the beginning; `check`, typed then, must
        /// succeed.
        case typed(check: String = "")
        /// Each of its lines is typed, in a home of its own where somebody is logged in.
        case typedLineByLine
        /// It is typed in a home of its own, in which there is what `prepare` has made.
        case typedApart(
            prepare: (Newcomer) throws -> Void, answers: [Newcomer.Answer] = [], check: String = "")
        /// What stands after `$ ` is typed in a home of its own, and all else must be its answer.
        case transcript(
            prepare: (Newcomer) throws -> Void, answers: [Newcomer.Answer] = [], status: Int32 = 0)
        /// It is what a file of the first home holds; `check` as above.
        case file(String, check: String)
        /// It is what a file of a home of its own holds.
        case fileApart(String, check: String)
    }

    /// Each block of the README by its first line, in order.
    static var uses: [(firstLine: String, use: Use)] {
        [
            ("make run     # build it, then store, get, list and erase a made-up login", .typed()),
            ("make build", .typed(check: "keyfob --version")),
            ("make deb", .typed()),
            ("make dist", .typed()),
            ("make dist", .typed()),
            (
                #"{ "credsStore": "keyfob" }"#,
                .file(
                    "~/.docker/config.json",
                    check: "(keyfob status || :) | tee /dev/stderr | grep '^docker  *keyfob$'")
            ),
            (
                #"credential-helpers = ["keyfob-podman"]"#,
                .file(
                    "~/.config/containers/registries.conf",
                    check:
                        "(keyfob status || :) | tee /dev/stderr | grep '^podman  *keyfob$'")
            ),
            (
                #"{ "credHelpers": { "registry.example.com": "keyfob-podman" } }"#,
                .fileApart(
                    "$XDG_RUNTIME_DIR/containers/auth.json",
                    check: "podman login --get-login registry.example.com | grep -x alice")
            ),
            (
                "[registry]",
                .file(
                    "~/.cargo/config.toml",
                    check:
                        "(keyfob status || :) | tee /dev/stderr | grep '^cargo  *keyfob$'"
                )
            ),
            (
                "[registries.example]",
                .fileApart(
                    "~/.cargo/config.toml",
                    check:
                        "/usr/bin/python3 -c 'import sys, tomllib; tomllib.load(open(sys.argv[1], \"rb\"))' ~/.cargo/config.toml"
                )
            ),
            (
                "git config --global credential.helper keyfob",
                .typed(check: "(keyfob status || :) | tee /dev/stderr | grep '^git  *keyfob$'")
            ),
            (#"export GOAUTH="git $HOME""#, .typed()),
            (#"credentials_helper "keyfob" {}"#, .file("~/.terraformrc", check: "")),
            (
                "mkdir -p ~/.terraform.d/plugins",
                .typed(
                    check: "(keyfob status || :) | tee /dev/stderr | grep '^terraform  *keyfob$'")
            ),
            ("docker-credential-keyfob store <<'END'", .typed()),
            (
                "keyfob setup docker",
                .typedApart(
                    prepare: { _ in },
                    check: "(keyfob status || :) | tee /dev/stderr | grep '^docker  *keyfob$'")
            ),
            (
                "keyfob import --from-helper pass",
                .typedApart(
                    prepare: { try $0.logInWithPass() },
                    check:
                        "echo https://pass.example.com | docker-credential-keyfob get | grep 'of pass'"
                )
            ),
            (
                "$ keyfob setup docker",
                .transcript(
                    prepare: {
                        try $0.haveNoClientButDocker()
                        try $0.logInInPlainText()
                    })
            ),
            (
                "keyfob setup --undo docker",
                .typedApart(
                    prepare: { try $0.expect("keyfob setup docker") },
                    check: "! grep keyfob ~/.docker/config.json")
            ),
            (
                "keyfob export --client docker --plain-text",
                .typedApart(
                    prepare: { try $0.logIn() },
                    check:
                        "grep \"$(printf alice:\(Newcomer.secret) | base64)\" ~/.docker/config.json"
                )
            ),
            (
                "keyfob logout --all",
                .typedApart(
                    prepare: { try $0.logIn() }, answers: [.init(question: "[y/N]", text: "y")],
                    check: "[ -z \"$(keyfob list)\" ]")
            ),
            (
                "keyfob status                         # where logins are kept, by whom, and what is wrong",
                .typedLineByLine
            ),
            (
                "$ keyfob login -u alice registry.example.com",
                .transcript(
                    prepare: { try $0.findRegistry() },
                    answers: [.init(question: "example.com:", text: Registry.password)])
            ),
            (
                "$ keyfob logout registry.example.com",
                .transcript(
                    prepare: {
                        try $0.logIn()
                        try $0.keyring.lock()
                    }, status: 1)
            ),
            (
                "keyfob exec --client pulumi https://api.pulumi.com -- pulumi up",
                .typedApart(prepare: { try $0.logInToPulumi() })
            ),
            (
                #"{ "store": "file", "passphraseCommand": ["pass", "show", "keyfob"] }"#,
                .fileApart(
                    "~/.config/keyfob/config.json",
                    check:
                        "(keyfob status || :) | tee /dev/stderr | grep '^store  *the encrypted file'"
                )
            ),
        ]
    }

    @Test func everyBlockIsKnown() throws {
        let blocks = try Readme().blocks
        #expect(blocks.map(\.firstLine) == Self.uses.map(\.firstLine))
    }

    @Test func everyBlockDoesWhatItSays() throws {
        let readme = try Readme()
        let newcomer = try Newcomer()
        for (block, use) in zip(readme.blocks, Self.uses.map(\.use)) {
            #expect(throws: Never.self, "\(block.firstLine)") {
                try follow(block, use, newcomer, readme)
            }
        }
    }

    private func follow(
        _ block: Readme.Block, _ use: Use, _ newcomer: Newcomer, _ readme: Readme
    ) throws {
        switch use {
        case .typed(let check):
            try newcomer.expect(block.text)
            try newcomer.expect(check)
        case .typedLineByLine:
            for line in block.lines { try typeApart(line) }
        case .typedApart(let prepare, let answers, let check):
            let other = try Newcomer()
            try other.install()
            try prepare(other)
            try other.expect(block.text, answering: answers)
            try other.expect(check)
        case .transcript(let prepare, let answers, let status):
            try follow(block, prepare, answers, status)
        case .file(let name, let check):
            try put(block, into: name, of: newcomer, readme)
            try newcomer.expect(check)
        case .fileApart(let name, let check):
            let other = try Newcomer()
            try other.install()
            try other.logIn()
            try put(block, into: name, of: other, readme)
            try other.expect(check)
        }
    }

    /// Puts what the block says into the file, which the README names.
    private func put(
        _ block: Readme.Block, into name: String, of newcomer: Newcomer, _ readme: Readme
    ) throws {
        #expect(readme.text.contains((name as NSString).lastPathComponent))
        try newcomer.sandbox.write(block.text, to: "block")
        try newcomer.expect(
            "mkdir -p \"$(dirname \(name))\"; cp \(newcomer.sandbox.file("block")) \(name)")
    }

    /// Types a line where somebody is logged in, by Keyfob and at the registry.
    private func typeApart(_ line: String) throws {
        let newcomer = try Newcomer()
        try newcomer.install()
        try newcomer.logIn()
        var answers: [Newcomer.Answer] = []
        if line.hasPrefix("keyfob status") {
            // Nothing needs attention then.
            try newcomer.expect("keyfob setup docker podman")
        } else if line.hasPrefix("keyfob login") {
            try newcomer.findRegistry()
            answers = [
                .init(question: "user", text: Registry.user),
                .init(question: "password of", text: Registry.password),
            ]
        } else if line.hasPrefix("keyfob logout --all") {
            answers = [.init(question: "[y/N]", text: "y")]
        } else if line.hasPrefix("keyfob passphrase") {
            try newcomer.expect("keyfob move --to file")
            answers = [
                .init(question: "passphrase", text: "open sesame"),
                .init(question: "again", text: "open sesame"),
            ]
        }
        try newcomer.expect(line, answering: answers)
    }

    /// Types the commands of a transcript, and compares what they answer.
    private func follow(
        _ block: Readme.Block, _ prepare: (Newcomer) throws -> Void, _ answers: [Newcomer.Answer],
        _ status: Int32
    ) throws {
        let newcomer = try Newcomer()
        try newcomer.install()
        try prepare(newcomer)
        var seen = ""
        for line in block.lines where line.hasPrefix("$ ") {
            let typed = try newcomer.type(String(line.dropFirst(2)), answering: answers)
            #expect(typed.outcome.status == status, "\(line): \(typed.outcome)")
            let screen = typed.screen.replacing("\r\n", with: "\n")
            seen += line + "\n" + screen + typed.outcome.output + typed.outcome.errors
        }
        let home = newcomer.sandbox.file("home")
        // The cursor stands behind a space where something is typed.
        #expect(
            seen.replacing(home, with: "/home/alice").replacing(": \n", with: ":\n") == block.text)
    }
}
