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

    @Test func bashOffersSubcommandsAndClients() throws {
        #expect(try bash("keyfob", "sta") == ["status"])
        #expect(try bash("keyfob", "logout", "--client", "ca") == ["cargo"])
        #expect(try bash("keyfob", "setup", "p") == ["podman", "pulumi"])
    }

    /// What cannot be read offers nothing, and says nothing.
    @Test func aStoreThatCannotBeReadOffersNothing() throws {
        unsafe chmod(sandbox.file("home/.local/share/keyfob/credentials"), 0o666)
        #expect(try bash("keyfob", "logout", "reg").isEmpty)
    }

    @Test(arguments: ["zsh", "fish"]) func othersOfferServers(_ shell: String) throws {
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
        for (word, server) in [
            ("regis", "registry.example.com"), ("https", "https://index.docker.io/v1/"),
        ] {
            terminal.type("echo offered:; keyfob token \(word)\t")
            try terminal.wait(for: server)
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
