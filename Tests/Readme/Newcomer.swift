import Foundation
import Sandbox
import Testing

/// A newcomer has a desktop with a keyring, a clean home, these sources, and nothing of Keyfob but
/// what the README's own `make install` installs: the release.
///
/// What would change the machine, or is not to be had everywhere, is played: `sudo` asks for no
/// password, `make` knows the targets and installs into the home, `apt-get`, `rpmbuild` and
/// `makepkg` look whether the file that they are given is there, and `npm` and `pulumi` whether
/// they have the login; `docker-compose` asks for all logins without a terminal. All else is real.
struct Newcomer {
    let sandbox: Sandbox
    let keyring: GnomeKeyring

    static let registry = "registry.example.com"
    static let secret = "s3cret"

    init(beside file: String = #filePath) throws {
        sandbox = try Sandbox()
        keyring = try GnomeKeyring(on: try PrivateBus(in: sandbox))
        for name in try FileManager.default.contentsOfDirectory(atPath: sandbox.file("bin")) {
            try FileManager.default.removeItem(atPath: sandbox.file("bin/\(name)"))
        }
        let sources = URL(fileURLWithPath: file).deletingLastPathComponent()
            .appending(path: "../..").standardized.path
        try sandbox.makeFolder("stick")
        for name in ["Makefile", "packaging"] {
            try sandbox.makeFolder("home/keyfob")
            try FileManager.default.createSymbolicLink(
                atPath: sandbox.file("home/keyfob/\(name)"),
                withDestinationPath: "\(sources)/\(name)")
        }
        let path = sandbox.environment["PATH"] ?? ""
        sandbox.setEnvironment("PATH", to: "\(sandbox.file("home/.local/bin")):\(path)")
        try play(sources)
    }

    private func play(_ sources: String) throws {
        let make = """
            for target; do
                grep -q "^$target:" Makefile || { echo "make: no target $target" >&2; exit 2; }
                case $target in
                    install) /usr/bin/make -C '\(sources)' install PREFIX="$HOME/.local" ;;
                    deb) mkdir -p .build/deb; : >.build/deb/keyfob_0.deb ;;
                    tarball)
                        /usr/bin/make -C '\(sources)' pack \
                            portable_tarball="$PWD/.build/dist/keyfob-0-linux-here.tar.gz" ;;
                    dist) mkdir -p .build/dist; : >.build/dist/keyfob-0.tar.gz ;;
                esac
            done
            """
        let npm = """
            [ "$1" = publish ]
            [ "$NPM_TOKEN" = \(Newcomer.secret) ] || tr '\\0' '\\n' </proc/$$/environ |
                grep -Fxq 'npm_config_//registry.npmjs.org/:_authToken=\(Newcomer.secret)'
            """
        let players = [
            "sudo": #"exec "$@""#,
            "make": make,
            "apt-get": #"[ "$1" = install ] && [ -e "$2" ]"#,
            "rpmbuild": #"[ "$1" = -ta ] && [ -e "$2" ]"#,
            "makepkg": #"[ "$*" = "--syncdeps --install" ] && [ -e PKGBUILD ]"#,
            "npm": npm,
            "docker-compose":
                #"[ "$1" = pull ]; setsid --wait docker-credential-keyfob list </dev/null"#,
            "pulumi": #"[ "$1" = up ] && [ "$PULUMI_ACCESS_TOKEN" = pul-\#(Newcomer.secret) ]"#,
        ]
        for (name, script) in players {
            try sandbox.writeScript("#!/bin/sh\nset -e\n\(script)\n", as: name)
        }
    }

    // MARK: What is typed

    /// A word of the shell.
    static func quoted(_ word: String) -> String {
        "'" + word.replacing("'", with: #"'\''"#) + "'"
    }

    /// Types commands in the folder of the sources, and what is asked for at the terminal.
    func type(_ commands: String, answering answers: [Answer] = []) throws -> Typed {
        let terminal = try PseudoTerminal()
        var program = sandbox.program(
            ["bash", "-e", "-o", "pipefail", "-c", "cd ~/keyfob\n\(placed(commands))"],
            environment: ["SHELL": "/bin/bash"])
        program.terminal = terminal
        let running = try program.start()
        // The program is fed and read from by its end, which is waited for elsewhere.
        let outcome = Pending { try running.finish() }
        for answer in answers {
            try terminal.wait(for: answer.question)
            terminal.type(answer.text + "\n")
        }
        return Typed(outcome: try outcome.value, screen: terminal.screen)
    }

    /// A text in which folders that would change the machine are folders of the sandbox.
    func placed(_ text: String) -> String {
        text.replacing("/media/stick", with: sandbox.file("stick"))
            .replacing("/data", with: sandbox.file("data"))
    }

    /// Types commands that must succeed.
    func expect(_ commands: String, answering answers: [Answer] = []) throws {
        let typed = try type(commands, answering: answers)
        try #require(typed.outcome.succeeded, "\(commands): \(typed.outcome)")
    }

    /// What is asked at the terminal, and what is typed then.
    struct Answer {
        let question: String
        let text: String
        /// Of several lines that are typed one by one, the one that asks.
        var line = 0
    }

    struct Typed {
        let outcome: Outcome
        let screen: String
    }

    // MARK: What is there before

    /// Has installed Keyfob.
    func install() throws { try expect("make install") }

    /// Uses docker, and nothing else that has logins.
    func haveNoClientButDocker() throws {
        try expect(
            """
            mkdir ~/programs
            for program in /usr/bin/* /bin/* "$(command -v docker)"; do
                ln -sf "$program" ~/programs/
            done
            cd ~/programs
            rm -f podman buildah skopeo cargo git terraform pulumi
            """)
        let own = "\(sandbox.file("home/.local/bin")):\(sandbox.file("bin"))"
        sandbox.setEnvironment("PATH", to: "\(own):\(sandbox.file("home/programs"))")
    }

    /// Has a TPM, played by swtpm, in which a passphrase is sealed.
    func sealPassphrase() throws {
        let folder = sandbox.file("run")
        _ = try sandbox.startDaemon([
            "swtpm", "socket", "--tpm2", "--tpmstate", "dir=\(folder)", "--server",
            "type=unixio,path=\(folder)/tpm", "--ctrl", "type=unixio,path=\(folder)/tpm.ctrl",
            "--flags", "not-need-init,startup-clear",
        ])
        sandbox.setEnvironment("TPM2TOOLS_TCTI", to: "swtpm:path=\(folder)/tpm")
        try expect(
            """
            cd "$XDG_RUNTIME_DIR"
            for moment in $(seq 100); do [ -e tpm.ctrl ] || sleep 0.1; done
            flush() { tpm2_flushcontext -t; }
            tpm2_createprimary -Q -C o -c primary; flush
            head -c 24 /dev/urandom | base64 |
                tpm2_create -Q -C primary -i- -u sealed.pub -r sealed.priv; flush
            tpm2_load -Q -C primary -u sealed.pub -r sealed.priv -c sealed
            tpm2_evictcontrol -Q -C o -c sealed 0x81010001; flush
            """)
    }

    /// Is logged in, by way of Keyfob.
    func logIn() throws {
        for server in [Newcomer.registry, "npm.example.com"] {
            try expect(
                """
                docker-credential-keyfob store <<'END'
                {"ServerURL": "\(server)", "Username": "alice", "Secret": "\(Newcomer.secret)"}
                END
                """)
        }
    }

    /// Is logged in, and docker keeps the login in plain text.
    func logInInPlainText() throws {
        let auth = Data("alice:\(Newcomer.secret)".utf8).base64EncodedString()
        try sandbox.write(
            #"{"auths": {"\#(Newcomer.registry)": {"auth": "\#(auth)"}}}"# + "\n",
            to: "home/.docker/config.json")
    }

    /// Keeps logins with pass.
    func logInWithPass() throws {
        try expect(
            """
            gpg --batch --quiet --passphrase '' --quick-generate-key keyfob@example.com
            pass init keyfob@example.com
            docker-credential-pass store <<'END'
            {"ServerURL": "https://pass.example.com", "Username": "alice", "Secret": "of pass"}
            END
            """)
    }

    /// Is logged in to npm's registry, as npm keeps it.
    func logInToNpm() throws {
        try sandbox.write(
            "//registry.npmjs.org/:_authToken=\(Newcomer.secret)\n", to: "home/.npmrc")
        try expect("keyfob import")
    }

    /// Is logged in to pulumi's service, as pulumi keeps it.
    func logInToPulumi() throws {
        let url = "https://api.pulumi.com"
        try sandbox.write(
            #"{"current": "\#(url)", "accessTokens": {"\#(url)": "pul-\#(Newcomer.secret)"}}"#
                + "\n",
            to: "home/.pulumi/credentials.json")
        try expect("keyfob import")
    }

    /// Has an account at a real registry, and finds it by a proxy.
    func findRegistry(beside file: String = #filePath) throws {
        let certificate = try Certificate(in: sandbox, for: "DNS:\(Newcomer.registry)")
        let registry = try Registry(in: sandbox, certificate: certificate)
        let folder = (file as NSString).deletingLastPathComponent
        let proxy = try sandbox.startDaemon([
            "/usr/bin/python3", "\(folder)/connect-proxy.py", registry.host,
        ])
        let address = try proxy.wait(for: "address") {
            proxy.log.split(separator: "\n").first.map(String.init)
        }
        sandbox.setEnvironment("https_proxy", to: address)
        sandbox.setEnvironment("SSL_CERT_FILE", to: certificate.path)
    }
}

/// What is worked out on a thread of its own.
private final class Pending<Value: Sendable>: @unchecked Sendable {
    private var result: Result<Value, any Error>?
    private let hasEnded = DispatchSemaphore(value: 0)

    init(_ work: @escaping @Sendable () throws -> Value) {
        Thread.detachNewThread {
            self.result = Result { try work() }
            self.hasEnded.signal()
        }
    }

    /// Waits for it. To be asked for once.
    var value: Value {
        get throws {
            hasEnded.wait()
            guard let result else { throw SandboxError("nothing was worked out") }
            return try result.get()
        }
    }
}
