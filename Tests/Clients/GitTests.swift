import Foundation
import Sandbox
import Testing

/// The real git, with its own server for HTTP on loopback.
@Suite struct GitTests {
    private static let password = #"p<&>"'\ ä:="#

    @Test(arguments: Machine.Kind.allCases)
    func aPasswordIsStoredOnceItWasRightAndServesCloneAndPush(_ kind: Machine.Kind) throws {
        let machine = try Machine(kind)
        let server = try Server(in: machine, accounts: ["team": "alice:\(Self.password)"])
        try setUp(machine)

        // git asks, is told by a program in the place of a person, and stores what was right.
        let clone = try git(
            machine, "clone", "\(server.address)/team/repo.git", machine.sandbox.file("copy"),
            typing: ("alice", Self.password))
        #expect(clone.succeeded, "\(clone)")
        #expect(try machine.list().isEmpty)
        #expect(
            try machine.sandbox.run("keyfob", "token", "--client", "git", server.address).output
                == Self.password + "\n")

        // Nobody is asked any more.
        let push = try commitAndPush(machine)
        #expect(push.succeeded, "\(push)")
        #expect(server.daemon.log.contains("let in alice"))

        let logout = try machine.sandbox.run("keyfob", "logout", "--client", "git", server.address)
        #expect(logout.succeeded, "\(logout)")
        #expect(try !git(machine, "-C", machine.sandbox.file("copy"), "fetch").succeeded)
        #expect(try machine.sandbox.run("keyfob", "list").output.isEmpty)
    }

    /// A password that the server refuses is erased, and nothing else is.
    @Test(arguments: Machine.Kind.allCases)
    func aRefusedPasswordIsErasedAndNoOther(_ kind: Machine.Kind) throws {
        let machine = try Machine(kind)
        let server = try Server(in: machine, accounts: ["team": "alice:right"])
        try setUp(machine)
        let host = String(server.address.dropFirst("http://".count))
        try store(machine, host: host, user: "alice", password: "wrong")
        try store(machine, host: host, user: "bob", password: "another user's")
        try store(machine, host: "127.0.0.1:1", user: "alice", password: "another port's")

        let url = "http://alice@\(host)/team/repo.git"
        let refused = try git(machine, "ls-remote", url)
        #expect(!refused.succeeded)
        #expect(try get(machine, host: host, user: "alice") == nil)
        #expect(try get(machine, host: host, user: "bob") == "another user's")
        #expect(try get(machine, host: "127.0.0.1:1", user: "alice") == "another port's")

        #expect(try git(machine, "ls-remote", url, typing: ("alice", "right")).succeeded)
        #expect(try get(machine, host: host, user: "alice") == "right")
        #expect(try git(machine, "ls-remote", url).succeeded)
    }

    /// Two users, two ports and two paths of a host.
    @Test(arguments: Machine.Kind.allCases)
    func nobodyIsGivenAnothersPassword(_ kind: Machine.Kind) throws {
        let machine = try Machine(kind)
        let first = try Server(
            in: machine, accounts: ["team": "alice:one", "own": "alice:two"])
        let second = try Server(in: machine, accounts: ["team": "alice:three"])
        try setUp(machine)
        try git(machine, "config", "--global", "credential.useHttpPath", "true")
        let urls = [
            ("\(first.address)/team/repo.git", "one"), ("\(first.address)/own/repo.git", "two"),
            ("\(second.address)/team/repo.git", "three"),
        ]
        for (url, password) in urls {
            #expect(try git(machine, "ls-remote", url, typing: ("alice", password)).succeeded)
        }
        for (url, _) in urls { #expect(try git(machine, "ls-remote", url).succeeded, "\(url)") }
        // Each was refused once, before it had been told: no password went to another's place.
        for server in [first, second] {
            let refusals = server.daemon.log.components(separatedBy: "refused").count - 1
            #expect(refusals == (server === first ? 4 : 2))
        }
    }

    @Test(arguments: [false, true])
    func aLockedKeyringSaysSoAndLosesNothing(wasNeverUnlocked: Bool) throws {
        let machine = try Machine(.desktop)
        let server = try Server(in: machine, accounts: ["team": "alice:right"])
        try setUp(machine)
        let host = String(server.address.dropFirst("http://".count))
        try store(machine, host: host, user: "alice", password: "right")
        var keyring = try #require(machine.keyring)
        if wasNeverUnlocked {
            try keyring.stop()
            keyring = try GnomeKeyring(on: keyring.bus, isUnlocked: false)
        } else {
            try keyring.lock()
        }
        let fetch = try git(machine, "ls-remote", "\(server.address)/team/repo.git")
        #expect(!fetch.succeeded)
        #expect(
            fetch.errors.contains("git-credential-keyfob: the keyring is locked"), "\(fetch)")
        #expect(fetch.errors.contains("keyfob status"))
        try keyring.stop()
        _ = try GnomeKeyring(on: keyring.bus)
        #expect(try git(machine, "ls-remote", "\(server.address)/team/repo.git").succeeded)
    }

    /// git's own helper, built from the source that comes with git. Before git 2.41 it keeps its
    /// items under the schema of other programs' passwords: it is built with the one that git has
    /// since.
    @Test func itemsAreSharedWithGitsOwnHelper() throws {
        let machine = try Machine(.desktop)
        let helper = try buildLibsecretHelper(machine)
        let places = [
            ("git.example.com", "", "alice", "one"),
            ("git.example.com:8443", "", "alice", "two"),
            ("git.example.com", "team/repo.git", "bob", "three"),
        ]
        for (theirs, ours) in [
            (helper, "git-credential-keyfob"), ("git-credential-keyfob", helper),
        ] {
            for (host, path, user, password) in places {
                let login = description(host, path, user)
                let stored = try machine.sandbox.run(
                    theirs, "store", input: login + "password=\(password)\n")
                #expect(stored.succeeded, "\(stored)")
                let found = try machine.sandbox.run(ours, "get", input: login)
                #expect(found.output.contains("password=\(password)\n"), "\(theirs): \(found)")
            }
            #expect(try machine.keyring?.items().count == places.count)
            // Theirs, asked about a host, means its paths and ports, too: before git 2.42 it erases
            // them, and since then it erases nothing if the first that it finds has another
            // password.
            for (host, path, user, password) in places.reversed() {
                let login = description(host, path, user)
                let erased = try machine.sandbox.run(
                    ours, "erase", input: login + "password=\(password)\n")
                #expect(erased.succeeded)
            }
            #expect(try machine.keyring?.items().isEmpty == true)
        }
    }

    // MARK: Running it

    private func setUp(_ machine: Machine) throws {
        let setup = try machine.sandbox.run("keyfob", "setup", "git")
        try #require(setup.succeeded, "\(setup)")
        for (name, value) in [("user.name", "a"), ("user.email", "a@example.com")] {
            try git(machine, "config", "--global", name, value)
        }
    }

    /// git; `typing` is what a program in the place of a person answers.
    @discardableResult
    private func git(
        _ machine: Machine, _ arguments: String..., typing login: (String, String)? = nil
    ) throws -> Outcome {
        var environment: [String: String?] = [
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "false",
        ]
        if let (user, password) = login {
            let answers = try machine.sandbox.write("\(user)\n\(password)\n", to: "typed")
            try machine.sandbox.writeScript(
                """
                #!/bin/sh
                case $1 in Username*) sed -n 1p '\(answers)' ;; *) sed -n 2p '\(answers)' ;; esac
                """, as: "ask")
            environment["GIT_ASKPASS"] = machine.sandbox.file("bin/ask")
        }
        return try machine.sandbox.program(["git"] + arguments, environment: environment).run()
    }

    private func commitAndPush(_ machine: Machine) throws -> Outcome {
        let copy = machine.sandbox.file("copy")
        try machine.sandbox.write("text", to: "copy/file")
        try git(machine, "-C", copy, "add", "file")
        try git(machine, "-C", copy, "commit", "-m", "file")
        return try git(machine, "-C", copy, "push", "origin", "HEAD")
    }

    private func description(_ host: String, _ path: String, _ user: String) -> String {
        "protocol=http\nhost=\(host)\n" + (path.isEmpty ? "" : "path=\(path)\n")
            + "username=\(user)\n"
    }

    private func store(
        _ machine: Machine, host: String, user: String, password: String
    ) throws {
        let stored = try machine.sandbox.run(
            "git-credential-keyfob", "store",
            input: description(host, "", user) + "password=\(password)\n")
        try #require(stored.succeeded, "\(stored)")
    }

    private func get(_ machine: Machine, host: String, user: String) throws -> String? {
        try machine.sandbox.run("git-credential-keyfob", "get", input: description(host, "", user))
            .output.split(separator: "\n").first { $0.hasPrefix("password=") }
            .map { String($0.dropFirst("password=".count)) }
    }

    private func buildLibsecretHelper(_ machine: Machine) throws -> String {
        let sandbox = machine.sandbox
        let schema = try sandbox.write(
            """
            #include <libsecret/secret.h>
            static const SecretSchema keyfob_git_schema = {
                "org.git.Password", SECRET_SCHEMA_DONT_MATCH_NAME,
                {{"user", SECRET_SCHEMA_ATTRIBUTE_STRING}, {"object", SECRET_SCHEMA_ATTRIBUTE_STRING},
                 {"protocol", SECRET_SCHEMA_ATTRIBUTE_STRING}, {"port", SECRET_SCHEMA_ATTRIBUTE_INTEGER},
                 {"server", SECRET_SCHEMA_ATTRIBUTE_STRING}, {NULL, 0}}, 0};
            #undef SECRET_SCHEMA_COMPAT_NETWORK
            #define SECRET_SCHEMA_COMPAT_NETWORK (&keyfob_git_schema)
            """, to: "build/schema.h")
        let program = sandbox.file("bin/git-credential-libsecret")
        let build = try sandbox.run(
            "sh", "-c",
            #"exec gcc -include "$0" $(pkg-config --cflags libsecret-1) -o "$1" "$2" $(pkg-config --libs libsecret-1)"#,
            schema, program,
            "/usr/share/doc/git/contrib/credential/libsecret/git-credential-libsecret.c")
        try #require(build.succeeded, "\(build)")
        return "git-credential-libsecret"
    }
}

/// git's server for HTTP, with a repository in each folder.
private final class Server {
    let daemon: Daemon
    let address: String

    /// `accounts` are `user:password` for each folder.
    init(
        in machine: Machine, accounts: [String: String],
        beside file: String = #filePath
    ) throws {
        let sandbox = machine.sandbox
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent().path
        let root = "repositories-\(UInt32.random(in: 0...UInt32.max))"
        var arguments = ["/usr/bin/python3", "-B", "\(folder)/git-server.py", sandbox.file(root)]
        for (name, account) in accounts {
            let repository = "\(root)/\(name)/repo.git"
            try sandbox.makeFolder(repository)
            let made = try sandbox.run("git", "init", "--bare", "-q", sandbox.file(repository))
            try #require(made.succeeded)
            arguments += [name, account]
        }
        daemon = try sandbox.startDaemon(arguments)
        address = try daemon.wait(for: "address") { [daemon] in
            daemon.log.split(separator: "\n").first { $0.hasPrefix("http://") }.map(String.init)
        }
    }
}
