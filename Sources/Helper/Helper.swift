internal import CPlatform
internal import Credentials
internal import Files
internal import Frontends
internal import Settings

/// The executable that clients call. The name by which it is called chooses the protocol.
@main
struct Helper {
    static func main() {
        guard platform_harden() else { System.exit(1) }
        let arguments = System.arguments
        let name = name(arguments)
        let reading = ProgramName.reading(name)
        let isForCargo = reading?.program == .credentialProvider
        Watchdog.start(isForCargo: isForCargo)

        let channel = StandardIO(isForCargo: isForCargo)
        let status = serve(
            reading?.program, name, reading?.account, Array(arguments.dropFirst()), over: channel)
        // Cleanup by libraries at a normal exit must not delay an answer that has been written.
        System.exit(status.rawValue)
    }

    /// Returns the name by which the program was called. It is a function, since a closure in
    /// `main` would link Swift's concurrency runtime, 0.8 MB.
    private static func name(_ arguments: [String]) -> String {
        arguments.first.flatMap { $0.split(separator: "/").last }.map(String.init) ?? ""
    }

    private static func serve(
        _ program: ProgramName?, _ name: String, _ account: AccountName?, _ arguments: [String],
        over channel: StandardIO
    ) -> ExitStatus {
        guard !platform_has_borrowed_rights() else {
            return channel.fail(
                "refusing to run set-user-ID, set-group-ID or with capabilities", hint: nil,
                to: .both)
        }
        guard let kind = program else {
            return channel.fail(
                "unknown program name",
                hint: "call it \(ProgramName.credentialHelper.rawValue), "
                    + "or by another of its installed names",
                to: .both)
        }
        let program = Program(name: name, version: Version.current) {
            () throws(StoreError) in
            try openStore(for: kind, account, over: channel)
        }
        return switch kind {
        case .credentialHelper:
            DockerFrontend(program).serve(arguments, over: channel)
        case .credentialHelperOfHosts:
            DockerFrontend(program, listing: .hosts).serve(arguments, over: channel)
        case .credentialProvider:
            CargoFrontend(program).serve(arguments, over: channel)
        case .passwordHelper:
            GitFrontend(program, now: { System.seconds }).serve(arguments, over: channel)
        case .tokenHelper:
            TerraformFrontend(program).serve(arguments, over: channel)
        }
    }

    private static func openStore(
        for name: ProgramName, _ account: AccountName?, over channel: StandardIO
    ) throws(StoreError) -> any CredentialStore {
        let maySayMore =
            switch name {
            // A helper of terraform's must print nothing on success.
            case .tokenHelper: false
            // A program that reads git's standard error may take a line there for a failure.
            case .passwordHelper: Stream.errors.isTerminal
            default: true
            }
        return try StoreChoice(
            .ofProcess, account: account,
            notice: { if maySayMore { channel.say("keyfob: \($0)") } },
            willPrompt: { Watchdog.waitForPrompt(seconds: $0) }
        ).store
    }
}
