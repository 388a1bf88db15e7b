import Foundation
import Sandbox
import Testing

/// A server's name is chosen by strangers. At TAB a shell must insert it as one word, whole, and
/// run nothing of it, then or at Enter.
@Suite struct HostileNameTests {
    private let sandbox: Sandbox
    private let terminal: PseudoTerminal

    init() throws {
        sandbox = try Sandbox()
        terminal = try PseudoTerminal()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
    }

    /// What each name begins with; behind it stands `-NN.example`. `TOUCH` makes a file.
    private static let names = [
        "$(TOUCH)", "`TOUCH`", "${x:-$(TOUCH)}", "$((x[$(TOUCH)]))", "x$(TOUCH)", "'$(TOUCH)'",
        "\"$(TOUCH)\"", "'`TOUCH`", "\"`TOUCH`", "\\$(TOUCH)", "\\\\`TOUCH`", "x;TOUCH;",
        "x;TOUCH #", "x&TOUCH&", "x|TOUCH|", "x&&TOUCH&&", "x||TOUCH||", "<(TOUCH)", ">(TOUCH)",
        "=(TOUCH)", "x >MADE ", "x>MADE;", "(TOUCH)", "{TOUCH,b}", "~", "~root/x", "x:~/y:z",
        "*", "/*/*", "?[a-z]", "!!", "x!1", "x!touch", "^a^b", "#x", "x #y", "%1", "x y",
        "https://h.example/lib$(TOUCH).git?a=b&TOUCH", "http://h.example:8443//a//`TOUCH`",
        "sparse+https://i.example/$(TOUCH)/", "ssh://a@b.example/'$(TOUCH)", "x'\\''$(TOUCH)'",
        "x'; TOUCH; '", "$'x\\'$(TOUCH)", "x\\';TOUCH #", "é💥$(TOUCH)", "\\", "$", "x\\ y:z",
    ]

    private static let shells = ["bash", "zsh", "fish"]

    @Test(arguments: shells) func aNameIsInsertedWholeAndRunsNothing(shell: String) throws {
        #expect(Self.names.count >= 40)
        let run = try start(shell)
        for (index, pattern) in Self.names.enumerated() {
            if shell == "fish", pattern.hasPrefix("~") { continue }
            let mark = "-\(index + 10).example"
            let name = pattern.replacing("TOUCH", with: "touch made").replacing(
                "MADE", with: "made")
            try store(name + mark, "secret-\(index)", shell)
            terminal.type("keyfob token \t")
            try wait(for: mark, shell, pattern)
            terminal.type("\n")
            try wait(for: "secret-\(index)", shell, pattern)
            try expectNothingMade(shell, pattern)
            try remove(name + mark)
        }
        stop(run)
    }

    /// Where the person has typed a part of it, in one way of quoting or another.
    @Test(arguments: [
        "https:", "https://h.ex", "'https://h", "\"https://h", "https\\://h", "h'tt'ps://",
        "--client docker https://", "--client=docker 'https:",
    ]) func whatBashHasIsCompleted(typed: String) throws {
        let run = try start("bash")
        for (index, rest) in [
            "a b", "$(touch made)", "`touch made`", "it's;touch made;", "a:b@c=d",
        ]
        .enumerated() {
            let name = "https://h.example/\(rest)/1\(index).example"
            try store(name, "secret-\(index)", "bash")
            terminal.type("keyfob token \(typed)\t")
            try wait(for: "/1\(index).example", "bash", typed)
            terminal.type("\n")
            try wait(for: "secret-\(index)", "bash", typed)
            try expectNothingMade("bash", typed)
            try remove(name)
        }
        stop(run)
    }

    /// A name that would be taken for an option, or that the terminal would obey; in fish also one
    /// whose `~` it would not quote.
    @Test(arguments: shells) func aNameThatCannotBeShownIsNotOffered(shell: String) throws {
        let run = try start(shell)
        try store("plain.example", "secret", shell)
        var hidden = ["--all", "-x", "a\u{202E}b.example", "c\u{2066}d.example", "e\u{2028}f"]
        if shell == "fish" { hidden += ["~", "~root/x"] }
        for name in hidden { try store(name, "hidden", shell) }
        terminal.type("keyfob token \t")
        try wait(for: "plain.example", shell, "the only name to offer")
        terminal.type("\n")
        try wait(for: "secret", shell, "the only name to offer")
        let seen = terminal.screen.unicodeScalars.contains {
            [0x202E, 0x2066, 0x2028].contains($0.value)
        }
        #expect(!seen)
        stop(run)
    }

    /// Only servers of the client that is named are offered.
    @Test(arguments: shells) func aClientsServersAreOffered(shell: String) throws {
        let run = try start(shell)
        try store("registry.example", "secret of docker", shell)
        let stored = try sandbox.run(
            "git-credential-keyfob", "store",
            input: "protocol=https\nhost=git.example\nusername=u\npassword=secret of git\n")
        try #require(stored.succeeded)
        terminal.type("keyfob token --client git \t")
        try wait(for: "git.example", shell, "--client git")
        terminal.type("\n")
        try wait(for: "secret of git", shell, "--client git")
        stop(run)
    }

    /// The passphrase command may open a window: it is not run at TAB.
    @Test(arguments: shells) func noCommandIsRun(shell: String) throws {
        try store("h.example", "secret", shell)
        let protected = try sandbox.run(
            "keyfob", "passphrase", "set", "--stdin", input: "open sesame\n")
        try #require(protected.succeeded, "\(protected)")
        try sandbox.writeScript(
            "#!/bin/sh\ntouch \(sandbox.file("ran"))\necho open sesame\n", as: "ask")
        try sandbox.write(
            #"{"passphraseCommand": ["\#(sandbox.file("bin/ask"))"]}"#,
            to: "home/.config/keyfob/config.json")
        let run = try start(shell)
        terminal.type("keyfob token \t")
        terminal.type("h.example; echo do''ne\n")
        try wait(for: "done", shell, "an answer")
        #expect(terminal.screen.contains("secret"))
        #expect(FileManager.default.fileExists(atPath: sandbox.file("ran")))
        unsafe unlink(sandbox.file("ran"))
        terminal.type("keyfob logout \t\u{15}echo aga''in\n")
        try wait(for: "again", shell, "an answer")
        #expect(!FileManager.default.fileExists(atPath: sandbox.file("ran")))
        stop(run)
    }

    // MARK: The shell

    /// Starts a shell that has read the completion script, in a folder in which nothing else is.
    private func start(_ shell: String) throws -> RunningProgram {
        try sandbox.makeFolder("work")
        let arguments = ["bash": "--norc --noprofile -i", "zsh": "-f", "fish": "-N"][shell] ?? ""
        let run = try sandbox.program(
            [
                "sh", "-c",
                "cd $1 && stty cols 400 <$0 && exec setsid -cw \(shell) \(arguments) <$0 >$0 2>&1",
                terminal.path, sandbox.file("work"),
            ],
            environment: ["TERM": "dumb", "PWD": nil], deadline: .seconds(300)
        ).start()
        let load = [
            "bash": "source <(keyfob --generate-completion-script bash)",
            "zsh": "autoload -U compinit; compinit -D -u; "
                + "source <(keyfob --generate-completion-script zsh)",
            "fish": "keyfob --generate-completion-script fish | source",
        ]
        terminal.type((load[shell] ?? "") + "\necho load''ed\n")
        try wait(for: "loaded", shell, "its start")
        return run
    }

    private func stop(_ run: RunningProgram) {
        run.signal(SIGKILL)
        _ = try? run.finish()
    }

    private func wait(for text: String, _ shell: String, _ what: String) throws {
        do {
            try terminal.wait(for: text)
        } catch {
            let tail = terminal.screen.suffix(400)
            throw SandboxError("\(shell), \(what): \(text) was not shown after:\n\(tail)")
        }
    }

    private func expectNothingMade(_ shell: String, _ what: String) throws {
        let made = try FileManager.default.contentsOfDirectory(atPath: sandbox.file("work"))
        #expect(made.isEmpty, "\(shell), \(what): \(made)")
    }

    // MARK: The logins

    private func store(_ server: String, _ secret: String, _ shell: String) throws {
        let login = try JSONSerialization.data(
            withJSONObject: ["ServerURL": server, "Username": "u", "Secret": secret])
        let stored = try sandbox.run("docker-credential-keyfob", "store", input: [UInt8](login))
        try #require(stored.succeeded, "\(shell), \(server): \(stored)")
    }

    private func remove(_ server: String) throws {
        let removed = try sandbox.run("docker-credential-keyfob", "erase", input: server)
        try #require(removed.succeeded, "\(removed)")
    }
}
