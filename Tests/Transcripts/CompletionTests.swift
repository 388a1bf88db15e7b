import Foundation
import Sandbox
import Testing

/// What the real shells offer at a `keyfob` command line.
@Suite struct CompletionTests {
    private let sandbox: Sandbox

    init() throws {
        sandbox = try Sandbox()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        for server in ["registry.example.com", "https://index.docker.io/v1/", "other.example"] {
            let stored = try sandbox.run(
                "docker-credential-keyfob", "store",
                input: #"{"ServerURL":"\#(server)","Username":"u","Secret":"s"}"#)
            try #require(stored.succeeded)
        }
    }

    @Test(arguments: ["logout", "token", "exec", "export", "move"])
    func bashOffersServers(_ command: String) throws {
        #expect(try bash("keyfob", command, "reg") == ["registry.example.com"])
        #expect(try bash("keyfob", command, "o") == ["other.example"])
    }

    @Test func bashOffersAccountsAndTheirServersAlone() throws {
        let stored = try sandbox.run(
            "docker-credential-keyfob", "store",
            input: #"{"ServerURL":"registry.work.example","Username":"u","Secret":"s"}"#,
            environment: ["KEYFOB_ACCOUNT": "work"])
        try #require(stored.succeeded)
        #expect(try bash("keyfob", "list", "--account", "") == ["work"])
        #expect(
            try bash("keyfob", "token", "--account", "work", "reg") == ["registry.work.example"])
        #expect(try bash("keyfob", "token", "reg") == ["registry.example.com"])
        #expect(try bash("keyfob", "token", "--account", "home", "reg").isEmpty)
    }

    @Test func bashOffersSubcommandsAndClients() throws {
        #expect(try bash("keyfob", "sta") == ["status"])
        #expect(try bash("keyfob", "logout", "--client", "ca") == ["cargo"])
        #expect(try bash("keyfob", "setup", "p") == ["podman", "pulumi", "pip"])
    }

    @Test func bashOffersAccountsAndTheirServers() throws {
        let login = #"{"ServerURL":"w.example","Username":"u","Secret":"s"}"#
        let stored = try sandbox.run(
            "docker-credential-keyfob", "store", input: login,
            environment: ["KEYFOB_ACCOUNT": "work"])
        try #require(stored.succeeded)
        #expect(try bash("keyfob", "logout", "--account", "") == ["work"])
        #expect(try bash("keyfob", "logout", "--account", "work", "") == ["w.example"])
        #expect(try bash("keyfob", "logout", "--account", "home", "") == [])
    }

    /// Every value that a help text names, in every shell. bash is given all that begin so; the others
    /// insert the only one.
    @Test func bashOffersEveryValue() throws {
        let clients = [
            "docker", "podman", "cargo", "git", "terraform", "pulumi", "npm", "pip", "token",
        ]
        for command in ["import", "login", "list", "logout", "token", "exec", "move", "export"] {
            #expect(try bash("keyfob", command, "--client", "") == clients, "\(command)")
        }
        #expect(try bash("keyfob", "setup", "") == clients)
        for command in ["import", "export"] {
            #expect(try bash("keyfob", command, "--prefer", "") == ["stored", "found"])
        }
        #expect(try bash("keyfob", "move", "--to", "") == ["keyring", "file"])
        #expect(
            Set(try bash("keyfob", "passphrase", "")).isSuperset(
                of: ["set", "change", "remove", "rekey"]))
        #expect(
            Set(try bash("keyfob", "")).isSuperset(
                of: [
                    "status", "setup", "import", "login", "list", "logout", "token", "exec",
                    "passphrase", "unlock", "lock", "move", "backup", "restore", "export",
                    "uninstall",
                ]))
    }

    @Test(arguments: ["zsh", "fish"]) func othersOfferEveryValue(_ shell: String) throws {
        try offered(
            by: shell,
            [
                "status": "sta", "uninstall": "uni", "terraform": "setup ter",
                "podman": "list --client pod", "stored": "import --prefer st",
                "found": "export --prefer fou", "keyring": "move --to key",
                "rekey": "passphrase rek", "npm": "exec --client np",
            ])
    }

    /// What cannot be read offers nothing, and says nothing.
    @Test func aStoreThatCannotBeReadOffersNothing() throws {
        unsafe chmod(sandbox.file("home/.local/share/keyfob/credentials"), 0o666)
        #expect(try bash("keyfob", "logout", "reg").isEmpty)
    }

    @Test(arguments: ["zsh", "fish"]) func othersOfferServers(_ shell: String) throws {
        try offered(
            by: shell,
            [
                "registry.example.com": "token regis",
                "https://index.docker.io/v1/": "token https",
            ])
    }

    /// Types the beginning of each command line at a terminal, and waits for what completes it.
    private func offered(by shell: String, _ lines: [String: String]) throws {
        let terminal = try PseudoTerminal()
        let arguments = shell == "zsh" ? "-f" : "-N"
        let run = try sandbox.program(
            ["sh", "-c", "exec setsid -cw \(shell) \(arguments) <$0 >$0 2>&1", terminal.path],
            environment: ["TERM": "dumb"]
        ).start()
        let load =
            shell == "zsh"
            ? "autoload -U compinit; compinit -D -u; source <(keyfob --generate-completion-script zsh)"
            : "keyfob --generate-completion-script fish | source"
        terminal.type(load + "\necho load''ed\n")
        try terminal.wait(for: "loaded")
        for (word, line) in lines {
            terminal.type("echo offered:; keyfob \(line)\t")
            try terminal.wait(for: word)
            terminal.type("\u{15}")
        }
        run.signal(SIGKILL)
        _ = try? run.finish()
    }

    /// What `_keyfob` gives to bash for the last word.
    private func bash(_ words: String...) throws -> [String] {
        let script = """
            source <(keyfob --generate-completion-script bash)
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
            _keyfob keyfob "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        let outcome = try sandbox.program(["bash", "-c", script, "bash"] + words).run()
        #expect(outcome.errors.isEmpty, "\(outcome)")
        return outcome.output.split(separator: "\n").map(String.init)
    }
}
