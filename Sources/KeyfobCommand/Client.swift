internal import ArgumentParser
internal import Credentials

/// A client is a program whose logins Keyfob keeps, as `--client` names it.
enum Client: String, CaseIterable, ExpressibleByArgument, Sendable {
    case docker, podman, cargo, git, terraform, pulumi, token

    /// One for each set of logins: docker and podman share theirs.
    static var each: [Client] { allCases.filter { $0 != .podman } }

    var realm: Realm {
        switch self {
        case .docker, .podman: .docker
        case .cargo: .cargo
        case .git: .git
        case .terraform, .pulumi, .token: .token
        }
    }

    /// Whether the login is one of this client.
    func owns(_ entry: Entry) -> Bool {
        guard entry.realm == realm else { return false }
        return realm != .token || entry.attributes["client"]?.string == rawValue
    }

    /// Whether a person may mean a login by its label: a registry of cargo's by its name, which is
    /// of letters, digits, `-` and `_`. The labels of a locked keyring may not be seen.
    func knowsByLabel(_ server: Text) -> Bool {
        self == .cargo
            && server.bytes.allSatisfy { byte in
                switch byte.lowerCased {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    /// What asks for the client's logins at the server, as a person names it; the best first. None
    /// if it cannot be a server of this client.
    ///
    /// cargo compares a registry's index URL byte for byte, and people know registries by their
    /// names: `entries` are the logins that are known, whose labels tell.
    func queries(for server: Text, among entries: [Entry] = []) -> [Query] {
        switch self {
        case .docker, .podman:
            return [Query(.docker, ["server": server])]
        case .cargo:
            var urls = [server]
            if ["crates-io", "crates.io"].contains(server.string) { urls.append(.cratesIO) }
            for entry in entries where entry.cargoName == server {
                if let url = entry.attributes["url"], !urls.contains(url) { urls.append(url) }
            }
            return urls.map { Query(.cargo, ["url": $0]) }
        case .git:
            return GitAddress(server).map { [$0.query] } ?? []
        case .terraform:
            let host = Text(server.string.lowercased()) ?? server
            let plain = host.string.hasSuffix(":443") ? Text(String(host.string.dropLast(4))) : host
            return [Query(.token, ["client": "terraform", "key": plain ?? host])]
        case .pulumi:
            let keys = server.string.contains("://") ? [server] : [server, server.overHTTPS]
            return keys.map { Query(.token, ["client": "pulumi", "key": $0]) }
        case .token:
            return [Query(.token, ["client": "token", "key": server])]
        }
    }
}

extension Text {
    /// The index of crates.io, as cargo names it whatever protocol it uses.
    fileprivate static var cratesIO: Text { "https://github.com/rust-lang/crates.io-index" }

    fileprivate var overHTTPS: Text { Text("https://" + string) ?? self }
}

extension Entry {
    /// Whose login it is, as `--client` names it; podman's are docker's.
    var clientName: String {
        switch realm {
        case .docker: "docker"
        case .cargo: "cargo"
        case .git: "git"
        case .token: attributes["client"]?.string ?? "token"
        }
    }

    /// What it is for, as a person would type it.
    var serverName: String {
        switch realm {
        case .docker: attributes["server"].map { ServerKey($0).listed.string } ?? ""
        case .cargo: attributes["url"]?.string ?? ""
        case .token: attributes["key"]?.string ?? ""
        case .git:
            (attributes["protocol"]?.string ?? "") + "://" + (attributes["server"]?.string ?? "")
                + (attributes["port"].map { ":\($0)" } ?? "")
                + (attributes["object"].map { "/\($0)" } ?? "")
        }
    }

    var username: Text? { attributes[realm == .git ? "user" : "username"] }

    /// The name of the user as it is shown; nil where there is none or it is empty, and where it
    /// is a token, which is a secret.
    var shownUser: String? {
        username.flatMap { $0.isEmpty || $0.looksLikeToken ? nil : $0.string }
    }

    /// What tells the login of one user at a host of git's from that of another, as a person would
    /// type it.
    var serverNameWithUser: String {
        guard realm == .git, let user = shownUser else { return serverName }
        return serverName.replacing("://", with: "://\(user)@", maxReplacements: 1)
    }
}
