import Foundation
import Sandbox
import Testing

/// Everything that the README says to type is typed, as it stands there.
@Suite struct ReadmeTests {
    /// Each block of the README by its first line, in order.
    static var uses: [(firstLine: String, use: Use)] {
        [
            (
                "keyfob status              # shows where logins are kept, and which are in plain text",
                .lines(
                    { try $0.logInInPlainText() }, statuses: [1, 0, 0],
                    check: """
                        docker-credential-keyfob get <<<registry.example.com | grep s3cret
                        keyfob status | tee /dev/stderr | grep -x 'all is well'
                        """)
            ),
            (
                "keyfob import --from-helper pass",
                .typed(
                    { try $0.logInWithPass() },
                    check:
                        "docker-credential-keyfob get <<<https://pass.example.com | grep 'of pass'")
            ),
            (
                "keyfob exec --client pulumi https://api.pulumi.com -- pulumi up",
                .typed({ try $0.logInToPulumi() })
            ),
            (
                "export DOCKER_CONFIG=~/.docker-work",
                .typed(check: "grep '\"keyfob-work\"' ~/.docker-work/config.json")
            ),
            (
                "export KEYFOB_STORE=file      # in ~/.profile, and without export in the crontab",
                .typed(
                    { try $0.expect("KEYFOB_STORE=file \(ReadmeTests.store)") },
                    answers: [
                        .init(question: "new passphrase: ", text: "open sesame"),
                        .init(question: "new passphrase again: ", text: "open sesame"),
                        .init(question: "passphrase for keyfob unlock: ", text: "open sesame"),
                    ],
                    check: "KEYFOB_STORE=file keyfob status | grep '^file .*, unlocked until '")
            ),
            (
                "keyfob route add aws       # Amazon's registries, by the AWS CLI",
                // gcloud cannot be logged in here: this prints what its manual shows.
                .lines(
                    {
                        try $0.sandbox.writeScript(
                            """
                            #!/bin/sh
                            echo '{"credential": {"access_token": "t",
                                "token_expiry": "2100-01-01T00:00:00Z"}}'
                            """, as: "gcloud")
                    }, check: "keyfob status | grep '^routes  *2,'")
            ),
            (
                "keyfob logout registry.example.com    # from the keyring and the encrypted file",
                .lines(
                    { try $0.logIn() },
                    answers: [.init(question: "[y/N]", text: "y", line: 1)],
                    check: "[ -z \"$(keyfob list)\" ]")
            ),
            (
                "$ keyfob logout registry.example.com",
                .transcript(
                    {
                        try $0.logIn()
                        try $0.keyring.lock()
                    }, status: 4)
            ),
            (
                "keyfob setup --undo docker",
                .typed(
                    {
                        try $0.expect("keyfob setup docker")
                        try $0.logIn()
                    }, answers: [.init(question: "[y/N]", text: "y")],
                    check: """
                        grep "$(printf alice:\(Newcomer.secret) | base64)" ~/.docker/config.json
                        ! grep keyfob ~/.docker/config.json
                        [ -z "$(keyfob list)" ]
                        """)
            ),
            ("make run     # build it, then store, get, list and erase a made-up login", .typed()),
        ]
    }

    @Test func everyBlockIsKnown() throws {
        #expect(try Readme().blocks.map(\.firstLine) == Self.uses.map(\.firstLine))
    }

    @Test func everyBlockDoesWhatItSays() throws {
        for (block, use) in zip(try Readme().blocks, Self.uses.map(\.use)) {
            #expect(throws: Never.self, "\(block.firstLine)") { try use.follow(block) }
        }
    }

    // MARK: Tables

    /// Each row of the table of installations is typed.
    @Test func everyInstallationIsTyped() throws {
        let rows = try Readme().table("from", "type").rows
        #expect(rows.count == 5)
        for row in rows {
            let newcomer = try Newcomer()
            let commands = Readme.commands(in: row[1])
            #expect(commands.count == 1)
            try newcomer.expect(commands.joined())
        }
    }

    private static let store = """
        docker-credential-keyfob store <<<'{"ServerURL":"a.example.com","Username":"u","Secret":"s"}'
        """

    /// What is there before a recipe of the table of stores, and what must succeed after it.
    static var recipes: [(place: String, prepare: Use.Prepare, check: String)] {
        // No variable leads to the keyring, and nobody is logged in.
        let cron = "env -i HOME=\"$HOME\" PATH=\"$PATH\" DBUS_SESSION_BUS_ADDRESS="
        return [
            ("desktop", { try $0.logIn() }, "keyfob list | grep 'registry.example.com.*keyring'"),
            (
                "SSH into a desktop",
                {
                    try $0.logIn()
                    try $0.keyring.lock()
                    let refused = try $0.type(store)
                    #expect(refused.outcome.status == 1)
                }, "\(store); keyfob list | grep 'a.example.com.*keyring'"
            ),
            (
                "server",
                {
                    try $0.keyring.stop()
                    try $0.expect("\(store); keyfob list | grep 'a.example.com.*file'")
                }, "(keyfob status || :) | grep '^file  *protected by a passphrase'"
            ),
            (
                "container",
                {
                    try $0.keyring.stop()
                    try $0.expect("\(store); [ -e ~/.local/share/keyfob/credentials ]")
                    try $0.expect("rm -r ~/.local")
                    try $0.install()
                }, "\(store); [ -e /data/keyfob/credentials ]; [ ! -e ~/.local/share/keyfob ]"
            ),
            (
                "cron",
                {
                    try $0.logIn()
                    let refused = try $0.type("\(cron) keyfob token registry.example.com")
                    #expect(refused.outcome.status == 6)
                },
                """
                \(store)
                \(cron) KEYFOB_STORE="$KEYFOB_STORE" keyfob token a.example.com
                """
            ),
            (
                "CI",
                {
                    try $0.keyring.stop()
                    try $0.findRegistry()
                }, "[ -z \"$(keyfob list)\" ]"
            ),
        ]
    }

    /// What is typed at the question of a recipe.
    private static let answers: [String: [Newcomer.Answer]] = [
        "SSH into a desktop": [
            .init(question: "password of the keyring", text: GnomeKeyring.password)
        ],
        "server": [
            .init(question: "passphrase", text: "open sesame"),
            .init(question: "again", text: "open sesame"),
        ],
    ]

    @Test func everyRecipeDoesWhatItSays() throws {
        let rows = try Readme().table("where", "store", "recipe").rows
        #expect(rows.map { $0[0] } == Self.recipes.map(\.place))
        for (row, recipe) in zip(rows, Self.recipes) {
            #expect(throws: Never.self, "\(recipe.place)") {
                let newcomer = try Newcomer()
                try newcomer.install()
                try recipe.prepare(newcomer)
                // A crontab sets its variables for the programs that it starts.
                let commands = Readme.commands(in: row[2]).map { command in
                    command.hasPrefix("KEYFOB_") ? "export \(command)" : command
                }
                #expect(!commands.isEmpty)
                try newcomer.expect(
                    (["TOKEN=\(Newcomer.quoted(Registry.password)) LOGIN=\(Registry.user)"]
                        + commands + [recipe.check])
                        .joined(separator: "\n"),
                    answering: Self.answers[recipe.place] ?? [])
            }
        }
    }
}
