internal import CPlatform
internal import Credentials
internal import Frontends
internal import Glibc
internal import Settings

/// The executable that clients call. The name by which it is called chooses the protocol.
@main
struct Helper {
    static func main() {
        guard platform_harden() else { _exit(1) }
        let arguments = CommandLine.arguments
        let program = program(arguments)
        let isForCargo = program == "cargo-credential-keyfob"
        Watchdog.start(isForCargo: isForCargo)

        let channel = StandardIO(isForCargo: isForCargo)
        let status = serve(program, arguments, over: channel)
        // What the libraries would do on the way out must not delay an answer that is given.
        _exit(status.rawValue)
    }

    /// The name by which it was called. A function of its own: a closure in `main` would bring
    /// Swift's concurrency runtime along, 0.8 MB of it.
    private static func program(_ arguments: [String]) -> String {
        arguments.first.flatMap { $0.split(separator: "/").last }.map(String.init) ?? ""
    }

    private static func serve(
        _ program: String, _ arguments: [String], over channel: StandardIO
    ) -> ExitStatus {
        guard !platform_has_borrowed_rights() else {
            channel.refuse("refusing to run set-user-ID, set-group-ID or with capabilities")
            return .failure
        }
        guard let frontend = frontend(for: program, over: channel) else {
            channel.refuse("unknown program name")
            channel.hint(
                "call it docker-credential-keyfob, or by another of the names it is installed under"
            )
            return .failure
        }
        return frontend.serve(Array(arguments.dropFirst()), over: channel)
    }

    private static func frontend(for program: String, over channel: StandardIO) -> (any Frontend)? {
        switch program {
        case "docker-credential-keyfob":
            DockerFrontend(program: program, version: Version.current) { () throws(StoreError) in
                try openStore(over: channel)
            }
        case "docker-credential-keyfob-podman":
            DockerFrontend(
                program: program, version: Version.current, listing: .hosts
            ) { () throws(StoreError) in
                try openStore(over: channel)
            }
        case "terraform-credentials-keyfob":
            // It must be silent where it succeeds.
            TerraformFrontend(program: program, version: Version.current) {
                () throws(StoreError) in
                try openStore(over: channel, notice: { _ in })
            }
        case "cargo-credential-keyfob":
            CargoFrontend(program: program, version: Version.current) { () throws(StoreError) in
                try openStore(over: channel)
            }
        case "git-credential-keyfob":
            // What reads git's standard error, if it is no person, takes it for a failure.
            GitFrontend(program: program, version: Version.current) { () throws(StoreError) in
                isatty(STDERR_FILENO) == 1
                    ? try openStore(over: channel)
                    : try openStore(over: channel, notice: { _ in })
            }
        default:
            nil
        }
    }

    private static func openStore(
        over channel: StandardIO, notice: (@Sendable (String) -> Void)? = nil
    ) throws(StoreError) -> any CredentialStore {
        try StoreChoice(
            .ofProcess, notice: notice ?? { channel.say("keyfob: \($0)") },
            willPrompt: { Watchdog.waitForPrompt(seconds: $0) }
        ).quickStore
    }
}
