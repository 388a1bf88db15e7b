internal import Credentials
internal import JSON

/// The docker-credential helper protocol, as docker, podman and many others use it.
///
/// The texts, the order of checks and the leniencies are those of docker-credential-helpers 594c023
/// (credentials/credentials.go and error.go), because clients compare them. Input that it would
/// corrupt is refused here.
package struct DockerFrontend: Frontend {
    /// The form in which `list` writes a server.
    package enum Listing: Hashable, Sendable {
        /// The spelling that docker looks up.
        case spellings
        /// The host, and only servers that are a host: podman --remote and `podman machine` reject
        /// every pull if one key has a scheme (podman 4.3.1 and HEAD of 2026-04).
        case hosts
    }

    /// The longest input, in bytes.
    package static let inputLimit = 1 << 20

    private let program: Program
    private let listing: Listing

    package init(_ program: Program, listing: Listing = .spellings) {
        self.program = program
        self.listing = listing
    }

    package func serve(_ arguments: [String], over channel: any Channel) -> ExitStatus {
        do throws(Refusal) {
            return channel.answer(try answer(to: arguments, over: channel))
        } catch {
            guard case .refused(let error) = error else {
                return channel.fail(Wire.notFound, hint: nil, to: .client)
            }
            return channel.fail(error.message, hint: error.hint, to: .both)
        }
    }

    private func answer(
        to arguments: [String], over channel: any Channel
    ) throws(Refusal) -> Secret? {
        guard let action = arguments.first, arguments.count == 1 else {
            throw .refused(.usage, usage)
        }
        switch action {
        case "store":
            let credential = try readCredential(from: channel)
            channel.willChangeStore()
            try program.save(credential)
            return nil
        case "get":
            return try get(readKey(from: channel))
        case "erase":
            let key = try readKey(from: channel)
            channel.willChangeStore()
            try program.remove(ServerKey(key).logout.map { $0.spelling.query })
            return nil
        case "list":
            return try list(over: channel)
        case "version", "--version", "-v":
            return program.versionLine
        case "--help", "-h":
            return usage.secret
        default:
            throw .refused(.usage, "\(program.name): unknown action: \(action.printable)")
        }
    }

    private func get(_ key: Text) throws(Refusal) -> Secret {
        guard let login = try program.find(key.query).first, let username = login["username"],
            !login.secret.isEmpty
        else { throw .notFound }
        do throws(JSON.Fault) {
            let answer: JSON = [
                Wire.serverURL: .text(key), Wire.username: .text(username),
                Wire.secret: .string(login.secret),
            ]
            return try answer.encoded()
        } catch {
            throw .refused(
                .notEncodable, "the stored secret cannot be returned to a docker client: \(error)",
                hint: "log in again to replace it")
        }
    }

    private func list(over channel: any Channel) throws(Refusal) -> Secret {
        let listing = try program.list(.docker)
        for warning in listing.warnings { channel.warn(warning.printable) }
        let logins = logins(among: listing.entries, areDistinct: listing.isDistinct)
            .sorted { $0.key < $1.key }
        do throws(JSON.Fault) {
            return try JSON.object(logins.map { JSON.Member($0.key, .text($0.username)) })
                .encoded()
        } catch {
            throw .refused(.notEncodable, "the stored logins cannot be listed: \(error)")
        }
    }

    /// Returns one login for each place: the one that `get` gives for its key.
    private func logins(
        among all: [Entry], areDistinct: Bool
    ) -> [(key: Text, username: Text)] {
        guard !areDistinct else { return all.compactMap { login($0) } }
        var places: [Place: [Entry]] = [:]
        for entry in all where entry["username"] != nil {
            guard let place = entry.place else { continue }
            places[place, default: []].append(entry)
        }
        return places.values.compactMap { entries in
            guard let newest = entries.max(by: { $0.modified ?? 0 < $1.modified ?? 0 }),
                let key = login(newest)?.key
            else { return nil }
            return entries.min { key.query.prefers($0, to: $1) }?["username"].map { (key, $0) }
        }
    }

    /// Returns the login as it is listed; nil if it has no server or no user name, or if the server
    /// has no name in this form of the list.
    private func login(_ entry: Entry) -> (key: Text, username: Text)? {
        guard let server = entry["server"], let username = entry["username"] else {
            return nil
        }
        switch listing {
        case .spellings: return (server.listed, username)
        case .hosts: return ServerKey(server).podmanHost.map { ($0, username) }
        }
    }

    private var usage: String { "Usage: \(program.name) <store|get|erase|list|version>" }
}

extension DockerFrontend {
    /// Reads the input of `get` and `erase`: a server URL, with or without a line's end.
    private func readKey(from channel: any Channel) throws(Refusal) -> Text {
        let bytes = try channel.input(atMost: DockerFrontend.inputLimit).publicBytes
        if bytes.contains(0) {
            throw .refused(.badInput, Wire.controlCharacter(in: Wire.serverURL))
        }
        guard let key = Text(validating: bytes) else {
            throw .refused(.badInput, "\(Wire.serverURL) is not UTF-8")
        }
        return try validServer(key)
    }

    /// Reads the input of `store`: a JSON object. A missing member is the same as null or an empty
    /// string.
    private func readCredential(from channel: any Channel) throws(Refusal) -> Credential {
        let object = try decode(channel.input(atMost: DockerFrontend.inputLimit))
        let server = try validServer(text(Wire.serverURL, of: object) ?? "")
        let username = try text(Wire.username, of: object) ?? ""
        if username.isEmpty { throw .refused(.badUserName, Wire.noUsername) }
        if username.hasControlCharacter {
            throw .refused(.badInput, Wire.controlCharacter(in: Wire.username))
        }
        guard let secret = try string(Wire.secret, of: object), !secret.isEmpty else {
            throw .refused(.badSecret, Wire.noSecret)
        }
        return Credential(.docker(server: server, username: username), secret: secret)
    }

    /// Returns the members of the object in the input; none for `null`.
    private func decode(_ input: Secret) throws(Refusal) -> [JSON.Member] {
        let value: JSON
        do throws(JSON.Fault) {
            value = try JSON(decodingStartOf: input)
        } catch {
            throw .refused(.badInput, "the input is not JSON: \(error)")
        }
        if value.isNull { return [] }
        guard let members = value.members else {
            throw .refused(.badInput, "the input is not an object")
        }
        return members
    }

    private func validServer(_ key: Text) throws(Refusal) -> Text {
        let server = key.trimmed
        if server.isEmpty { throw .refused(.badServer, Wire.noServer) }
        if server.hasControlCharacter {
            throw .refused(.badInput, Wire.controlCharacter(in: Wire.serverURL))
        }
        return server
    }

    private func text(_ name: Text, of object: [JSON.Member]) throws(Refusal) -> Text? {
        guard let string = try string(name, of: object) else { return nil }
        let value = JSON.string(string)
        // A decoded string is UTF-8, so it is a text unless it contains a NUL.
        guard let text = value.text else {
            throw .refused(.badInput, Wire.controlCharacter(in: name))
        }
        return text
    }

    /// Returns the last member of that name, in any case, whose value is not null.
    private func string(_ name: Text, of object: [JSON.Member]) throws(Refusal) -> Secret? {
        guard
            let member = object.last(where: { $0.name.equalsIgnoringCase(name) && !$0.value.isNull }
            )
        else { return nil }
        guard let string = member.value.secret else {
            throw .refused(.badInput, "\(name) is not a string")
        }
        return string
    }
}

/// The texts that clients compare, and the names that they read.
private enum Wire {
    static let serverURL: Text = "ServerURL"
    static let username: Text = "Username"
    static let secret: Text = "Secret"

    static let notFound = "credentials not found in native keychain"
    static let noServer = "no credentials server URL"
    static let noUsername = "no credentials username"
    static let noSecret = "no credentials secret"

    static func controlCharacter(in name: Text) -> String {
        "\(name) contains a control character"
    }
}

extension Text {
    fileprivate var query: Query { Query(.docker, ["server": self]) }

    /// Compares ASCII letters only: no name of the protocol has any other letter.
    fileprivate func equalsIgnoringCase(_ other: Text) -> Bool {
        bytes.count == other.bytes.count
            && zip(bytes, other.bytes).allSatisfy { $0.lowerCased == $1.lowerCased }
    }
}
