package import Credentials
internal import Files
internal import JSON

/// Another helper is a program that speaks the docker-credential helper protocol as Keyfob does,
/// and keeps logins elsewhere.
package struct OtherHelper: Sendable {
    /// `docker-credential-NAME`.
    package let program: String

    /// A server that there is not.
    private static let probe: Text = "https://keyfob-probe.invalid"
    private static let limit = 4 << 20
    /// How long one question may take, in seconds: it may ask a person. All of it ends in a minute.
    private static let patience = 58
    private static let notFound = "credentials not found in native keychain"
    /// A label that docker-credential-secretservice 0.9 and newer lists for a key.
    private static let labelPrefix = "Registry credentials for "

    package init(_ name: String) { program = "docker-credential-\(name)" }

    /// The keys of its logins.
    package func list() throws(StoreError) -> [Text] {
        try members(of: try ask("list", "unused"), "list").map { member in
            let key = member.name.string
            guard key.hasPrefix(OtherHelper.labelPrefix) else { return member.name }
            return Text(String(key.dropFirst(OtherHelper.labelPrefix.count))) ?? member.name
        }.sorted()
    }

    /// Its login for a key; nil if there is none.
    package func get(_ key: Text) throws(StoreError) -> Credential? {
        let (status, output) = try run("get", key)
        guard status == 0 else {
            guard status == 1, output.firstLine == OtherHelper.notFound else {
                throw failure("get", output)
            }
            return nil
        }
        let members = try members(of: output, "get")
        guard let username = members.last(where: { $0.name == "Username" })?.value.text,
            let secret = members.last(where: { $0.name == "Secret" })?.value.secret,
            !username.isEmpty, !secret.isEmpty
        else { return nil }
        return Credential(.docker(server: key, username: username), secret: secret)
    }

    private func members(of output: Secret, _ action: String) throws(StoreError) -> [JSON.Member] {
        do throws(JSON.Fault) {
            return try JSON(decoding: output).members ?? []
        } catch {
            throw StoreError(
                .helperFailed, "the output of \(program) \(action) is not JSON: \(error)")
        }
    }

    /// Puts a login into it and reads it back, as `PlaintextTarget.add` does; with `dryRun` says what
    /// would become of it.
    package func add(
        _ login: Credential, replaces: Bool, dryRun: Bool
    ) throws(StoreError) -> PlaintextAddition {
        guard let key = login.entry.attributes["server"], let user = login.entry.username else {
            throw StoreError(.namelessLogin, "it does not name its server")
        }
        let other = try get(key)
        if let other {
            if other.secret == login.secret, other.entry.username == user { return .known }
            guard replaces else { return .refused(other.entry) }
        }
        if !dryRun {
            let request: JSON = [
                "ServerURL": .text(key), "Username": .text(user), "Secret": .string(login.secret),
            ]
            guard let input = try? request.encoded() else {
                throw StoreError(.notEncodable, "no helper can be given such a secret")
            }
            _ = try ask("store", input)
            guard let kept = try get(key), kept.secret == login.secret,
                kept.entry.username == user
            else { throw StoreError(.notReadBack, "it could not be read back unchanged") }
        }
        return other == nil ? .added : .replaced
    }

    /// Removes its login for a key, and looks again.
    package func erase(_ key: Text) throws(StoreError) {
        _ = try ask("erase", key)
        let login: Credential?
        do throws(StoreError) {
            login = try get(key)
        } catch {
            // It may say in words of its own that there is none.
            guard try !list().contains(key) else { throw error }
            return
        }
        guard login == nil else {
            throw StoreError(.helperFailed, "\(program) erase reported success but removed nothing")
        }
    }

    /// Whether it makes tokens, and keeps no logins that it is given.
    package func makesTokens() -> Bool {
        guard let (status, output) = try? run("erase", OtherHelper.probe), status != 0 else {
            return false
        }
        let words = output.firstLine.lowercased()
        return ["not implemented", "unimplemented", "unsupported", "not supported"]
            .contains { words.contains($0) }
    }

    /// Whether it keeps its logins in the store itself: what it erases there would be gone. A
    /// made-up login tells, which does not stay.
    package func sharesLogins(with store: any CredentialStore) throws(StoreError) -> Bool {
        let server = OtherHelper.probe
        let probe = #"{"ServerURL":"\#(server)","Username":"probe","Secret":"p"}"#
        guard !makesTokens() else {
            throw StoreError(
                .helperKeepsNothing, "\(program) generates tokens and stores none",
                hint:
                    "nothing to import; docker still uses it for its registries in credHelpers"
            )
        }
        // One that stores nothing shares nothing that could be told by this.
        guard try run("store", Text(probe) ?? "").status == 0 else { return false }
        let isShared = try !store.find(Query(.docker, ["server": server])).isEmpty
        _ = try ask("erase", server)
        return isShared
    }

    // MARK: Asking

    /// What it prints, where it succeeds.
    private func ask(_ action: String, _ input: Text) throws(StoreError) -> Secret {
        try ask(action, Secret(copying: input.bytes.span))
    }

    private func ask(_ action: String, _ input: Secret) throws(StoreError) -> Secret {
        let (status, output) = try run(action, input)
        guard status == 0 else { throw failure(action, output) }
        return output
    }

    private func run(
        _ action: String, _ input: Text
    ) throws(StoreError) -> (status: Int32?, output: Secret) {
        try run(action, Secret(copying: input.bytes.span))
    }

    private func run(
        _ action: String, _ input: Secret
    ) throws(StoreError) -> (status: Int32?, output: Secret) {
        do throws(Child.Failure) {
            return try Child.run(
                [program, action], input: input,
                atMost: OtherHelper.limit, within: OtherHelper.patience)
        } catch {
            switch error {
            case .notStarted(let error):
                throw StoreError(
                    .programNotRun, "\(program) cannot be run: \(error.reason)",
                    hint: "it must be on the PATH, under this name")
            case .timedOut:
                throw StoreError(
                    .programTimedOut,
                    "\(program) \(action) did not end within \(OtherHelper.patience) seconds",
                    hint: "try it by hand: \(program.shellWord) \(action)")
            }
        }
    }

    /// A helper's error is what it prints. Anything else, which may be a login, is not repeated.
    private func failure(_ action: String, _ output: Secret) -> StoreError {
        let line = output.firstLine
        let isSpeakable = line.utf8.count <= 300 && !line.contains("{")
        return StoreError(
            .helperFailed,
            "\(program) \(action) failed" + (isSpeakable && !line.isEmpty ? ": \(line)" : ""))
    }
}

extension Secret {
    /// In the open, so not for secrets.
    fileprivate var firstLine: String {
        expose { bytes in
            var line = bytes.indices.drop { bytes[$0] <= 0x20 }.prefix { bytes[$0] != 0x0A }
            while let last = line.last, bytes[last] <= 0x20 { line.removeLast() }
            return String(decoding: line.map { bytes[$0] }, as: UTF8.self)
        }
    }
}
