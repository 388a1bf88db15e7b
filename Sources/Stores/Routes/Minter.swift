internal import Credentials
internal import Files
internal import Web

/// The minter asks a route's source for a login, within a deadline.
///
/// Its errors name the route and the cause. They quote nothing that was printed, except the one
/// line that a helper prints for an error. Programs share the standard error of this process.
struct Minter {
    let route: Route
    let server: RoutedServer

    /// The longest time that a program may run, in seconds: `az` and `gcloud` take several.
    static let patience = 12
    /// The longest output of a program, in bytes: an answer may hold several tokens.
    private static let limit = 256 << 10
    /// The variable that tells a program the name of the route that runs it. A helper of Keyfob's
    /// asks no route if it is set.
    static let variable = "KEYFOB_ROUTE"

    /// Returns the login; nil if the engine has none.
    ///
    /// Throws `routeUnreachable` if the engine cannot be reached now.
    func answer(within seconds: Int) throws(StoreError) -> Answer? {
        switch route.source {
        case .helper(let name):
            return try ask(helper: "docker-credential-\(name)", within: seconds)
        case .command(let words):
            let arguments = try arguments(words)
            let printed = try run(arguments, within: seconds) { status, _ in
                "\(arguments[0]) ended with status \(status)"
            }
            return try read("what \(arguments[0]) printed") { () throws(Answer.Fault) in
                try Answer(printed: printed, route.shape)
            }
        case .environment(let username, let secret):
            return try environment(username, secret)
        case .vault(let path, _):
            return try ask(engine: path, within: seconds)
        case .refused(let reason):
            throw failure("is not valid: \(reason)", code: .badConfiguration)
        }
    }

    // MARK: Programs

    private func ask(helper: String, within seconds: Int) throws(StoreError) -> Answer {
        let input = server.dockerKey.secret
        let printed = try run([helper, "get"], input: input, within: seconds) { _, output in
            let line = output.publicFirstLine
            let isSpeakable = !line.isEmpty && line.utf8.count <= 300 && !line.utf8.contains(0x7B)
            return isSpeakable ? "\(helper) says: \(line)" : "\(helper) failed"
        }
        return try read("what \(helper) printed") { () throws(Answer.Fault) in
            try Answer(printedByHelper: printed, user: route.shape.user)
        }
    }

    /// Returns the arguments with their placeholders filled. Throws if a label that begins with a
    /// hyphen would become an option of the program.
    private func arguments(_ words: [String]) throws(StoreError) -> [String] {
        var arguments: [String] = []
        for word in words {
            let filled = Placeholders.fill(word, for: server)
            guard
                filled == word || filled.utf8.first != UInt8(ascii: "-")
                    || word.utf8.first == UInt8(ascii: "-")
            else { throw failure("cannot name \(server.host) to \(words[0])") }
            arguments.append(filled)
        }
        return arguments
    }

    /// Runs a program, and returns its output if it ends with status 0. `complaint` returns the
    /// message for another status and its output.
    private func run(
        _ arguments: [String], input: Secret? = nil, within seconds: Int,
        _ complaint: (Int32, Secret) -> String
    ) throws(StoreError) -> Secret {
        let program = arguments[0]
        let result: (status: Int32?, output: Secret)
        do throws(Child.Failure) {
            result = try System.with(Minter.variable, route.name) { () throws(Child.Failure) in
                try Child.run(
                    arguments, input: input, atMost: Minter.limit,
                    within: min(seconds, Minter.patience))
            }
        } catch {
            switch error {
            case .notStarted(let error):
                throw failure("\(program) cannot be run: \(error.reason)")
            case .timedOut:
                throw failure("\(program) did not end in time", code: .routeTimedOut)
            }
        }
        guard result.output.count < Minter.limit else {
            throw failure("\(program) printed more than \(Minter.limit >> 10) KiB")
        }
        guard let status = result.status else {
            throw failure("\(program) was ended by a signal")
        }
        guard status == 0 else { throw failure(complaint(status, result.output)) }
        return result.output
    }

    // MARK: An engine, and the environment

    private func ask(engine path: String, within seconds: Int) throws(StoreError) -> Answer? {
        var shape = route.shape
        if shape.user == nil, shape.username == nil { shape.username = "/username" }
        if shape.secret == nil { shape.secret = "/password" }
        let filled = Placeholders.fill(path, for: server) { part in
            var encoded: [UInt8] = []
            for byte in part.utf8 { encoded += FormEncoding(byte).bytes }
            return String(decoding: encoded, as: UTF8.self)
        }
        do throws(Engine.Failure) {
            return try Engine(path: filled).login(shape, within: seconds)
        } catch {
            throw failure(error.reason, code: error.isOutage ? .routeUnreachable : .routeFailed)
        }
    }

    private func environment(
        _ username: String?, _ secret: String
    ) throws(StoreError) -> Answer {
        guard let value = System.secret(secret), !value.isEmpty else {
            throw failure("the variable \(secret) is not set")
        }
        var name = route.shape.user
        if let username {
            guard let value = System.variable(username), !value.isEmpty else {
                throw failure("the variable \(username) is not set")
            }
            name = Text(value)
        }
        return try read("the environment") { () throws(Answer.Fault) in
            try Answer(username: name, secret: value)
        }
    }

    private func failure(_ cause: String, code: ErrorCode = .routeFailed) -> StoreError {
        route.failure(cause, for: server, code: code)
    }

    private func read(
        _ what: String, _ body: () throws(Answer.Fault) -> Answer
    ) throws(StoreError) -> Answer {
        do throws(Answer.Fault) {
            return try body()
        } catch {
            throw failure("\(what) \(error.reason)")
        }
    }
}

extension Route {
    /// Returns the error for a route that gives no answer.
    func failure(
        _ cause: String, for server: RoutedServer, code: ErrorCode = .routeFailed
    ) -> StoreError {
        StoreError(
            code, "the route \(name) failed: \(cause)",
            hint: "to try it by hand: keyfob route test \(server.host.shellWord)")
    }
}
