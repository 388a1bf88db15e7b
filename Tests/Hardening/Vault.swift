import Foundation
import Sandbox
import Testing

/// A vault is a file with a passphrase and a login, its user, and what the kernel keeps for that user.
/// Each test has a user of its own, since the kernel keeps keys for a user and not for a home.
struct Vault {
    static let file = "home/.local/share/keyfob/credentials"

    let login = Login()
    let passphrase = "a-passphrase-\(UInt32.random(in: 0...UInt32.max))"
    let sandbox: Sandbox
    private let user: UInt32

    /// The vault of a user whom nobody else is.
    init() throws {
        user = .random(in: 1_000_000...2_000_000_000)
        sandbox = try Sandbox(unprivileged: true, as: user)
        try store()
    }

    private init(ofRootIn sandbox: Sandbox) throws {
        user = 0
        self.sandbox = sandbox
        try store()
    }

    /// A vault of root, who can log in. The names of its keys are its own.
    static func ofRoot() throws -> Vault {
        let vault = try Vault(ofRootIn: try Sandbox())
        // Whoever comes in has the home, and nothing else of the sandbox's.
        let variables = vault.sandbox.environment.filter { name, _ in
            ["HOME", "PATH"].contains(name) || name.hasPrefix("XDG_")
        }
        try vault.sandbox.write(
            variables.sorted { $0.key < $1.key }.map { "export \($0)='\($1)'\n" }.joined()
                + """
                export KEYFOB_STORE=file DBUS_SESSION_BUS_ADDRESS=
                printf %s '\(vault.login.server)' | setsid -w docker-credential-keyfob get 2>/dev/null
                """, to: "get.sh")
        try vault.startSSH()
        return vault
    }

    /// Other ways in which a process of the user begins; `SCRIPT` gets the login.
    static let places: [(String, String)] = [
        ("SSH", "ssh -F SANDBOX/ssh_config keyfob-test sh SCRIPT"), ("su", "su -l -c 'sh SCRIPT'"),
        ("runuser", "runuser -u root -- sh SCRIPT"),
        ("session", "keyctl session - sh SCRIPT 2>/dev/null"),
        ("cron", "env -i HOME=/nonexistent SHELL=/bin/sh PATH=/usr/bin:/bin sh SCRIPT"),
    ]

    var script: String { sandbox.file("get.sh") }

    func store() throws {
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        let stored = try sandbox.run(
            "docker-credential-keyfob", "store", input: login.json,
            environment: ["KEYFOB_PASSPHRASE": passphrase])
        try #require(stored.succeeded, "\(stored)")
    }

    /// sshd for root, as Debian sets it up: with PAM, which makes a session's keyring.
    private func startSSH() throws {
        let port = Int.random(in: 20_000...60_000)
        let made = try sandbox.run(
            "sh", "-ec",
            """
            cd "$1"
            mkdir -p /run/sshd
            ssh-keygen -q -t ed25519 -N '' -f host
            ssh-keygen -q -t ed25519 -N '' -f user
            """, "sh", sandbox.path)
        try #require(made.succeeded, "\(made)")
        let folder = sandbox.path
        try sandbox.write(
            """
            Host keyfob-test
                HostName 127.0.0.1
                Port \(port)
                User root
                IdentityFile \(folder)/user
                IdentitiesOnly yes
                StrictHostKeyChecking no
                UserKnownHostsFile /dev/null
                LogLevel ERROR
            """, to: "ssh_config")
        let daemon = try sandbox.startDaemon([
            "/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-h", "\(folder)/host", "-o",
            "Port=\(port)", "-o", "ListenAddress=127.0.0.1", "-o", "UsePAM=yes", "-o",
            "StrictModes=no", "-o", "PermitRootLogin=yes", "-o", "PidFile=none", "-o",
            "AuthorizedKeysFile=\(folder)/user.pub",
        ])
        try daemon.wait(for: "sshd") {
            try sandbox.run(
                "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/\(port)"
            ).succeeded ? () : nil
        }
    }

    // MARK: Its use

    func unlock(_ words: String...) throws -> Outcome {
        try sandbox.program(
            ["keyfob", "unlock", "--password-stdin"] + words, input: Array("\(passphrase)\n".utf8)
        ).run()
    }

    /// What a get without a terminal answers.
    func get() throws -> String {
        try sandbox.run(
            "setsid", "-w", "docker-credential-keyfob", "get", input: login.server
        ).output
    }

    func command(_ place: String) -> String {
        place.replacing("SCRIPT", with: script).replacing("SANDBOX", with: sandbox.path)
    }

    var lockedAnswer: String {
        Sentence.expanding("<passphrase-needed|\(sandbox.file(Vault.file))>\n")
    }

    func expectLocked() throws {
        let answer = try get()
        #expect(answer == lockedAnswer)
    }

    /// Runs a program whose calls fail as strace's `inject` says.
    func traced(_ fault: String, _ words: String..., input: String = "") throws -> Outcome {
        try sandbox.program(
            [
                "strace", "-f", "-o", "/dev/null", "-e", "trace=add_key,keyctl", "-e",
                "inject=\(fault)",
            ] + words, input: Array(input.utf8)
        ).run()
    }

    func asUser(_ command: String) throws -> Outcome { try sandbox.run("sh", "-c", command) }

    /// As root, who is not its user.
    func asRoot(_ command: String) throws -> Outcome {
        var program = sandbox.program(["bash", "-c", command])
        program.arguments = Array(program.arguments.drop { $0 != "bash" })
        return try program.run()
    }

    func replaceFile(with bytes: [UInt8]) throws {
        let copied = try sandbox.run(
            "sh", "-c", "umask 077; cat >\"$0.new\"; mv \"$0.new\" \"$0\"",
            sandbox.file(Vault.file), input: bytes)
        try #require(copied.succeeded)
    }

    // MARK: The kernel's keys

    struct Key {
        let number: String
        let name: String
        let time: String
    }

    /// Those of Keyfob's that are alive.
    func keys() throws -> [Key] {
        try asUser("cat /proc/keys").output.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ").map(String.init)
            guard fields.count > 8, fields[8].hasPrefix("keyfob:"), fields[5] == "\(user)",
                !fields[1].contains("i"), fields[3] != "expd",
                let number = Int(fields[0], radix: 16)
            else { return nil }
            return Key(number: "\(number)", name: fields[8], time: fields[3])
        }
    }

    /// The key of the file that is there: its name has the store's id, which lies behind the magic, the
    /// version and two lengths (FileFormat).
    func keyOfFile() throws -> Key? {
        let id = (sandbox.read(Vault.file) ?? []).dropFirst(18).prefix(16)
            .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return try keys().first { $0.name.hasPrefix("keyfob:file:\(id):") }
    }

    /// The kernel takes a moment to drop the keyring of a process that has ended.
    func expectNo(
        where isMeant: (Key) -> Bool, at location: SourceLocation = #_sourceLocation
    ) throws {
        var left: [Key] = []
        for _ in 0..<50 {
            left = try keys().filter(isMeant)
            if left.isEmpty { return }
            usleep(20_000)
        }
        Issue.record("\(left)", sourceLocation: location)
    }
}
