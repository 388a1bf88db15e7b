import Credentials
import Foundation
import Registry
import Web

extension Subject {
    /// What a registry says of how it is to be shown who asks, and the addresses that it names.
    package static let registryAnswer = Subject("registry-answer") { input in
        let challenges = Challenge.all(in: input)
        for challenge in challenges {
            let names = [challenge.scheme] + challenge.parameters.keys
            for name in names {
                try require(!name.isEmpty, "a name is not empty")
                try require(name.bytes.map(\.lowerCased) == name.bytes, "a name is in lower case")
            }
            for value in challenge.parameters.values { try requireOneAddress(value) }
        }
        let written = Array(challenges.map(header).joined(separator: ", ").utf8)
        try require(Challenge.all(in: written) == challenges, "what is written so is read so")
        if let text = Text(validating: input) {
            try requireOneAddress(text)
            try requireOneRegistry(text)
        }
    }

    private static func header(of challenge: Challenge) -> String {
        let parameters = challenge.parameters.map { name, value in
            let escaped = value.string.unicodeScalars.map { scalar in
                ["\"", "\\"].contains(scalar) ? "\\\(scalar)" : "\(scalar)"
            }
            return "\(name)=\"\(escaped.joined())\""
        }
        return "\(challenge.scheme) \(parameters.joined(separator: ","))"
    }

    /// Foundation, which knows nothing of our grammar, reads the same.
    private static func requireOneAddress(_ text: Text) throws {
        guard let address = WebAddress(text) else { return }
        let sent = address.description
        try require(
            WebAddress(Text(sent) ?? "")?.description == sent, "what is sent is read as it is")
        guard let parts = URLComponents(string: sent, encodingInvalidCharacters: false) else {
            return
        }
        let port = parts.port.map { ":\($0)" } ?? ""
        try require(
            "\(parts.scheme ?? "")://\(parts.host ?? "")\(port)" == address.origin,
            "an address has one origin")
        try require(parts.user == nil && parts.fragment == nil, "an address names no user")
    }

    private static func requireOneRegistry(_ typed: Text) throws {
        guard let registry = RegistryName(typed) else { return }
        let key = ServerKey(registry.key)
        try require(RegistryName(registry.key)?.key == registry.key, "a key is its own")
        try require(key.podmanHost != nil, "a key is a host that every client can name")
        let root = try require(
            WebAddress(Text(WebAddress(rootOf: registry).description) ?? ""), "a root is an address"
        )
        let host = key.isHub ? "https://registry-1.docker.io" : key.normalForm.string
        try require(root.origin == host, "a registry is asked where its login belongs")
    }
}
