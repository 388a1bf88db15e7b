internal import Credentials
internal import Files
internal import JSON

/// Another helper is a program that speaks the docker-credential helper protocol as Keyfob does,
/// and keeps logins elsewhere.
struct OtherHelper {
    /// `docker-credential-NAME`.
    let program: String

    private static let limit = 4 << 20
    /// How long one question may take, in seconds: it may ask a person.
    private static let patience = 60
    private static let notFound = "credentials not found in native keychain"
    /// A label that docker-credential-secretservice 0.9 and newer lists for a key.
    private static let labelPrefix = "Registry credentials for "

    init(_ name: String) { program = "docker-credential-\(name)" }

    /// The keys of its logins.
    func list() throws(StoreError) -> [Text] {
        let output = try ask("list", "unused")
        do throws(JSON.Fault) {
            let members = try JSON(decoding: output).members ?? []
            return members.map { member in
                let key = member.name.string
                guard key.hasPrefix(OtherHelper.labelPrefix) else { return member.name }
                return Text(String(key.dropFirst(OtherHelper.labelPrefix.count))) ?? member.name
            }.sorted()
        } catch {
            throw StoreError(.failed, "what \(program) list prints is not JSON: \(error)")
        }
    }

    /// Its login for a key; nil if there is none.
    func get(_ key: Text) throws(StoreError) -> Credential? {
        let (status, output) = try run("get", key)
        guard status == 0 else {
            guard status == 1, output.firstLine == OtherHelper.notFound else {
                throw failure("get", output)
            }
            return nil
        }
        do throws(JSON.Fault) {
            let members = try JSON(decoding: output).members ?? []
            guard let username = members.last(where: { $0.name == "Username" })?.value.text,
                let secret = members.last(where: { $0.name == "Secret" })?.value.secret,
                !username.isEmpty, !secret.isEmpty
            else { return nil }
            return Credential(.docker(server: key, username: username), secret: secret)
        } catch {
            throw StoreError(.failed, "what \(program) get prints is not JSON: \(error)")
        }
    }

    /// Removes its login for a key, and looks again.
    func erase(_ key: Text) throws(StoreError) {
        _ = try ask("erase", key)
        guard try get(key) == nil else {
            throw StoreError(.failed, "\(program) erase succeeds and removes nothing")
        }
    }

    /// Whether it keeps its logins in the store itself: what it erases there would be gone. A
    /// made-up login tells, which does not stay.
    func sharesLogins(with store: any CredentialStore) throws(StoreError) -> Bool {
        let probe = #"{"ServerURL":"https://keyfob-probe.invalid","Username":"probe","Secret":"p"}"#
        _ = try ask("store", Text(probe) ?? "")
        let server: Text = "https://keyfob-probe.invalid"
        let isShared = try !store.find(Query(.docker, ["server": server])).isEmpty
        _ = try ask("erase", server)
        return isShared
    }

    // MARK: Asking

    /// What it prints, where it succeeds.
    private func ask(_ action: String, _ input: Text) throws(StoreError) -> Secret {
        let (status, output) = try run(action, input)
        guard status == 0 else { throw failure(action, output) }
        return output
    }

    private func run(
        _ action: String, _ input: Text
    ) throws(StoreError) -> (status: Int32?, output: Secret) {
        do throws(Child.Failure) {
            return try Child.run(
                [program, action], input: Secret(copying: input.bytes.span),
                atMost: OtherHelper.limit, within: OtherHelper.patience)
        } catch {
            switch error {
            case .notStarted(let error):
                throw StoreError(
                    .failed, "\(program) cannot be run: \(error.reason)",
                    hint: "it must be on the PATH, under this name")
            case .timedOut:
                throw StoreError(
                    .timedOut,
                    "\(program) \(action) did not end within \(OtherHelper.patience) seconds",
                    hint: "run it by hand: \(program) \(action)")
            }
        }
    }

    /// A helper's error is what it prints. Anything else, which may be a login, is not repeated.
    private func failure(_ action: String, _ output: Secret) -> StoreError {
        let line = output.firstLine
        let isSpeakable = line.utf8.count <= 300 && !line.contains("{")
        return StoreError(
            .failed,
            "\(program) \(action) fails" + (isSpeakable && !line.isEmpty ? ": \(line)" : ""))
    }
}

extension Secret {
    /// In the open, so not for secrets.
    fileprivate var firstLine: String {
        expose { bytes in
            let line = bytes.indices.prefix { bytes[$0] != 0x0A }.map { bytes[$0] }
            return String(decoding: line, as: UTF8.self)
        }
    }
}
