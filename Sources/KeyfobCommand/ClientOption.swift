internal import ArgumentParser
internal import Clients
internal import Credentials

/// A client as it is named on the command line.
struct ClientOption: ExpressibleByArgument, Sendable {
    let client: any Client

    init?(argument: String) {
        guard let client = Clients.named(argument) else { return nil }
        self.client = client
    }

    static var allValueStrings: [String] { Clients.all.map(\.name.string) }

    static var defaultCompletionKind: CompletionKind { .list(allValueStrings) }
}

extension OtherHelper {
    /// Throws unless a helper can have this name, and logins of the named client.
    static func validate(_ name: String, for named: ClientOption?) throws {
        guard !name.isEmpty, !name.contains("/") else {
            throw ValidationError("\(name) is not the name of a helper")
        }
        let prefix = "docker-credential-"
        guard !name.hasPrefix(prefix) else {
            throw ValidationError(
                "name the helper without \(prefix): \(name.dropFirst(prefix.count))")
        }
        guard named?.client.sharesLogins(with: Docker()) != false else {
            throw ValidationError("other helpers have logins of docker and podman only")
        }
    }
}
