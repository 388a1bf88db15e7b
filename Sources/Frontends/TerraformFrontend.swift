internal import Credentials
internal import JSON

/// The credentials helper protocol of terraform and OpenTofu.
///
/// terraform (1.11) calls it with the arguments that its configuration names, then `get`, `store`
/// or `forget`, then a host, in lower case and punycode, without the default port. If the status of
/// a `get` is 0, its output is the answer. terraform shows standard error if `store` or `forget`
/// fails; if a `get` fails it shows nothing and continues without a token. So nothing but an answer
/// is printed, and every failure is reported on standard error.
package struct TerraformFrontend: Frontend {
    /// The longest input, in bytes.
    private static let inputLimit = 1 << 20
    /// The one member of an answer, and of the input of `store`.
    private static let token: Text = "token"

    private let program: Program

    package init(_ program: Program) { self.program = program }

    package func serve(_ arguments: [String], over channel: any Channel) -> ExitStatus {
        do throws(Refusal) {
            return channel.answer(try answer(to: arguments, over: channel))
        } catch {
            guard case .refused(let error) = error else {
                return channel.answer("{}".secret)
            }
            return channel.fail(error.message, hint: error.hint, to: .person)
        }
    }

    private func answer(
        to arguments: [String], over channel: any Channel
    ) throws(Refusal) -> Secret? {
        if arguments == ["--version"] || arguments == ["version"] {
            return program.versionLine
        }
        // Arguments from the configuration come first, and are ignored.
        guard arguments.count >= 2 else {
            throw .refused(
                .usage, "Usage: \(program.name) [ARGUMENT…] <get|store|forget> HOST")
        }
        let (verb, host) = (arguments[arguments.count - 2], arguments[arguments.count - 1])
        // terraform writes all of its input before it reads any output.
        let input = verb == "store" ? try whole(of: channel) : nil
        let place = try place(of: host)
        switch verb {
        case "get":
            return try get(place)
        case "store":
            let token = try token(in: input ?? "".secret)
            channel.willChangeStore()
            try save(token, for: place)
            return nil
        case "forget":
            channel.willChangeStore()
            try program.remove([place])
            return nil
        default:
            throw .refused(.usage, "\(program.name): unknown action: \(verb.printable)")
        }
    }

    private func get(_ place: Query) throws(Refusal) -> Secret {
        guard let login = try program.find(place).first, !login.secret.isEmpty else {
            throw .notFound
        }
        do throws(JSON.Fault) {
            let answer: JSON = [TerraformFrontend.token: .string(login.secret)]
            return try answer.encoded()
        } catch {
            throw .refused(
                .notEncodable, "the stored token cannot be returned to terraform: \(error)",
                hint: "log in again to replace it")
        }
    }

    private func save(_ token: Secret, for place: Query) throws(Refusal) {
        let entry = Entry.token(of: "terraform", key: place.facts["key"] ?? "")
        try program.save(Credential(entry, secret: token))
    }

    /// Returns the query for `host[:port]`, as terraform writes it: it could not ask for any other
    /// form again.
    private func place(of host: String) throws(Refusal) -> Query {
        let isHost = host.utf8.allSatisfy { byte in
            byte.isAlphanumeric && byte == byte.lowerCased || ".-:".utf8.contains(byte)
        }
        guard isHost, !host.isEmpty, let key = Text(host) else {
            throw .refused(
                .badServer, "\"\(host.printable)\" is not a host name in terraform's form",
                hint: "in lower case and punycode: example.com, example.com:8443")
        }
        return Query(.token, ["client": "terraform", "key": key])
    }

    /// Returns the input, which is read to its end even if it is too long.
    private func whole(of channel: any Channel) throws(Refusal) -> Secret {
        let limit = TerraformFrontend.inputLimit
        do throws(Refusal) {
            return try channel.input(atMost: limit)
        } catch {
            var isMore = true
            while isMore {
                do throws(InputError) {
                    _ = try channel.read(atMost: limit)
                    isMore = false
                } catch {
                    isMore = error == .tooLong
                }
            }
            throw error
        }
    }

    /// Returns the token in the input of `store`: an object with a string `token` that is not
    /// empty. Any other member is refused, since it could not be given back.
    private func token(in input: Secret) throws(Refusal) -> Secret {
        let object = try JSON(object: input, named: "input")
        if let other = object.members?.first(where: { $0.name != TerraformFrontend.token }) {
            throw .refused(
                .badInput,
                "the input has \"\(other.name.string.printable)\", but only a token can be stored")
        }
        guard let token = object[TerraformFrontend.token]?.secret, !token.isEmpty else {
            throw .refused(.badSecret, "the input has no token")
        }
        return token
    }
}
