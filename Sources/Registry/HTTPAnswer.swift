package import Credentials

/// An answer is what a server said, whatever that is.
package struct HTTPAnswer: Sendable {
    package let status: Int
    /// How it wants to be shown who asks.
    package let challenges: [Challenge]
    /// Where it sends the client.
    package let location: String?
    /// It may hold a token.
    package let body: Secret

    /// `headers` are lines, each with its line feed.
    package init(status: Int, headers: [UInt8] = [], body: Secret) {
        var challenges: [Challenge] = []
        var location: String?
        for line in headers.split(separator: 0x0A) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let value = Array(line[(colon + 1)...])
            switch String(decoding: line[..<colon].map(\.lowerCased), as: UTF8.self) {
            case "www-authenticate": challenges += Challenge.all(in: value)
            case "location":
                location = Text(validating: value)?.trimmed.string
            default: break
            }
        }
        self.status = status
        self.challenges = challenges
        self.location = location
        self.body = body
    }
}
