package import Credentials
internal import Files
internal import JSON

/// Another helper is a program that speaks the docker-credential helper protocol as Keyfob does,
/// and keeps its logins elsewhere.
package struct OtherHelper: Sendable {
    package let name: String
    package var program: String { "docker-credential-\(name)" }

    /// The URL of a server that does not exist.
    private static let probe: Text = "https://keyfob-probe.invalid"
    private static let limit = 4 << 20
    /// The longest time for one call, in seconds: the helper may ask the user. A call ends within a
    /// minute.
    private static let patience = 58
    private static let notFound = "credentials not found in native keychain"
    /// Part of what pass says that was never set up, and so has no login.
    private static let empty = "password store is empty"
    /// The helpers of clouds that generate tokens. Some of them report success when they are to
    /// erase a login.
    private static let generators: Set = ["acr-env", "cgr", "ecr-login", "gcloud", "yc"]
    /// A label that docker-credential-secretservice 0.9 and newer lists for a key.
    private static let labelPrefix = "Registry credentials for "

    package init(_ name: String) { self.name = name }

    /// Returns the keys of its logins. A key by which the client asks comes after other spellings.
    package func list(for client: any Client = Docker()) throws(StoreError) -> [Text] {
        let (status, output) = try run("list", "unused".secret)
        if status == 1, output.publicFirstLine.contains(OtherHelper.empty) { return [] }
        guard status == 0 else { throw failure("list", output) }
        let members = try value(of: output, "list").members ?? []
        func rank(_ key: Text) -> Int {
            entry(of: .docker(server: key, username: ""), for: client)["server"] == key ? 1 : 0
        }
        return members.map { member in
            let key = member.name.string
            guard key.hasPrefix(OtherHelper.labelPrefix) else { return member.name }
            return Text(String(key.dropFirst(OtherHelper.labelPrefix.count))) ?? member.name
        }.sorted { (rank($0), $0) < (rank($1), $1) }
    }

    /// Returns its login for a key; nil if there is none.
    package func get(_ key: Text) throws(StoreError) -> Credential? {
        let (status, output) = try run("get", key.secret)
        guard status == 0 else {
            let line = output.publicFirstLine
            guard status == 1, line == OtherHelper.notFound || line.contains(OtherHelper.empty)
            else { throw failure("get", output) }
            return nil
        }
        let login = try value(of: output, "get")
        guard let username = login["Username"]?.text, let secret = login["Secret"]?.secret,
            !username.isEmpty || !secret.isEmpty
        else { return nil }
        // docker-credential-pass 0.9 takes such a user name for a folder, and returns its listing.
        guard name != "pass" || !secret.hasPrefix("docker-credential-helpers/") else {
            throw StoreError(
                .helperFailed,
                "\(program) returns no password for a user name that contains a slash",
                hint: "see: pass ls docker-credential-helpers")
        }
        return Credential(.docker(server: key, username: username), secret: secret)
    }

    private func value(of output: Secret, _ action: String) throws(StoreError) -> JSON {
        do throws(JSON.Fault) {
            return try JSON(decoding: output)
        } catch {
            throw StoreError(
                .helperFailed, "the output of \(program) \(action) is not JSON: \(error)")
        }
    }

    /// Returns the login as it is to be stored for the client: under the key by which it asks.
    package func entry(of entry: Entry, for client: any Client) -> Entry {
        let format: RegistryAuths.Format = client.name == Podman().name ? .podman : .docker
        let server = entry["server"] ?? ""
        let key = format.key(of: ServerKey(server)) ?? server
        return .docker(server: key, username: entry.username ?? "")
    }

    /// Stores a login in the helper and reads it back, as `PlaintextTarget.add` does. With `dryRun`
    /// it only returns what it would do.
    package func add(
        _ login: Credential, replaces: Bool, dryRun: Bool
    ) throws(StoreError) -> PlaintextAddition {
        guard let key = login.entry["server"], login.entry.username != nil else {
            throw StoreError(.namelessLogin, "it does not name its server")
        }
        let other = try get(key)
        if let other {
            if other.isSame(as: login) { return .known }
            guard replaces else { return .refused(other.entry) }
        }
        guard !dryRun else { return other == nil ? .added : .replaced }
        let request = try request(key, login)
        var isChanged = false
        do throws(StoreError) {
            // A helper may keep a login for each user.
            if let other, other.entry.username != login.entry.username {
                try erase(key)
                isChanged = true
            }
            _ = try ask("store", request)
            isChanged = true
            guard try get(key)?.isSame(as: login) == true else {
                throw StoreError(.notReadBack, "it could not be read back unchanged")
            }
        } catch {
            throw isChanged ? restoring(other, of: key, after: error) : error
        }
        return other == nil ? .added : .replaced
    }

    /// Puts back the login that the helper had before. Returns the error, which says so if it cannot.
    private func restoring(
        _ other: Credential?, of key: Text, after error: StoreError
    ) -> StoreError {
        _ = try? ask("erase", key.secret)
        guard let other else { return error }
        if let request = try? request(key, other) { _ = try? ask("store", request) }
        if let now = try? get(key), now.isSame(as: other) { return error }
        return StoreError(
            error.code, "\(error.message); \(program) has lost the login that it had before",
            hint: "log in again")
    }

    private func request(_ key: Text, _ login: Credential) throws(StoreError) -> Secret {
        let request: JSON = [
            "ServerURL": .text(key), "Username": .text(login.entry.username ?? ""),
            "Secret": .string(login.secret),
        ]
        guard let input = try? request.encoded() else {
            throw StoreError(.notEncodable, "no helper can be given such a secret")
        }
        return input
    }

    /// Removes its login for a key, and asks for it again.
    package func erase(_ key: Text) throws(StoreError) {
        _ = try ask("erase", key.secret)
        let login: Credential?
        do throws(StoreError) {
            login = try get(key)
        } catch {
            // The helper may report a missing login with a message of its own.
            guard try !list().contains(key) else { throw error }
            return
        }
        guard login == nil else {
            throw StoreError(.helperFailed, "\(program) erase reported success but removed nothing")
        }
    }

    /// Returns true if it has logins, or may have: it does not say.
    var mayHaveLogins: Bool { (try? list().isEmpty) != true }

    /// Returns true if the helper generates tokens for these keys, and does not keep logins.
    package func makesTokens(for keys: [Text] = []) -> Bool {
        (try? makesTokensOrFails(for: keys)) ?? false
    }

    private func makesTokensOrFails(for keys: [Text]) throws(StoreError) -> Bool {
        if OtherHelper.generators.contains(name) { return true }
        // An old one keeps the logins of others in a file.
        if name == "gcr", keys.allSatisfy({ $0.dockerHost.isGoogles }) { return true }
        let (status, output) = try run("erase", OtherHelper.probe.secret)
        guard status != 0 else { return false }
        let words = output.publicFirstLine.lowercased()
        return ["not implemented", "unimplemented", "unsupported", "not supported"]
            .contains { words.contains($0) }
    }

    /// Returns true if the helper is known to keep its logins where Keyfob keeps them: in the keyring.
    package func usesKeyring(of surroundings: Surroundings) -> Bool {
        name == "secretservice" && surroundings.usesKeyring
    }

    /// Returns true if the helper keeps its logins in the store itself: then what it erases would
    /// be lost. It stores a test login to find out, and erases it, unless it is a `dryRun`.
    package func sharesLogins(
        with store: any CredentialStore, dryRun: Bool, _ surroundings: Surroundings
    ) throws(StoreError) -> Bool {
        let server = OtherHelper.probe
        let probe = #"{"ServerURL":"\#(server)","Username":"probe","Secret":"p"}"#
        guard try !makesTokensOrFails(for: []) else {
            throw StoreError(
                .helperKeepsNothing, "\(program) generates tokens and stores none",
                hint: "docker still uses it for its registries in credHelpers"
            )
        }
        guard !dryRun else { return usesKeyring(of: surroundings) }
        // A helper that does not store the test login shares nothing that this test could show.
        guard try run("store", probe.secret).status == 0 else { return false }
        let isShared = try !store.find(Query(.docker, ["server": server])).isEmpty
        do throws(StoreError) {
            _ = try ask("erase", server.secret)
        } catch {
            throw StoreError(
                error.code, "\(error.message); the test login for \(server) remains in it",
                hint: error.hint)
        }
        return isShared
    }

    // MARK: Asking

    /// Returns the helper's output. Throws if the helper fails.
    private func ask(_ action: String, _ input: Secret) throws(StoreError) -> Secret {
        let (status, output) = try run(action, input)
        guard status == 0 else { throw failure(action, output) }
        return output
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

    /// A helper prints its error on standard output. Anything else there may be a login, and is not
    /// repeated.
    private func failure(_ action: String, _ output: Secret) -> StoreError {
        let line = output.publicFirstLine
        let isSpeakable = line.utf8.count <= 300 && !line.contains("{")
        return StoreError(
            .helperFailed,
            "\(program) \(action) failed" + (isSpeakable && !line.isEmpty ? ": \(line)" : ""))
    }
}

extension Text {
    /// True if it is the host of a registry of Google's.
    fileprivate var isGoogles: Bool {
        ["gcr.io", "pkg.dev"].contains { string == $0 || string.hasSuffix(".\($0)") }
    }
}
