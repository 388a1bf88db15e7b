internal import ArgumentParser
internal import Clients
internal import Credentials
internal import Files
internal import JSON
internal import Settings
internal import Stores

/// `keyfob keyring`: answers pip and uv like the command `keyring`, which they run for the password
/// of a package index.
///
/// `keyfob setup pip` makes a link named `keyring`. A get returns pip's login for the URL, or for a
/// shorter URL with which it begins; if there is none, docker's login for the same host, which a
/// route may make.
struct Keyring: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keyring",
        abstract: "Answer pip and uv as the command keyring does.",
        usage: "keyfob keyring get|set|del <service> [<username>]",
        shouldDisplay: false)

    enum Mode: String, CaseIterable, ExpressibleByArgument {
        case password, creds
    }

    enum Form: String, CaseIterable, ExpressibleByArgument {
        case plain, json
    }

    enum Action: String, CaseIterable, ExpressibleByArgument {
        case get, set, del
    }

    @Option(help: "What get prints.")
    var mode = Mode.password

    @Option(help: "How get prints it.")
    var output = Form.plain

    @Argument(help: "What to do.")
    var action: Action

    @Argument(help: "The URL of the index.", completion: Completion.servers)
    var service: String

    @Argument(help: "The user.")
    var username: String?

    func validate() throws {
        guard username != nil || (action == .get && mode == .creds) else {
            throw ValidationError("name the user")
        }
    }

    func run() throws {
        let invocation = try Invocation()
        let key = try Invocation.key(service)
        switch action {
        case .get:
            guard let login = try find(key, invocation) else { throw ExitCode(1) }
            try answer(login, on: invocation.console)
        case .set:
            guard
                let password = try Secret(
                    fromStandardInput: "password", atMost: Terminal.limit, endsAtLine: true),
                !password.isEmpty
            else { throw StoreError(.badSecret, "the password is empty or too long") }
            let query = Pip().queries(for: key, among: [])[0]
            let entry = Entry.token(
                of: Pip().name, key: query.facts["key"] ?? key, username: user)
            let replaced = try invocation.userReplaced(by: entry)
            try invocation.choice.store.save(Credential(entry, secret: password))
            if let replaced { invocation.console.note("this replaced the login of \(replaced)") }
        case .del:
            let query = Pip().queries(for: key, among: [])[0]
            guard try isMeant(invocation.choice.store.find(query).first) else {
                throw StoreError(.notLoggedIn, "no login for \(service)", hint: "see: keyfob list")
            }
            try invocation.choice.store.remove([query])
        }
    }

    private var user: Text? { username.flatMap { Text($0) } }

    /// Returns true if the login has a user name, and it is the named one if one is named.
    private func isMeant(_ login: Credential?) -> Bool {
        guard let name = login?.entry.username else { return false }
        return user == nil || name == user
    }

    private func find(
        _ server: Text, _ invocation: Invocation
    ) throws(StoreError) -> Credential? {
        let pip = Pip()
        let store = invocation.choice.store
        for query in pip.queries(for: server, among: []) + pip.fallbackQueries(for: server) {
            if let login = try store.find(query).first, isMeant(login) { return login }
        }
        guard let query = pip.registryQuery(for: server),
            let login = try store.find(query).first, login.entry.username != "<token>"
        else { return nil }
        return isMeant(login) ? login : nil
    }

    private func answer(_ login: Credential, on console: Console) throws(StoreError) {
        guard mode == .creds else { return console.printBytes(of: login.secret) }
        let name = login.entry.username ?? ""
        guard output == .json else {
            console.printBytes(of: name.secret)
            return console.printBytes(of: login.secret)
        }
        try console.print(["username": .text(name), "password": .string(login.secret)])
    }
}
