internal import Credentials
import Foundation
import Synchronization

/// A sandbox is a private place for one test: a home, XDG folders and a `PATH` of its own, under
/// one temporary folder that goes, with every process started in it, when the sandbox goes.
///
/// No bus, display or setting of the person who runs the tests is seen in it. It is best kept as
/// a stored property of the suite, so that it lasts as long as the test.
package final class Sandbox: Sendable {
    /// The folder that holds everything; short, since sockets lie in it.
    package let path: String
    /// The user that this sandbox is for, if the tests run as root and it is to be an ordinary user's.
    private let user: uid_t?
    private let state: Mutex<State>
    private let guardian: Guardian

    private struct State {
        var environment: [String: String]
        var daemons: [Daemon] = []
        var names = 0
    }

    /// - Parameters:
    ///   - unprivileged: whether its programs must not run as root: they then run as another user,
    ///     whose the folders are. Makes no difference if the tests do not run as root.
    ///   - ordinary: the number of that user; nobody's by default.
    package init(unprivileged: Bool = false, as ordinary: UInt32 = 65534) throws {
        var template = Array("/tmp/keyfob-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw SandboxError("no temporary folder: error \(errno)")
        }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        guardian = try Guardian(of: path)
        user = unprivileged && geteuid() == 0 ? ordinary : nil

        let inherited = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        state = Mutex(
            State(environment: [
                "HOME": "\(path)/home",
                "LANG": "C.UTF-8",
                "PATH": "\(path)/bin:\(inherited):/usr/sbin:/sbin",
                "TMPDIR": "\(path)/tmp",
                "XDG_CACHE_HOME": "\(path)/home/.cache",
                "XDG_CONFIG_HOME": "\(path)/home/.config",
                "XDG_DATA_HOME": "\(path)/home/.local/share",
                "XDG_RUNTIME_DIR": "\(path)/run",
                "XDG_STATE_HOME": "\(path)/home/.local/state",
                // The settings of npm and git for the whole machine.
                "npm_config_globalconfig": "\(path)/npmrc",
                "GIT_CONFIG_SYSTEM": "\(path)/gitconfig",
            ]))
        // `make sanitize` tells the programs, too, how to be looked at.
        setEnvironment("ASAN_OPTIONS", to: ProcessInfo.processInfo.environment["ASAN_OPTIONS"])
        for folder in ["bin", "home", "log", "run", "tmp"] { try makeFolder(folder) }
        if let user { unsafe chown(path, user, gid_t(user)) }
        for name in ProgramName.allCases {
            try install("docker-credential-keyfob", as: name.rawValue)
        }
        try install("keyfob", as: "keyfob")
    }

    deinit {
        for daemon in state.withLock({ $0.daemons }).reversed() { daemon.stop() }
        try? FileManager.default.removeItem(atPath: path)
        guardian.dismiss()
    }

    // MARK: Its surroundings

    /// What every program started from now on finds in its environment.
    package var environment: [String: String] { state.withLock { $0.environment } }

    /// Sets a variable for every program started from now on; nil removes it.
    package func setEnvironment(_ name: String, to value: String?) {
        state.withLock { $0.environment[name] = value }
    }

    /// Lets programs be found in this folder of the sandbox before all others.
    package func putFirstOnPath(_ folder: String) {
        setEnvironment("PATH", to: "\(file(folder)):\(environment["PATH"] ?? "")")
    }

    /// Returns a sandbox with an encrypted file, which has one login, of u for h.example. It has a
    /// passphrase if one is given.
    package static func withFile(passphrase: String? = nil) throws -> Sandbox {
        let sandbox = try Sandbox()
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        let stored = try sandbox.run(
            "docker-credential-keyfob", "store",
            input: #"{"ServerURL":"h.example","Username":"u","Secret":"s"}"#,
            environment: ["KEYFOB_PASSPHRASE": passphrase])
        guard stored.succeeded else { throw SandboxError("store: \(stored)") }
        return sandbox
    }

    /// Whether the tests that take long are run as well: `make soak`.
    package static let isSoak = ProcessInfo.processInfo.environment["KEYFOB_SOAK"] != nil

    /// Where the products of this build lie.
    package static let products: String = {
        let executable = try? FileManager.default.destinationOfSymbolicLink(
            atPath: "/proc/self/exe")
        return ((executable ?? "/") as NSString).deletingLastPathComponent
    }()

    /// The variables by which `make test` gives the release builds of the two programs; the helper's
    /// is Embedded Swift.
    private static let variables = [
        "docker-credential-keyfob": "KEYFOB_HELPER", "keyfob": "KEYFOB_COMMAND",
    ]

    /// Returns where a product of this build lies, or the program that a variable gives in its place.
    package static func path(of product: String) -> String {
        let environment = ProcessInfo.processInfo.environment
        return variables[product].flatMap { environment[$0] } ?? "\(products)/\(product)"
    }

    /// Puts a product of this build on the sandbox's `PATH` under a name.
    package func install(_ product: String, as name: String) throws {
        let source = Sandbox.path(of: product)
        let target = "\(path)/bin/\(name)"
        if user == nil {
            try FileManager.default.createSymbolicLink(
                atPath: target, withDestinationPath: source)
        } else {
            // The products may lie where an ordinary user cannot look.
            try Sandbox.copy(product: product, to: target)
        }
    }

    /// Copies a product of this build, in another process: a file that this one had open for
    /// writing could not be run as long as a program that is just starting elsewhere has
    /// inherited it (`ETXTBSY`).
    package static func copy(product: String, to path: String) throws {
        let copy = Program(
            arguments: ["/bin/cp", Sandbox.path(of: product), path], environment: [:], input: [],
            deadline: .seconds(60))
        let outcome = try copy.run()
        guard outcome.succeeded else { throw SandboxError(outcome.errors) }
    }

    /// What a command line must begin with so that the program and those that it starts do not find
    /// a library of the system: it is taken out of what its folder looks like to them.
    package static func hiding(_ library: String) -> [String] {
        let script = """
            folder=$(dirname /usr/lib/*/\(library))
            mount -t tmpfs none /mnt
            mkdir /mnt/upper /mnt/work
            mount -t overlay -o "lowerdir=$folder,upperdir=/mnt/upper,workdir=/mnt/work" none "$folder"
            rm "$folder"/\(library)*
            exec "$@"
            """
        // Root needs no user namespace for it, and in a chroot gets none.
        let user = geteuid() == 0 ? [] : ["--map-root-user"]
        return ["unshare"] + user + ["--mount", "sh", "-ec", script, "sh"]
    }

    // MARK: Its files

    /// A file of the sandbox by its path relative to `path`.
    package func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Makes a folder, and those that it lies in, for the sandbox's user alone.
    package func makeFolder(_ name: String) throws {
        var folder = path
        for part in name.split(separator: "/") {
            folder += "/\(part)"
            guard unsafe mkdir(folder, 0o700) == 0 || errno == EEXIST else {
                throw SandboxError("\(folder) cannot be made: error \(errno)")
            }
            if let user { unsafe chown(folder, user, gid_t(user)) }
        }
    }

    /// Writes a file, and makes the folder that it lies in.
    @discardableResult
    package func write(_ text: String, to name: String) throws -> String {
        try makeFolder((name as NSString).deletingLastPathComponent)
        let file = file(name)
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        unsafe chmod(file, 0o600)
        if let user { unsafe chown(file, user, gid_t(user)) }
        return file
    }

    /// Puts a script on the `PATH`, by way of another process (see `copy`).
    package func writeScript(_ text: String, as name: String) throws {
        let source = try write(text, to: "scripts/\(uniqueName(name))")
        let outcome = try run("install", "-m", "755", source, file("bin/\(name)"))
        guard outcome.succeeded else { throw SandboxError(outcome.errors) }
    }

    /// The bytes of a file; nil if there is none.
    package func read(_ name: String) -> [UInt8]? {
        FileManager.default.contents(atPath: file(name)).map { [UInt8]($0) }
    }

    /// The text of a file; nil if there is none.
    package func text(_ name: String) -> String? {
        read(name).map { String(decoding: $0, as: UTF8.self) }
    }

    // MARK: Its programs

    /// A program to run in the sandbox. A variable that is nil is removed from its environment.
    package func program(
        _ arguments: [String], input: [UInt8] = [], environment changes: [String: String?] = [:],
        deadline: Duration = .seconds(60)
    ) -> Program {
        var environment = environment
        for (name, value) in changes { environment[name] = value }
        if environment["DBUS_SESSION_BUS_ADDRESS"] == nil, environment["XDG_RUNTIME_DIR"] == nil {
            // It would find the bus of the person who runs the tests: it is told that there is none.
            environment["DBUS_SESSION_BUS_ADDRESS"] = ""
        }
        var arguments = arguments
        if let user {
            arguments =
                ["setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups", "--"]
                + arguments
        }
        return Program(
            arguments: arguments, environment: environment, input: input,
            deadline: deadline)
    }

    /// Runs a program to its end.
    @discardableResult
    package func run(
        _ arguments: String..., input: String = "", environment: [String: String?] = [:],
        deadline: Duration = .seconds(60)
    ) throws -> Outcome {
        try program(
            arguments, input: Array(input.utf8), environment: environment, deadline: deadline
        ).run()
    }

    /// Runs a program to its end, with bytes that may be no text as its input.
    @discardableResult
    package func run(
        _ arguments: String..., input: [UInt8], environment: [String: String?] = [:],
        deadline: Duration = .seconds(60)
    ) throws -> Outcome {
        try program(arguments, input: input, environment: environment, deadline: deadline).run()
    }

    /// Starts a program that runs until it is stopped or the sandbox ends.
    package func startDaemon(_ arguments: [String], input: String = "") throws -> Daemon {
        let name = (arguments[0] as NSString).lastPathComponent
        let daemon = try Daemon(
            program(arguments, input: Array(input.utf8)),
            output: file("log/\(uniqueName(name))"))
        guardian.watch(daemon.group)
        state.withLock { $0.daemons.append(daemon) }
        return daemon
    }

    /// A name that nothing in the sandbox has yet.
    package func uniqueName(_ name: String) -> String {
        state.withLock { state in
            state.names += 1
            return "\(name)-\(state.names)"
        }
    }
}
