internal import ArgumentParser
internal import Clients
internal import Credentials
internal import Files
internal import Settings

/// `keyfob exec`: runs a program with a login in its environment, for programs without credential
/// helpers.
///
/// The program replaces this process, so that no process of Keyfob stays between it and the shell.
/// pulumi is different: it writes a token that it finds in its environment to a file in plain text
/// (pulumi 3.258). So it gets a folder of its own for that, which this process removes.
struct Exec: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract: "Run a program with a login in its environment.",
        usage: "keyfob exec <server> [<options>] -- <command> ...",
        discussion: """
            keyfob exec npm.example.com --env NPM_TOKEN -- npm publish
            keyfob exec --client pulumi https://api.pulumi.com -- pulumi up

            Only that program, and what it starts, gets the secret. Debian's sh passes on no \
            variable of npm's: see keyfob(1).
            """)

    @OptionGroup var wanted: LoginOptions

    @Option(
        help: ArgumentHelp(
            """
            The variable for the secret, or <variable>=username for the user name. May be \
            repeated.
            """, valueName: "variable"))
    var env: [Assignment] = []

    @Argument(parsing: .postTerminator, help: "The program and its arguments.")
    var command: [String] = []

    /// A variable, and the part of the login that is its value.
    struct Assignment: ExpressibleByArgument {
        enum Part: String {
            case secret, username
        }

        let variable: String
        let part: Part

        init?(argument: String) {
            let words = argument.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let part = words.count == 1 ? .secret : Part(rawValue: String(words[1])),
                let name = words.first, Assignment.isName(name.utf8)
            else { return nil }
            variable = String(name)
            self.part = part
        }

        static func isName(_ name: Substring.UTF8View) -> Bool {
            guard let first = name.first, !first.isDigit else { return false }
            return name.allSatisfy { $0.isAlphanumeric || $0 == UInt8(ascii: "_") }
        }
    }

    func validate() throws {
        guard !command.isEmpty else {
            throw ValidationError("no command given; write it after --")
        }
        guard !env.isEmpty || wanted.selection.named?.client.readsEnvironment == true else {
            throw ValidationError("no variable given for the secret; use --env VARIABLE")
        }
    }

    func run() throws {
        let invocation = try Invocation(Console(), wanted.selection.account)
        let login = try invocation.login(for: wanted)
        var variables = try env.map { assignment throws(StoreError) in
            Variable(assignment.variable, try value(assignment.part, of: login, invocation))
        }
        if let variable = variables.first(where: \.holdsNUL) {
            throw StoreError(
                .badSecret, "\(variable.name) cannot hold a NUL, which the secret contains")
        }
        let client = wanted.selection.named?.client
        guard let own = try client?.execution(of: login, in: invocation.surroundings) else {
            throw failure(Variable.exec(command, variables))
        }
        if env.isEmpty {
            variables.append(Variable(own.secret.name, own.secret.value))
            hintAtShell(own.secret.name, invocation)
            if let rival = own.rival {
                invocation.console.warn("the token in \(rival) takes precedence over this login")
            }
        }
        for (name, value) in own.others where invocation.surroundings[name] == nil {
            variables.append(Variable(name, value))
        }
        guard let (variable, settings) = own.folder else {
            throw failure(Variable.exec(command, variables))
        }
        let folder = try ExecFolder(invocation, settings: settings)
        variables.append(Variable(variable, folder.folder.path.secret))
        let status: Int32
        do throws(SystemError) {
            status = try Variable.run(command, variables, keeping: folder.folder)
        } catch {
            folder.remove()
            throw failure(error)
        }
        folder.remove()
        throw ExitCode(status)
    }

    /// Says that dash drops a variable whose name is not one of a shell's variables.
    private func hintAtShell(_ variable: String, _ invocation: Invocation) {
        guard let program = invocation.surroundings.program(command[0]),
            ClientFile(program).identity.hasSuffix("/dash"), !Assignment.isName(variable[...].utf8)
        else { return }
        Console().hint(
            "\(command[0]) passes \(variable) to no program, so it is of no use there: "
                + "see keyfob(1)")
    }

    private func value(
        _ part: Assignment.Part, of login: Credential, _ invocation: Invocation
    ) throws(StoreError) -> Secret {
        switch part {
        case .secret: return try login.token(in: invocation.choice.account)
        case .username:
            guard let username = login.entry.username else {
                throw StoreError(
                    .noUserName, "the login for \(wanted.server.shownAddress) has no user name")
            }
            return username.secret
        }
    }

    /// Reports why the program did not start. Returns the exit status that shells use for that.
    private func failure(_ error: SystemError) -> ExitCode {
        Console().report(
            StoreError(.programNotRun, "cannot run \(command[0]): \(error.reason)"))
        return ExitCode(error == .notFound ? 127 : 126)
    }
}
