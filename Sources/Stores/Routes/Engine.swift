internal import Credentials
internal import Files
internal import JSON
internal import Web

/// An engine is a server of OpenBao or Vault that has logins in its key-value store, version 2.
/// They are only read.
///
/// The address and the token come from the settings of the engine's own tools: the variables
/// BAO_ADDR, BAO_TOKEN, BAO_NAMESPACE and BAO_CACERT, or VAULT_… for each that is not set, and the
/// file ~/.vault-token. No answer is quoted, since it may hold an identifier that is a secret.
struct Engine {
    private let address: WebAddress
    private let token: Secret
    private let namespace: Text?
    private let certificates: String?

    /// The reason why there is no login. `isOutage` is true if the engine may answer later.
    struct Failure: Error {
        let reason: String
        var isOutage = false
    }

    /// `path` is below `/v1/`: `MOUNT/data/PATH`.
    init(path: String) throws(Failure) {
        let origin = Engine.variable("ADDR") ?? "https://127.0.0.1:8200"
        let start = origin.utf8.last == UInt8(ascii: "/") ? String(origin.dropLast()) : origin
        guard let address = Text("\(start)/v1/\(path)").flatMap({ WebAddress($0) }) else {
            throw Failure(reason: "BAO_ADDR or VAULT_ADDR is no address")
        }
        guard address.scheme == .https || address.isLoopback else {
            throw Failure(reason: "\(address.origin) is not https, and a token is not sent there")
        }
        self.address = address
        namespace = Engine.variable("NAMESPACE").flatMap { Text($0) }
        certificates = Engine.variable("CACERT")
        token = try Engine.token()
        let isHeader = { (byte: UInt8) in (0x21...0x7E).contains(byte) }
        guard token.allSatisfy(isHeader), namespace?.bytes.allSatisfy(isHeader) != false else {
            throw Failure(reason: "the token or the namespace has a character that none may have")
        }
    }

    /// Returns the login at the path; nil if there is none, or if it has been deleted.
    func login(_ shape: AnswerShape, within seconds: Int) throws(Failure) -> Answer? {
        let answer = try ask(within: seconds)
        switch answer.status {
        case 200: break
        case 404:
            guard Engine.saysThatThereIsNone(answer.body) else {
                throw Failure(
                    reason:
                        "\(address.origin) knows no such mount or namespace, or is no engine (404)")
            }
            return nil
        case 400: throw Failure(reason: "\(address.origin) does not accept the request (400)")
        case 403:
            throw Failure(
                reason: "\(address.origin) denies the permission, or the token has expired (403)")
        case 503:
            throw Failure(reason: "\(address.origin) is sealed, or is down (503)", isOutage: true)
        case let status:
            throw Failure(
                reason: "\(address.origin) answers with status \(status)",
                isOutage: status == 429 || status >= 500)
        }
        guard let value = try? JSON(decoding: answer.body), let data = value[pointer: "/data/data"]
        else {
            throw Failure(reason: "\(address.origin) does not answer as a key-value store does")
        }
        guard !data.isNull else { return nil }
        do throws(Answer.Fault) {
            return try Answer(data, shape)
        } catch {
            throw Failure(reason: "what is stored at \(address.description) \(error.reason)")
        }
    }

    /// Returns true if the body of an answer with status 404 is an engine's for a path without a
    /// login: empty, or JSON that names no error, as it does for a mount that does not exist.
    private static func saysThatThereIsNone(_ body: Secret) -> Bool {
        guard !body.trimmed.isEmpty else { return true }
        guard let members = try? JSON(decoding: body).members else { return false }
        guard let errors = members.last(where: { $0.name == "errors" })?.value else {
            // The metadata of a login that was deleted.
            return members.contains { $0.name == "data" }
        }
        if case .array(let errors) = errors { return errors.isEmpty }
        return errors.isNull
    }

    private func ask(within seconds: Int) throws(Failure) -> HTTPAnswer {
        let curl = Curl(
            userAgent: "keyfob", certificates: certificates, seconds: UInt32(min(seconds, 5)))
        do throws(HTTPFailure) {
            return try curl.ask(
                HTTPRequest(address, as: .engine(token: token, namespace: namespace)))
        } catch {
            let origin = address.origin
            switch error {
            case .unavailable(let reason): throw Failure(reason: "it cannot be asked: \(reason)")
            case .unreachable(let reason):
                throw Failure(reason: "\(origin) cannot be reached: \(reason)", isOutage: true)
            case .notTLS(let reason): throw Failure(reason: "\(origin) speaks no TLS: \(reason)")
            case .untrusted(let reason):
                throw Failure(reason: "\(origin) is not trusted: \(reason)")
            case .tooLong: throw Failure(reason: "\(origin) gives a very long answer")
            }
        }
    }

    // MARK: The settings of its tools

    /// Returns the variable BAO_…, or VAULT_… if that is not set; nil if there is none or it is
    /// empty.
    private static func variable(_ name: String) -> String? {
        let value = System.variable("BAO_" + name) ?? System.variable("VAULT_" + name)
        return value?.isEmpty == false ? value : nil
    }

    private static func token() throws(Failure) -> Secret {
        let named = System.secret("BAO_TOKEN") ?? System.secret("VAULT_TOKEN") ?? .empty
        guard named.isEmpty else { return named }
        let home = System.variable("HOME") ?? System.home ?? ""
        let chosen = System.variable("BAO_TOKEN_PATH") ?? ""
        let path = chosen.isEmpty ? home + "/.vault-token" : chosen
        let name = path.utf8.split(separator: UInt8(ascii: "/")).last.map {
            String(decoding: $0, as: UTF8.self)
        }
        let token: Secret?
        do throws(StoreError) {
            let folder = try OpenFolder.ofAnyone(path.folder)
            token = try folder?.readSecret(name ?? "", atMost: 4096, owned: .mineOrGivenByRoot)
        } catch {
            throw Failure(reason: error.message)
        }
        guard let token = token?.trimmed, !token.isEmpty else {
            throw Failure(reason: "there is no token: neither a variable nor \(path)")
        }
        return token
    }
}
