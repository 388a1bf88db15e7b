internal import Credentials
internal import JSON

/// cargo's credential provider protocol, version 1 (cargo 1.95; "Credential provider protocol" in
/// the Cargo book).
///
/// cargo starts a provider for each action, reads a greeting, writes one request on a line, reads
/// one response on a line, and takes any exit status but 0 for a failure. So a failure is a
/// response too, and the status is 0 whenever a response was given. Hints for people go to standard
/// error, which cargo passes on.
package struct CargoFrontend: Frontend {
    /// The longest request, in bytes.
    private static let requestLimit = 1 << 20

    private let program: Program

    package init(_ program: Program) { self.program = program }

    package func serve(_ arguments: [String], over channel: any Channel) -> ExitStatus {
        if arguments == ["--version"] || arguments == ["version"] {
            return channel.answer(program.versionLine)
        }
        guard arguments == ["--cargo-plugin"] else {
            return channel.fail(
                "Usage: \(program.name) --cargo-plugin",
                hint:
                    "cargo runs it; to set it up: keyfob setup cargo",
                to: .person)
        }
        channel.handshake(#"{"v":[1]}"#)
        do throws(Refusal) {
            return channel.answer(try response(to: request(from: channel), over: channel))
        } catch {
            guard case .refused(let error) = error else {
                return channel.answer(Response.notFound)
            }
            if let hint = error.hint { channel.hint(hint) }
            return channel.answer(Response.other(error.message))
        }
    }

    private func response(
        to request: Request, over channel: any Channel
    ) throws(Refusal) -> Secret {
        switch request.kind {
        case "get" where Request.operations.contains(request.operation):
            guard let login = try program.find(request.query).first, !login.secret.isEmpty else {
                throw .notFound
            }
            guard login.secret.isToken else {
                throw .refused(
                    .notEncodable,
                    "the stored token cannot be returned to cargo: it is not one line of text",
                    hint: "log in again to replace it")
            }
            return Response.token(login.secret)
        case "login":
            let token =
                if let given = request.token { given } else {
                    try typedToken(for: request, at: channel)
                }
            guard token.isToken else { throw .refused(.badSecret, "a token is one line of text") }
            let entry = Entry.cargo(url: request.url, name: request.name)
            channel.willChangeStore()
            try program.save(Credential(entry, secret: token))
            return Response.done("login")
        case "logout":
            channel.willChangeStore()
            if try program.remove([request.query]).isEmpty { throw .notFound }
            return Response.done("logout")
        default:
            return Response.operationNotSupported
        }
    }

    /// Asks the user for a token. cargo passes on a token that it was given on its standard input,
    /// and leaves it to the provider to ask the user otherwise.
    private func typedToken(
        for request: Request, at channel: any Channel
    ) throws(Refusal) -> Secret {
        let place = (request.name ?? request.url).string.printable
        let source = request.loginURL.map { ", found on \($0.string.printable)" } ?? ""
        let typed: Secret?
        do throws(StoreError) {
            typed = try channel.ask("token for \(place)\(source): ", for: "token")
        } catch {
            throw .refused(error)
        }
        guard let typed else {
            throw .refused(
                .noTerminal, "no token was given, and there is no terminal to ask for it",
                hint: "give the token on cargo's standard input")
        }
        return typed.trimmed
    }

    private func request(from channel: any Channel) throws(Refusal) -> Request {
        let line: Secret
        do throws(InputError) {
            line = try channel.readLine(atMost: CargoFrontend.requestLimit)
        } catch {
            throw Refusal(error, of: "request", limit: CargoFrontend.requestLimit)
        }
        return try Request(JSON(object: line, named: "request"))
    }
}

/// A request of cargo's.
private struct Request {
    let kind: Text
    /// The operation of a get.
    let operation: Text
    /// The index URL, which names the registry, byte for byte.
    let url: Text
    /// The registry's name in cargo's configuration.
    let name: Text?
    /// The token of a login.
    let token: Secret?
    let loginURL: Text?

    /// The operations of a get; one token serves all of them.
    static let operations: Set<Text> = ["read", "publish", "yank", "unyank", "owners"]

    var query: Query { Query(.cargo, ["url": url]) }

    /// `value` must be an object.
    init(_ value: JSON) throws(Refusal) {
        guard case .integer(1) = value["v"] else {
            throw .refused(.badInput, "the request does not have protocol version 1")
        }
        let registry = value["registry"]
        guard let url = registry?["index-url"]?.text, !url.isEmpty, !url.hasControlCharacter else {
            throw .refused(.badInput, "the request names no index of a registry")
        }
        self.url = url
        name = registry?["name"]?.text.flatMap { $0.hasControlCharacter ? nil : $0 }
        kind = value["kind"]?.text ?? ""
        operation = value["operation"]?.text ?? ""
        token = value["token"]?.secret
        loginURL = value["login-url"]?.text
    }
}

/// The responses.
private enum Response {
    static func token(_ token: Secret) -> Secret {
        // A stored token is the same for every operation, as long as cargo runs.
        object(
            "Ok", kind: "get",
            [
                "token": .string(token), "cache": .text("session"),
                "operation_independent": .bool(true),
            ])
    }

    static func done(_ kind: Text) -> Secret { object("Ok", kind: kind) }

    static var notFound: Secret { object("Err", kind: "not-found") }

    static var operationNotSupported: Secret { object("Err", kind: "operation-not-supported") }

    static func other(_ message: String) -> Secret {
        object("Err", kind: "other", ["message": .text(Text(message.printable) ?? "")])
    }

    private static func object(_ result: Text, kind: Text, _ members: JSON = [:]) -> Secret {
        let json: JSON = [result: ["kind": .text(kind)] + members]
        // Its strings are UTF-8: a token has been checked, and all others are texts.
        return (try? json.encoded()) ?? #"{"Err":{"kind":"unknown"}}"#.secret
    }
}

extension Secret {
    /// True if it can be an HTTP header: text on one line.
    fileprivate var isToken: Bool {
        !isEmpty && isUTF8 && allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}
